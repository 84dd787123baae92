"""Fusion metrics on 8-bit luma, exact and shared: pure functions over pictures, no files, no command line.

`evaluate_pair` scores one fused picture; `Scene` keeps the maps of two sources while several fused pictures are scored.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.metrics.maps import as_maps, check_sizes
from ivif_cli.core.metrics.registry import METRICS, SIX, Metric

__all__ = ["METRICS", "SIX", "Metric", "Scene", "evaluate_batch", "evaluate_pair"]


def _luma(picture: np.ndarray) -> np.ndarray:
    """The BT.601 luma of an HxWx3 BGR uint8 picture; a grey picture as it is."""
    if picture.ndim == 3 and picture.shape[2] == 3 and picture.dtype == np.uint8:
        return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return picture


class Scene:
    """An infrared and a visible source whose maps are computed once for any number of fused pictures.

    Args:
        ir: HxW uint8 luma.
        vis: HxW uint8 luma, or HxWx3 BGR uint8, of which the BT.601 luma is taken.

    Raises:
        InputError: sources of unequal sizes, of another kind than uint8, or with NaN.
    """

    def __init__(self, ir: np.ndarray, vis: np.ndarray) -> None:
        self.ir = as_maps(_luma(ir), "ir")
        self.vis = as_maps(_luma(vis), "vis")
        check_sizes(self.ir, self.vis, self.vis)

    def score(self, fused: np.ndarray, metrics: Sequence[str] = SIX) -> dict[str, float]:
        """The named metrics of one fused picture (same kinds as the sources); NaN where a metric is undefined.

        Raises:
            InputError: `fused` is of another size or kind.
            UsageError: a metric that is not known.
        """
        maps = as_maps(_luma(fused), "fused")
        check_sizes(self.ir, self.vis, maps)
        return {name: metric.function(self.ir, self.vis, maps) for name, metric in find_metrics(metrics).items()}


def find_metrics(names: Sequence[str]) -> dict[str, Metric]:
    """The metrics of these names; letter case does not matter.

    Raises:
        UsageError: a name that is not known; the nearest known one is named.
    """
    import difflib

    known = {name.lower(): name for name in METRICS}
    found: dict[str, Metric] = {}
    for name in names:
        if name.lower() not in known:
            near = difflib.get_close_matches(name.lower(), known, 1, 0.3)
            hint = f"did you mean {known[near[0]]}?" if near else f"known: {', '.join(METRICS)}"
            raise UsageError(f"unknown metric: {name}", hint)
        found[known[name.lower()]] = METRICS[known[name.lower()]]
    return found


def evaluate_pair(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray, metrics: Sequence[str] = SIX) -> dict[str, float]:
    """Scores of one fused picture against its two sources.

    Args:
        ir, vis, fused: HxW uint8 luma in [0, 255]; HxWx3 BGR uint8 is scored by its BT.601 luma.
        metrics: names out of `METRICS`.

    Returns:
        metric name -> value; NaN where the metric is undefined for these pictures.

    Raises:
        InputError: unequal sizes, 16-bit or float pictures, NaN pixels.
        UsageError: a metric that is not known.
    """
    return Scene(ir, vis).score(fused, metrics)


def evaluate_batch(
    ir: np.ndarray, vis: np.ndarray, fused: np.ndarray, metrics: Sequence[str] = SIX
) -> dict[str, np.ndarray]:
    """N scores a metric (float64) for NxHxW uint8 stacks: the same bits as N calls of `evaluate_pair`.

    Raises:
        InputError: stacks of unequal shapes, or pictures that `evaluate_pair` refuses.
    """
    if not ir.shape == vis.shape == fused.shape or fused.ndim != 3:
        raise InputError(f"stacks differ in shape: {ir.shape}, {vis.shape}, {fused.shape}", "give N x H x W each")
    rows = [evaluate_pair(*triple, metrics) for triple in zip(ir, vis, fused, strict=True)]
    return {name: np.array([row[name] for row in rows]) for name in find_metrics(metrics)}
