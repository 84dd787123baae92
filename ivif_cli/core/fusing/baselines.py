"""Fusion without learning, for scale: average, pixel maximum, Laplacian pyramid. Luma in, luma out, uint8."""

from collections.abc import Callable

import cv2
import numpy as np


def average(ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
    """Mean of both, halves rounded down."""
    return ((ir.astype(np.uint16) + vis) >> 1).astype(np.uint8)


def maximum(ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
    """The brighter pixel of both."""
    return np.maximum(ir, vis)


def _laplacian_pyramid(picture: np.ndarray, levels: int) -> list[np.ndarray]:
    pyramid = []
    for _ in range(levels):
        smaller = cv2.pyrDown(picture)
        pyramid.append(picture - cv2.pyrUp(smaller, dstsize=picture.shape[::-1]))
        picture = smaller
    return [*pyramid, picture]


def laplacian(ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
    """Laplacian pyramid of up to five levels: the larger coefficient in modulus, the mean at the top (Burt 1984)."""
    levels = max(0, min(5, min(ir.shape).bit_length() - 2))
    pyramids = [_laplacian_pyramid(picture.astype(np.float64), levels) for picture in (ir, vis)]
    *details, top = [np.where(np.abs(a) >= np.abs(b), a, b) for a, b in zip(*pyramids, strict=True)]
    top = (pyramids[0][-1] + pyramids[1][-1]) / 2
    for detail in reversed(details):
        top = cv2.pyrUp(top, dstsize=detail.shape[::-1]) + detail
    return np.clip(np.rint(top), 0, 255).astype(np.uint8)


BASELINES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "average": average,
    "maximum": maximum,
    "laplacian": laplacian,
}
"""Baselines by name, in the order of reports."""
