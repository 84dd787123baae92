"""VIF: visual information fidelity in the pixel domain (Sheikh and Bovik 2006), summed over both sources."""

import numpy as np

from ivif_cli.core.metrics.maps import SMALLEST_VIF_SIDE, Level, Maps, smooth_valid, strips

_NOISE = 2.0
"""Variance of the visual noise, in squared grey levels."""

_TINY = 1e-10
"""The guard of the reference implementation."""

_FOLD = 32
"""Factors multiplied before one logarithm; each is below 2**13, so the product stays far from overflow."""


def log_sum(factors: np.ndarray) -> float:
    """Sum of natural logarithms of an array of factors in [1, 2**13]: logarithms of products of `_FOLD` of them."""
    flat = np.ravel(factors)
    folded = len(flat) // _FOLD * _FOLD
    total = float(np.log(flat[:folded].reshape(_FOLD, -1).prod(axis=0)).sum())
    return total + float(np.log(flat[folded:]).sum())


def _information(source: Level, fused: Level) -> tuple[float, float]:
    """Information that the fused picture keeps of the source, and all that the source has, at one scale [nat]."""
    joint = smooth_valid(source.picture * fused.picture, source.window)
    return information_of_moments(joint, source.mean, fused.mean, source.variance, fused.variance)


def information_of_moments(
    joint: np.ndarray, mean_s: np.ndarray, mean_f: np.ndarray, variance_s: np.ndarray, variance_f: np.ndarray
) -> tuple[float, float]:
    """Kept and own information [nat] of local moments, all HxW; `joint` is the local mean of source times fused."""
    kept = own = 0.0
    for rows in strips(joint.shape):
        moments = (moment[rows] for moment in (mean_s, mean_f, variance_s, variance_f))
        part_kept, part_own = _strip_information(joint[rows], *moments)
        kept += part_kept
        own += part_own
    return kept, own


def _strip_information(
    joint: np.ndarray, mean_s: np.ndarray, mean_f: np.ndarray, variance_s: np.ndarray, variance_f: np.ndarray
) -> tuple[float, float]:
    """`information_of_moments` of a few rows, which stay in the cache."""
    covariance = joint - mean_s * mean_f
    gain = covariance / (variance_s + _TINY)
    own = variance_s * (1 / _NOISE)
    if variance_s.min() < _TINY or variance_f.min() < _TINY:
        flat = variance_s < _TINY
        np.copyto(gain, 0.0, where=flat | (variance_f < _TINY))
        np.copyto(own, 0.0, where=flat)
    np.maximum(gain, 0.0, out=gain)
    noise = np.maximum(variance_f - gain * covariance, _TINY)
    noise += _NOISE
    gain *= gain
    gain *= variance_s
    gain /= noise
    gain += 1.0
    own += 1.0
    return log_sum(gain), log_sum(own)


def vif_of_source(source: Maps, fused: Maps) -> float:
    """VIF of the fused picture against one source; NaN where the source is constant or a side is below 41 px."""
    if source.is_constant or min(source.shape) < SMALLEST_VIF_SIDE:
        return float("nan")
    if fused.is_constant:
        return 0.0
    kept, own = np.sum([_information(s, f) for s, f in zip(source.levels, fused.levels, strict=True)], axis=0)
    return float(kept / own)


def visual_information_fidelity(ir: Maps, vis: Maps, fused: Maps) -> float:
    """VIF(ir, fused) + VIF(vis, fused); 2 for three equal pictures, 0 for a constant fused one."""
    return vif_of_source(ir, fused) + vif_of_source(vis, fused)
