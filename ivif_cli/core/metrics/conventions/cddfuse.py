"""The NumPy evaluator published with CDDFuse, which most papers of 2023 to 2025 use; float64 instead of its float32."""

import math

import cv2
import numpy as np

from ivif_cli.core.metrics.conventions.derived import in_report_order, other, same
from ivif_cli.core.metrics.fidelity import vif_of_source
from ivif_cli.core.metrics.information import mutual_information
from ivif_cli.core.metrics.maps import Maps
from ivif_cli.core.metrics.similarity import similarity_of_moments
from ivif_cli.core.metrics.statistics import gradient_sum, mean_squared_error

_SIDE = 7


def mutual_information_in_nats(ir: Maps, vis: Maps, fused: Maps) -> float:
    """MI [nat]."""
    return mutual_information(ir, vis, fused) * math.log(2)


def fidelity_with_flat_sources(ir: Maps, vis: Maps, fused: Maps) -> float:
    """VIF where a source without a value (a flat one) counts as 1."""
    return sum(1.0 if source.is_constant else vif_of_source(source, fused) for source in (ir, vis))


def mean_gradient(fused: Maps) -> float:
    """AG over HW instead of (H-1)(W-1)."""
    return gradient_sum(fused) / fused.pixels.size if min(fused.shape) > 1 else float("nan")


def squared_error(ir: Maps, vis: Maps, fused: Maps) -> float:
    """MSE on grey levels, mean over both sources."""
    return mean_squared_error(ir, vis, fused) * 255**2


def signal_to_noise_of_maximum(ir: Maps, vis: Maps, fused: Maps) -> float:
    """PSNR whose peak is the fused picture's own maximum [dB]."""
    error, peak = squared_error(ir, vis, fused), int(fused.pixels.max())
    if not error:
        return math.inf
    return 10 * math.log10(peak**2 / error) if peak else -math.inf


def _uniform_similarity(source: np.ndarray, fused: np.ndarray) -> float:
    """SSIM of uniform 7 x 7 windows with sample covariance and L = 2, where the window fits."""

    def smooth(picture: np.ndarray) -> np.ndarray:
        margin = _SIDE // 2
        return cv2.blur(picture, (_SIDE, _SIDE))[margin:-margin, margin:-margin]

    moments = (smooth(picture) for picture in (source, fused, source * source, fused * fused, source * fused))
    count = _SIDE * _SIDE
    return similarity_of_moments(*moments, peak=2, unbiased=count / (count - 1)).ssim


def similarity_sum(ir: Maps, vis: Maps, fused: Maps) -> float:
    """Sum of both sources' SSIM as scikit-image computes it for float pictures without a data range."""
    if min(fused.shape) < _SIDE:
        return float("nan")
    return _uniform_similarity(ir.real, fused.real) + _uniform_similarity(vis.real, fused.real)


def of_fused_gradient(_ir: Maps, _vis: Maps, fused: Maps) -> float:
    return mean_gradient(fused)


_NAME = "cddfuse"
CDDFUSE = in_report_order(
    same(_NAME, ("EN", "SD", "SF", "Qabf", "CC", "SCD"))
    | {
        metric.name: metric
        for metric in (
            other(_NAME, "MI", mutual_information_in_nats, "ours times ln 2 [nat]", "0 to 11.1"),
            other(_NAME, "VIF", fidelity_with_flat_sources, "as ours, 1 for a flat source"),
            other(_NAME, "AG", of_fused_gradient, "as ours over HW instead of (H-1)(W-1)"),
            other(_NAME, "MSE", squared_error, "on grey levels: ours times 65025", "0 to 65025"),
            other(_NAME, "PSNR", signal_to_noise_of_maximum, "10 log10(max(fused)^2 / MSE on grey levels) [dB]"),
            other(_NAME, "SSIM", similarity_sum, "sum over the sources, uniform 7 x 7 windows, L = 2", "-2 to 2"),
        )
    }
)
