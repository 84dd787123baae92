"""What a metric is: a name, a pure function over three pictures, and how to read its value."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from ivif_cli.core.metrics.maps import Maps, as_maps, check_sizes

Score = Callable[[Maps, Maps, Maps], float]
"""Infrared, visible and fused maps -> value; NaN where the metric is undefined."""


@dataclass(frozen=True)
class Facts:
    """What readers of a report have to know about a metric."""

    name: str
    higher_is_better: bool
    convention: str
    formula: str
    source: str
    range: str


@dataclass(frozen=True)
class Metric(Facts):
    """One metric in one convention.

    `function` takes the maps of infrared, visible and fused picture; calling the metric itself takes arrays.
    `of_colour`, where given, scores a whole H x W x 3 fused picture instead of its channels one by one.
    """

    function: Score
    of_colour: Callable[[np.ndarray], float] | None = None

    @property
    def facts(self) -> Facts:
        """What there is to know without computing it."""
        return Facts(*(getattr(self, entry.name) for entry in fields(Facts)))

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


def over_sources(function: Callable[[Maps, Maps], float], *, mean: bool = False) -> Score:
    """The sum, or `mean`, over both sources of a function of source and fused picture."""
    return lambda ir, vis, fused: (function(ir, fused) + function(vis, fused)) / (2 if mean else 1)


def of_visible(function: Score) -> Score:
    """What a function of (source, other source, fused picture) gives of the visible picture, not of the infrared."""
    return lambda ir, vis, fused: function(vis, ir, fused)


def of_worse(function: Score) -> Score:
    """The smaller of what a function gives of either source; NaN where one of them is."""
    return lambda ir, vis, fused: float(np.minimum(function(ir, vis, fused), function(vis, ir, fused)))
