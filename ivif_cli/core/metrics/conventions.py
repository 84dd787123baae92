"""Conventions by name: the same metrics as other evaluators compute them, so that a published table can be matched.

Theirs are computed in float64 instead of their float32, their slips included.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np

from ivif_cli.core.errors import UsageError
from ivif_cli.core.metrics.artefacts import fusion_artefacts
from ivif_cli.core.metrics.maps import Maps, count_levels, vif_levels
from ivif_cli.core.metrics.metric import Metric, Score, of_fused, over_sources
from ivif_cli.core.metrics.registry import METRICS
from ivif_cli.core.metrics.similarity import (
    multiscale_similarity,
    similarity_of_moments,
    structural_similarity,
    vif_of_levels,
    vif_of_source,
)
from ivif_cli.core.metrics.statistics import (
    average_gradient,
    entropy_of_counts,
    mean_squared_error,
    mutual_information,
    mutual_information_of_counts,
    peak_signal_to_noise,
)
from ivif_cli.core.nearest import nearest

_UNIFORM_SIDE = 7
_Other = tuple[Score, str] | tuple[Score, str, str]
"""A metric as another evaluator computes it: function, formula and, where it is not ours, range."""


@dataclass(frozen=True)
class Convention:
    """A named set of metrics; `per_channel` scores each colour channel and averages, instead of the luma."""

    name: str
    metrics: dict[str, Metric]
    per_channel: bool = False


def _derived(
    name: str, same: Collection[str], others: Mapping[str, _Other], *, per_channel: bool = False
) -> Convention:
    """A convention, its metrics in the order of reports: those that it computes as we do, and those in another way."""
    metrics = {key: replace(ours, convention=name) for key, ours in METRICS.items() if key in {*same, *others}}
    for key, (function, formula, *span) in others.items():
        metrics[key] = replace(metrics[key], function=function, formula=formula, range=(*span, metrics[key].range)[0])
    return Convention(name, metrics, per_channel)


def saturated_mutual_information(ir: Maps, vis: Maps, fused: Maps) -> float:
    """MI where `uint8(255) + 1` stays 255 [bit]: levels 254 and 255 share a bin of the joint histogram.

    0 to 0.041 bit above ours on real pairs.
    """
    total = 0.0
    for source in (ir, vis):
        joint = count_levels([fused.pixels, source.pixels])
        joint[254] += joint[255]
        joint[:, 254] += joint[:, 255]
        marginals = entropy_of_counts(source.histogram) + entropy_of_counts(fused.histogram)
        total += marginals - entropy_of_counts(joint[:255, :255].ravel())
    return total


def signal_to_noise_of_maximum(ir: Maps, vis: Maps, fused: Maps) -> float:
    """PSNR whose peak is the fused picture's own maximum [dB]."""
    error, peak = mean_squared_error(ir, vis, fused) * 255**2, int(fused.pixels.max())
    if not error:
        return math.inf
    return 10 * math.log10(peak**2 / error) if peak else -math.inf


def uniform_similarity(source: Maps, fused: Maps) -> float:
    """SSIM of one source as scikit-image computes it for float pictures without a data range.

    Uniform 7 x 7 windows with sample covariance and L = 2, where the window fits.
    """
    if min(fused.shape) < _UNIFORM_SIDE:
        return float("nan")
    margin, count = _UNIFORM_SIDE // 2, _UNIFORM_SIDE * _UNIFORM_SIDE

    def smooth(picture: np.ndarray) -> np.ndarray:
        return cv2.blur(picture, (_UNIFORM_SIDE, _UNIFORM_SIDE))[margin:-margin, margin:-margin]

    x, y = source.real, fused.real
    moments = (smooth(picture) for picture in (x, y, x * x, y * y, x * y))
    return similarity_of_moments(*moments, peak=2, unbiased=count / (count - 1)).ssim


def padded_fidelity(source: Maps, fused: Maps) -> float:
    """VIF of one source with zero padding and windows that are not centred."""

    def leaning_window(side: int) -> np.ndarray:
        offsets = np.linspace(-(side + 1) // 2, side // 2, side)  # evenly over [-(side+1)/2, side/2]
        taps = np.exp(-(offsets**2) / (2 * (side / 5) ** 2))
        return taps / taps.sum()

    def smooth(picture: np.ndarray, window: np.ndarray) -> np.ndarray:
        return cv2.sepFilter2D(picture, cv2.CV_64F, window, window, borderType=cv2.BORDER_CONSTANT)

    theirs, own = (vif_levels(maps.real, leaning_window, smooth) for maps in (source, fused))
    return vif_of_levels(theirs, own, smooth)


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


_HIGH_PSNR = (
    lambda *maps: peak_signal_to_noise(*maps) + 20 * math.log10(255),
    "20 log10(255 / sqrt(MSE on [0, 1])) [dB]",
)
_AG = of_fused(partial(average_gradient, over_all=True)), "as ours over HW instead of (H-1)(W-1)"

_MATLAB = _derived(
    "matlab",
    ("EN", "SD", "SF", "VIF", "Qabf", "AG", "CC", "SCD", "MSE"),
    {
        "MI": (saturated_mutual_information, "as ours, levels 254 and 255 in one bin of the joint"),
        "PSNR": _HIGH_PSNR,
        "SSIM": (
            over_sources(partial(structural_similarity, peak=1), mean=True),
            "as ours with L = 1 on grey levels 0..255",
        ),
        "Nabf": (
            lambda ir, vis, fused: fusion_artefacts(vis, fused, ir),
            "called with (ir, vis, fused) where (fused, ir, vis) is meant",
        ),
    },
)
"""General Evaluation Metric scripts for MATLAB, state of 2023, which most papers use.

FMI is left out: what these scripts report as FMI_pixel is MATLAB's edge feature.
"""
_CDDFUSE = _derived(
    "cddfuse",
    ("EN", "SD", "SF", "Qabf", "CC", "SCD"),
    {
        "MI": (lambda *maps: mutual_information(*maps) * math.log(2), "ours times ln 2 [nat]", "0 to 11.1"),
        "VIF": (
            over_sources(lambda source, fused: 1.0 if source.is_constant else vif_of_source(source, fused)),
            "as ours, 1 for a flat source",
        ),
        "AG": _AG,
        "MSE": (lambda *maps: mean_squared_error(*maps) * 255**2, "on grey levels: ours times 65025", "0 to 65025"),
        "PSNR": (signal_to_noise_of_maximum, "10 log10(max(fused)^2 / MSE on grey levels) [dB]"),
        "SSIM": (over_sources(uniform_similarity), "sum over the sources, uniform 7 x 7 windows, L = 2", "-2 to 2"),
    },
)
"""NumPy evaluator published with CDDFuse, which most papers of 2023 to 2025 use."""
_VIFB = _derived(
    "vifb",
    ("EN", "SD", "Qabf", "AG"),
    {
        "SF": (
            of_fused(lambda fused: side_by_side_frequency(fused.pixels)),
            "each sum over H times 3W, channels side by side, seams counted",
        ),
        "MI": (stretched_mutual_information, "pictures stretched to 0..255 first [nat]", "0 to 11.1"),
        "MSE": (root_error, "RMSE: Frobenius norm of the difference over HW", "0 to 255"),
        "PSNR": (signal_to_noise_of_root, "20 log10(255 / sqrt(RMSE)) [dB]"),
        "SSIM": (
            over_sources(partial(structural_similarity, valid=True)),
            "sum over the sources, Gaussian 11 x 11, valid",
            "-2 to 2",
        ),
    },
    per_channel=True,
)
"""Visible and infrared image fusion benchmark (Zhang, Ye, Xiao 2020): each colour channel by itself, then the mean."""
_VIFB.metrics["SF"] = replace(_VIFB.metrics["SF"], of_colour=side_by_side_frequency)
_IVIF_ZOO = _derived(
    "ivif-zoo",
    ("EN", "SD", "SF", "MI", "Qabf", "CC", "SCD", "MSE"),
    {
        "VIF": (over_sources(padded_fidelity), "zero-padded borders, windows half a pixel off centre"),
        "AG": _AG,
        "PSNR": _HIGH_PSNR,
        "SSIM": (
            over_sources(partial(structural_similarity, peak=1, valid=True)),  # grey levels are scaled 255-fold there
            "sum over the sources, valid, L = 1 on grey levels",
            "-2 to 2",
        ),
        "MS-SSIM": (  # where a scale has an odd side, theirs pads it with zeros
            over_sources(partial(multiscale_similarity, peak=1)),
            "sum over the sources, L = 1 on grey levels",
            "0 to 2",
        ),
        "Nabf": (partial(fusion_artefacts, weak=0.0), "as ours, edges below strength 2 weigh nothing"),
    },
)
"""PyTorch evaluator published with IVIF_ZOO (Liu et al. 2024)."""

CONVENTIONS: dict[str, Convention] = {
    one.name: one for one in (Convention("ivif", METRICS), _MATLAB, _CDDFUSE, _VIFB, _IVIF_ZOO)
}
"""`ivif` is the MATLAB evaluator's definitions in exact arithmetic."""


def _find(kind: str, name: str, known: Iterable[str]) -> str:
    lower = {known_name.lower(): known_name for known_name in known}
    if name.lower() in lower:
        return lower[name.lower()]
    raise UsageError(f"unknown {kind}: {name}", nearest(name, lower.values()))


def find_convention(name: str) -> Convention:
    """The convention of this name; raises UsageError, which names the nearest one, where it is not known."""
    return CONVENTIONS[_find("convention", name, CONVENTIONS)]


def find_metrics(names: Sequence[str], convention: Convention = CONVENTIONS["ivif"]) -> dict[str, Metric]:
    """The metrics of these names in a convention, in order, each once; raises UsageError for one that it lacks."""
    found = {}
    for name in names:
        known = _find("metric", name, METRICS)
        if known not in convention.metrics:
            raise UsageError(f"convention {convention.name} has no {known}", f"it has {', '.join(convention.metrics)}")
        found[known] = convention.metrics[known]
    return found
