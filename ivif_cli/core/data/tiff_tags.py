"""Tags of the first directory of a TIFF or BigTIFF file: where its data lies, and what its values mean."""

import contextlib
import struct
from collections.abc import Collection
from dataclasses import dataclass

WIDTH, HEIGHT, BITS, PHOTOMETRIC, STRIPS, SAMPLES, STRIP_BYTES = 256, 257, 258, 262, 273, 277, 279
PLANES, TILES, TILE_BYTES, GDAL_NODATA = 284, 324, 325, 42113
_TYPE_BYTES = dict(zip((*range(1, 14), 16, 17, 18), (1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 8, 8, 8), strict=True))
_CODES = {1: "B", 2: "B", 3: "H", 16: "Q"}
_MAX_ENTRIES = 4096

Buffer = bytes | bytearray | memoryview
Tags = dict[int, tuple[int, ...]]


@dataclass(frozen=True)
class Meaning:
    """What the values of a file mean, where a decoder passes over it.

    Attributes:
        inverted: more than 8 bits, of which 0 is white.
        planar: samples of more than 8 bits in planes of their own.
        no_data: the value that stands for none, as GDAL writes it.
    """

    inverted: bool = False
    planar: bool = False
    no_data: float | None = None


def read_tags(data: Buffer, wanted: Collection[int]) -> Tags:
    """The tags that are wanted and there, by number, as integers (text as its bytes).

    Raises:
        struct.error, IndexError: the file ends too early.
    """
    view = memoryview(data)
    order = "<" if view[:2] == b"II" else ">"
    big = struct.unpack(order + "H", view[2:4])[0] == 43
    word, entry_bytes, count_code = ("Q", 20, "Q") if big else ("I", 12, "H")
    start = struct.unpack_from(order + word, view, 8 if big else 4)[0]
    entries = struct.unpack_from(order + count_code, view, start)[0]
    first = start + struct.calcsize(order + count_code)
    tags: Tags = {}
    for index in range(min(entries, _MAX_ENTRIES)):
        at = first + index * entry_bytes
        tag, kind, count = struct.unpack_from(order + "HH" + word, view, at)
        if tag in wanted:
            tags[tag] = _values(view, order, word, kind, count, at + 4 + struct.calcsize(order + word))
    return tags


def _values(view: memoryview, order: str, word: str, kind: int, count: int, at: int) -> tuple[int, ...]:
    size = _TYPE_BYTES.get(kind, 4) * count
    if size > len(view):
        raise IndexError("a tag larger than its file")
    where = at if size <= struct.calcsize(order + word) else struct.unpack_from(order + word, view, at)[0]
    return struct.unpack_from(f"{order}{count}{_CODES.get(kind, 'I')}", view, where)


def meaning(data: Buffer) -> Meaning:
    """What the values of a TIFF file mean; nothing special where its tags are damaged."""
    try:
        tags = read_tags(data, (BITS, PHOTOMETRIC, SAMPLES, PLANES, GDAL_NODATA))
    except (struct.error, IndexError):
        return Meaning()
    deep = max(tags.get(BITS, (1,))) > 8
    several = tags.get(SAMPLES, (1,))[:1] > (1,)
    no_data = None
    with contextlib.suppress(ValueError):
        no_data = float(bytes(tags.get(GDAL_NODATA, ())).split(b"\0")[0])
    return Meaning(deep and tags.get(PHOTOMETRIC) == (0,), deep and several and tags.get(PLANES) == (2,), no_data)
