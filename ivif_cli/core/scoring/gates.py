"""Gates for pipelines: bounds on a statistic of a metric over pictures, and no loss against an earlier report.

A loss is judged pair by pair, with an interval, so that noise between pictures misses no gate.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ivif_cli.core.errors import UsageError
from ivif_cli.core.metrics import Facts
from ivif_cli.core.scoring.comparison import bootstrap_interval, signed_rank_p
from ivif_cli.core.scoring.footage import FIRST_FRAMES
from ivif_cli.core.scoring.results import Evaluation, GateResult, MethodScores, Regression
from ivif_cli.core.scoring.saved import SavedReport, read_report

_STATISTIC = re.compile(r"mean|median|each|p(?:100|\d{1,2}(?:\.\d+)?)|@.+", re.DOTALL)
_ROUND_OFF = 1e-6
"""Share of the old mean that other machines' arithmetic may take."""
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
class Allowance:
    """How much may be lost: a share of the old mean, or an amount in the metric's own unit."""

    amount: float = 0.0
    is_share: bool = True


@dataclass(frozen=True)
class Tolerance:
    """What may be lost: in general, and of single metrics."""

    general: Allowance = field(default_factory=Allowance)
    single: Mapping[str, Allowance] = field(default_factory=dict)

    def slack(self, metric: str, mean: float) -> float:
        """What the mean of a metric may lose, given the old one."""
        allowed = self.single.get(metric, self.general)
        return abs(mean) * allowed.amount if allowed.is_share else allowed.amount


def parse_tolerance(texts: Sequence[str], metrics: Iterable[str]) -> Tolerance:
    """`1%` of the old mean for all metrics; `VIF=2%` or `SD=0.5` (in the metric's own unit) for one of them.

    Raises:
        UsageError: none of these, another metric, negative, or 100 % and more.
    """
    known = {metric.lower(): metric for metric in metrics}
    general, single = Allowance(), {}
    for text in texts:
        name, equals, amount = text.rpartition("=")
        if equals and name.strip().lower() not in known:
            raise UsageError(f"--tolerance {text}: unknown metric", f"known: {', '.join(known.values())}")
        share = amount.strip().endswith("%")
        try:
            number = float(amount.strip().removesuffix("%"))
        except ValueError:
            number = math.nan
        if not 0 <= number < (100 if share else math.inf):
            raise UsageError(f"--tolerance {text}: not a number", "as in --tolerance 1% or --tolerance SD=0.5")
        allowance = Allowance(number / 100, True) if share else Allowance(number, False)
        if equals:
            single[known[name.strip().lower()]] = allowance
        elif share:
            general = allowance
        else:
            hint = f"{amount}% is a share of the old mean, SD={amount} an amount of one metric in its own unit"
            raise UsageError(f"--tolerance {text}: {amount} of what?", hint)
    return Tolerance(general, single)


READING: dict[str, object] = {"ir_range": "auto", "ir_polarity": "white", "resize": False, "crop": None, "align": None}
"""Options that change what is scored, as a report's provenance names them, and what they are where not given."""


def check_comparable(
    baseline: SavedReport,
    pairs: Sequence[str],
    data: Mapping[str, str],
    metrics: Mapping[str, Facts],
    *,
    what: str = "the baseline",
) -> None:
    """Raises UsageError where an earlier report, called `what`, is of other pairs, files, or conventions."""
    old = baseline.evaluation
    if set(old.pairs) != set(pairs):
        only_old, only_new = sorted(set(old.pairs) - set(pairs)), sorted(set(pairs) - set(old.pairs))
        counts = f"{len(old.pairs)} pairs, this run {len(pairs)}"
        names = [f"only {where} has {some[0]}" for where, some in (("it", only_old), ("the run", only_new)) if some]
        raise UsageError(f"{what} is for other pairs: {counts}; {', '.join(names)}", "compare like with like")
    changed = [name for name in pairs if name in data and old.data.get(name, data[name]) != data[name]]
    if changed:
        raise UsageError(f"{what} is for other files of pair {changed[0]}", "compare like with like")
    for name, facts in metrics.items():
        was = baseline.metrics.get(name)
        if was is not None and was.convention != facts.convention:
            conventions = f"{name} of convention {was.convention}, this run for {facts.convention}"
            raise UsageError(f"{what} is for {conventions}", "compare like with like")


def check_read_alike(
    baseline: SavedReport,
    options: Mapping[str, object],
    *,
    what: str = "the baseline",
    other: str = "this run",
) -> None:
    """Raises UsageError where an earlier report's sources were read in another way than those of a run with `options`.

    The two are called `what` and `other`.
    """
    if (before := baseline.provenance.get("options")) is None:
        return
    for name, usual in READING.items():
        was, now = (Path(str(given.get(name, usual))).name for given in (before, options))
        if was != now:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{what} was scored with {option} {was}, {other} with {now}", "compare like with like")


def find_regressions(
    baseline: SavedReport, method: MethodScores, metrics: Mapping[str, Facts], tolerance: Tolerance
) -> list[Regression]:
    """One entry a metric of the baseline.

    Compared with is the earlier method of the same name, else the first one.
    """
    old = baseline.like(method.name)
    return [
        _regression(old, method, facts, tolerance, is_scored=name in metrics)
        for name, facts in baseline.metrics.items()
    ]


def _regression(
    old: MethodScores, new: MethodScores, facts: Facts, tolerance: Tolerance, *, is_scored: bool
) -> Regression:
    before, after = old.values(facts.name), new.values(facts.name) if is_scored else {}
    lost = [name for name in before if name not in after]
    common = [name for name in before if name in after]
    if lost or not common or not is_scored:
        problem = f"has no value for {lost[0]}, where the baseline has one" if lost else "has no value to compare"
        problem = problem if is_scored else "was not scored, but the baseline has it"
        return Regression(old.name, facts.name, facts.higher_is_better, problem=problem)
    was = math.fsum(before[name] for name in common) / len(common)
    now = math.fsum(after[name] for name in common) / len(common)
    changes = [after[name] - before[name] for name in common]
    slack = tolerance.slack(facts.name, was)
    return Regression(
        old.name,
        facts.name,
        facts.higher_is_better,
        pairs=len(common),
        bound=was - slack if facts.higher_is_better else was + slack,
        value=now,
        change=now - was,
        interval=bootstrap_interval(changes),
        p=signed_rank_p(changes),
        slack=slack + _ROUND_OFF * abs(was),
    )


@dataclass(frozen=True)
class Gates:
    """All gates of a run: bounds, and an earlier report with what may be lost against it."""

    bounds: tuple[Bound, ...] = ()
    baseline: SavedReport | None = None
    tolerance: Tolerance = field(default_factory=Tolerance)

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
    lower: Sequence[str], upper: Sequence[str], baseline: Path | None, tolerances: Sequence[str], metrics: Sequence[str]
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
