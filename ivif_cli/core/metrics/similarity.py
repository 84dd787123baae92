"""How alike fused picture and one source are: VIF, visual information fidelity in the pixel domain (Sheikh and Bovik
2006), SSIM (Wang et al. 2004) and MS-SSIM (Wang, Simoncelli and Bovik 2003).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ivif_cli.core.metrics.maps import SMALLEST_VIF_SIDE, Level, Maps, Smooth, gaussian_window, smooth_valid, strips

_NOISE = 2.0
"""Variance of the visual noise, in squared grey levels."""

_TINY = 1e-10
"""The guard of the reference implementation."""

_FOLD = 32
"""Factors multiplied before one logarithm; each is below 2**13, so the product stays far from overflow."""

_WINDOW = gaussian_window(11, 1.5)
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)

SMALLEST_SSIM_SIDE = 11
"""Side of the window of SSIM [px]."""

SMALLEST_MS_SSIM_SIDE = 161
"""Shortest side at which the window of 11 px fits into the fifth scale [px]."""


def log_sum(factors: np.ndarray) -> float:
    """Sum of natural logarithms of an array of factors in [1, 2**13]: logarithms of products of `_FOLD` of them."""
    flat = np.ravel(factors)
    folded = len(flat) // _FOLD * _FOLD
    total = float(np.log(flat[:folded].reshape(_FOLD, -1).prod(axis=0)).sum())
    return total + float(np.log(flat[folded:]).sum())


def information_of_moments(
    joint: np.ndarray, mean_s: np.ndarray, mean_f: np.ndarray, variance_s: np.ndarray, variance_f: np.ndarray
) -> tuple[float, float]:
    """Kept and own information [nat] of local moments, all HxW; `joint` is the local mean of source times fused."""
    kept = own = 0.0
    for rows in strips(joint.shape):  # a few rows stay in the cache
        var_s, var_f = variance_s[rows], variance_f[rows]
        covariance = joint[rows] - mean_s[rows] * mean_f[rows]
        gain = covariance / (var_s + _TINY)
        signal = var_s * (1 / _NOISE)
        if var_s.min() < _TINY or var_f.min() < _TINY:
            flat = var_s < _TINY
            np.copyto(gain, 0.0, where=flat | (var_f < _TINY))
            np.copyto(signal, 0.0, where=flat)
        np.maximum(gain, 0.0, out=gain)
        noise = np.maximum(var_f - gain * covariance, _TINY)
        noise += _NOISE
        gain *= gain
        gain *= var_s
        gain /= noise
        gain += 1.0
        signal += 1.0
        kept += log_sum(gain)
        own += log_sum(signal)
    return kept, own


def vif_of_levels(source: Sequence[Level], fused: Sequence[Level], smooth: Smooth) -> float:
    """VIF of one source from the scales of both pictures, made with `smooth`; NaN where the source says nothing."""
    kept = own = 0.0
    for s, f in zip(source, fused, strict=True):
        joint = smooth(s.picture * f.picture, s.window)
        part = information_of_moments(joint, s.mean, f.mean, s.variance, f.variance)
        kept, own = kept + part[0], own + part[1]
    return kept / own if own else float("nan")


def vif_of_source(source: Maps, fused: Maps) -> float:
    """VIF of the fused picture against one source: 1 for equal pictures, 0 for a constant fused one.

    NaN where the source is constant or a side is below 41 px.
    """
    if source.is_constant or min(source.shape) < SMALLEST_VIF_SIDE:
        return float("nan")
    return 0.0 if fused.is_constant else vif_of_levels(source.levels, fused.levels, smooth_valid)


@dataclass(frozen=True)
class Similarity:
    """Means over the picture of the whole SSIM and of its contrast-structure part."""

    ssim: float
    contrast_structure: float


def gaussian_similarity(first: np.ndarray, second: np.ndarray, peak: float, *, valid: bool) -> Similarity:
    """SSIM of two HxW float64 pictures: Gaussian 11 x 11, sigma 1.5, population moments, K = 0.01 and 0.03.

    Args:
        peak: dynamic range L of the pictures.
        valid: keep only samples whose window lies inside (NaN where there are none); else the border is replicated.
    """

    if valid and min(first.shape) < SMALLEST_SSIM_SIDE:
        return Similarity(float("nan"), float("nan"))

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


def structural_similarity(source: Maps, fused: Maps, peak: float = 255, *, valid: bool = False) -> float:
    """SSIM of one source as of `gaussian_similarity`, in [-1, 1]."""
    return gaussian_similarity(source.real, fused.real, peak, valid=valid).ssim


def _halve(picture: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels, an odd last row or column continued by its own mirror image."""
    height, width = picture.shape
    even = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) * 0.25


def multiscale_similarity(source: Maps, fused: Maps, peak: float = 255) -> float:
    """MS-SSIM of one source over five scales, in [0, 1]; negative means count as 0, NaN below 161 px."""
    first, second = source.real, fused.real
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
