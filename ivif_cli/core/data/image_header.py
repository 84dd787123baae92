"""The kind and size of a picture from its first bytes, and whether its file is whole, without decoding it.

A header may claim any size, so it is read before a decoder is allowed to allocate for it; a decoder may also
fill a truncated picture with grey, so completeness is checked here too.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ivif_cli.core.data import more_headers
from ivif_cli.core.data.array_file import NPY_SIGNATURE, array_size

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TIFF_TYPE_BYTES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_STRIPS, _TIFF_STRIP_BYTES = 256, 257, 273, 279
_TIFF_TILES, _TIFF_TILE_BYTES = 324, 325
_MAX_TIFF_ENTRIES = 4096

Buffer = bytes | bytearray | memoryview


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
    for magic, kind, parse in _PARSERS:
        if view[: len(magic)] == magic:
            try:
                return parse(view)
            except (struct.error, IndexError, OverflowError, ValueError):
                return ImageHeader(kind, 0, 0, "truncated")
    return None


def _png(view: memoryview) -> ImageHeader:
    width, height = struct.unpack(">II", view[16:24])
    return ImageHeader("PNG", width, height, _png_damage(view))


def _png_damage(view: memoryview) -> str:
    position = len(PNG_SIGNATURE)
    while position + 12 <= len(view):
        (length,) = struct.unpack(">I", view[position : position + 4])
        end = position + 8 + length
        if end + 4 > len(view):
            return "truncated"
        (checksum,) = struct.unpack(">I", view[end : end + 4])
        if zlib.crc32(view[position + 4 : end]) != checksum:
            return "corrupt (checksum)"
        if view[position + 4 : position + 8] == b"IEND":
            return ""
        position = end + 4
    return "truncated"


def _jpeg(view: memoryview) -> ImageHeader:
    for marker, start in _jpeg_segments(view):
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", view[start + 1 : start + 5])
            whole = bytes(view[start:]).rfind(b"\xff\xd9") >= 0
            return ImageHeader("JPEG", width, height, "" if whole else "truncated")
    return ImageHeader("JPEG", 0, 0, "truncated")


def _jpeg_segments(view: memoryview) -> Iterator[tuple[int, int]]:
    """Markers of the segments before the first scan, with the offset of each segment's payload."""
    position = 2
    while position + 4 <= len(view) and view[position] == 0xFF:
        marker = view[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker == 0xDA:
            return
        (length,) = struct.unpack(">H", view[position + 2 : position + 4])
        yield marker, position + 4
        position += 2 + length


def _bmp(view: memoryview) -> ImageHeader:
    offset, info = struct.unpack("<II", view[10:18])
    if info == 12:
        width, height, _, bits = struct.unpack("<HHHH", view[18:26])
        compression = 0
    else:
        width, height, _, bits, compression = struct.unpack("<iiHHI", view[18:34])
    width, height = abs(width), abs(height)
    stored = offset + (width * bits + 31) // 32 * 4 * height
    whole = len(view) >= stored or (compression not in (0, 3) and len(view) > offset)
    return ImageHeader("BMP", width, height, "" if whole else "truncated")


def _tiff(view: memoryview) -> ImageHeader:
    order = "<" if view[:2] == b"II" else ">"
    big = struct.unpack(order + "H", view[2:4])[0] == 43
    tags = _tiff_tags(view, order, big)
    width, height = tags[_TIFF_WIDTH][0], tags[_TIFF_HEIGHT][0]
    offsets = tags.get(_TIFF_STRIPS) or tags.get(_TIFF_TILES) or ()
    lengths = tags.get(_TIFF_STRIP_BYTES) or tags.get(_TIFF_TILE_BYTES) or ()
    whole = bool(offsets) and all(o + n <= len(view) for o, n in zip(offsets, lengths, strict=False))
    return ImageHeader("TIFF", width, height, "" if whole else "truncated")


def _tiff_tags(view: memoryview, order: str, big: bool) -> dict[int, tuple[int, ...]]:
    """Size and data location tags of the first directory of a TIFF or BigTIFF file."""
    word, entry_bytes, count_code = ("Q", 20, "Q") if big else ("I", 12, "H")
    start = struct.unpack_from(order + word, view, 8 if big else 4)[0]
    entries = struct.unpack_from(order + count_code, view, start)[0]
    first = start + struct.calcsize(order + count_code)
    wanted = {_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_STRIPS, _TIFF_STRIP_BYTES, _TIFF_TILES, _TIFF_TILE_BYTES}
    tags: dict[int, tuple[int, ...]] = {_TIFF_WIDTH: (0,), _TIFF_HEIGHT: (0,)}
    for index in range(min(entries, _MAX_TIFF_ENTRIES)):
        at = first + index * entry_bytes
        tag, kind, count = struct.unpack_from(order + "HH" + word, view, at)
        if tag in wanted:
            tags[tag] = _tiff_values(view, order, word, kind, count, at + 4 + struct.calcsize(order + word))
    return tags


def _tiff_values(view: memoryview, order: str, word: str, kind: int, count: int, at: int) -> tuple[int, ...]:
    code = {1: "B", 3: "H", 4: "I", 16: "Q"}[kind if kind in (1, 3, 4, 16) else 4]
    size = _TIFF_TYPE_BYTES.get(kind, 4) * count
    if size > len(view):
        raise IndexError("a tag larger than its file")
    where = at if size <= struct.calcsize(order + word) else struct.unpack_from(order + word, view, at)[0]
    return struct.unpack_from(f"{order}{count}{code}", view, where)


def _claimed(kind: str, claim: Callable[[memoryview], more_headers.Claim]) -> Callable[[memoryview], ImageHeader]:
    return lambda view: ImageHeader(kind, *claim(view))


_PARSERS: tuple[tuple[bytes, str, Callable[[memoryview], ImageHeader]], ...] = (
    (PNG_SIGNATURE, "PNG", _png),
    (b"\xff\xd8\xff", "JPEG", _jpeg),
    (b"BM", "BMP", _bmp),
    (b"II*\x00", "TIFF", _tiff),
    (b"MM\x00*", "TIFF", _tiff),
    (b"II+\x00", "TIFF", _tiff),
    (b"MM\x00+", "TIFF", _tiff),
    (b"RIFF", "WebP", _claimed("WebP", more_headers.webp)),
    (b"GIF8", "GIF", _claimed("GIF", more_headers.gif)),
    (b"P5", "PGM", _claimed("PGM", more_headers.pgm)),
    (b"P6", "PPM", _claimed("PPM", more_headers.pgm)),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000", _claimed("JPEG 2000", more_headers.jp2)),
    (NPY_SIGNATURE, "NPY", _claimed("NPY", array_size)),
)
