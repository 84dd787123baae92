"""Radiometric FLIR JPEGs: temperatures stand beside the picture that the camera rendered.

The rendered picture is 8-bit and in false colour; the temperatures are read by flyr (extra `thermal`). Those of DJI's
cameras are not read, which is said.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ivif_cli.core.errors import InputError

_APP1, _APP3 = 0xE1, 0xE3
_HEAD_BYTES = 1 << 16


def is_flir(path: Path) -> bool:
    """True for a JPEG whose header carries FLIR's thermal records; False for anything else, unreadable files too."""
    return any(marker == _APP1 and data.startswith(b"FLIR\0") for marker, data in _segments(path))


def is_dji(path: Path) -> bool:
    """True for a JPEG of a DJI thermal camera, which keeps raw values in segments that are not read here."""
    found = list(_segments(path))
    return any(marker == _APP3 for marker, _ in found) and any(b"DJI" in data for _, data in found)


def _segments(path: Path) -> Iterator[tuple[int, bytes]]:
    """Markers of a JPEG's header and the beginnings of their data; nothing for other files and unreadable ones."""
    if path.suffix.lower() not in (".jpg", ".jpeg"):
        return
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError:
        return
    position = 2
    while head[:2] == b"\xff\xd8" and position + 4 <= len(head) and head[position] == 0xFF:
        marker, length = head[position + 1], int.from_bytes(head[position + 2 : position + 4], "big")
        yield marker, head[position + 4 : position + 2 + length]
        if marker == 0xDA or length < 2:
            return
        position += 2 + length


def read_flir(path: Path) -> np.ndarray:
    """Temperatures of a radiometric FLIR JPEG.

    Returns:
        H x W float32 [deg C]; the size of the thermal sensor, which may differ from the rendered picture's.

    Raises:
        InputError: flyr is not installed, or cannot read the file.
    """
    try:
        flyr = importlib.import_module("flyr")
    except ImportError:
        raise InputError(
            f"{path} is a radiometric FLIR picture",
            "pip install 'ivif-cli[thermal]' reads its temperatures, --ir-range full takes it as it was rendered",
        ) from None
    try:
        with path.open("rb") as stream:
            celsius = np.asarray(flyr.unpack(stream).celsius, np.float32)
    except Exception as error:  # flyr raises whatever a damaged record leads to
        raise InputError(f"flyr cannot read the temperatures of {path}: {error}") from error
    if celsius.ndim != 2 or not celsius.size or not np.isfinite(celsius).all():
        raise InputError(f"{path} holds no usable temperatures")
    return celsius
