"""What a metric is: a name, a pure function over three pictures, and how to read its value."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ivif_cli.core.metrics.maps import Maps, as_maps, check_sizes

Score = Callable[[Maps, Maps, Maps], float]
"""Infrared, visible and fused maps -> value; NaN where the metric is undefined."""


@dataclass(frozen=True)
class Metric:
    """One metric in one convention.

    `function` takes the maps of infrared, visible and fused picture; calling the metric itself takes arrays.
    `of_colour`, where given, scores a whole H x W x 3 fused picture instead of its channels one by one.
    """

    name: str
    function: Score
    higher_is_better: bool
    convention: str
    formula: str
    source: str
    range: str
    of_colour: Callable[[np.ndarray], float] | None = None

    def __call__(self, ir: np.ndarray, vis: np.ndarray, fused: np.ndarray) -> float | np.ndarray:
        """Score of HxW uint8 luma pictures, or N scores (float64) of NxHxW stacks.

        Raises:
            InputError: pictures of unequal sizes, of another kind than uint8, or with NaN.
        """
        if fused.ndim == 3:
            return np.array([self(*triple) for triple in zip(ir, vis, fused, strict=True)])
        maps = as_maps(ir, "ir"), as_maps(vis, "vis"), as_maps(fused, "fused")
        check_sizes(*maps)
        return self.function(*maps)


def of_fused(function: Callable[[Maps], float]) -> Score:
    """A score that looks at the fused picture alone."""
    return lambda _ir, _vis, fused: function(fused)
