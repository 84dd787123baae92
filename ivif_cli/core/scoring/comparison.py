"""Comparing methods on the same pictures: ranks, bootstrap intervals of the mean, paired tests against the first."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ivif_cli.core.scoring.results import Evaluation, Interval, MethodScores

_RESAMPLES = 2000
_SEED = 20240226
_DRAWN_AT_ONCE = 1 << 19
_EXACT_LIMIT = 50
"""Up to this many differences without ties the distribution of the rank sum is counted out."""


@dataclass(frozen=True)
class PairedTest:
    """A method against the first one on one metric.

    `difference` is the mean of (this - first) over the pictures both have; `p` is the two-sided Wilcoxon signed-rank
    p-value, `p_holm` the same after Holm's correction over all methods of the metric.
    """

    method: str
    metric: str
    pictures: int
    difference: float
    p: float
    p_holm: float


def average_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, smallest first; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def metric_ranks(methods: Sequence[MethodScores], metric: str, higher_is_better: bool) -> list[float | None]:
    """Rank of each method's mean, 1 the best; None for methods without one."""
    means = [method.mean(metric) for method in methods]
    defined = np.array([mean for mean in means if mean is not None])
    ranks = iter(average_ranks(-defined if higher_is_better else defined))
    return [None if mean is None else float(next(ranks)) for mean in means]


def mean_ranks(ranks: Sequence[Sequence[float | None]]) -> list[float | None]:
    """Mean over metrics of each method's ranks (metrics x methods); None for a method that lacks one."""
    columns = [list(column) for column in zip(*ranks, strict=True)]
    return [
        None if None in column else math.fsum(r for r in column if r is not None) / len(column) for column in columns
    ]


def bootstrap_interval(values: Sequence[float], level: float = 0.95) -> Interval | None:
    """Percentile bootstrap interval of the mean over pictures (Efron 1979), seeded; None below two values."""
    if len(values) < 2:
        return None
    data = np.asarray(values)
    rng = np.random.default_rng(_SEED)
    rows = max(1, _DRAWN_AT_ONCE // len(data))
    parts = [min(rows, _RESAMPLES - start) for start in range(0, _RESAMPLES, rows)]
    means = [data[rng.integers(0, len(data), (part, len(data)))].mean(axis=1) for part in parts]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def signed_rank_p(differences: Sequence[float]) -> float:
    """Two-sided p-value of Wilcoxon's signed-rank test (1945); zero differences are left out.

    Exact up to 50 differences without ties, else the normal approximation with the correction for ties. 1 where
    nothing differs.
    """
    data = np.asarray(differences, dtype=np.float64)
    data = data[data != 0]
    count = len(data)
    if count == 0:
        return 1.0
    ranks = average_ranks(np.abs(data))
    statistic = min(ranks[data > 0].sum(), ranks[data < 0].sum())
    _, ties = np.unique(np.abs(data), return_counts=True)
    if count <= _EXACT_LIMIT and len(ties) == count:
        return min(1.0, 2 * _share_at_most(int(statistic), count))
    variance = count * (count + 1) * (2 * count + 1) / 24 - float((ties**3 - ties).sum()) / 48
    score = (float(statistic) - count * (count + 1) / 4) / math.sqrt(variance)
    return min(1.0, math.erfc(-score / math.sqrt(2)))


def _share_at_most(statistic: int, count: int) -> float:
    """Share of the 2^count sign patterns whose positive rank sum is at most `statistic`."""
    ways = np.zeros(count * (count + 1) // 2 + 1)
    ways[0] = 1.0
    for rank in range(1, count + 1):
        ways[rank:] = ways[rank:] + ways[:-rank]
    return float(ways[: statistic + 1].sum() / 2.0**count)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979) of a family of p-values, in their order."""
    order = np.argsort(p_values, kind="stable")
    corrected, running = [0.0] * len(p_values), 0.0
    for step, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - step) * p_values[index]))
        corrected[index] = running
    return corrected


def paired_tests(evaluation: Evaluation) -> list[PairedTest]:
    """Every other method against the first, metric by metric, on the pictures that both have."""
    tests = []
    for metric in evaluation.metrics:
        ours = evaluation.first.values(metric)
        found = []
        for method in evaluation.methods[1:]:
            theirs = method.values(metric)
            differences = [theirs[name] - ours[name] for name in ours if name in theirs]
            if differences:
                found.append((method.name, len(differences), float(np.mean(differences)), signed_rank_p(differences)))
        for (name, count, mean, p), p_holm in zip(found, holm([item[3] for item in found]), strict=True):
            tests.append(PairedTest(name, metric, count, mean, p, p_holm))
    return tests
