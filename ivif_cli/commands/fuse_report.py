"""What `ivif fuse` says about a run of pictures: text or JSON on stdout, remarks on stderr."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from ivif_cli import __version__
from ivif_cli.commands.console import Console
from ivif_cli.commands.goals import as_plain

if TYPE_CHECKING:
    from ivif_cli.commands.fuse_task import Task
    from ivif_cli.core.data.sources import Facts, SourceOptions
    from ivif_cli.core.fusing.fuser import Fuser
    from ivif_cli.core.fusing.jobs import Job, Report
    from ivif_cli.core.language.explain import Explanation

_MOST_NOTES = 5


def tell(
    console: Console,
    task: "Task",
    report: "Report",
    fuser: "Fuser",
    options: "SourceOptions",
    explained: "list[Explanation]",
) -> None:
    """Failures and remarks to stderr, the result to stdout."""
    _remark(console, report, options)
    for job, reason in report.failed:
        console.error(reason if task.single else f"{job.pair.name}: {reason}")
    if console.machine:
        console.result_json(
            {**_as_json(task, report, fuser, options), "explained": [each.as_json() for each in explained]}
        )
    elif task.single and report.fused:
        for item in report.fused if not task.piped else ():
            console.result(str(item.job.output))
    elif not task.single:
        console.result(
            f"fused {len(report.fused)}, skipped {len(report.skipped)}, failed {len(report.failed)} "
            f"in {report.total:.1f} s{_pace(report)}"
        )


def _pace(report: "Report") -> str:
    """How fast it went, or why nothing was to do."""
    if report.fused:
        return f" ({len(report.fused) / max(report.total, 1e-9):.2f} pairs/s)"
    same = len(report.skipped) - len(report.unsigned)
    return f"; {same} were there already, made of the same sources by the same settings" if same else ""


def _as_json(task: "Task", report: "Report", fuser: "Fuser", options: "SourceOptions") -> dict[str, Any]:
    pairing = task.pairing
    return {
        "schema": 1,
        "ivif": __version__,
        "model": fuser.name,
        "weights_sha256": fuser.sha256,
        "device": fuser.device,
        "fused": [
            {**_paths(item.job), "width": item.width, "height": item.height, "bits": item.bits, **_infrared(item.facts)}
            for item in report.fused
        ],
        "skipped": [_paths(job) for job in report.skipped],
        "unsigned": [job.pair.name for job in report.unsigned],
        "remade": [{"name": job.pair.name, "other": other} for job, other in report.remade],
        "ir_range": _range(options),
        "failed": [{"name": job.pair.name, "error": reason} for job, reason in report.failed],
        "unmatched_ir": [str(path) for path in pairing.unmatched_ir] if pairing else [],
        "unmatched_vis": [str(path) for path in pairing.unmatched_vis] if pairing else [],
        "duplicates": [[str(path) for path in group] for group in pairing.duplicates] if pairing else [],
        "ambiguous": [[str(path) for path in group] for group in pairing.ambiguous] if pairing else [],
        "seconds": {key: round(getattr(report, key), 4) for key in ("total", "network", "starved", "blocked")},
    }


def _paths(job: "Job") -> dict[str, Any]:
    paths = {"name": job.pair.name, "ir": str(job.pair.ir), "vis": str(job.pair.vis), "output": str(job.output)}
    return {**paths, "goal": as_plain(job.goal)} if job.goal is not None else paths


def _infrared(facts: "Facts") -> dict[str, Any]:
    used = facts.thermal_range
    infrared = {"kind": facts.kind, "low": used.low, "high": used.high}
    return {"infrared": infrared, "alignment": facts.alignment, "notes": list(facts.notes)}


def _range(options: "SourceOptions") -> dict[str, Any]:
    rule = options.ir_range
    held = {kind: [found.low, found.high] for kind, found in options.held.items()}
    scope = "run" if held else "picture" if rule in ("auto", "picture", "run") else "fixed"
    return {"rule": str(rule), "scope": scope, "held": held}


def _remark(console: Console, report: "Report", options: "SourceOptions") -> None:
    deep = [item.facts for item in report.fused if item.facts.kind != "8-bit"]
    if deep and options.ir_range == "auto":
        _remark_range(console, deep, options)
    _remark_alignment(console, report, options)
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


def _remark_alignment(console: Console, report: "Report", options: "SourceOptions") -> None:
    """How well the worst pair was aligned, of those that were aligned one by one."""
    found = [(item.job.pair.name, item.facts.alignment) for item in report.fused if item.facts.alignment]
    if found and options.align_name == "ecc":
        name, worst = min(found, key=lambda each: each[1]["quality"])
        least = f"{len(found)} pairs aligned, worst {name}: " if len(found) > 1 else "aligned: "
        gained = f"edges correlate by {worst['quality']:.2f} (before: {worst['quality_before']:.2f})"
        moved = f"corners moved by {worst['corner_shift_px']:.1f} px, residual {worst['residual_px']:.1f} px"
        console.note(f"{least}{gained}, {moved}")


def _remark_range(console: Console, deep: "list[Facts]", options: "SourceOptions") -> None:
    for kind in sorted({facts.kind for facts in deep}):
        if kind in options.held:
            used = options.held[kind]
            console.note(
                f"infrared {kind} from {used.low:.6g} to {used.high:.6g} became black to white in all pictures "
                "(--ir-range picture takes each by itself)"
            )
        else:
            used = next(facts.thermal_range for facts in deep if facts.kind == kind)
            console.note(f"infrared {kind} from {used.low:.6g} to {used.high:.6g} became black to white")
