"""What all formats share: an evaluation with its ranks, intervals, tests, gates, and the marks of best and second."""

from collections.abc import Sequence
from dataclasses import dataclass

from ivif_cli.core.metrics import Metric
from ivif_cli.core.scoring.comparison import (
    Interval,
    PairedTest,
    bootstrap_interval,
    mean_ranks,
    metric_ranks,
    paired_tests,
)
from ivif_cli.core.scoring.frozen_lists import Coverage, coverage
from ivif_cli.core.scoring.gates import GateResult
from ivif_cli.core.scoring.results import Evaluation, MethodScores

_DECIMALS = {"SD": 2, "SF": 2, "AG": 2, "PSNR": 2, "MSE": 4}


@dataclass(frozen=True)
class Report:
    """An evaluation ready to be written.

    `ranks` is metric -> rank of each method (1 the best, None without a mean); `intervals` is metric -> 95 % interval
    of each method's mean.
    """

    version: str
    evaluation: Evaluation
    metrics: dict[str, Metric]
    ranks: dict[str, list[float | None]]
    mean_ranks: list[float | None]
    intervals: dict[str, list[Interval | None]]
    tests: tuple[PairedTest, ...]
    gates: tuple[GateResult, ...]
    coverage: Coverage | None

    @property
    def has_rivals(self) -> bool:
        return len(self.evaluation.methods) > 1

    def mark(self, metric: str, method: int) -> str:
        """ "best", "second" or "" for a method's mean, where several methods are compared."""
        rank = self.ranks[metric][method]
        if not self.has_rivals or rank is None:
            return ""
        better = sum(other is not None and other < rank for other in self.ranks[metric])
        return {0: "best", 1: "second"}.get(better, "")

    def header(self, metric: str) -> str:
        """Name with an arrow to the better side."""
        return f"{metric} {'↑' if self.metrics[metric].higher_is_better else '↓'}"

    @property
    def title(self) -> str:
        pairs = len(self.evaluation.pairs)
        return f"{self.evaluation.dataset or 'Fusion'}, {pairs} pair{'s' if pairs != 1 else ''}"

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
        for method in self.evaluation.methods:
            remarks.extend(_method_remarks(method, self.evaluation.metrics))
        return remarks


def _method_remarks(method: MethodScores, metrics: Sequence[str]) -> list[str]:
    remarks = []
    if method.failed:
        remarks.append(f"{method.name}: {len(method.failed)} pictures could not be scored and are in no mean.")
    if method.colour:
        remarks.append(f"{method.name}: {method.colour} colour pictures, scored by their luma (vifb: by channel).")
    for metric in metrics:
        undefined = method.undefined(metric)
        if undefined:
            names = ", ".join(f"{name} ({why})" for name, why in list(undefined.items())[:3])
            more = f" and {len(undefined) - 3} more" if len(undefined) > 3 else ""
            remarks.append(f"{method.name}: {metric} has no value for {names}{more}; the mean is over the others.")
    return remarks


def build_report(
    version: str, evaluation: Evaluation, metrics: dict[str, Metric], gates: Sequence[GateResult]
) -> Report:
    """An evaluation with everything that is derived from it."""
    methods = evaluation.methods
    ranks = {name: metric_ranks(methods, name, metric.higher_is_better) for name, metric in metrics.items()}
    intervals = {
        name: [bootstrap_interval(list(method.values(name).values())) for method in methods] for name in metrics
    }
    return Report(
        version,
        evaluation,
        metrics,
        ranks,
        mean_ranks(list(ranks.values())),
        intervals,
        tuple(paired_tests(evaluation)),
        tuple(gates),
        coverage(evaluation.dataset, evaluation.pairs),
    )


def number(metric: str, value: float | None) -> str:
    """A value with the digits that papers give; "n/a" where there is none."""
    return "n/a" if value is None else f"{value:.{_DECIMALS.get(metric, 3)}f}"


def rank_number(rank: float | None) -> str:
    return "n/a" if rank is None else f"{rank:.2f}"


def header_row(report: Report) -> list[str]:
    """Column heads of the table of means."""
    heads = ["method", *(report.header(name) for name in report.metrics)]
    return [*heads, "mean rank"] if report.has_rivals else heads


def mean_rows(report: Report) -> list[list[str]]:
    """The table of means as text, a row a method."""
    rows = []
    for index, method in enumerate(report.evaluation.methods):
        row = [method.name, *(number(name, method.mean(name)) for name in report.metrics)]
        rows.append([*row, rank_number(report.mean_ranks[index])] if report.has_rivals else row)
    return rows
