"""Arrays of numpy in a file (.npy) as pictures: grey values of a thermal camera, H x W or H x W x 1."""

import math
import re

import numpy as np

from ivif_cli.core.errors import InputError

NPY_SIGNATURE = b"\x93NUMPY"
_HEAD_BYTES = 1 << 10
_HEADER = re.compile(
    rb"\{'descr': '([<>|=]?[a-zA-Z]\d{0,3})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,9}, ?)*(?:\d{1,9})?)\),? ?\}\s*"
)


def array_size(view: memoryview) -> tuple[int, int, str]:
    """Width and height that a file claims, and its damage in words (empty where it is whole)."""
    try:
        shape, _, kind, start = _header(view)
    except ValueError:
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
    if kind.kind == "u" and kind.itemsize <= 2:  # of any byte order
        return values.astype(kind.newbyteorder("="), copy=False)
    with np.errstate(over="ignore"):  # beyond float32 lies no data
        return values.astype(np.float32)


def _header(view: memoryview) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, whether columns come first, sample type, and where the values begin.

    Raises:
        ValueError: a header that numpy does not write for plain arrays.
    """
    start = 10 if view[6] == 1 else 12
    end = start + int.from_bytes(view[8:start], "little")
    found = _HEADER.fullmatch(bytes(view[start : min(end, _HEAD_BYTES)]))
    if found is None:
        raise ValueError("not the header of an array")
    shape = tuple(int(side) for side in found[3].split(b",") if side.strip())
    try:
        return shape, found[2] == b"True", np.dtype(found[1].decode()), end
    except TypeError as error:
        raise ValueError(f"unknown values: {found[1]!r}") from error
