"""The PyTorch evaluator published with IVIF_ZOO (Liu et al. 2024); float64 instead of its float32."""

import cv2
import numpy as np

from ivif_cli.core.metrics.artefacts import artefacts
from ivif_cli.core.metrics.conventions.cddfuse import of_fused_gradient
from ivif_cli.core.metrics.conventions.derived import in_report_order, other, same
from ivif_cli.core.metrics.conventions.matlab import high_peak_signal_to_noise
from ivif_cli.core.metrics.fidelity import information_of_moments
from ivif_cli.core.metrics.maps import VIF_WINDOWS, Maps
from ivif_cli.core.metrics.similarity import SMALLEST_SSIM_SIDE, gaussian_similarity, multiscale_of_source


def _leaning_window(side: int) -> np.ndarray:
    """One axis of the window: `side` taps spread evenly over [-(side+1)/2, side/2], so not centred."""
    offsets = np.linspace(-(side + 1) // 2, side // 2, side)
    taps = np.exp(-(offsets**2) / (2 * (side / 5) ** 2))
    return taps / taps.sum()


def _padded_vif(source: np.ndarray, fused: np.ndarray) -> float:
    kept = own = 0.0
    for side in VIF_WINDOWS:
        window = _leaning_window(side)

        def smooth(picture: np.ndarray, window: np.ndarray = window) -> np.ndarray:
            return cv2.sepFilter2D(picture, cv2.CV_64F, window, window, borderType=cv2.BORDER_CONSTANT)

        if side != VIF_WINDOWS[0]:
            source = np.ascontiguousarray(smooth(source)[::2, ::2])
            fused = np.ascontiguousarray(smooth(fused)[::2, ::2])
        mean_s, mean_f = smooth(source), smooth(fused)
        variance_s = np.maximum(smooth(source * source) - mean_s * mean_s, 0)
        variance_f = np.maximum(smooth(fused * fused) - mean_f * mean_f, 0)
        part = information_of_moments(smooth(source * fused), mean_s, mean_f, variance_s, variance_f)
        kept, own = kept + part[0], own + part[1]
    return kept / own if own else float("nan")


def padded_fidelity(ir: Maps, vis: Maps, fused: Maps) -> float:
    """VIF with zero padding and windows that are not centred, sum over both sources."""
    return _padded_vif(ir.real, fused.real) + _padded_vif(vis.real, fused.real)


def similarity_sum(ir: Maps, vis: Maps, fused: Maps) -> float:
    """Sum of both sources' SSIM, valid, with grey levels scaled 255-fold, which is L = 1 on grey levels."""
    if min(fused.shape) < SMALLEST_SSIM_SIDE:
        return float("nan")
    return sum(gaussian_similarity(source.real, fused.real, 1, valid=True).ssim for source in (ir, vis))


def multiscale_sum(ir: Maps, vis: Maps, fused: Maps) -> float:
    """Sum of both sources' MS-SSIM, L = 1 on grey levels; where a scale has an odd side, theirs pads it with zeros."""
    return sum(multiscale_of_source(source.real, fused.real, 1) for source in (ir, vis))


def grey_level_artefacts(ir: Maps, vis: Maps, fused: Maps) -> float:
    """Nabf on grey levels 0..255, where edges below strength 2 weigh nothing."""
    return artefacts(ir.real, vis.real, fused.real, weak=0.0)


_NAME = "ivif-zoo"
IVIF_ZOO = in_report_order(
    same(_NAME, ("EN", "SD", "SF", "MI", "Qabf", "CC", "SCD", "MSE"))
    | {
        metric.name: metric
        for metric in (
            other(_NAME, "VIF", padded_fidelity, "zero-padded borders, windows half a pixel off centre"),
            other(_NAME, "AG", of_fused_gradient, "as ours over HW instead of (H-1)(W-1)"),
            other(_NAME, "PSNR", high_peak_signal_to_noise, "20 log10(255 / sqrt(MSE on [0, 1])) [dB]"),
            other(_NAME, "SSIM", similarity_sum, "sum over the sources, valid, L = 1 on grey levels", "-2 to 2"),
            other(_NAME, "MS-SSIM", multiscale_sum, "sum over the sources, L = 1 on grey levels", "0 to 2"),
            other(_NAME, "Nabf", grey_level_artefacts, "as ours, edges below strength 2 weigh nothing"),
        )
    }
)
