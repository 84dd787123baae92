"""What made a fused picture: the record that travels in it, and whether an existing picture was made as asked."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ivif_cli import __version__
from ivif_cli.core.data.images import file_sha256
from ivif_cli.core.data.labels import read_label
from ivif_cli.core.data.sources import Facts, SourceOptions
from ivif_cli.core.errors import InputError
from ivif_cli.core.fusing.views import View
from ivif_cli.core.language.goal import Goal

if TYPE_CHECKING:
    from ivif_cli.core.fusing.fuser import Fuser

Record = dict[str, Any]


def settings_record(fuser: "Fuser", options: SourceOptions, goal: Goal | None, view: View | None = None) -> Record:
    """The settings of a run that decide what its pictures look like, as plain values for JSON."""
    held = {kind: [found.low, found.high] for kind, found in sorted(options.held.items())}
    rule, said = options.ir_range, None
    if goal is not None:
        said = {"text": goal.texts.fused, "strength": goal.strength, "dials": dict(goal.dials), "encoder": goal.sha256}
    values = rule if isinstance(rule, str) else dataclasses.astuple(rule)
    asked: Record = {"ir_range": values, "ir_range_held": held, "ir_polarity": options.polarity}
    asked |= {"gray": options.gray, "resize": options.resize, "align": options.align_name}
    asked |= {"crop": None if options.crop is None else str(options.crop)}
    asked |= {"bit_depth": options.bits, "view": None if view is None else str(view)}
    return {"ivif": __version__, "weights_sha256": fuser.sha256, "goal": said, "options": asked}


def picture_record(settings: Record, pair: tuple[Path, Path], facts: Facts) -> Record:
    """The record of one picture: the settings, its sources and the thermal range that was used."""
    sources = zip(pair, (facts.ir_sha256, facts.vis_sha256), strict=True)
    return {
        **settings,
        "sources": [{"file": path.name, "sha256": digest} for path, digest in sources],
        "infrared": {"kind": facts.kind, "low": facts.thermal_range.low, "high": facts.thermal_range.high},
    }


def as_label(record: Record) -> str:
    """A record as one line of ASCII."""
    return json.dumps(record, ensure_ascii=True, separators=(",", ":"))


def read_record(path: Path) -> Record | None:
    """The record in a picture's file; None where there is none."""
    try:
        record = json.loads(read_label(path))
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and "weights_sha256" in record else None


def is_current(path: Path, settings: Record, pair: tuple[Path, Path]) -> list[str] | None:
    """Which of the settings, or of the sources, made an existing picture otherwise; empty where all are the same.

    None where the picture does not say what made it or a source cannot be read.
    """
    found = read_record(path)
    if found is None:
        return None
    wanted = json.loads(as_label(settings))
    other = [key for key in wanted if key != "options" and found.get(key) != wanted[key]]
    options = found.get("options") or {}
    other += [key for key, value in wanted["options"].items() if options.get(key) != value]
    hashes = [source.get("sha256") for source in found.get("sources") or []]
    try:
        same = bool(other) or hashes == [file_sha256(path) for path in pair]
    except InputError:
        return None
    return other if same else ["sources"]
