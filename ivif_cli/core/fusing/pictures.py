"""The arrays of a pair: checked, as grey levels, with their colour put back. No torch."""

import numpy as np

from ivif_cli.core.data.luma import merge, split
from ivif_cli.core.errors import InputError


def check_pair(ir: np.ndarray, vis: np.ndarray) -> None:
    """Raise `InputError` where two arrays are not a pair of pictures of one size."""
    for name, image in (("infrared", ir), ("visible", vis)):
        if image.dtype not in (np.uint8, np.uint16):
            raise InputError(f"the {name} image has {image.dtype} values; uint8 and uint16 can be fused")
        if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
            raise InputError(f"the {name} image has the shape {image.shape}; H x W and H x W x 3 can be fused")
        if image.size == 0:
            raise InputError(f"the {name} image is empty: {image.shape}")
    if ir.shape[:2] != vis.shape[:2]:
        sizes = [f"{image.shape[1]} x {image.shape[0]}" for image in (ir, vis)]
        hint = "cv2.resize gives both one size, as does `ivif fuse --resize`"
        raise InputError(f"infrared is {sizes[0]} pixels, visible {sizes[1]}", hint)


def deeper(ir: np.ndarray, vis: np.ndarray) -> np.dtype:
    """The sample type of the picture with more bits."""
    return max(ir.dtype, vis.dtype, key=lambda kind: kind.itemsize)


def quantised(luma: np.ndarray, depth: np.dtype) -> np.ndarray:
    """H x W float in [0, 1] as grey levels of a sample type, rounded to the nearest."""
    white = np.float32(np.iinfo(depth).max)
    levels = luma * white
    np.rint(levels, out=levels)
    return np.clip(levels, 0.0, white, out=levels).astype(depth)


def with_colour(vis: np.ndarray, fused: np.ndarray, out: np.ndarray | None) -> np.ndarray:
    """Fused luma beside the colour of the visible image, in bands, so that no second copy of it is needed."""
    if vis.ndim == 2:
        if out is None or out.dtype != fused.dtype:
            return fused
        out[:] = fused
        return out
    if out is None or out.dtype != fused.dtype:
        out = np.empty((*fused.shape, 3), fused.dtype)
    for row in range(0, fused.shape[0], 256):
        band = slice(row, row + 256)
        # 8-bit values go to the 16-bit scale where the result has 16 bits.
        image = vis[band] if vis.dtype == fused.dtype else vis[band].astype(fused.dtype) * fused.dtype.type(257)
        out[band] = merge(fused[band], split(image)[1])
    return out
