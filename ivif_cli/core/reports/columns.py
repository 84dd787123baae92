"""The columns of a table of means, and how their numbers are written."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ivif_cli.core.scoring.results import MethodScores

_TAILED = ("K",)
"""Metrics whose mean hides the worst pictures: their 10th percentile stands beside it."""
_DECIMALS = {"SD": 2, "SF": 2, "AG": 2, "PSNR": 2, "MSE": 4, "TD": 2}


@dataclass(frozen=True)
class Column:
    """A column of the table of means: a metric's mean, or its 10th percentile over pictures."""

    metric: str
    is_tail: bool = False

    @property
    def name(self) -> str:
        return f"{self.metric} p10" if self.is_tail else self.metric

    def value(self, method: MethodScores) -> float | None:
        """What stands in it for a method; None where nothing is defined."""
        if not self.is_tail:
            return method.mean(self.metric)
        values = list(method.values(self.metric).values())
        return float(np.percentile(values, 10)) if values else None


def columns_of(metrics: Iterable[str]) -> list[Column]:
    """The columns that metrics take up, in their order."""
    return [Column(name, is_tail) for name in metrics for is_tail in ((False, True) if name in _TAILED else (False,))]


def number(metric: str, value: float | None) -> str:
    """A value with the digits that papers give; "n/a" where there is none."""
    return "n/a" if value is None else f"{value:.{_DECIMALS.get(metric, 3)}f}"


def rank_number(rank: float | None) -> str:
    return "n/a" if rank is None else f"{rank:.2f}"
