"""A radiometric FLIR JPEG made from scratch: raw counts and camera constants behind a rendered picture.

Offsets are those that ExifTool documents for FLIR's FFF records; only what turns counts into temperatures is filled in.
"""

import struct
from pathlib import Path

import cv2
import numpy as np

R1, R2, B, F, O = 17096.453, 0.046642166, 1428.0, 1.0, -342  # noqa: E741 - their names in Planck's formula
_RAW_DATA, _CAMERA_INFO = 1, 32
_HEADER, _ENTRY, _PICTURE = 64, 32, 32
_FREE = 2
"""Free entries at the directory's end, as cameras leave some; flyr does not read the last two."""


def celsius_of(counts: np.ndarray) -> np.ndarray:
    """Temperature of a black body near by, by Planck's law with the constants above [deg C]."""
    return B / np.log(R1 / (R2 * (counts.astype(np.float64) + O)) + F) - 273.15


def _camera_info() -> bytes:
    block = bytearray(900)
    # Emissivity 1, distance 0: neither reflections nor the air between count.
    for offset, values in {
        32: (1.0, 0.0, 293.15, 293.15, 293.15, 1.0),
        60: (0.5,),
        88: (R1, B, F),
        112: (0.006569, 0.01262, -0.002276, -0.00667, 1.9),
    }.items():
        struct.pack_into(f"<{len(values)}f", block, offset, *values)
    struct.pack_into("<if", block, 776, O, R2)
    return bytes(block)


def _raw_data(counts: np.ndarray) -> bytes:
    height, width = counts.shape
    return struct.pack("<HHH", 2, width, height).ljust(_PICTURE, b"\0") + counts.astype("<u2").tobytes()


def _records(counts: np.ndarray) -> bytes:
    blocks = {_RAW_DATA: _raw_data(counts), _CAMERA_INFO: _camera_info()}
    place = _HEADER + _ENTRY * (len(blocks) + _FREE)
    entries = b""
    for kind, block in blocks.items():
        entries += struct.pack(">HHIIII", kind, 1, 100, 1, place, len(block)).ljust(_ENTRY, b"\0")
        place += len(block)
    header = (b"FFF\0".ljust(20, b"\0") + struct.pack(">III", 100, _HEADER, len(blocks) + _FREE)).ljust(_HEADER, b"\0")
    return header + entries + bytes(_ENTRY * _FREE) + b"".join(blocks.values())


def write_flir(path: Path, counts: np.ndarray) -> Path:
    """Write H x W uint16 raw counts as a radiometric JPEG (of less than 64 KiB of records)."""
    records = _records(counts)
    segment = b"FLIR\0" + bytes([1, 0, 0]) + records
    jpeg = cv2.imencode(".jpg", np.full((*counts.shape, 3), 77, np.uint8))[1].tobytes()
    path.write_bytes(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:])
    return path
