"""Picture files to damage, ways to damage them, and pictures built from absurd parts."""

import io
import struct
import zlib
from functools import cache

import cv2
import numpy as np
from hypothesis import strategies as st
from PIL import Image

NUMBERS = (0, 1, 2, 3, 7, 8, 16, 255, 256, 65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFF0, 1 << 20)
_TAGS = (254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 338, 339, 700)


@cache
def whole_files() -> tuple[bytes, ...]:
    """One small file of every kind that is read."""
    rng = np.random.default_rng(3)
    grey = rng.integers(0, 256, (9, 13)).astype(np.uint8)
    colour = rng.integers(0, 256, (9, 13, 3)).astype(np.uint8)
    alpha = rng.integers(0, 256, (5, 6, 4)).astype(np.uint8)
    deep, deep_colour = grey.astype(np.uint16) * 257, colour.astype(np.uint16) * 257
    real = grey.astype(np.float32) / 300
    pictures: list[tuple[str, np.ndarray]] = [(".png", x) for x in (grey, colour, alpha, deep, deep_colour)]
    pictures += [(".tif", x) for x in (grey, colour, alpha, deep, real, real.astype(np.float64))]
    pictures += [(".jpg", grey), (".jpg", colour), (".bmp", grey), (".bmp", colour)]
    files = [cv2.imencode(suffix, picture)[1].tobytes() for suffix, picture in pictures]
    plain = [cv2.IMWRITE_TIFF_COMPRESSION, 1]
    files += [cv2.imencode(".tif", picture, plain)[1].tobytes() for picture in (grey, deep, real)]
    files += [cv2.imencode(suffix, picture)[1].tobytes() for suffix, picture in ((".pgm", deep), (".ppm", colour))]
    for picture, kind in ((colour, "WEBP"), (grey, "GIF"), (grey, "JPEG2000")):
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, kind)
        files.append(stream.getvalue())
    for picture in (deep, real):
        stream = io.BytesIO()
        np.save(stream, picture)
        files.append(stream.getvalue())
    return tuple(files)


def mend_checksums(data: bytes) -> bytes:
    """A PNG whose chunks' checksums are right again, so that damage reaches the decoder."""
    out, position = bytearray(data), 8
    while position + 12 <= len(out):
        (length,) = struct.unpack(">I", out[position : position + 4])
        end = position + 8 + length
        if end + 4 > len(out):
            break
        out[end : end + 4] = struct.pack(">I", zlib.crc32(out[position + 4 : end]))
        position = end + 4
    return bytes(out)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A whole file with up to five injuries, most of them near its start, where headers are."""
    data = bytearray(draw(st.sampled_from(whole_files())))
    for _ in range(draw(st.integers(0, 5))):
        reach = draw(st.sampled_from((40, 200, len(data))))
        at = draw(st.integers(0, max(0, min(reach, len(data)) - 1)))
        match draw(st.integers(0, 4)):
            case 0:
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 1:
                code = draw(st.sampled_from(("<I", ">I", "<H", ">H")))
                number = draw(st.sampled_from(NUMBERS)) & (0xFFFFFFFF if code[1] == "I" else 0xFFFF)
                data[at : at + struct.calcsize(code)] = struct.pack(code, number)
            case 2:
                del data[at:]
            case 3:
                data[at:at] = draw(st.binary(max_size=12))
            case _:
                del data[at : at + draw(st.integers(1, 9))]
    return mend_checksums(bytes(data)) if data[:4] == b"\x89PNG" and draw(st.booleans()) else bytes(data)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


_SIDES = st.one_of(st.integers(0, 40), st.sampled_from(NUMBERS))


@st.composite
def built_png(draw: st.DrawFn) -> bytes:
    """A PNG of any claim: sizes, depths, colour types, chunks in any order, too little or too much data, bombs."""
    depth = draw(st.sampled_from((0, 1, 2, 4, 8, 16, 32)))
    head = struct.pack(
        ">IIBB3B", draw(_SIDES), draw(_SIDES), depth, draw(st.integers(0, 7)), 0, 0, draw(st.integers(0, 2))
    )
    chunks = [_chunk(b"IHDR", head)]
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from((b"IDAT", b"PLTE", b"tRNS", b"IHDR", b"iCCP", b"zTXt", b"eXIf", b"acTL", b"fdAT")))
        body = draw(st.one_of(st.binary(max_size=60), st.sampled_from((0, 100, 300_000)).map(lambda n: bytes(n))))
        chunks.append(_chunk(kind, zlib.compress(body) if draw(st.booleans()) else body))
    end = [_chunk(b"IEND", b"")] if draw(st.integers(0, 9)) else []
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks + end)


@st.composite
def built_tiff(draw: st.DrawFn) -> bytes:
    """A TIFF or BigTIFF whose tags claim anything, with some data behind them."""
    order, big = draw(st.sampled_from("<>")), draw(st.booleans())
    word, count_code = ("Q", "Q") if big else ("I", "H")
    values = st.one_of(st.sampled_from(NUMBERS), st.integers(0, 300))
    tags = draw(st.lists(st.sampled_from(_TAGS), min_size=1, max_size=14))
    if draw(st.booleans()):
        tags = sorted({256, 257, 258, 259, 262, 273, 277, 278, 279, *tags})
    magic = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    start = 16 if big else 8
    head = magic + (struct.pack(order + "HHQ", 8, 0, start) if big else struct.pack(order + "I", start))
    entries = [
        struct.pack(
            order + "HH" + word * 2,
            tag,
            draw(st.sampled_from((1, 2, 3, 4, 5, 11, 12, 16, 99))),
            draw(st.sampled_from((1, 1, 1, 1, 2, 3, *NUMBERS))),
            draw(values),
        )
        for tag in tags
    ]
    return head + struct.pack(order + count_code, len(entries)) + b"".join(entries) + draw(st.binary(max_size=400))


@st.composite
def built_bmp(draw: st.DrawFn) -> bytes:
    """A BMP of any claim."""
    bits = draw(st.sampled_from((0, 1, 4, 8, 15, 16, 24, 32, 64)))
    sides = [draw(_SIDES) & 0xFFFFFFFF for _ in range(2)]
    info = struct.pack("<IIIHHIIIIII", 40, *sides, 1, bits, draw(st.integers(0, 6)), *[draw(_SIDES) for _ in range(5)])
    offset = draw(st.one_of(st.just(54), st.sampled_from(NUMBERS)))
    return b"BM" + struct.pack("<IHHI", draw(_SIDES), 0, 0, offset) + info + draw(st.binary(max_size=300))
