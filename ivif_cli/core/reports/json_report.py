"""The JSON report, schema 1 (`ivif_cli/schemas/evaluate.json`): everything the other formats are made of."""

import math
from typing import Any

from ivif_cli.core.reports.report import Column, Report
from ivif_cli.core.scoring.results import GateResult

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
    if gate.regression is not None:
        found = gate.regression
        entry |= {"against": found.method, "pairs": found.pairs, "change": found.change}
        entry |= {"interval95": found.interval and list(found.interval), "p": found.p}
    return entry


def _method(report: Report, index: int) -> dict[str, Any]:
    method = report.evaluation.methods[index]
    intervals = {name: found[index] for name, found in report.intervals.items()}
    entry: dict[str, Any] = {
        "name": method.name,
        "kind": method.kind,
        "weights_sha256": method.weights_sha256,
        "mean": {name: method.mean(name) for name in report.metrics},
        "p10": {name: Column(name, True).value(method) for name in report.metrics},
        "interval95": {name: found and list(found) for name, found in intervals.items()},
    }
    if report.has_rivals:
        entry["rank"] = {name: report.ranks[name][index] for name in report.ranked}
        entry["mean_rank"] = report.mean_ranks[index]
    undefined = {name: method.undefined(name) for name in report.metrics}
    entry["undefined"] = {name: reasons for name, reasons in undefined.items() if reasons}
    entry["colour_pictures"] = method.colour
    entry["images"] = []
    for picture in method.pictures:
        values = {name: picture.values[name] for name in report.metrics}
        finite = {name: value if math.isfinite(value) else None for name, value in values.items()}
        entry["images"].append({"name": picture.name, **finite})
    entry["files"] = {name: vars(file) for name, file in method.files.items()}
    entry["failed"] = [vars(failure) for failure in method.failed]
    return entry
