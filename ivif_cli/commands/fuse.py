"""`ivif fuse`: one pair, two folders, a dataset, or two videos."""

import functools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ivif_cli.commands.console import Console
from ivif_cli.commands.fuse_report import tell
from ivif_cli.commands.fuse_task import Task
from ivif_cli.commands.fuse_video import VideoSwitches, is_video_task, run_video, video_options
from ivif_cli.commands.goals import (
    DialOption,
    GoalOption,
    PromptOption,
    StrengthOption,
    chosen_goals,
    named_after,
    parse_dials,
    understood,
)
from ivif_cli.core.errors import OutputError, PairingError, UsageError
from ivif_cli.core.nearest import nearest

if TYPE_CHECKING:
    from ivif_cli.core.data.find_pairs import Named
    from ivif_cli.core.data.sources import SourceOptions
    from ivif_cli.core.fusing.fuser import Fuser
    from ivif_cli.core.language.goal import Goal

FORMATS = ("png", "tif", "jpg", "bmp")


def fuse(
    output: Annotated[Path, typer.Option("--output", "-o", help="Fused picture, or the folder for all of them.")],
    ir: Annotated[Path | None, typer.Option("--ir", help="Infrared picture, folder or video.")] = None,
    vis: Annotated[Path | None, typer.Option("--vis", help="Visible picture, folder or video.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Named dataset in the place of --ir and --vis.")] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="CSV file of pairs: columns ir, vis and, where wanted, out and name.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse, before any work, files without a partner or of one stem.")
    ] = False,
    data_root: Annotated[Path | None, typer.Option(help="Where the dataset lies (default: IVIF_DATA).")] = None,
    model: Annotated[
        str, typer.Option("--model", "-m", help="base, fast, a .safetensors file, or an .onnx one.")
    ] = "base",
    prompt: PromptOption = None,
    goal: GoalOption = None,
    strength: StrengthOption = 1.0,
    dial: DialOption = None,
    gray: Annotated[bool, typer.Option("--gray", help="Give the fused luma without colour.")] = False,
    resize: Annotated[bool, typer.Option("--resize", help="Bring the infrared picture to the visible size.")] = False,
    align: Annotated[
        str | None, typer.Option(metavar="ecc|FILE", help="Align each pair, or use a file of `ivif align`.")
    ] = None,
    ir_range: Annotated[
        str,
        typer.Option(metavar="auto|picture|run|full|LOW,HIGH", help="Values that become black and white (thermal)."),
    ] = "auto",
    ir_polarity: Annotated[
        str, typer.Option(metavar="white|black", help="Whether hot is white or black in the infrared.")
    ] = "white",
    bit_depth: Annotated[int | None, typer.Option(help="8 or 16; by default the deeper of the two sources.")] = None,
    format_: Annotated[str, typer.Option("--format", help=f"Of a folder's pictures: {', '.join(FORMATS)}.")] = "png",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace pictures that exist.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")] = "auto",
    batch_size: Annotated[int | None, typer.Option(min=1, help="Pairs that go through the network together.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads that read and write.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads of the network.")] = None,
    compile_: Annotated[
        bool, typer.Option("--compile", help="Compile the network first: for long folders and videos.")
    ] = False,
    tile: Annotated[int | None, typer.Option(min=0, help="Side of tiles [px]; 0: none; default: as needed.")] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second of a video, where its sources do not say.")
    ] = None,
    any_rate: Annotated[bool, typer.Option("--any-rate", help="Fuse videos of two rates frame by frame.")] = False,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Frame size of raw pipes.")] = None,
    pixel_format: Annotated[
        str | None, typer.Option(metavar="FORMAT[,FORMAT]", help="Of raw pipes: gray8, gray16le or bgr24.")
    ] = None,
    codec: Annotated[
        str | None, typer.Option(help="Of a fused video; default: the usual one of its container.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and notes.")] = False,
) -> None:
    """Fuse infrared and visible images, as you say.

    Files are paired by stem; colour, size and bit depth are kept. Folder runs skip pictures that exist already and go
    on after a bad pair.
    """
    console = Console(machine=json_, quiet=quiet)
    explained = understood(console, prompt)
    switches = VideoSwitches(fps, any_rate, size, pixel_format, codec)
    dials = parse_dials(dial)
    engine = functools.partial(
        _open_fuser,
        model,
        device=device,
        precision=precision,
        tile=tile,
        threads=threads,
        compile=compile_,
    )
    if ir is not None and vis is not None and is_video_task(ir, vis, output, switches):
        videos = video_options(switches, ir_range, gray, resize, align, bit_depth, overwrite)
        fuser = engine()
        goals = chosen_goals(fuser, prompt, goal, strength, dials)
        for wanted, path in zip(goals, named_after(output, goals), strict=True):
            run_video(console, fuser, ir, vis, path, replace(videos, goal=wanted))
        return
    from ivif_cli.core.data.find_pairs import find_pairs

    task = _plan(find_pairs(ir, vis, dataset, data_root, manifest=manifest), output, format_)
    if strict and task.complaints:
        raise PairingError(task.complaints[0], "without --strict the others are fused")
    options = _source_options(ir_range, gray, resize, bit_depth, align, ir_polarity)
    _check_outputs(task, options, bit_depth, overwrite)

    from ivif_cli.core.data.held_range import hold_range
    from ivif_cli.core.fusing.folder import fuse_jobs, merge_reports
    from ivif_cli.core.processes import first_process, gather, own_share

    for complaint in task.complaints if first_process() else ():
        console.warn(complaint)

    held = hold_range([job.pair.ir for job in task.jobs], options.ir_range)
    options = replace(options, held=held.ranges)
    fuser = engine()
    goals = chosen_goals(fuser, prompt, goal, strength, dials)
    task = _for_each(task, goals, overwrite)
    jobs = own_share(task.jobs)
    with console.progress(len(jobs), "fusing", "pair") as advance:
        report = fuse_jobs(
            fuser,
            jobs,
            options,
            overwrite=overwrite,
            batch_size=batch_size,
            workers=workers,
            on_done=advance,
        )
    parts = gather(report)
    if parts is None:
        return
    report = merge_reports(parts)
    tell(console, task, report, fuser, options, explained)
    if report.failed:
        raise typer.Exit(1)


def _for_each(task: "Task", goals: "list[Goal]", overwrite: bool) -> "Task":
    """The task with a job for each pair and goal; several goals of a pair have outputs named after them."""
    jobs = [
        replace(job, output=output, goal=goal)
        for job in task.jobs
        for output, goal in zip(named_after(job.output, goals), goals, strict=True)
    ]
    task = replace(task, jobs=jobs)
    if len(goals) > 1:
        _refuse_existing(task, overwrite)
    return task


def _open_fuser(model: str, **options: Any) -> "Fuser":
    from ivif_cli.core.fusing.fuser import open_fuser

    return open_fuser(model, **options)


def _plan(named: "Named", output: Path, kind: str) -> Task:
    from ivif_cli.core.fusing.folder import Job, plan_jobs, refuse_output_inside

    if kind not in FORMATS:
        raise UsageError(f"unknown format {kind!r}", nearest(kind, FORMATS))
    pairs = named.pairing.pairs
    if named.single:
        path = output / f"{pairs[0].name}.{kind}" if output.is_dir() else output
        for source in (pairs[0].ir, pairs[0].vis):
            if path.exists() and path.samefile(source):
                raise UsageError(f"the output {path} is an input", "choose another name")
        return Task([Job(pairs[0], path)], single=True)
    if output.exists() and not output.is_dir():
        raise OutputError(f"{output} is a file", "a folder is needed for many pictures")
    refuse_output_inside(output, named.folders)
    jobs = plan_jobs(pairs, output, f".{kind}", named.outputs)
    return Task(jobs, False, named.pairing.complaints(), named.pairing)


def _source_options(
    ir_range: str, gray: bool, resize: bool, bits: int | None, align: str | None, polarity: str
) -> "SourceOptions":
    from ivif_cli.core.aligning.choice import choose_alignment
    from ivif_cli.core.data.sources import SourceOptions
    from ivif_cli.core.data.thermal import parse_ir_range

    return SourceOptions(
        parse_ir_range(ir_range),
        gray=gray,
        resize=resize,
        bits=bits,
        align=None if align is None else choose_alignment(align),
        align_name=align,
        cover=True,
        polarity=polarity,
    )


def _check_outputs(task: Task, options: "SourceOptions", bits: int | None, overwrite: bool) -> None:
    """Refuse, before anything is loaded, outputs that could not be written."""
    import numpy as np

    from ivif_cli.core.data.images import check_writable_kind

    for job in task.jobs[:1]:
        check_writable_kind(job.output, np.uint16 if bits == 16 else np.uint8)
    _refuse_existing(task, overwrite)


def _refuse_existing(task: Task, overwrite: bool) -> None:
    for job in task.jobs if task.single and not overwrite else ():
        if job.output.exists():
            raise OutputError(f"{job.output} exists already", "--overwrite replaces it")
