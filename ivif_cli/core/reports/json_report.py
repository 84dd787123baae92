"""The JSON report, schema 1: means, values per picture, conventions, ranks, intervals, tests and gates."""

import math
from typing import Any

from ivif_cli.core.reports.report import Report
from ivif_cli.core.scoring.results import MethodScores, PictureScores

SCHEMA = 1


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain values without NaN; a value that is not defined is null, and named under `undefined`."""
    evaluation = report.evaluation
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "ivif": report.version,
        "dataset": evaluation.dataset,
        "pairs": len(evaluation.pairs),
        "convention": evaluation.convention,
        "metrics": {name: _describe(report, name) for name in report.metrics},
    }
    if report.coverage is not None:
        document["test_list"] = {
            "sha256": report.coverage.frozen.sha256,
            "complete": report.coverage.is_complete,
            "missing": list(report.coverage.missing),
            "extra": list(report.coverage.extra),
        }
    document["methods"] = [_method(report, index) for index in range(len(evaluation.methods))]
    if report.has_rivals:
        document["tests"] = [vars(test) for test in report.tests]
    if report.gates:
        document["gates"] = [
            {
                "metric": result.gate.metric,
                "kind": result.gate.kind,
                "bound": result.gate.bound,
                "value": result.value,
                "passed": result.passed,
            }
            for result in report.gates
        ]
    return document


def _describe(report: Report, name: str) -> dict[str, Any]:
    metric = report.metrics[name]
    return {
        "convention": metric.convention,
        "higher_is_better": metric.higher_is_better,
        "formula": metric.formula,
        "source": metric.source,
        "range": metric.range,
    }


def _method(report: Report, index: int) -> dict[str, Any]:
    method = report.evaluation.methods[index]
    entry: dict[str, Any] = {
        "name": method.name,
        "kind": method.kind,
        "weights_sha256": method.weights_sha256,
        "mean": {name: method.mean(name) for name in report.metrics},
        "interval95": {name: _interval(report, name, index) for name in report.metrics},
    }
    if report.has_rivals:
        entry["rank"] = {name: report.ranks[name][index] for name in report.metrics}
        entry["mean_rank"] = report.mean_ranks[index]
    entry["undefined"] = _undefined(report, method)
    entry["colour_pictures"] = method.colour
    entry["images"] = [_picture(picture) for picture in method.pictures]
    entry["failed"] = [{"name": failure.name, "error": failure.error} for failure in method.failed]
    return entry


def _interval(report: Report, name: str, index: int) -> list[float] | None:
    interval = report.intervals[name][index]
    return None if interval is None else [interval.low, interval.high]


def _undefined(report: Report, method: MethodScores) -> dict[str, dict[str, str]]:
    found = {name: method.undefined(name) for name in report.metrics}
    return {name: reasons for name, reasons in found.items() if reasons}


def _picture(picture: PictureScores) -> dict[str, Any]:
    values = {name: value if math.isfinite(value) else None for name, value in picture.values.items()}
    return {"name": picture.name, **values}
