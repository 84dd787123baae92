"""Arrays of numpy in a file (.npy) as pictures: grey values of a thermal camera, H x W or H x W x 1."""

import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib import format as npy

from ivif_cli.core.errors import InputError

NPY_SIGNATURE = b"\x93NUMPY"
_HEAD_BYTES = 1 << 14


def array_size(view: memoryview) -> tuple[int, int, str]:
    """Width and height that a file claims, and its damage in words (empty where it is whole)."""
    try:
        shape, _, kind, start = _header(view)
    except (ValueError, SyntaxError, MemoryError, RecursionError, OverflowError):
        return 0, 0, "corrupt (header)"
    if len(shape) not in (2, 3):
        return 0, 0, f"an array of the shape {shape}, where H x W is read"
    whole = kind.hasobject or len(view) - start >= kind.itemsize * math.prod(shape)
    return shape[1], shape[0], "" if whole else "truncated"


def read_array(path: str, data: np.ndarray) -> np.ndarray:
    """Values of a whole file, as `array_size` found it.

    Raises:
        InputError: values or a shape that are no grey picture; colour arrays do not say the order of their channels.
    """
    shape, fortran, kind, start = _header(data.data)
    if kind.kind not in "uif":
        raise InputError(f"{path} holds {kind} values; integers and floating-point values can be read")
    if shape[2:] not in ((), (1,)):
        raise InputError(f"{path} is an array of the shape {shape}, where H x W is read", "save colour as PNG or TIFF")
    values = np.frombuffer(data.data, kind, math.prod(shape), start)
    values = values.reshape(shape[:2], order="F" if fortran else "C")
    return values if kind in (np.uint8, np.uint16) else values.astype(np.float32)


def _header(view: memoryview) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, whether columns come first, sample type, and where the values begin."""
    stream = io.BytesIO(view[:_HEAD_BYTES])
    readers: dict[tuple[int, int], Callable[..., Any]] = {
        (1, 0): npy.read_array_header_1_0,
        (2, 0): npy.read_array_header_2_0,
    }
    version = npy.read_magic(stream)
    if version not in readers:
        raise ValueError(f"version {version}")
    shape, fortran, kind = readers[version](stream)
    if any(side < 0 for side in shape):
        raise ValueError("a negative side")
    return shape, fortran, kind, stream.tell()
