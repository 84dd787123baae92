"""What all formats share: an evaluation with its ranks, intervals, tests, gates, and the marks of best and second."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ivif_cli.core.metrics import Facts
from ivif_cli.core.scoring.changes import Changes, signed
from ivif_cli.core.scoring.comparison import PairedTest, bootstrap_interval, mean_ranks, metric_ranks, paired_tests
from ivif_cli.core.scoring.frozen_lists import Coverage, coverage
from ivif_cli.core.scoring.results import Evaluation, GateResult, Interval, MethodScores

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


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, the value that it is sorted by, a small second line, and a mark.

    In the table of means the second line is the 95 % interval, and the mark "best", "second" or "".
    """

    text: str
    value: float | None = None
    small: str = ""
    mark: str = ""


def number(metric: str, value: float | None) -> str:
    """A value with the digits that papers give; "n/a" where there is none."""
    return "n/a" if value is None else f"{value:.{_DECIMALS.get(metric, 3)}f}"


@dataclass(frozen=True)
class Report:
    """An evaluation ready to be written, with what follows from it.

    Attributes:
        ranked: metrics that methods are ranked by, all where it is empty; others are there for a gate.
        provenance: what made it: version of ivif, and date, command and options where known.
        changes: of a method against the baseline, or since the oldest of several reports.
    """

    evaluation: Evaluation
    metrics: dict[str, Facts]
    gates: Sequence[GateResult] = ()
    ranked: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)
    changes: Changes | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "ranked", self.ranked or tuple(self.metrics))

    @cached_property
    def ranks(self) -> dict[str, list[float | None]]:
        """Metric -> rank of each method (1 the best, None without a mean)."""
        methods = self.evaluation.methods
        return {name: metric_ranks(methods, name, facts.higher_is_better) for name, facts in self.metrics.items()}

    @cached_property
    def mean_ranks(self) -> list[float | None]:
        """Mean of each method's ranks over the metrics that count."""
        return mean_ranks([self.ranks[name] for name in self.ranked])

    @cached_property
    def intervals(self) -> dict[str, list[Interval | None]]:
        """Metric -> 95 % interval of each method's mean."""
        values = {name: [list(m.values(name).values()) for m in self.evaluation.methods] for name in self.metrics}
        return {name: list(map(bootstrap_interval, found)) for name, found in values.items()}

    @cached_property
    def tests(self) -> list[PairedTest]:
        """Of each other method against the first."""
        return paired_tests(self.evaluation)

    @cached_property
    def coverage(self) -> Coverage | None:
        """How the pairs relate to the frozen list of their data set."""
        return coverage(self.evaluation.dataset, self.evaluation.pairs)

    @property
    def version(self) -> str:
        return str(self.provenance.get("ivif", "of unknown version"))

    @property
    def has_rivals(self) -> bool:
        return len(self.evaluation.methods) > 1

    @property
    def columns(self) -> list[Column]:
        """Columns of the table of means."""
        return [Column(name, tail) for name in self.metrics for tail in (False, True) if name in _TAILED or not tail]

    def cells(self, index: int) -> list[Cell]:
        """A row of the table of means, of a method by its place: a cell a column, then beside rivals the mean rank."""
        cells = []
        for column in self.columns:
            values = [column.value(method) for method in self.evaluation.methods]
            own, interval = values[index], None if column.is_tail else self.intervals[column.metric][index]
            mark = ""
            if self.has_rivals and own is not None:
                up = self.metrics[column.metric].higher_is_better
                better = sum(other is not None and (other > own if up else other < own) for other in values)
                mark = {0: "best", 1: "second"}.get(better, "")
            between = "–".join(number(column.metric, end) for end in interval or ())
            cells.append(Cell(number(column.metric, own), own, between, mark))
        if self.has_rivals:
            rank = self.mean_ranks[index]
            cells.append(Cell("n/a" if rank is None else f"{rank:.2f}", rank))
        return cells

    def header(self, column: Column) -> str:
        """Name with an arrow to the better side."""
        return f"{column.name} {'↑' if self.metrics[column.metric].higher_is_better else '↓'}"

    @property
    def legend(self) -> str:
        """What the marks of a table mean."""
        parts = ["Arrows point to the better side."]
        parts += ["* marks the best of a column."] if self.has_rivals else []
        parts += ["p10 is the 10th percentile over pictures."] if any(c.is_tail for c in self.columns) else []
        return " ".join(parts)

    @property
    def test_rows(self) -> list[tuple[str, list[str]]]:
        """(method, cells) of the paired tests: difference and p-value a metric."""
        rows = []
        for method in self.evaluation.methods[1:]:
            tests = [self.test(method.name, name) for name in self.metrics]
            rows.append((method.name, [f"{signed(t.difference)} (p {t.p_holm:.2g})" if t else "n/a" for t in tests]))
        return rows

    def test(self, method: str, metric: str) -> PairedTest | None:
        """The paired test of a method against the first one."""
        return next((test for test in self.tests if (test.method, test.metric) == (method, metric)), None)

    def error(self, method: str, picture: str) -> str:
        """Why a picture of a method could not be scored; "" where it was."""
        failed = (f for m in self.evaluation.methods if m.name == method for f in m.failed if f.name == picture)
        return next((failure.error for failure in failed), "")

    @property
    def title(self) -> str:
        pairs, video = len(self.evaluation.pairs), self.evaluation.video
        what = ("pair" if video is None else "frame") + ("s" if pairs != 1 else "")
        return f"{self.evaluation.dataset or 'Fusion'}, {pairs} {what}"

    @property
    def remarks(self) -> list[str]:
        """What a reader of the means has to know, a line each."""
        remarks = [f"Convention: {self.evaluation.convention}; means over pictures."]
        others = [metric for metric in self.metrics.values() if metric.convention != self.evaluation.convention]
        remarks += [f"{metric.name}: {metric.convention}." for metric in others]
        if self.coverage is not None and not self.coverage.is_complete:
            missing, extra = len(self.coverage.missing), len(self.coverage.extra)
            listed = len(self.coverage.frozen.stems)
            remarks.append(
                f"Not the frozen test list ({listed} pictures, sha256 {self.coverage.frozen.sha256[:12]}): "
                f"{missing} missing, {extra} others."
            )
        if len({frozenset(p.name for p in method.pictures) for method in self.evaluation.methods}) > 1:
            remarks.append("The methods' means are over different pictures: ranks are rough (--common compares alike).")
        video = self.evaluation.video
        flicker = {} if video is None else video.relative_flicker
        shares = [f"{name} {value:.1%}" for name, value in flicker.items() if value is not None]
        remarks += [f"Flicker in shares of the contrast: {', '.join(shares)}."] if shares else []
        remarks += [
            f"{method.name}: {len(method.failed)} pictures could not be scored and are in no mean."
            for method in self.evaluation.methods
            if method.failed
        ]
        colour = [method.name for method in self.evaluation.methods if method.colour]
        if colour:
            remarks.append(f"In colour, scored by their luma (in vifb by channel): {', '.join(colour)}.")
        return remarks + _undefined_remarks(self.evaluation)


def _undefined_remarks(evaluation: Evaluation) -> list[str]:
    """Pictures without a value, a line for each metric and reason; methods that share it are named together."""
    told: dict[str, list[str]] = {}
    for method in evaluation.methods:
        for metric in evaluation.metrics:
            undefined = method.undefined(metric)
            for why in dict.fromkeys(undefined.values()):
                names = [name for name in undefined if undefined[name] == why]
                more = f" and {len(names) - 3} more" if len(names) > 3 else ""
                told.setdefault(f"{metric} has no value for {', '.join(names[:3])}{more} ({why})", []).append(
                    method.name
                )
    return [f"{', '.join(methods)}: {text}; the mean is over the others." for text, methods in told.items()]
