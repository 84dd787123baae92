"""Gates for pipelines: bounds on a statistic of a metric over pictures, and no loss against an earlier report."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ivif_cli.core.errors import UsageError
from ivif_cli.core.scoring.changes import Changes, find_changes
from ivif_cli.core.scoring.footage import FIRST_FRAMES
from ivif_cli.core.scoring.regression import Tolerance, check_comparable, find_regressions, parse_tolerance
from ivif_cli.core.scoring.results import Evaluation, Facts, GateResult, MethodScores
from ivif_cli.core.scoring.saved import SavedReport, read_report

_STATISTIC = re.compile(r"mean|median|each|p(?:100|\d{1,2}(?:\.\d+)?)|@.+", re.DOTALL)
_FORM = "METRIC=VALUE or METRIC:STATISTIC=VALUE with mean, median, pN, each or @PAIR"


@dataclass(frozen=True)
class Bound:
    """A bound on a metric: `kind` is "min" or "max".

    `statistic` is "mean", "median", "pN" (N-th percentile, linear between values), "each" (every picture has to keep
    the bound) or "@NAME" (the picture of that pair).
    """

    metric: str
    kind: str
    bound: float
    statistic: str = "mean"

    @property
    def is_lower(self) -> bool:
        return self.kind == "min"

    def find(self, method: MethodScores) -> float | None:
        """The statistic of a method's values; None where it has none, for "each" where one picture has none."""
        values = method.values(self.metric)
        due = sum(one.undefined.get(self.metric) != FIRST_FRAMES for one in method.pictures) + len(method.failed)
        if self.statistic.startswith("@"):
            return values.get(self.statistic[1:])
        if not values or (self.statistic == "each" and len(values) < due):
            return None
        if self.statistic == "mean":
            return method.mean(self.metric)
        if self.statistic == "each":
            return min(values.values()) if self.is_lower else max(values.values())
        share = 50.0 if self.statistic == "median" else float(self.statistic[1:])
        return float(np.percentile(list(values.values()), share))


def parse_bound(text: str, kind: str, metrics: Iterable[str]) -> Bound:
    """`VIF=0.75` or `K:p10=0.5` as a lower (`kind` "min") or upper ("max") bound on one of `metrics`, in any case.

    Raises:
        UsageError: not of that form, or another metric.
    """
    left, equals, value = text.rpartition("=")
    name, _, statistic = left.partition(":")
    known = {metric.lower(): metric for metric in metrics}
    statistic = statistic.strip() if statistic.startswith("@") else statistic.strip().lower()
    if not equals or (":" in left and not _STATISTIC.fullmatch(statistic)):
        raise UsageError(f"--{kind} {text}: not of the form METRIC=VALUE", _FORM)
    metric = known.get(name.strip().lower())
    if metric is None:
        raise UsageError(f"--{kind} {text}: unknown metric", f"known: {', '.join(known.values())}")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"--{kind} {text}: {value.strip() or 'nothing'} is not a finite number", _FORM)
    return Bound(metric, kind, number, statistic or "mean")


@dataclass(frozen=True)
class Gates:
    """All gates of a run: bounds, and an earlier report with what may be lost against it."""

    bounds: tuple[Bound, ...] = ()
    baseline: SavedReport | None = None
    tolerance: Tolerance = field(default_factory=Tolerance)

    @property
    def metrics(self) -> list[str]:
        """Metrics that bounds name."""
        return [bound.metric for bound in self.bounds]

    def check(self, pairs: Sequence[str], data: dict[str, str], metrics: dict[str, Facts]) -> None:
        """Refuse, before anything is scored, what could not be judged.

        Args:
            pairs, data: names of the pairs of the run, and hashes of their files by name.
            metrics: those of the run.

        Raises:
            UsageError: a bound on a pair that the run does not have; a baseline of other pairs, files or conventions.
        """
        for bound in self.bounds:
            if bound.statistic.startswith("@") and bound.statistic[1:] not in pairs:
                raise UsageError(f"--{bound.kind} {bound.metric}:{bound.statistic}: this run has no such pair")
        if self.baseline is not None:
            check_comparable(self.baseline, pairs, data, metrics)

    def changes(self, evaluation: Evaluation, results: Sequence[GateResult]) -> Changes | None:
        """What changed against the baseline; None without one. `results` are those of `judge`."""
        if self.baseline is None:
            return None
        regressions = [result.regression for result in results if result.regression is not None]
        metrics = [name for name in self.baseline.metrics if name in evaluation.metrics]
        return find_changes(self.baseline.like(evaluation.first.name), evaluation.first, metrics, regressions)

    def judge(self, evaluation: Evaluation, metrics: dict[str, Facts]) -> list[GateResult]:
        """Every gate against the first method."""
        method = evaluation.first
        results = []
        for bound in self.bounds:
            value = bound.find(method)
            keeps = value is not None and (value >= bound.bound if bound.is_lower else value <= bound.bound)
            results.append(
                GateResult(bound.metric, bound.kind, bound.statistic, bound.bound, value, bound.is_lower, keeps)
            )
        if self.baseline is not None:
            for one in find_regressions(self.baseline, method, metrics, self.tolerance):
                gate = "baseline", "mean", one.bound, one.value, one.higher_is_better, not one.is_missed
                results.append(GateResult(one.metric, *gate, str(one), one))
        return results


def parse_gates(
    lower: Sequence[str],
    upper: Sequence[str],
    baseline: Path | None,
    tolerances: Sequence[str],
    metrics: Sequence[str],
) -> Gates:
    """Gates of the options `--min`, `--max`, `--baseline` and `--tolerance`; `metrics` are the names that are known.

    Raises:
        UsageError: a value that cannot be read, or a tolerance without a baseline.
        InputError: a baseline that is no report.
    """
    texts = [*((text, "min") for text in lower), *((text, "max") for text in upper)]
    bounds = tuple(parse_bound(text, kind, metrics) for text, kind in texts)
    tolerance = parse_tolerance(tolerances, metrics)
    if tolerances and baseline is None:
        raise UsageError("--tolerance goes with --baseline", "name the report to compare with: --baseline old.json")
    return Gates(bounds, None if baseline is None else read_report(baseline), tolerance)
