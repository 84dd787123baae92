"""The metrics as data: name, function, direction, convention, formula, source, range."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ivif_cli.core.metrics import edges, fidelity, information, statistics
from ivif_cli.core.metrics.maps import Maps, as_maps, check_sizes

Score = Callable[[Maps, Maps, Maps], float]


@dataclass(frozen=True)
class Metric:
    """One metric: what it is called, how it is computed and how to read it.

    `function` takes the maps of infrared, visible and fused picture; calling the metric itself takes arrays.
    """

    name: str
    function: Score
    higher_is_better: bool
    convention: str
    formula: str
    source: str
    range: str

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


def _of_fused(function: Callable[[Maps], float]) -> Score:
    return lambda _ir, _vis, fused: function(fused)


_TABLE = (
    Metric(
        "EN",
        _of_fused(information.entropy),
        True,
        "ivif",
        "-sum p log2 p over the 256-bin histogram of the fused picture [bit]",
        "Shannon 1948; Roberts et al. 2008 for fusion",
        "0 to 8",
    ),
    Metric(
        "SD",
        _of_fused(statistics.standard_deviation),
        True,
        "ivif",
        "population standard deviation of the fused picture [grey level]",
        "Rao 1997",
        "0 to 127.5",
    ),
    Metric(
        "SF",
        _of_fused(statistics.spatial_frequency),
        True,
        "ivif",
        "sqrt(mean squared vertical difference + mean squared horizontal difference), each over its own count",
        "Eskicioglu and Fisher 1995",
        "0 to 360.6",
    ),
    Metric(
        "MI",
        information.mutual_information,
        True,
        "ivif",
        "I(ir;fused) + I(vis;fused), 256 x 256 joint histograms [bit]",
        "Qu, Zhang and Yan 2002",
        "0 to 16",
    ),
    Metric(
        "VIF",
        fidelity.visual_information_fidelity,
        True,
        "ivif",
        "vifp(ir, fused) + vifp(vis, fused): 4 scales, Gaussian windows N = 17, 9, 5, 3, sigma N/5, noise 2",
        "Sheikh and Bovik 2006; Han et al. 2013 for fusion",
        "0 upwards; 2 for equal pictures",
    ),
    Metric(
        "Qabf",
        edges.edge_preservation,
        True,
        "ivif",
        "sum(Q_af g_a + Q_bf g_b) / sum(g_a + g_b), Q the product of the strength and the angle sigmoid of Sobel edges",
        "Xydeas and Petrovic 2000",
        "0 to 0.9873",
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _TABLE}
"""Every metric by name, in the order of reports."""

SIX = ("EN", "SD", "SF", "MI", "VIF", "Qabf")
"""The metrics that are computed when none are named."""
