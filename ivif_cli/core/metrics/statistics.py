"""Metrics from grey levels and neighbouring differences: EN, MI, SD, SF, AG, CC, SCD, MSE, PSNR.

Grey levels are integers, so sums are exact (Python integers) and rounded once, at the end. EN and MI are in bits, of
exact 256-bin histograms (Shannon 1948; MI for fusion: Qu et al. 2002).
"""

import math

import cv2
import numpy as np

from ivif_cli.core.metrics.maps import Maps, count_levels


def entropy_of_counts(counts: np.ndarray) -> float:
    """Shannon entropy of a histogram of integer counts [bit]; empty bins count nothing."""
    occupied = counts[counts > 0].astype(np.float64)
    total = occupied.sum()
    return float(np.log2(total) - (occupied * np.log2(occupied)).sum() / total)


def mutual_information_of_counts(joint: np.ndarray) -> float:
    """I(X;Y) = H(X) + H(Y) - H(X,Y) of joint counts, 256 x 256 of (fused level, source level) [bit]."""
    marginals = entropy_of_counts(joint.sum(axis=0)) + entropy_of_counts(joint.sum(axis=1))
    return marginals - entropy_of_counts(joint.ravel())


def entropy(fused: Maps) -> float:
    """EN: Shannon entropy of the fused picture's histogram [bit], in [0, 8]."""
    return max(0.0, entropy_of_counts(fused.histogram))


def mutual_information(ir: Maps, vis: Maps, fused: Maps) -> float:
    """MI: I(ir;fused) + I(vis;fused) [bit], in [0, 16]."""
    joints = (count_levels([fused.pixels, source.pixels]) for source in (ir, vis))
    return max(0.0, sum(mutual_information_of_counts(joint) for joint in joints))


def standard_deviation(fused: Maps) -> float:
    """SD: population standard deviation of the fused picture [grey level], in [0, 127.5]."""
    return math.sqrt(_covariance(fused, fused) / fused.pixels.size / fused.pixels.size)


def spatial_frequency(fused: Maps) -> float:
    """SF: root of the mean squared vertical plus the mean squared horizontal difference (Eskicioglu, Fisher 1995).

    Each mean is over its own count, (H-1)W and H(W-1); an axis of one pixel adds 0.
    """
    pixels = fused.pixels
    mean_squares = 0.0
    for near, far in ((pixels[:-1], pixels[1:]), (pixels[:, :-1], pixels[:, 1:])):
        if near.size:
            mean_squares += cv2.norm(far, near, cv2.NORM_L2SQR) / near.size
    return math.sqrt(mean_squares)


def average_gradient(fused: Maps, *, over_all: bool = False) -> float:
    """AG: mean of sqrt((gx^2 + gy^2) / 2) over (H-1)(W-1), or `over_all` HW pixels [grey level] (Cui et al. 2015).

    Central differences inside, one-sided ones on the border; NaN where a side is one pixel.
    """
    height, width = fused.shape
    if min(height, width) < 2:
        return float("nan")
    down, across = np.gradient(fused.real)
    total = float(np.sqrt((down * down + across * across) * 0.5).sum())
    return total / (height * width if over_all else (height - 1) * (width - 1))


def _covariance(first: Maps, second: Maps) -> int:
    """N times the sum of products of deviations, an exact integer."""
    return first.product(second) * first.pixels.size - first.total * second.total


def _ratio(covariance: int, variance: int, other_variance: int) -> float:
    """Pearson correlation of exact sums; NaN where one side does not vary."""
    if variance == 0 or other_variance == 0:
        return float("nan")
    return covariance / math.sqrt(variance * other_variance)


def correlation(ir: Maps, vis: Maps, fused: Maps) -> float:
    """CC: mean of the Pearson correlations of the fused picture with both sources, in [-1, 1].

    NaN where one of the three pictures is constant.
    """
    own = _covariance(fused, fused)
    return sum(_ratio(_covariance(s, fused), _covariance(s, s), own) for s in (ir, vis)) / 2


def correlation_of_differences(ir: Maps, vis: Maps, fused: Maps) -> float:
    """SCD: corr(fused - vis, ir) + corr(fused - ir, vis), in [-2, 2] (Aslantas and Bendes 2015).

    NaN where a source or one of the differences is constant.
    """
    own, between = _covariance(fused, fused), _covariance(ir, vis)
    total = 0.0
    for source, other in ((ir, vis), (vis, ir)):
        source_own = _covariance(source, source)
        difference_own = own + _covariance(other, other) - 2 * _covariance(fused, other)
        total += _ratio(_covariance(fused, source) - between, source_own, difference_own)
    return total


def mean_squared_error(ir: Maps, vis: Maps, fused: Maps) -> float:
    """MSE of the fused picture against a source on the scale [0, 1], mean over both sources."""
    total = sum(cv2.norm(source.pixels, fused.pixels, cv2.NORM_L2SQR) for source in (ir, vis))
    return total / (2 * fused.pixels.size * 255**2)


def peak_signal_to_noise(ir: Maps, vis: Maps, fused: Maps) -> float:
    """PSNR: -10 log10(MSE) [dB]; infinite where the fused picture equals both sources."""
    error = mean_squared_error(ir, vis, fused)
    return -10 * math.log10(error) if error else math.inf
