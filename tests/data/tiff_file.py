"""TIFF files with tags that neither OpenCV nor Pillow would write."""

import struct

import numpy as np

_KINDS = {"u": 1, "i": 2, "f": 3}


def tiff(values: np.ndarray, *, white_is_zero: bool = False, planar: bool = False, no_data: str = "") -> bytes:
    """A little-endian TIFF of one strip (one a plane where `planar`): H x W or H x W x 3 RGB, of any kind of number."""
    height, width = values.shape[:2]
    samples = values.shape[2] if values.ndim == 3 else 1
    data = (np.moveaxis(values, 2, 0) if planar else values).astype(values.dtype.newbyteorder("<")).tobytes()
    parts = samples if planar else 1
    size, text = len(data) // parts, no_data.encode() + b"\0"
    entries: list[tuple[int, int, list[int] | bytes]] = [
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, [values.dtype.itemsize * 8] * samples),
        (259, 3, [1]),
        (262, 3, [2 if samples == 3 else int(not white_is_zero)]),
        (273, 4, [8 + size * part for part in range(parts)]),
        (277, 3, [samples]),
        (278, 4, [height]),
        (279, 4, [size] * parts),
        (284, 3, [2 if planar else 1]),
        (339, 3, [_KINDS[values.dtype.kind]] * samples),
        *([(42113, 2, text)] if no_data else []),
    ]
    directory, beside = struct.pack("<H", len(entries)), b""
    behind = 8 + len(data) + 2 + 12 * len(entries) + 4
    for tag, kind, content in entries:
        code = "I" if kind == 4 else "H"
        packed = content if isinstance(content, bytes) else struct.pack(f"<{len(content)}{code}", *content)
        field = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack("<I", behind + len(beside))
        beside += b"" if len(packed) <= 4 else packed
        directory += struct.pack("<HHI", tag, kind, len(content)) + field
    return struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + directory + struct.pack("<I", 0) + beside
