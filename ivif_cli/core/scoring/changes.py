"""What changed against an earlier report: metrics that got better or worse, and the pictures that changed most."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ivif_cli.core.scoring.comparison import Interval
from ivif_cli.core.scoring.judged import Regression
from ivif_cli.core.scoring.results import MethodScores

_MOST = 3


@dataclass(frozen=True)
class PictureChange:
    """One picture's old and new values, metric -> (old, new), the largest change first.

    `size` is the root mean square over the metrics of the change in units of the old values' spread over pictures.
    """

    name: str
    size: float
    values: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Changes:
    """What changed of a method.

    Attributes:
        against, method: the earlier and the later method.
        better, worse: metrics whose mean changed beyond doubt: the whole 95 % interval is on one side.
        same: metrics that changed within noise, or not at all.
        pictures: those that changed most.
        before: what pictures of the earlier method are called in the report; "" where it shows none.
    """

    against: str
    method: str
    better: tuple[Regression, ...]
    worse: tuple[Regression, ...]
    same: tuple[Regression, ...]
    pictures: tuple[PictureChange, ...]
    before: str = ""

    @property
    def lines(self) -> list[tuple[str, str]]:
        """(heading, metrics with change and p of the paired test) of what is better, worse and the same."""
        groups = (("Better", self.better), ("Worse", self.worse), ("No clear change", self.same))
        return [(title, ", ".join(map(_told, found)) or "nothing") for title, found in groups]


def find_changes(
    old: MethodScores, new: MethodScores, metrics: Sequence[str], regressions: Sequence[Regression]
) -> Changes:
    """Changes of a method on metrics that both have; `regressions` are its gates against the earlier report."""
    sides = [(one, _side(one)) for one in regressions if not one.problem]
    sizes = _sizes(old, new, [name for name in metrics if old.values(name)])
    ranked = sorted(sizes, key=lambda change: (-change.size, change.name))
    return Changes(
        old.name,
        new.name,
        tuple(one for one, side in sides if side > 0),
        tuple(one for one, side in sides if side < 0),
        tuple(one for one, side in sides if side == 0),
        tuple(change for change in ranked[:_MOST] if change.size > 0),
    )


def _told(regression: Regression) -> str:
    return f"{regression.metric} {signed(regression.change)} (p = {regression.p:.2g})"


def signed(value: float) -> str:
    """A difference with its sign and three digits."""
    return f"{value:+.3g}" if abs(value) >= 1e-4 or value == 0 else f"{value:+.0e}"


def _side(regression: Regression) -> int:
    """1 where the whole interval is better, -1 where it is worse, 0 where it holds no change."""
    interval = regression.interval or Interval(regression.change, regression.change)
    sign = 1 if regression.higher_is_better else -1
    return sign if interval.low > 0 else -sign if interval.high < 0 else 0


def _sizes(old: MethodScores, new: MethodScores, metrics: Sequence[str]) -> list[PictureChange]:
    before, after = ({name: method.values(name) for name in metrics} for method in (old, new))
    spread = {name: float(np.std(list(before[name].values()))) or 1.0 for name in metrics}
    found = []
    for picture in new.pictures:
        both = [name for name in metrics if picture.name in before[name] and picture.name in after[name]]
        shares = {name: (after[name][picture.name] - before[name][picture.name]) / spread[name] for name in both}
        if not shares:
            continue
        size = math.sqrt(math.fsum(share * share for share in shares.values()) / len(shares))
        ordered = sorted(both, key=lambda name: -abs(shares[name]))
        values = {name: (before[name][picture.name], after[name][picture.name]) for name in ordered}
        found.append(PictureChange(picture.name, size, values))
    return found
