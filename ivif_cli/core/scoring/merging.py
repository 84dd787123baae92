"""Several saved evaluations as one: methods side by side, or one method over time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ivif_cli.core.errors import UsageError
from ivif_cli.core.scoring.regression import check_comparable
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
    dates = [str(report.provenance.get("date", "")) for report in reports]
    ordered = sorted(reports, key=lambda report: str(report.provenance["date"])) if all(dates) else list(reports)
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


def by_dataset(reports: Sequence[SavedReport]) -> dict[str, list[SavedReport]]:
    """Reports by the data set that they are of, in the order given; those of folders by their pairs."""
    groups: dict[str, list[SavedReport]] = {}
    for report in reports:
        evaluation = report.evaluation
        groups.setdefault(evaluation.dataset or " ".join(evaluation.pairs), []).append(report)
    return groups


def _methods(reports: Sequence[SavedReport]) -> tuple[MethodScores, ...]:
    count = Counter(method.name for report in reports for method in report.evaluation.methods)
    stems = Counter(report.path.stem for report in reports)
    found: dict[str, MethodScores] = {}
    for report in reports:
        label = report.path.stem if stems[report.path.stem] == 1 else str(report.path)
        for method in report.evaluation.methods:
            name = method.name if count[method.name] == 1 else f"{method.name} ({label})"
            found[name] = replace(method, name=name)
    return tuple(found.values())
