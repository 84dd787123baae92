"""The watching part of `ivif fuse`: pairs are fused as they arrive in two folders."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ivif_cli.commands.console import Console
from ivif_cli.commands.fuse_report import tell
from ivif_cli.commands.fuse_task import Task, for_each, plan
from ivif_cli.core.errors import UsageError
from ivif_cli.interrupts import first_only_asks

if TYPE_CHECKING:
    from ivif_cli.core.data.pairing import Pairing
    from ivif_cli.core.data.sources import SourceOptions
    from ivif_cli.core.fusing.fuser import Fuser
    from ivif_cli.core.fusing.jobs import Report
    from ivif_cli.core.language.explain import Explanation
    from ivif_cli.core.language.goal import Goal


def refuse_watching(ir: Path | None, vis: Path | None, ir_range: str, **given: object) -> tuple[Path, Path]:
    """The two folders to watch; raises `UsageError` for anything else, and for options that watching does not have."""
    from ivif_cli.core.processes import world

    names = [name for name, value in given.items() if value]
    if names:
        raise UsageError(f"{', '.join(names)} does not go with --watch", "leave it out")
    if ir is None or vis is None or not (ir.is_dir() and vis.is_dir()):
        raise UsageError("--watch is for two folders that are there", "give both to --ir and --vis")
    if ir_range == "run":
        raise UsageError("what has not arrived cannot be measured for --ir-range run", "give LOW,HIGH, or picture")
    if world()[1] > 1:
        raise UsageError("--watch runs in one process", "start it without torchrun")
    return ir, vis


def fuse_arriving(
    console: Console,
    fuser: "Fuser",
    goals: "list[Goal]",
    options: "SourceOptions",
    explained: "list[Explanation]",
    folders: tuple[Path, Path],
    output: Path,
    kind: str,
    idle: float | None,
    **how: Any,
) -> None:
    """Fuse what arrives until Ctrl-C, SIGTERM or `idle` seconds without anything new, then tell about it all."""
    from ivif_cli.core.data.find_pairs import Named
    from ivif_cli.core.data.pairing import Pairing
    from ivif_cli.core.fusing.arrivals import arrivals
    from ivif_cli.core.fusing.folder import fuse_jobs

    reports: list[Report] = []
    plan(Named(Pairing(()), folders=folders), output, kind)
    console.note(f"watching {folders[0]} and {folders[1]}; Ctrl-C ends it")
    with first_only_asks() as stopped, console.progress(None, "fusing", "pair") as advance:
        for pairs in arrivals(lambda: _found(folders).pairs, stopped, idle):
            named = Named(Pairing(tuple(pairs)), folders=folders)
            task = for_each(plan(named, output, kind), goals, how["overwrite"])
            reports.append(fuse_jobs(fuser, task.jobs, options, on_done=advance, **how))
            for job, reason in reports[-1].failed:
                console.warn(f"{job.pair.name}: {reason}; tried again when its files change")
    report, left = _together(reports), _found(folders)
    for complaint in left.complaints():
        console.warn(complaint)
    if options.ir_range == "auto" and any(item.facts.kind != "8-bit" for item in report.fused):
        console.note("each infrared picture had a range of its own; --ir-range LOW,HIGH holds one")
    tell(console, Task([], pairing=left), report, fuser, options, explained)


def _found(folders: tuple[Path, Path]) -> "Pairing":
    """The pairs that are there now, if any."""
    from ivif_cli.core.data.pairing import Pairing, pair_folders
    from ivif_cli.core.errors import PairingError

    try:
        return pair_folders(*folders)
    except PairingError:
        return Pairing(())


def _together(reports: "list[Report]") -> "Report":
    """One report, of what became of each output last; what was made here and found made later was made."""
    from ivif_cli.core.fusing.jobs import Report, merge_reports

    if not reports:
        return Report()
    last: dict[Path, tuple[int, str]] = {}
    for turn, each in enumerate(reports):
        made = {output for output, (_, outcome) in last.items() if outcome == "fused"}
        last |= {job.output: (turn, "skipped") for job in each.skipped if job.output not in made}
        last |= {item.job.output: (turn, "fused") for item in each.fused}
        last |= {job.output: (turn, "failed") for job, _ in each.failed}
    for turn, each in enumerate(reports):
        each.fused = [item for item in each.fused if last[item.job.output] == (turn, "fused")]
        each.skipped = [job for job in each.skipped if last[job.output] == (turn, "skipped")]
        each.failed = [(job, why) for job, why in each.failed if last[job.output] == (turn, "failed")]
    report = merge_reports(reports)
    report.total = sum(each.total for each in reports)
    return report
