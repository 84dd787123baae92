"""What Python callers hand in, as the arrays the core works on: paths, PIL images, tensors, arrays of other kinds.

Nothing is guessed: what could be meant in two ways is refused, and the message says how to say it.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ivif_cli.core.data.images import read_image
from ivif_cli.core.errors import InputError, UsageError

ORDERS = ("BGR", "RGB")
_PLAIN_MODES = {"1": "L", "LA": "RGBA", "PA": "RGBA", "P": "RGB", "CMYK": "RGB", "YCbCr": "RGB"}


def as_picture(source: Any, role: str, order: str = "BGR") -> np.ndarray:
    """A picture as the core takes it.

    Args:
        source: one of
            a path (str or Path) of a picture;
            a PIL image of mode L, I;16, RGB, or with a palette, or with an alpha channel that is opaque;
            a torch tensor, H x W, 3 x H x W or H x W x 3, of the kinds below;
            an array, H x W, H x W x 1, H x W x 3, or H x W x 4 with an opaque alpha channel: uint8, uint16, or float
            in [0, 1], which is taken on 16 bits.
        role: "infrared" or "visible", for messages.
        order: BGR or RGB, of the channels of arrays and tensors (files and PIL images know their own).

    Returns:
        H x W, or H x W x 3 in BGR order; uint8 or uint16. An array that is one already is returned as it is.

    Raises:
        InputError: anything else; the hint says how to bring it here.
        UsageError: an unknown order.

    >>> as_picture(np.ones((2, 3, 1)), "visible")
    array([[65535, 65535, 65535],
           [65535, 65535, 65535]], dtype=uint16)
    >>> as_picture(np.array([[[255, 0, 9]]], np.uint8), "visible", "RGB")
    array([[[  9,   0, 255]]], dtype=uint8)
    """
    if order not in ORDERS:
        raise UsageError(f"unknown order of channels: {order!r}", "BGR or RGB")
    if isinstance(source, str | Path):
        return read_image(Path(source))
    kind = type(source).__module__.partition(".")[0]
    if kind == "PIL":
        return in_order(_without_alpha(_of_pil(source, role), role), "RGB")
    array = _of_tensor(source) if kind == "torch" else source
    if not isinstance(array, np.ndarray):
        hint = "give a path, a PIL image, a tensor or an array"
        raise InputError(f"the {role} image is of the type {type(source).__name__}", hint)
    return in_order(_without_alpha(_as_integers(array, role), role), order)


def in_order(picture: np.ndarray, order: str) -> np.ndarray:
    """A picture from BGR into the given order of channels, or back; grey ones have none."""
    return picture[..., ::-1] if order == "RGB" and picture.ndim == 3 else picture


def _of_pil(image: Any, role: str) -> np.ndarray:
    if image.mode in _PLAIN_MODES:
        image = image.convert(_PLAIN_MODES[image.mode])
    if image.mode not in ("L", "RGB", "RGBA", "I;16"):
        hint = 'image.convert("RGB") gives one that can; read 16-bit files by their path'
        raise InputError(f"the {role} image has the PIL mode {image.mode}, which cannot be fused", hint)
    return np.asarray(image)


def _of_tensor(tensor: Any) -> np.ndarray:
    """Array of a tensor on any device, channels last."""
    tensor = tensor.detach().cpu()
    array: np.ndarray = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    first = array.ndim == 3 and array.shape[0] in (1, 3, 4) and array.shape[2] not in (1, 3, 4)
    return np.moveaxis(array, 0, -1) if first else array


def _as_integers(array: np.ndarray, role: str) -> np.ndarray:
    if array.dtype.kind == "f" and array.size:
        low, high = float(np.min(array)), float(np.max(array))
        if not (low >= 0.0 and high <= 1.0):
            found = "holds NaN" if np.isnan(low) or np.isnan(high) else f"spans {low:g} to {high:g}"
            hint = "scale floats to [0, 1]"
            raise InputError(f"the {role} image is of {array.dtype} and {found}", hint)
        array = np.rint(array * np.float64(65535)).astype(np.uint16)
    if array.dtype not in (np.uint8, np.uint16):
        hint = "array.astype(np.uint8) where the values are 0 to 255, np.uint16 where they are more"
        raise InputError(f"the {role} image has {array.dtype} values; uint8, uint16 and float in [0, 1] can be", hint)
    return array


def _without_alpha(array: np.ndarray, role: str) -> np.ndarray:
    if array.ndim == 3 and array.shape[2] == 1:
        return array[..., 0]
    if array.ndim == 3 and array.shape[2] == 4:
        if (array[..., 3] != np.iinfo(array.dtype).max).any():
            raise InputError(f"the {role} image is transparent in places", "image[..., :3] leaves the transparency out")
        return array[..., :3]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        hint = "H x W, H x W x 3, or H x W x 4; give one picture at a time (fuse_batch takes lists)"
        raise InputError(f"the {role} image has the shape {array.shape}", hint)
    return array
