"""SSIM (Wang et al. 2004) and MS-SSIM (Wang, Simoncelli and Bovik 2003), the mean over both sources."""

from dataclasses import dataclass

import cv2
import numpy as np

from ivif_cli.core.metrics.maps import Maps, gaussian_window

_WINDOW = gaussian_window(11, 1.5)
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)

SMALLEST_SSIM_SIDE = 11
"""Side of the window of SSIM [px]."""

SMALLEST_MS_SSIM_SIDE = 161
"""Shortest side at which the window of 11 px fits into the fifth scale [px]."""


@dataclass(frozen=True)
class Similarity:
    """Means over the picture of the whole SSIM and of its contrast-structure part."""

    ssim: float
    contrast_structure: float


def gaussian_similarity(first: np.ndarray, second: np.ndarray, peak: float, *, valid: bool) -> Similarity:
    """SSIM of two HxW float64 pictures: Gaussian 11 x 11, sigma 1.5, population moments, K = 0.01 and 0.03.

    Args:
        peak: dynamic range L of the pictures.
        valid: keep only samples whose window lies inside; else the border is replicated.
    """

    def smooth(picture: np.ndarray) -> np.ndarray:
        smoothed = cv2.sepFilter2D(picture, cv2.CV_64F, _WINDOW, _WINDOW, borderType=cv2.BORDER_REPLICATE)
        return smoothed[5:-5, 5:-5] if valid else smoothed

    return similarity_of_moments(
        *(smooth(picture) for picture in (first, second, first * first, second * second, first * second)), peak=peak
    )


def similarity_of_moments(
    mean_x: np.ndarray,
    mean_y: np.ndarray,
    square_x: np.ndarray,
    square_y: np.ndarray,
    product: np.ndarray,
    *,
    peak: float,
    unbiased: float = 1.0,
) -> Similarity:
    """SSIM of local means of x, y, x^2, y^2 and xy; `unbiased` scales the (co)variances (n/(n-1) for samples)."""
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    means = mean_x * mean_y
    mean_squares = mean_x * mean_x + mean_y * mean_y
    contrast_structure = 2 * unbiased * (product - means) + c2
    contrast_structure /= unbiased * (square_x + square_y - mean_squares) + c2
    luminance = (2 * means + c1) / (mean_squares + c1)
    return Similarity(float((luminance * contrast_structure).mean()), float(contrast_structure.mean()))


def structural_similarity(ir: Maps, vis: Maps, fused: Maps) -> float:
    """SSIM, L = 255, replicated border, mean of both sources, in [-1, 1]."""
    return sum(gaussian_similarity(source.real, fused.real, 255, valid=False).ssim for source in (ir, vis)) / 2


def _halve(picture: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels, an odd last row or column continued by its own mirror image."""
    height, width = picture.shape
    even = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) * 0.25


def multiscale_of_source(first: np.ndarray, second: np.ndarray, peak: float) -> float:
    """MS-SSIM of two HxW float64 pictures over five scales; negative means count as 0, NaN below 161 px."""
    if min(first.shape) < SMALLEST_MS_SSIM_SIDE:
        return float("nan")
    product = 1.0
    for scale, weight in enumerate(_SCALE_WEIGHTS):
        if scale:
            first, second = _halve(first), _halve(second)
        found = gaussian_similarity(first, second, peak, valid=True)
        part = found.ssim if scale == len(_SCALE_WEIGHTS) - 1 else found.contrast_structure
        product *= max(part, 0.0) ** weight
    return product


def multiscale_similarity(ir: Maps, vis: Maps, fused: Maps) -> float:
    """MS-SSIM, L = 255, mean of both sources, in [0, 1]; NaN where a side is below 161 px."""
    return sum(multiscale_of_source(source.real, fused.real, 255) for source in (ir, vis)) / 2
