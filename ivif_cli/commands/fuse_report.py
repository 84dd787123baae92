"""What `ivif fuse` says about a run of pictures: text or JSON on stdout, remarks on stderr."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from ivif_cli import __version__
from ivif_cli.commands.console import Console

if TYPE_CHECKING:
    from ivif_cli.commands.fuse_task import Task
    from ivif_cli.core.data.sources import SourceOptions
    from ivif_cli.core.fusing.fuser import Fuser
    from ivif_cli.core.fusing.jobs import Fused, Job, Report
    from ivif_cli.core.language.explain import Explanation

_MOST_NOTES = 5


def tell(
    console: Console,
    task: "Task",
    report: "Report",
    fuser: "Fuser",
    options: "SourceOptions",
    said: "list[Explanation]",
) -> None:
    """Failures and remarks to stderr, the result to stdout; the exit status is 1 where a pair failed."""
    _remark(console, report, options)
    for job, reason in report.failed:
        console.error(reason if task.single else f"{job.pair.name}: {reason}")
    if console.machine:
        told = {"explained": [each.as_json() for each in said]}
        console.result_json({**_as_json(task, report, fuser, options), **told})
    elif task.single:
        for item in report.fused if not task.piped else ():
            console.result(str(item.job.output))
    else:
        counts = f"fused {len(report.fused)}, skipped {len(report.skipped)}, failed {len(report.failed)}"
        same = len(report.skipped) - len(report.unsigned)
        why = f"; {same} were there already, made of the same sources by the same settings" if same else ""
        pace = f" ({len(report.fused) / max(report.total, 1e-9):.2f} pairs/s)" if report.fused else why
        console.result(f"{counts} in {report.total:.1f} s{pace}")
    if report.failed:
        raise typer.Exit(1)


def _as_json(task: "Task", report: "Report", fuser: "Fuser", options: "SourceOptions") -> dict[str, Any]:
    pairing = task.pairing
    held = {kind: [found.low, found.high] for kind, found in options.held.items()}
    scope = "run" if held else "picture" if options.ir_range in ("auto", "picture", "run") else "fixed"
    return {
        "schema": 1,
        "ivif": __version__,
        "model": fuser.name,
        "weights_sha256": fuser.sha256,
        "device": fuser.device,
        "fused": [_fused(item) for item in report.fused],
        "skipped": [_paths(job) for job in report.skipped],
        "unsigned": [job.pair.name for job in report.unsigned],
        "remade": [{"name": job.pair.name, "other": other} for job, other in report.remade],
        "ir_range": {"rule": str(options.ir_range), "scope": scope, "held": held},
        "failed": [{"name": job.pair.name, "error": reason} for job, reason in report.failed],
        "unmatched_ir": [str(path) for path in pairing.unmatched_ir] if pairing else [],
        "unmatched_vis": [str(path) for path in pairing.unmatched_vis] if pairing else [],
        "duplicates": [[str(path) for path in group] for group in pairing.duplicates] if pairing else [],
        "ambiguous": [[str(path) for path in group] for group in pairing.ambiguous] if pairing else [],
        "seconds": {key: round(getattr(report, key), 4) for key in ("total", "network", "starved", "blocked")},
    }


def _paths(job: "Job") -> dict[str, Any]:
    paths = {"name": job.pair.name, "ir": str(job.pair.ir), "vis": str(job.pair.vis), "output": str(job.output)}
    if (goal := job.goal) is None:
        return paths
    said = {"name": goal.name, "text": goal.texts.fused, "strength": goal.strength, "dials": dict(goal.dials)}
    return {**paths, "goal": {**said, "encoder_sha256": goal.sha256}}


def _fused(item: "Fused") -> dict[str, Any]:
    facts, used = item.facts, item.facts.thermal_range
    size = {"width": item.width, "height": item.height, "bits": item.bits}
    infrared = {"kind": facts.kind, "low": used.low, "high": used.high}
    read = {"infrared": infrared, "alignment": facts.alignment, "notes": list(facts.notes)}
    return {**_paths(item.job), **size, **read}


def _remark(console: Console, report: "Report", options: "SourceOptions") -> None:
    deep = [item.facts for item in report.fused if item.facts.kind != "8-bit"]
    if deep and options.ir_range == "auto":
        for kind in sorted({facts.kind for facts in deep}):
            used = options.held.get(kind) or next(facts.thermal_range for facts in deep if facts.kind == kind)
            rest = " in all pictures (--ir-range picture takes each by itself)" if kind in options.held else ""
            console.note(f"infrared {kind} from {used.low:.6g} to {used.high:.6g} became black to white{rest}")
    aligned = [(item.job.pair.name, item.facts.alignment) for item in report.fused if item.facts.alignment]
    if aligned and options.align_name == "ecc":
        name, worst = min(aligned, key=lambda each: each[1]["quality"])
        least = f"{len(aligned)} pairs aligned, worst {name}" if len(aligned) > 1 else "aligned"
        console.note(f"{least}: {how_aligned(worst)}")
    for job, other in report.remade[:_MOST_NOTES]:
        console.note(f"made again, as other settings or sources had made it ({', '.join(other)}): {job.output}")
    if len(report.remade) > _MOST_NOTES:
        console.note(f"and {len(report.remade) - _MOST_NOTES} more were made again")
    if report.unsigned:
        count = len(report.unsigned)
        console.warn(f"{count} picture(s) kept that do not say what made them, as {report.unsigned[0].output}")
    notes = Counter(note.rpartition(": ")[2] for item in report.fused for note in item.facts.notes)
    for text, count in notes.items():
        console.note(f"{count} file(s): {text}")


def how_aligned(found: Mapping[str, Any]) -> str:
    """An alignment's report (`Alignment.report`) in words."""
    gained = f"edges correlate by {found['quality']:.2f} (before: {found['quality_before']:.2f})"
    return f"{gained}, corners moved by {found['corner_shift_px']:.1f} px, residual {found['residual_px']:.1f} px"
