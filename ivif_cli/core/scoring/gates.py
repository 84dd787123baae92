"""Gates for pipelines: bounds on means, and no loss against an earlier report."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.metrics import Metric
from ivif_cli.core.scoring.results import MethodScores

_LARGEST = 1e300


@dataclass(frozen=True)
class Bound:
    """A bound on the mean of a metric: `kind` is "min", "max" or "baseline"."""

    metric: str
    kind: str
    bound: float
    is_lower: bool

    def passes(self, value: float | None) -> bool:
        """Whether a mean keeps this bound; a metric without a mean never does."""
        if value is None:
            return False
        return value >= self.bound if self.is_lower else value <= self.bound


@dataclass(frozen=True)
class GateResult:
    """A bound and what was found."""

    gate: Bound
    value: float | None

    @property
    def passed(self) -> bool:
        return self.gate.passes(self.value)

    def __str__(self) -> str:
        found = "has no value" if self.value is None else f"is {self.value:.6g}"
        relation = "at least" if self.gate.is_lower else "at most"
        origin = " (baseline and tolerance)" if self.gate.kind == "baseline" else ""
        return f"{self.gate.metric} {found}, must be {relation} {self.gate.bound:.6g}{origin}"


@dataclass(frozen=True)
class Tolerance:
    """How much may be lost: a share of the old value, or an amount of it."""

    amount: float
    is_share: bool

    def slack(self, value: float) -> float:
        return abs(value) * self.amount if self.is_share else self.amount


def parse_bound(text: str, kind: str, metrics: Iterable[str]) -> Bound:
    """`VIF=0.75` as a lower (`kind` "min") or upper ("max") bound on one of `metrics`, in any letter case.

    Raises:
        UsageError: not of that form, or another metric.
    """
    name, _, value = text.partition("=")
    metric = next((known for known in metrics if known.lower() == name.strip().lower()), None)
    if metric is None:
        raise UsageError(f"--{kind} {text}: not a metric of this run", f"it has {', '.join(metrics)}")
    try:
        bound = float(value)
    except ValueError:
        raise UsageError(f"--{kind} {text}: not of the form METRIC=VALUE", f"as in --{kind} VIF=0.75") from None
    if not math.isfinite(bound):
        raise UsageError(f"--{kind} {text}: not a finite number", f"as in --{kind} VIF=0.75")
    return Bound(metric, kind, bound, kind == "min")


def parse_tolerance(text: str) -> Tolerance:
    """`1%` (of the old value) or `0.01` (an amount).

    Raises:
        UsageError: neither of the two, or negative.
    """
    try:
        amount = float(text.removesuffix("%"))
    except ValueError:
        amount = -1.0
    if not 0 <= amount < float("inf"):
        raise UsageError(f"--tolerance {text}: not a number", "as in --tolerance 1% or --tolerance 0.01")
    return Tolerance(amount / 100, True) if text.endswith("%") else Tolerance(amount, False)


def read_baseline(path: Path) -> dict[str, Any]:
    """An earlier JSON report.

    Raises:
        InputError: missing, or not a report of schema 1.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the baseline {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"the baseline {path} is not JSON", "write one with `ivif evaluate --json`") from error
    methods = report.get("methods") if isinstance(report, dict) and report.get("schema") == 1 else None
    if not (isinstance(methods, list) and methods and all(_is_method(entry) for entry in methods)):
        raise InputError(f"{path} is not an evaluation report of schema 1", "write one with `ivif evaluate --json`")
    return report


def _is_method(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("mean", {}), dict)


def baseline_bounds(
    report: dict[str, Any], method: str, metrics: dict[str, Metric], tolerance: Tolerance, *, conditions: dict[str, Any]
) -> list[Bound]:
    """Bounds that keep the means of an earlier report, up to a tolerance in each metric's bad direction.

    Args:
        method: the method under test; the report's method of that name is taken, else its first.
        conditions: what must be equal for means to be comparable, such as dataset, convention, pairs.

    Raises:
        UsageError: the report was made under other conditions, or has none of the metrics.
    """
    for key, value in conditions.items():
        if report.get(key, value) != value:
            raise UsageError(f"the baseline is for {key} {report[key]}, this run for {value}", "compare like with like")
    old = next((entry for entry in report["methods"] if entry.get("name") == method), report["methods"][0])
    bounds = []
    for name, metric in metrics.items():
        mean = old.get("mean", {}).get(name)
        if isinstance(mean, int | float) and abs(mean) <= _LARGEST:
            slack = tolerance.slack(mean)
            bound = mean - slack if metric.higher_is_better else mean + slack
            bounds.append(Bound(name, "baseline", bound, metric.higher_is_better))
    if not bounds:
        raise UsageError("the baseline has none of the metrics of this run", f"it must have {', '.join(metrics)}")
    return bounds


def check_gates(bounds: Sequence[Bound], method: MethodScores) -> list[GateResult]:
    """Every bound against the means of a method."""
    return [GateResult(bound, method.mean(bound.metric)) for bound in bounds]
