"""Several saved evaluations as one: methods side by side, or one method over time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ivif_cli.core.errors import UsageError
from ivif_cli.core.scoring.changes import Changes, find_changes
from ivif_cli.core.scoring.regression import Tolerance, check_comparable, find_regressions
from ivif_cli.core.scoring.results import MethodScores
from ivif_cli.core.scoring.saved import SavedReport


def merge_reports(reports: Sequence[SavedReport]) -> SavedReport:
    """Methods of all reports on the metrics that all have; gates are kept of a single report only.

    Reports are taken in the order of their dates where all have one. A method that several reports have is named by
    the report as well.

    Raises:
        UsageError: reports of other pairs, files or conventions, or without a common metric.
    """
    if len(reports) == 1:
        return reports[0]
    ordered = in_order(reports)
    first = ordered[0]
    for other in ordered[1:]:
        check_comparable(first, other.evaluation.pairs, other.evaluation.data, other.metrics, what=str(first.path))
    metrics = {name: facts for name, facts in first.metrics.items() if all(name in one.metrics for one in ordered)}
    if not metrics:
        raise UsageError("the reports have no common metric")
    evaluation = replace(first.evaluation, metrics=tuple(metrics), methods=_methods(ordered))
    ranked = tuple(name for name in first.ranked if name in metrics) or tuple(metrics)
    merged_from = [str(report.path) for report in ordered]
    provenance = {key: first.provenance[key] for key in ("ivif",) if key in first.provenance}
    return SavedReport(first.path, evaluation, metrics, ranked, provenance | {"merged_from": merged_from})


def in_order(reports: Sequence[SavedReport]) -> list[SavedReport]:
    """Reports by their dates, the oldest first; as they are where one has none."""
    dates = [str(report.provenance.get("date", "")) for report in reports]
    return (
        [reports[index] for index in sorted(range(len(reports)), key=dates.__getitem__)] if all(dates) else [*reports]
    )


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
    shared = replace(old, metrics=metrics)
    regressions = find_regressions(shared, method, metrics, Tolerance())
    labels = _labels(ordered)
    before = replace(old.like(method.name), name=labels[0][method.name])
    after = replace(method, name=labels[-1][method.name])
    return replace(find_changes(before, after, list(metrics), regressions), before=before.name)


def by_dataset(reports: Sequence[SavedReport]) -> dict[str, list[SavedReport]]:
    """Reports by the data set that they are of, in the order given; those of folders by their pairs."""
    groups: dict[str, list[SavedReport]] = {}
    for report in reports:
        evaluation = report.evaluation
        groups.setdefault(evaluation.dataset or " ".join(evaluation.pairs), []).append(report)
    return groups


def _methods(reports: Sequence[SavedReport]) -> tuple[MethodScores, ...]:
    found: dict[str, MethodScores] = {}
    for report, labels in zip(reports, _labels(reports), strict=True):
        for method in report.evaluation.methods:
            found[labels[method.name]] = replace(method, name=labels[method.name])
    return tuple(found.values())


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
