"""What judging a gate gives."""

from dataclasses import dataclass

from ivif_cli.core.scoring.comparison import Interval


@dataclass(frozen=True)
class Regression:
    """A metric against an earlier report, on the pairs where both have a value.

    Attributes:
        method: the earlier method.
        pairs: how many pairs were compared.
        bound: the old mean less what may be lost; `value`: the new mean.
        change: mean of (new - old); interval: its 95 % interval, None for a single pair.
        p: of Wilcoxon's signed-rank test.
        problem: why the metric cannot be compared, or nothing.
    """

    method: str
    metric: str
    higher_is_better: bool
    pairs: int = 0
    bound: float | None = None
    value: float | None = None
    change: float = 0.0
    interval: Interval | None = None
    p: float = 1.0
    slack: float = 0.0
    problem: str = ""

    @property
    def is_missed(self) -> bool:
        """True where the loss is larger than allowed beyond doubt: the whole interval is on the bad side."""
        if self.problem:
            return True
        interval = self.interval or Interval(self.change, self.change)
        best = interval.high if self.higher_is_better else -interval.low
        return best < -self.slack

    def __str__(self) -> str:
        if self.problem:
            return self.problem
        text = f"change {self.change:+.3g} against {self.method} over {self.pairs} pair{'s' if self.pairs > 1 else ''}"
        if self.interval is not None:
            text += f", 95 % interval {self.interval.low:+.3g} to {self.interval.high:+.3g}, p = {self.p:.2g}"
        beyond = (self.change if self.higher_is_better else -self.change) < -self.slack
        return f"{text}; within noise" if beyond and not self.is_missed else text


@dataclass(frozen=True)
class GateResult:
    """A gate that was judged.

    Attributes:
        kind: "min", "max" or "baseline".
        bound: what `value` must not fall below (`is_lower`) or exceed; None where there is nothing to compare.
        value: what was found; None where the metric has no value.
        passed: whether the gate is kept.
        note: what else there is to say, or, without a bound, why nothing could be compared.
        regression: what a "baseline" gate was judged by.
    """

    metric: str
    kind: str
    statistic: str
    bound: float | None
    value: float | None
    is_lower: bool
    passed: bool
    note: str = ""
    regression: Regression | None = None

    @property
    def margin(self) -> float | None:
        """How far the value is on the good side of the bound; negative beyond it."""
        if self.value is None or self.bound is None:
            return None
        return self.value - self.bound if self.is_lower else self.bound - self.value

    @property
    def label(self) -> str:
        """The metric with its statistic, as `--min` takes it."""
        return self.metric if self.statistic == "mean" else f"{self.metric}:{self.statistic}"

    def __str__(self) -> str:
        if self.bound is None:
            return f"{self.label} {self.note}"
        found = "has no value" if self.value is None else f"is {self.value:.6g}"
        relation = "at least" if self.is_lower else "at most"
        text = f"{self.label} {found}, must be {relation} {self.bound:.6g}"
        if self.margin is not None:
            text += f" (margin {self.margin:+.3g})"
        return f"{text}; {self.note}" if self.note else text
