"""`ivif fuse`: one pair, two folders, a dataset, or two videos."""

import functools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ivif_cli.commands.console import Console
from ivif_cli.commands.fuse_pipes import PIPE, piped, refuse_terminal
from ivif_cli.commands.fuse_report import tell
from ivif_cli.commands.fuse_task import FORMATS, check_outputs, for_each, plan, refuse_with_videos, source_options
from ivif_cli.commands.fuse_video import VideoSwitches, is_video_task, run_video, video_options, with_gap
from ivif_cli.commands.fuse_watch import fuse_arriving, refuse_watching
from ivif_cli.commands.goals import (
    DialOption,
    GoalOption,
    GoalsOverTimeOption,
    PromptOption,
    StrengthOption,
    chosen_goals,
    goals_over_time,
    named_after,
    parse_dials,
    understood,
)
from ivif_cli.commands.options import (
    RESULT,
    SOURCES,
    SPEED,
    VIDEOS,
    WANTED,
    AlignOption,
    AnyRateOption,
    CropOption,
    DataRootOption,
    DeviceOption,
    FpsOption,
    IrPolarityOption,
    IrRangeOption,
    ManifestOption,
    MaxGapOption,
    PrecisionOption,
    QuietOption,
    ResizeOption,
    RetriesOption,
    StrictOption,
    ThreadsOption,
    TileOption,
    TimeoutOption,
    option,
)
from ivif_cli.core.errors import PairingError, UsageError

if TYPE_CHECKING:
    from ivif_cli.core.fusing.fuser import Fuser


def fuse(
    output: Annotated[
        Path, option(SOURCES, "Fused picture, the folder for all of them, or - for stdout.", "--output", "-o")
    ],
    ir: Annotated[
        str | None,
        option(
            SOURCES,
            "Infrared picture, folder, video, rtsp:// and the like, or - for stdin.",
            "--ir",
            metavar="PATH|ADDRESS",
        ),
    ] = None,
    vis: Annotated[
        str | None,
        option(
            SOURCES,
            "Visible picture, folder, video, rtsp:// and the like, or - for stdin.",
            "--vis",
            metavar="PATH|ADDRESS",
        ),
    ] = None,
    dataset: Annotated[str | None, option(SOURCES, "Named dataset in the place of --ir and --vis.")] = None,
    data_root: DataRootOption = None,
    manifest: ManifestOption = None,
    max_gap: MaxGapOption = None,
    strict: StrictOption = False,
    watch: Annotated[bool, option(SOURCES, "Fuse what arrives in the two folders.", "--watch")] = False,
    idle: Annotated[
        float | None, option(SOURCES, "End the watch after so long without anything new.", min=0, metavar="SECONDS")
    ] = None,
    model: Annotated[
        str, option(WANTED, "base, fast, a .safetensors file, or an .onnx one.", "--model", "-m")
    ] = "base",
    prompt: PromptOption = None,
    goal: GoalOption = None,
    strength: StrengthOption = 1.0,
    dial: DialOption = None,
    over_time: GoalsOverTimeOption = None,
    ir_range: IrRangeOption = "auto",
    ir_polarity: IrPolarityOption = "white",
    resize: ResizeOption = False,
    align: AlignOption = None,
    crop: CropOption = None,
    save_aligned: Annotated[
        Path | None,
        option(
            RESULT,
            "Write the infrared pictures too, in their own values, as they lie on the visible ones.",
            metavar="DIR",
        ),
    ] = None,
    view: Annotated[
        str,
        option(
            RESULT,
            "overlay: what is hot, in inferno over the visible; side: infrared, visible, fused.",
            metavar="fused|overlay|side",
        ),
    ] = "fused",
    hot: Annotated[
        str | None, option(RESULT, "What the overlay shows: from where on (95%).", metavar="95%|35C")
    ] = None,
    gray: Annotated[bool, option(RESULT, "Give the fused luma without colour.", "--gray")] = False,
    bit_depth: Annotated[int | None, option(RESULT, "8 or 16; by default the deeper of the two sources.")] = None,
    format_: Annotated[str, option(RESULT, f"Of a folder's pictures: {', '.join(FORMATS)}.", "--format")] = "png",
    overwrite: Annotated[bool, option(RESULT, "Replace pictures that exist.", "--overwrite")] = False,
    json_: Annotated[bool, option(RESULT, "Print the report as JSON.", "--json")] = False,
    fps: FpsOption = None,
    any_rate: AnyRateOption = False,
    size: Annotated[str | None, option(VIDEOS, "Frame size of raw pipes.", metavar="WxH")] = None,
    pixel_format: Annotated[
        str | None, option(VIDEOS, "Of raw pipes: gray8, gray16le or bgr24.", metavar="IR[,VIS]")
    ] = None,
    codec: Annotated[str | None, option(VIDEOS, "By default the usual one of the container.")] = None,
    timeout: TimeoutOption = None,
    retries: RetriesOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    batch_size: Annotated[int | None, option(SPEED, "Pairs that go through the network together.", min=1)] = None,
    workers: Annotated[int | None, option(SPEED, "Threads that read and write.", min=1)] = None,
    threads: ThreadsOption = None,
    compile_: Annotated[bool, option(SPEED, "Compile first: for long folders and videos.", "--compile")] = False,
    tile: TileOption = None,
    quiet: QuietOption = False,
) -> None:
    """Fuse infrared and visible images, as you say.

    Files are paired by stem; colour, size and bit depth are kept. Folder runs skip pictures that exist already and go
    on after a bad pair.
    """
    from ivif_cli.core.fusing.views import parse_view

    console = Console(machine=json_, quiet=quiet)
    explained = understood(console, prompt)
    refuse_terminal(output)
    switches = VideoSwitches(fps, any_rate, size, pixel_format, codec, timeout, retries)
    dials = parse_dials(dial)
    looks = parse_view(view, hot)
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
        refuse_with_videos(
            **{"--strict": strict, "--manifest": manifest},
            **{"--crop": crop, "--save-aligned": save_aligned, "--watch": watch},
        )
        videos = video_options(switches, ir_range, gray, resize, align, bit_depth, overwrite, looks, ir_polarity)
        videos = with_gap(videos, (ir, vis), max_gap, len((prompt or []) + (goal or [])))
        fuser = engine()
        if over_time is not None:
            timed = goals_over_time(fuser, over_time, prompt, goal, strength, dials)
            run_video(console, fuser, ir, vis, output, replace(videos, goal=timed))
            return
        goals = chosen_goals(fuser, prompt, goal, strength, dials)
        for wanted, path in zip(goals, named_after(output, goals), strict=True):
            run_video(console, fuser, ir, vis, path, replace(videos, goal=wanted))
        return
    ir_path, vis_path = (None if name is None else Path(name) for name in (ir, vis))
    if over_time is not None:
        raise UsageError("--goals-over-time is for videos", "pictures take --prompt or --goal")
    if idle is not None and not watch:
        raise UsageError("--idle goes with --watch", "add it, or leave --idle out")
    if watch:
        others = {"--dataset": dataset, "--manifest": manifest, "--max-gap": max_gap, "--strict": strict}
        others |= {"--save-aligned": save_aligned, "-o -": output == PIPE}
        folders = refuse_watching(ir_path, vis_path, ir_range, **others)
        options = source_options(ir_range, gray, resize, bit_depth, align, ir_polarity, looks, crop)
        how = {"overwrite": overwrite, "batch_size": batch_size, "workers": workers, "view": looks}
        fuser = engine()
        goals = chosen_goals(fuser, prompt, goal, strength, dials)
        fuse_arriving(console, fuser, goals, options, explained, folders, output, format_, idle, **how)
        return
    piped_out = output == PIPE
    with piped(ir_path, vis_path, output) as (ir_path, vis_path, output):
        from ivif_cli.core.data.find_pairs import find_pairs

        task = plan(
            find_pairs(ir_path, vis_path, dataset, data_root, manifest=manifest, max_gap=max_gap), output, format_
        )
        task.piped = piped_out
        if strict and task.complaints:
            raise PairingError(task.complaints[0], "without --strict the others are fused")
        keep = save_aligned is not None
        options = source_options(ir_range, gray, resize, bit_depth, align, ir_polarity, looks, crop, keep)
        several = len((prompt or []) + (goal or [])) > 1
        if piped_out and (several or json_ or not task.single):
            raise UsageError("a pipe takes one picture and nothing beside it", "name a file, or a folder for many")
        check_outputs(task, bit_depth, save_aligned, overwrite=overwrite, several=several)

        from ivif_cli.core.data.held_range import hold_range
        from ivif_cli.core.fusing.folder import fuse_jobs
        from ivif_cli.core.fusing.jobs import merge_reports
        from ivif_cli.core.processes import first_process, gather, own_share

        for complaint in task.complaints if first_process() else ():
            console.warn(complaint)
        if task.pairing is not None and task.pairing.by_time:
            console.note(f"{task.pairing.by_time} pairs by time stamps, at most {task.pairing.widest:.3g} s apart")

        held = hold_range([job.pair.ir for job in task.jobs], options.ir_range)
        options = replace(options, held=held.ranges)
        fuser = engine()
        goals = chosen_goals(fuser, prompt, goal, strength, dials)
        task = for_each(task, goals, overwrite)
        jobs = own_share(task.jobs)
        with console.progress(len(jobs), "fusing", "pair") as advance:
            report = fuse_jobs(
                fuser,
                jobs,
                options,
                overwrite=overwrite,
                batch_size=batch_size,
                workers=workers,
                view=looks,
                save_aligned=save_aligned,
                on_done=advance,
            )
        parts = gather(report)
        if parts is None:
            return
        report = merge_reports(parts)
        tell(console, task, report, fuser, options, explained)
        if report.failed:
            raise typer.Exit(1)


def _open_fuser(model: str, **options: Any) -> "Fuser":
    from ivif_cli.core.fusing.fuser import open_fuser

    return open_fuser(model, **options)
