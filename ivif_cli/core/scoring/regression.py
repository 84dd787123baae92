"""No loss against an earlier report: pair by pair, with an interval, so that noise between pictures misses no gate."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ivif_cli.core.errors import UsageError
from ivif_cli.core.scoring.comparison import bootstrap_interval, signed_rank_p
from ivif_cli.core.scoring.results import Facts, MethodScores, Regression
from ivif_cli.core.scoring.saved import SavedReport

_ROUND_OFF = 1e-6
"""Share of the old mean that other machines' arithmetic may take."""


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
