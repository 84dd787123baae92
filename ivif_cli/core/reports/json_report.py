"""The JSON report, schema 1 (`ivif_cli/schemas/evaluate.json`): everything the other formats are made of."""

import math
from typing import Any

from ivif_cli.core.reports.columns import Column
from ivif_cli.core.reports.report import Report
from ivif_cli.core.scoring.judged import GateResult
from ivif_cli.core.scoring.results import MethodScores, PictureScores

SCHEMA = 1


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain values without NaN; a value that is not defined is null, and named under `undefined`."""
    evaluation = report.evaluation
    document: dict[str, Any] = {
        "schema": SCHEMA,
        **report.provenance,
        "dataset": evaluation.dataset,
        "pairs": len(evaluation.pairs),
        "pair_names": list(evaluation.pairs),
        "data": evaluation.data,
        "files": {name: {"ir": ir, "vis": vis} for name, (ir, vis) in evaluation.files.items()},
        "convention": evaluation.convention,
        "ranked": list(report.ranked),
        "metrics": {name: vars(facts) for name, facts in report.metrics.items()},
    }
    if evaluation.video is not None:
        document["video"] = vars(evaluation.video)
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
        document["gates"] = [_gate(gate) for gate in report.gates]
    return document


def _gate(gate: GateResult) -> dict[str, Any]:
    keys = ("metric", "kind", "statistic", "bound", "value", "margin", "is_lower", "passed", "note")
    entry = {key: getattr(gate, key) for key in keys}
    regression = gate.regression
    if regression is not None:
        interval = regression.interval
        entry |= {"against": regression.method, "pairs": regression.pairs, "change": regression.change}
        entry |= {"interval95": interval and [interval.low, interval.high], "p": regression.p}
    return entry


def _method(report: Report, index: int) -> dict[str, Any]:
    method = report.evaluation.methods[index]
    entry: dict[str, Any] = {
        "name": method.name,
        "kind": method.kind,
        "weights_sha256": method.weights_sha256,
        "mean": {name: method.mean(name) for name in report.metrics},
        "p10": {name: Column(name, True).value(method) for name in report.metrics},
        "interval95": {name: _interval(report, name, index) for name in report.metrics},
    }
    if report.has_rivals:
        entry["rank"] = {name: report.ranks[name][index] for name in report.ranked}
        entry["mean_rank"] = report.mean_ranks[index]
    entry["undefined"] = _undefined(report, method)
    entry["colour_pictures"] = method.colour
    entry["images"] = [_picture(report, picture) for picture in method.pictures]
    entry["files"] = {name: vars(file) for name, file in method.files.items()}
    entry["failed"] = [{"name": failure.name, "error": failure.error} for failure in method.failed]
    return entry


def _interval(report: Report, name: str, index: int) -> list[float] | None:
    interval = report.intervals[name][index]
    return None if interval is None else [interval.low, interval.high]


def _undefined(report: Report, method: MethodScores) -> dict[str, dict[str, str]]:
    found = {name: method.undefined(name) for name in report.metrics}
    return {name: reasons for name, reasons in found.items() if reasons}


def _picture(report: Report, picture: PictureScores) -> dict[str, Any]:
    values = {name: picture.values[name] for name in report.metrics}
    return {"name": picture.name, **{name: value if math.isfinite(value) else None for name, value in values.items()}}
