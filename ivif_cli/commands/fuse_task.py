"""What one run of `ivif fuse` is to do; pictures through pipes: `--ir - --vis b.png -o - < a.png > fused.png`."""

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ivif_cli.commands.goals import named_after
from ivif_cli.core.errors import InputError, OutputError, UsageError
from ivif_cli.core.nearest import nearest

if TYPE_CHECKING:
    from ivif_cli.core.data.find_pairs import Named
    from ivif_cli.core.data.pairing import Pairing
    from ivif_cli.core.data.sources import SourceOptions
    from ivif_cli.core.fusing.jobs import Job
    from ivif_cli.core.fusing.views import View
    from ivif_cli.core.language.goal import Goal

FORMATS = ("png", "tif", "jpg", "bmp")
PIPE = Path("-")
_SAME = {"tif": (".tiff",), "jpg": (".jpeg",)}


@dataclass
class Task:
    """What is to be fused: the jobs, whether it is a single pair, how the pairs were found, whether stdout takes it."""

    jobs: "list[Job]"
    single: bool = False
    pairing: "Pairing | None" = None
    piped: bool = False


def for_each(task: Task, goals: "list[Goal]", overwrite: bool) -> Task:
    """The task with a job for each pair and goal; several goals of a pair have outputs named after them.

    Raises:
        UsageError: an output that is an input.
        OutputError: the file of a single pair exists and may not be replaced.
    """
    from ivif_cli.core.fusing.jobs import refuse_replacing

    jobs = [
        replace(job, output=output, goal=goal)
        for job in task.jobs
        for output, goal in zip(named_after(job.output, goals), goals, strict=True)
    ]
    task = replace(task, jobs=jobs)
    if overwrite:
        refuse_replacing(jobs)
    refuse_existing(task, overwrite)
    return task


def plan(named: "Named", output: Path, kind: str) -> Task:
    """Jobs of the named pairs, their outputs not yet checked."""
    from ivif_cli.core.fusing.jobs import Job, plan_jobs, refuse_output_inside, refuse_replacing

    if kind not in FORMATS:
        raise UsageError(f"unknown format {kind!r}", nearest(kind, FORMATS))
    pairs = named.pairing.pairs
    if named.single:
        path = output / f"{pairs[0].name}.{kind}" if output.is_dir() else output
        if kind != FORMATS[0] and path.suffix.lower() not in (f".{kind}", *_SAME.get(kind, ())):
            raise UsageError(f"--format {kind} and {path.name} are two kinds", "the name alone says it for one picture")
        jobs = [Job(pairs[0], path)]
        refuse_replacing(jobs)
        return Task(jobs, single=True)
    if output.exists() and not output.is_dir():
        raise OutputError(f"{output} is a file", "a folder is needed for many pictures")
    refuse_output_inside(output, named.folders)
    return Task(plan_jobs(pairs, output, f".{kind}", named.outputs), pairing=named.pairing)


def source_options(
    ir_range: str, align: str | None, view: "View | None", crop: str | None, **plain: Any
) -> "SourceOptions":
    """The core's options from those of the command line; `plain` ones are the same there."""
    from ivif_cli.core.aligning.register import alignment_record, choose_alignment
    from ivif_cli.core.data.cropping import parse_crop
    from ivif_cli.core.data.ir_range import parse_ir_range
    from ivif_cli.core.data.sources import SourceOptions

    dark = view is not None and view.kind == "overlay"
    if dark and align == "ecc":
        raise UsageError("--view overlay shows no visible picture to --align ecc", "make a file with ivif align first")
    rule, rig = parse_ir_range(ir_range), None if align is None else choose_alignment(align)
    window = None if crop is None else parse_crop(crop)
    return SourceOptions(rule, align=rig, align_name=alignment_record(align), crop=window, dark_holes=dark, **plain)


def check_outputs(task: Task, bits: int | None, aligned: Path | None, *, overwrite: bool, several: bool) -> None:
    """Refuse, before anything is loaded, outputs that could not be written; names of `several` goals come later."""
    import numpy as np

    from ivif_cli.core.data.images import check_writable_kind
    from ivif_cli.core.fusing.jobs import refuse_aligned_among

    if aligned is not None:
        refuse_aligned_among(aligned, (path for job in task.jobs for path in (job.pair.ir, job.pair.vis, job.output)))
    for job in task.jobs[:1]:
        check_writable_kind(job.output, np.uint16 if bits == 16 else np.uint8)
    refuse_existing(task, overwrite or several)


def refuse_existing(task: Task, overwrite: bool) -> None:
    """Raise `OutputError` where the file of a single pair exists; those of folders are skipped."""
    for job in task.jobs if task.single and not overwrite else ():
        if job.output.exists():
            raise OutputError(f"{job.output} exists already", "--overwrite replaces it")


def refuse_with_videos(**given: object) -> None:
    """Raise `UsageError` where options were given that only pictures have: by their names, with their values."""
    names = [name for name, value in given.items() if value]
    if names:
        raise UsageError(f"{', '.join(names)} only goes with pictures", "leave it out, or name folders of pictures")


def refuse_terminal(output: Path) -> None:
    """Raise `UsageError` where pixels would be written to a terminal."""
    if output == PIPE and sys.stdout.isatty():
        raise UsageError("pixels are not written to a terminal", "pipe them on: -o - > fused.png, or name a file")


@contextlib.contextmanager
def piped(ir: Path | None, vis: Path | None, output: Path) -> Iterator[tuple[Path | None, Path | None, Path]]:
    """The three names, files in the place of pipes; what was written to the output's file goes to stdout at the end.

    Raises:
        InputError: a pipe that gives nothing.
        UsageError: both pictures from stdin.
    """
    from ivif_cli.core.video.frames import is_pipe

    if ir == PIPE and vis == PIPE:
        raise UsageError("stdin holds one picture, --ir and --vis are two", "name a file for one of them")
    with tempfile.TemporaryDirectory(prefix="ivif-") as folder:
        sources = [
            _received(source, Path(folder, name)) if source is not None and is_pipe(str(source)) else source
            for source, name in ((ir, "ir"), (vis, "vis"))
        ]
        result = Path(folder, "fused.png") if output == PIPE else output
        yield sources[0], sources[1], result
        if output == PIPE and result.exists():
            sys.stdout.buffer.write(result.read_bytes())
            sys.stdout.buffer.flush()


def _received(pipe: Path, file: Path) -> Path:
    """The bytes of a pipe as a file; a JPEG's name says so, since radiometric ones are told by it."""
    data = sys.stdin.buffer.read() if pipe == PIPE else pipe.read_bytes()
    if not data:
        raise InputError(f"{'stdin' if pipe == PIPE else pipe} is empty (0 bytes)")
    file = file.with_suffix(".jpg") if data.startswith(b"\xff\xd8") else file
    file.write_bytes(data)
    return file
