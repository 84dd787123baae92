"""The kind and size of a picture from its first bytes, and whether its file is whole, without decoding it.

A header may claim any size, so it is read before a decoder is allowed to allocate for it; a decoder may also
fill a truncated picture with grey, so completeness is checked here too.
"""

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from ivif_cli.core.data.array_file import NPY_SIGNATURE, array_size
from ivif_cli.core.data.tiff_tags import HEIGHT, STRIP_BYTES, STRIPS, TILE_BYTES, TILES, WIDTH, read_tags

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TIFF_DATA = (STRIPS, TILES), (STRIP_BYTES, TILE_BYTES)
_TOKEN = re.compile(rb"(?:\s+|#[^\r\n]*[\r\n])*(\d+)")
_PGM_HEAD = 4096

Buffer = bytes | bytearray | memoryview
Claim = tuple[int, int, str]
"""Width, height, and damage in words."""


@dataclass(frozen=True)
class ImageHeader:
    """Kind ("PNG", "JPEG", "TIFF", "BMP", ...: see `_PARSERS`) and size in pixels as the file claims them."""

    kind: str
    width: int
    height: int
    damage: str = ""

    @property
    def pixels(self) -> int:
        """Number of pixels the file claims to hold."""
        return self.width * self.height


def read_header(data: Buffer) -> ImageHeader | None:
    """Header of a file of a kind that is read.

    Args:
        data: the whole file.

    Returns:
        the header, with `damage` in words where the file is cut short or corrupt; None for any other kind of file.
    """
    view = memoryview(data)
    for magic, kind, claim in _PARSERS:
        if view[: len(magic)] == magic:
            try:
                return ImageHeader(kind, *claim(view))
            except (struct.error, IndexError, OverflowError, ValueError):
                return ImageHeader(kind, 0, 0, "truncated")
    return None


def _png(view: memoryview) -> Claim:
    width, height = struct.unpack(">II", view[16:24])
    position = len(PNG_SIGNATURE)
    while position + 12 <= len(view):
        (length,) = struct.unpack(">I", view[position : position + 4])
        end = position + 8 + length
        if end + 4 > len(view):
            break
        (checksum,) = struct.unpack(">I", view[end : end + 4])
        if zlib.crc32(view[position + 4 : end]) != checksum:
            return width, height, "corrupt (checksum)"
        if view[position + 4 : position + 8] == b"IEND":
            return width, height, ""
        position = end + 4
    return width, height, "truncated"


def _jpeg(view: memoryview) -> Claim:
    position = 2
    while position + 4 <= len(view) and view[position] == 0xFF and (marker := view[position + 1]) != 0xDA:
        if marker == 0xFF:
            position += 1
            continue
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", view[position + 5 : position + 9])
            whole = bytes(view[position + 4 :]).rfind(b"\xff\xd9") >= 0
            return width, height, "" if whole else "truncated"
        position += 2 + struct.unpack(">H", view[position + 2 : position + 4])[0]
    return 0, 0, "truncated"


def _bmp(view: memoryview) -> Claim:
    offset, info = struct.unpack("<II", view[10:18])
    if info == 12:
        width, height, _, bits = struct.unpack("<HHHH", view[18:26])
        compression = 0
    else:
        width, height, _, bits, compression = struct.unpack("<iiHHI", view[18:34])
    width, height = abs(width), abs(height)
    stored = offset + (width * bits + 31) // 32 * 4 * height
    whole = len(view) >= stored or (compression not in (0, 3) and len(view) > offset)
    return width, height, "" if whole else "truncated"


def _tiff(view: memoryview) -> Claim:
    tags = read_tags(view, (WIDTH, HEIGHT, STRIPS, STRIP_BYTES, TILES, TILE_BYTES))
    offsets, lengths = (tags.get(strips) or tags.get(tiles) or () for strips, tiles in _TIFF_DATA)
    whole = bool(offsets) and all(o + n <= len(view) for o, n in zip(offsets, lengths, strict=False))
    return tags.get(WIDTH, (0,))[0], tags.get(HEIGHT, (0,))[0], "" if whole else "truncated"


def _webp(view: memoryview) -> Claim:
    """RIFF container of a lossy, lossless or extended picture."""
    if view[8:12] != b"WEBP":
        return 0, 0, "a RIFF file without a picture"
    whole = struct.unpack("<I", view[4:8])[0] + 8 <= len(view)
    kind = bytes(view[12:16])
    if kind == b"VP8X":
        width, height = (int.from_bytes(view[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        bits = struct.unpack("<I", view[21:25])[0]
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", view[26:30]))
    return width, height, "" if whole else "truncated"


def _gif(view: memoryview) -> Claim:
    """Its logical screen; a whole file ends with a semicolon."""
    width, height = struct.unpack("<HH", view[6:10])
    return width, height, "" if bytes(view[-16:]).rstrip(b"\0").endswith(b";") else "truncated"


def _pgm(view: memoryview) -> Claim:
    """Binary portable graymap (P5) or pixmap (P6)."""
    head, at = bytes(view[:_PGM_HEAD]), 2
    numbers = []
    for _ in range(3):
        found = _TOKEN.match(head, at)
        if found is None or len(found[1]) > 9:
            return 0, 0, "corrupt (header)"
        numbers.append(int(found[1]))
        at = found.end()
    width, height, white = numbers
    stored = width * height * (3 if head[1:2] == b"6" else 1) * (2 if white > 255 else 1)
    return width, height, "" if at + 1 + stored <= len(view) else "truncated"


def _jp2(view: memoryview) -> Claim:
    """Boxes of a JPEG 2000 file: the size from its image header, the end of its code stream."""
    width = height = 0
    for kind, start, end in _boxes(view, 0, len(view)):
        if kind == b"jp2h":
            for inner, at, _ in _boxes(view, start, end):
                if inner == b"ihdr":
                    height, width = struct.unpack(">II", view[at : at + 8])
        if kind == b"jp2c":
            return width, height, "" if view[end - 2 : end] == b"\xff\xd9" and end <= len(view) else "truncated"
    return width, height, "truncated"


def _boxes(view: memoryview, at: int, stop: int) -> list[tuple[bytes, int, int]]:
    """Kind, begin and end of the contents of each box; one of length 0 goes on to the end."""
    found: list[tuple[bytes, int, int]] = []
    while at + 8 <= min(stop, len(view)) and len(found) < 64:
        length, kind = struct.unpack(">I4s", view[at : at + 8])
        start = at + 8
        if length == 1:
            length, start = struct.unpack(">Q", view[at + 8 : at + 16])[0], at + 16
        end = stop if length == 0 else at + length
        if end < start:
            break
        found.append((kind, start, end))
        at = end
    return found


_PARSERS: tuple[tuple[bytes, str, Callable[[memoryview], Claim]], ...] = (
    (PNG_SIGNATURE, "PNG", _png),
    (b"\xff\xd8\xff", "JPEG", _jpeg),
    (b"BM", "BMP", _bmp),
    *((magic, "TIFF", _tiff) for magic in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")),
    (b"RIFF", "WebP", _webp),
    (b"GIF8", "GIF", _gif),
    (b"P5", "PGM", _pgm),
    (b"P6", "PPM", _pgm),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000", _jp2),
    (NPY_SIGNATURE, "NPY", array_size),
)
"""How a kind of file begins, its name, and what gives its claim; that may raise where the file ends too early."""
