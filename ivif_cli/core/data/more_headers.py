"""Claims and completeness of WebP, PGM and PPM, JPEG 2000 and GIF files, as `image_header` has them of the others.

Each function takes the whole file and gives width, height and damage in words; it may raise IndexError, ValueError or
struct.error where the file ends too early.
"""

import re
import struct

_TOKEN = re.compile(rb"(?:\s+|#[^\r\n]*[\r\n])*(\d+)")
_PGM_HEAD = 4096
Claim = tuple[int, int, str]


def webp(view: memoryview) -> Claim:
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


def gif(view: memoryview) -> Claim:
    """Its logical screen; a whole file ends with a semicolon."""
    width, height = struct.unpack("<HH", view[6:10])
    return width, height, "" if bytes(view[-16:]).rstrip(b"\0").endswith(b";") else "truncated"


def pgm(view: memoryview) -> Claim:
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


def jp2(view: memoryview) -> Claim:
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
