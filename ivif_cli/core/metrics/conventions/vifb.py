"""The benchmark VIFB (Zhang, Ye and Xiao 2020): each colour channel by itself, then the mean."""

import math
from dataclasses import replace

import cv2
import numpy as np

from ivif_cli.core.metrics.conventions.derived import in_report_order, other, same
from ivif_cli.core.metrics.information import mutual_information_of_counts
from ivif_cli.core.metrics.maps import Maps, count_levels
from ivif_cli.core.metrics.similarity import SMALLEST_SSIM_SIDE, gaussian_similarity


def side_by_side_frequency(fused: np.ndarray) -> float:
    """SF of an HxW or HxWx3 BGR uint8 picture; each sum is over H * W * channels.

    The red, green and blue channel lie side by side, so that the two seams between them count as differences.
    """
    flat = fused if fused.ndim == 2 else np.hstack([fused[:, :, channel] for channel in (2, 1, 0)])
    total = 0.0
    for near, far in ((flat[:-1], flat[1:]), (flat[:, :-1], flat[:, 1:])):
        total += cv2.norm(far, near, cv2.NORM_L2SQR) if near.size else 0.0
    return math.sqrt(total / flat.size)


def _stretched(picture: Maps) -> np.ndarray:
    """The picture stretched to 0..255, halves rounded up, uint8; a flat one becomes 0."""
    low, high = int(picture.pixels.min()), int(picture.pixels.max())
    scaled = (picture.real - low) / max(high - low, 1) * 255
    return np.floor(scaled + 0.5).astype(np.uint8)


def stretched_mutual_information(ir: Maps, vis: Maps, fused: Maps) -> float:
    """MI of pictures stretched to 0..255 first [nat]."""
    own = _stretched(fused)
    counts = [count_levels([own, _stretched(source)]) for source in (ir, vis)]
    return sum(mutual_information_of_counts(joint) for joint in counts) * math.log(2)


def root_error(ir: Maps, vis: Maps, fused: Maps) -> float:
    """RMSE of the benchmark: the Frobenius norm of the difference over HW, mean over both sources."""
    norms = sum(cv2.norm(source.pixels, fused.pixels, cv2.NORM_L2) for source in (ir, vis))
    return norms / (2 * fused.pixels.size)


def signal_to_noise_of_root(ir: Maps, vis: Maps, fused: Maps) -> float:
    """PSNR from the benchmark's RMSE in the place of the MSE [dB]."""
    error = root_error(ir, vis, fused)
    return 20 * math.log10(255 / math.sqrt(error)) if error else math.inf


def valid_similarity_sum(ir: Maps, vis: Maps, fused: Maps) -> float:
    """Sum of both sources' SSIM, Gaussian 11 x 11, L = 255, only where the window fits."""
    if min(fused.shape) < SMALLEST_SSIM_SIDE:
        return float("nan")
    return sum(gaussian_similarity(source.real, fused.real, 255, valid=True).ssim for source in (ir, vis))


def _frequency(_ir: Maps, _vis: Maps, fused: Maps) -> float:
    return side_by_side_frequency(fused.pixels)


_NAME = "vifb"
VIFB = in_report_order(
    same(_NAME, ("EN", "SD", "Qabf", "AG"))
    | {
        metric.name: metric
        for metric in (
            other(_NAME, "SF", _frequency, "each sum over H times 3W, channels side by side, seams counted"),
            other(_NAME, "MI", stretched_mutual_information, "pictures stretched to 0..255 first [nat]", "0 to 11.1"),
            other(_NAME, "MSE", root_error, "RMSE: Frobenius norm of the difference over HW", "0 to 255"),
            other(_NAME, "PSNR", signal_to_noise_of_root, "20 log10(255 / sqrt(RMSE)) [dB]"),
            other(_NAME, "SSIM", valid_similarity_sum, "sum over the sources, Gaussian 11 x 11, valid", "-2 to 2"),
        )
    }
)
VIFB["SF"] = replace(VIFB["SF"], of_colour=side_by_side_frequency)
