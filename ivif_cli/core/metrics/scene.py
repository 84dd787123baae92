"""One scene and its scores: the maps of two sources are made once, however many fused pictures are scored.

A metric that has no value says why, in a few words for a report.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from ivif_cli.core.errors import InputError
from ivif_cli.core.metrics.conventions import find_convention, find_metrics
from ivif_cli.core.metrics.maps import SMALLEST_VIF_SIDE, Maps, People, as_maps, check_sizes
from ivif_cli.core.metrics.registry import SIX
from ivif_cli.core.metrics.similarity import SMALLEST_MS_SSIM_SIDE, SMALLEST_SSIM_SIDE

_SMALLEST_SIDE = {
    "VIF": SMALLEST_VIF_SIDE,
    "MS-SSIM": SMALLEST_MS_SSIM_SIDE,
    "SSIM": SMALLEST_SSIM_SIDE,
    "FMI": 3,
    "AG": 2,
}

_NOT_DEFINED = {
    "SCD": "the fused picture differs from a source by a constant",
    "TD": "the visible picture is nowhere well exposed",
    "even": "fewer than 2 % of the pixels are even in both sources",
    "rings": "no strong edge in either source",
}
_NOT_DEFINED |= dict.fromkeys(("K", "K_ir", "K_vis"), "a source has nothing that the other lacks")
_NOT_DEFINED |= dict.fromkeys(("X", "X_ir", "X_vis"), "a source has no edge that the other lacks")
"""Metric -> what it means where no size and no constant picture explains it."""


def is_colour(picture: np.ndarray) -> bool:
    """True for H x W x 3 pictures whose channels differ; grey ones stored in three channels are not colour."""
    return picture.ndim == 3 and bool((picture != picture[:, :, :1]).any())


def _planes(picture: np.ndarray, role: str, per_channel: bool) -> list[Maps]:
    """Maps of the BT.601 luma, or of each channel of a colour picture."""
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        return [as_maps(picture, role)]
    if not is_colour(picture):
        return [as_maps(picture[:, :, 0], role)]
    if per_channel:
        return [as_maps(picture[:, :, channel], role) for channel in range(3)]
    return [as_maps(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), role)]


class Scene:
    """An infrared and a visible source, ready to score fused pictures.

    Args:
        ir, vis: HxW uint8 luma, or HxWx3 BGR uint8, of which the BT.601 luma is scored (each channel by itself in a
            convention that does so).
        convention: name out of `CONVENTIONS`.
        people: boxes of people that are labelled in the infrared and in the visible picture, for T_ir.

    Raises:
        InputError: sources of unequal sizes, of another kind than uint8, or with NaN.
        UsageError: a convention that is not known.
    """

    def __init__(
        self, ir: np.ndarray, vis: np.ndarray, convention: str = "ivif", people: People = (None, None)
    ) -> None:
        self.convention = find_convention(convention)
        self._ir = _planes(ir, "ir", self.convention.per_channel)
        self._vis = _planes(vis, "vis", self.convention.per_channel)
        check_sizes(self._ir[0], self._vis[0], self._vis[0])
        for planes, boxes in zip((self._ir, self._vis), people, strict=True):
            for plane in planes:
                plane.people = boxes

    def score(self, fused: np.ndarray, metrics: Sequence[str] = SIX) -> dict[str, float]:
        """The named metrics of one fused picture (same kinds as the sources); NaN where a metric is undefined.

        Raises:
            InputError: `fused` is of another size or kind.
            UsageError: a metric that is not known, or not part of the convention.
        """
        return self.explain_scores(fused, metrics)[0]

    def explain_scores(
        self, fused: np.ndarray, metrics: Sequence[str] = SIX
    ) -> tuple[dict[str, float], dict[str, str]]:
        """`score`, and for each metric that came out NaN or infinite the reason."""
        planes = _planes(fused, "fused", self.convention.per_channel)
        check_sizes(self._ir[0], self._vis[0], planes[0])
        triples = [
            (self._ir[min(i, len(self._ir) - 1)], self._vis[min(i, len(self._vis) - 1)], plane)
            for i, plane in enumerate(planes)  # a source with fewer channels is used for all of them
        ]
        scores, reasons = {}, {}
        for name, metric in find_metrics(metrics, self.convention).items():
            if len(planes) > 1 and metric.of_colour is not None:
                scores[name] = metric.of_colour(fused)
            else:
                scores[name] = sum(metric.function(*triple) for triple in triples) / len(triples)
            if not math.isfinite(scores[name]):
                reasons[name] = reason(name, scores[name], *triples[0])
        return scores, reasons


def reason(name: str, value: float, ir: Maps, vis: Maps, fused: Maps) -> str:
    """Why metric `name` came out as `value` (NaN or infinite) for these pictures."""
    if math.isinf(value):
        return "infinite: fused equals both sources" if value > 0 else "the fused picture is black"
    height, width = fused.shape
    if min(height, width) < _SMALLEST_SIDE.get(name, 1):
        return f"needs sides of {_SMALLEST_SIDE[name]} px, the picture has {width}x{height}"
    if name == "T_ir":
        return "no labels of this pair" if ir.people is None else "no labelled person that only the infrared shows"
    roles = (("infrared", ir), ("visible", vis), ("fused", fused))
    constant = [role for role, maps in roles if maps.is_constant]
    if constant:
        return f"constant picture: {', '.join(constant)}"
    return _NOT_DEFINED.get(name, "not defined for these pictures")


def evaluate_pair(
    ir: np.ndarray, vis: np.ndarray, fused: np.ndarray, metrics: Sequence[str] = SIX, *, convention: str = "ivif"
) -> dict[str, float]:
    """Scores of one fused picture against its two sources.

    Args:
        ir, vis, fused: HxW uint8 luma in [0, 255]; HxWx3 BGR uint8 is scored by its BT.601 luma.
        metrics: names out of `METRICS`.
        convention: name out of `CONVENTIONS`.

    Returns:
        metric name -> value; NaN where the metric is undefined for these pictures.

    Raises:
        InputError: unequal sizes, 16-bit or float pictures, NaN pixels.
        UsageError: a metric or convention that is not known.
    """
    return Scene(ir, vis, convention).score(fused, metrics)


def evaluate_batch(
    ir: np.ndarray, vis: np.ndarray, fused: np.ndarray, metrics: Sequence[str] = SIX, *, convention: str = "ivif"
) -> dict[str, np.ndarray]:
    """N scores a metric (float64) for NxHxW uint8 stacks: the same bits as N calls of `evaluate_pair`.

    Raises:
        InputError: stacks of unequal shapes, or pictures that `evaluate_pair` refuses.
    """
    if not ir.shape == vis.shape == fused.shape or fused.ndim != 3:
        raise InputError(f"stacks differ in shape: {ir.shape}, {vis.shape}, {fused.shape}", "give N x H x W each")
    rows = [evaluate_pair(*triple, metrics, convention=convention) for triple in zip(ir, vis, fused, strict=True)]
    return {name: np.array([row[name] for row in rows]) for name in find_metrics(metrics)}
