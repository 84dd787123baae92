"""Saved reports side by side: merged into one, or what changed from one to the next and in which pictures most."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ivif_cli.core.errors import UsageError
from ivif_cli.core.scoring.gates import Tolerance, check_comparable, check_read_alike, find_regressions
from ivif_cli.core.scoring.results import Evaluation, GateResult, MethodScores, Regression
from ivif_cli.core.scoring.saved import SavedReport

MOST_PICTURES = 3
"""Pictures that are shown of what changed."""


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
        lines = []
        for title, found in groups:
            told = [f"{one.metric} {signed(one.change)} (p = {one.p:.2g})" for one in found]
            lines.append((title, ", ".join(told) or "nothing"))
        return lines


def find_changes(
    old: MethodScores, new: MethodScores, metrics: Sequence[str], regressions: Sequence[Regression]
) -> Changes:
    """Changes of a method on metrics that both have; `regressions` are its gates against the earlier report."""
    judged = [one for one in regressions if not one.problem]
    sizes = _sizes(old, new, [name for name in metrics if old.values(name)])
    ranked = sorted(sizes, key=lambda change: (-change.size, change.name))
    return Changes(
        old.name,
        new.name,
        tuple(one for one in judged if one.gain.low > 0),
        tuple(one for one in judged if one.gain.high < 0),
        tuple(one for one in judged if one.gain.low <= 0 <= one.gain.high),
        tuple(change for change in ranked[:MOST_PICTURES] if change.size > 0),
    )


def changes_against(
    baseline: SavedReport | None, evaluation: Evaluation, results: Sequence[GateResult]
) -> Changes | None:
    """What changed of the first method against a baseline; None without one. `results` are those of `Gates.judge`."""
    if baseline is None:
        return None
    regressions = [result.regression for result in results if result.regression is not None]
    metrics = [name for name in baseline.metrics if name in evaluation.metrics]
    return find_changes(baseline.like(evaluation.first.name), evaluation.first, metrics, regressions)


def signed(value: float) -> str:
    """A difference with its sign and three digits."""
    return f"{value:+.3g}" if abs(value) >= 1e-4 or value == 0 else f"{value:+.0e}"


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


def merge_reports(reports: Sequence[SavedReport]) -> SavedReport:
    """Methods of all reports on the metrics that all have; gates are kept of a single report only.

    Reports are taken in the order of their dates where all have one. A method that several reports have is named by
    the report as well.

    Raises:
        UsageError: reports of other pairs, files, conventions or ways to read the sources, or without a common metric.
    """
    if len(reports) == 1:
        return reports[0]
    ordered = in_order(reports)
    first = ordered[0]
    for other in ordered[1:]:
        check_comparable(first, other.evaluation.pairs, other.evaluation.data, other.metrics, what=str(first.path))
        if (options := other.provenance.get("options")) is not None:
            check_read_alike(first, options, what=str(first.path), other=str(other.path))
    metrics = {name: facts for name, facts in first.metrics.items() if all(name in one.metrics for one in ordered)}
    if not metrics:
        raise UsageError("the reports have no common metric")
    methods: dict[str, MethodScores] = {}
    for report, labels in zip(ordered, _labels(ordered), strict=True):
        methods |= {labels[one.name]: replace(one, name=labels[one.name]) for one in report.evaluation.methods}
    evaluation = replace(first.evaluation, metrics=tuple(metrics), methods=tuple(methods.values()))
    ranked = tuple(name for name in first.ranked if name in metrics) or tuple(metrics)
    provenance = {key: first.provenance[key] for key in ("ivif",) if key in first.provenance}
    provenance["merged_from"] = [str(report.path) for report in ordered]
    return SavedReport(first.path, evaluation, metrics, ranked, provenance)


def in_order(reports: Sequence[SavedReport]) -> list[SavedReport]:
    """Reports by their dates, the oldest first; as they are where one has none."""

    def date(report: SavedReport) -> str:
        return str(report.provenance.get("date", ""))

    return sorted(reports, key=date) if all(map(date, reports)) else [*reports]


def changes_over_time(reports: Sequence[SavedReport]) -> Changes | None:
    """What changed from the oldest report to the newest, of the newest's first method that the oldest has as well.

    None where they have none in common. Methods are called as `merge_reports` calls them.
    """
    ordered = in_order(reports)
    old, new = ordered[0], ordered[-1]
    common = {method.name for method in old.evaluation.methods}
    method = next((one for one in new.evaluation.methods if one.name in common), None)
    if len(reports) < 2 or method is None:
        return None
    metrics = {name: facts for name, facts in new.metrics.items() if name in old.metrics}
    regressions = find_regressions(replace(old, metrics=metrics), method, metrics, Tolerance())
    labels = _labels(ordered)
    before = replace(old.like(method.name), name=labels[0][method.name])
    after = replace(method, name=labels[-1][method.name])
    return replace(find_changes(before, after, list(metrics), regressions), before=before.name)


def _labels(reports: Sequence[SavedReport]) -> list[dict[str, str]]:
    """For each report, method name -> what the method is called beside those of the others."""
    count = Counter(method.name for report in reports for method in report.evaluation.methods)
    stems = Counter(report.path.stem for report in reports)
    labels = []
    for report in reports:
        label = report.path.stem if stems[report.path.stem] == 1 else str(report.path)
        names = [method.name for method in report.evaluation.methods]
        labels.append({name: name if count[name] == 1 else f"{name} ({label})" for name in names})
    return labels


def by_dataset(reports: Sequence[SavedReport]) -> dict[str, list[SavedReport]]:
    """Reports by the data set that they are of, in the order given; those of folders by their pairs."""
    groups: dict[str, list[SavedReport]] = {}
    for report in reports:
        evaluation = report.evaluation
        groups.setdefault(evaluation.dataset or " ".join(evaluation.pairs), []).append(report)
    return groups
