"""Reading an evaluation back from its JSON report."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ivif_cli.core.errors import InputError
from ivif_cli.core.metrics import METRICS, Facts
from ivif_cli.core.scoring.results import (
    Evaluation,
    Failure,
    FusedFile,
    GateResult,
    MethodScores,
    PictureScores,
    VideoFacts,
)

Read = TypeVar("Read")
_LARGEST = 1e300
_HINT = "write one with `ivif evaluate --report old.json`"


@dataclass(frozen=True)
class SavedReport:
    """An evaluation that was read back.

    Attributes:
        metrics: those of the evaluation, by name, in report order.
        ranked: the metrics that methods are ranked by.
        provenance: date, command, options and version, as far as the report has them.
        gates: as they were judged.
    """

    path: Path
    evaluation: Evaluation
    metrics: dict[str, Facts]
    ranked: tuple[str, ...]
    provenance: dict[str, Any]
    gates: tuple[GateResult, ...] = ()

    def like(self, name: str) -> MethodScores:
        """The method of this name, else the first."""
        return next((one for one in self.evaluation.methods if one.name == name), self.evaluation.first)


def read_report(path: Path) -> SavedReport:
    """A JSON report of schema 1; raises InputError where it is missing, or not such a report."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the report {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"the report {path} is not JSON", _HINT) from error
    if not isinstance(document, dict) or document.get("schema") != 1:
        raise InputError(f"{path} is not an evaluation report of schema 1", _HINT)
    try:
        return _report(path, document)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, IndexError) as error:
        raise InputError(f"{path} is not an evaluation report of schema 1", _HINT) from error


def _report(path: Path, document: dict[str, Any]) -> SavedReport:
    metrics = _metrics(document)
    methods = tuple(_method(entry, metrics) for entry in document["methods"])
    if not isinstance(document.get("options", {}), dict):
        raise TypeError("options are no table")
    if not methods or not metrics:
        raise ValueError("no method, or no metric")
    found = [picture.name for method in methods for picture in method.pictures]
    found += [failure.name for method in methods for failure in method.failed]
    names = tuple(_text(name) for name in document.get("pair_names", dict.fromkeys(found)))
    convention = _text(document.get("convention", "ivif"))
    data = {_text(name): _text(digest) for name, digest in document.get("data", {}).items()}
    files = {_text(name): (_text(one["ir"]), _text(one["vis"])) for name, one in document.get("files", {}).items()}
    dataset, video = _optional(_text, document.get("dataset")), _optional(_video, document.get("video"))
    evaluation = Evaluation(dataset, convention, tuple(metrics), names, methods, data, video, files)
    ranked = tuple(name for name in document.get("ranked", metrics) if name in metrics)
    kept: dict[str, Any] = {key: document[key] for key in ("ivif", "date", "command", "options") if key in document}
    gates = tuple(_gate(entry) for entry in document.get("gates", ()) if "is_lower" in entry)
    return SavedReport(path, evaluation, metrics, ranked, kept, gates)


def _video(entry: dict[str, Any]) -> VideoFacts:
    flicker, relative = (
        {_text(name): _optional(_number, value) for name, value in entry[key].items()}
        for key in ("flicker", "relative_flicker")
    )
    return VideoFacts(_text(entry["ir"]), _text(entry["vis"]), _optional(_number, entry["rate"]), flicker, relative)


def _gate(entry: dict[str, Any]) -> GateResult:
    bound, value = (_optional(_number, entry[key]) for key in ("bound", "value"))
    metric, kind, statistic, note = (_text(entry[key]) for key in ("metric", "kind", "statistic", "note"))
    return GateResult(metric, kind, statistic, bound, value, bool(entry["is_lower"]), bool(entry["passed"]), note)


def _metrics(document: dict[str, Any]) -> dict[str, Facts]:
    """Metrics as the report describes them; reports that do not are of our own convention."""
    described = document.get("metrics")
    if described is None:
        return {name: METRICS[name].facts for name in document["methods"][0]["mean"]}
    return {
        _text(name): Facts(
            name,
            bool(entry["higher_is_better"]),
            *(_text(entry[key]) for key in ("convention", "formula", "source", "range")),
        )
        for name, entry in described.items()
    }


def _method(entry: dict[str, Any], metrics: dict[str, Facts]) -> MethodScores:
    undefined = entry.get("undefined", {})
    pictures = []
    for image in entry["images"]:
        name = _text(image["name"])
        reasons = {metric: _text(why[name]) for metric, why in undefined.items() if name in why}
        pictures.append(PictureScores(name, {metric: _number(image.get(metric)) for metric in metrics}, reasons))
    return MethodScores(
        _text(entry["name"]),
        _text(entry.get("kind", "folder")),
        tuple(pictures),
        tuple(Failure(_text(one["name"]), _text(one["error"])) for one in entry.get("failed", ())),
        _optional(_text, entry.get("weights_sha256")),
        int(_number(entry.get("colour_pictures", 0))),
        {name: FusedFile(_text(one["path"]), _text(one["sha256"])) for name, one in entry.get("files", {}).items()},
    )


def _optional(read: Callable[[Any], Read], value: object) -> Read | None:
    return None if value is None else read(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _number(value: object) -> float:
    """A number; null is NaN."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise TypeError(f"{value!r} is no number")
    return float(value)
