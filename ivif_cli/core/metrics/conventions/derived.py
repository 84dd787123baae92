"""How a convention is written down: our metric with another function, or as it is."""

from collections.abc import Iterable
from dataclasses import replace

from ivif_cli.core.metrics.metric import Metric, Score
from ivif_cli.core.metrics.registry import METRICS


def same(convention: str, names: Iterable[str]) -> dict[str, Metric]:
    """Our metrics, which this convention computes alike."""
    return {name: replace(METRICS[name], convention=convention) for name in names}


def other(convention: str, name: str, function: Score, formula: str, span: str = "") -> Metric:
    """A metric that this convention computes in another way."""
    ours = METRICS[name]
    return replace(ours, function=function, convention=convention, formula=formula, range=span or ours.range)


def in_report_order(metrics: dict[str, Metric]) -> dict[str, Metric]:
    return {name: metrics[name] for name in METRICS if name in metrics}
