"""`ivif fuse`: one pair, two folders, a dataset, or two videos."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from ivif_cli.commands import goals as wishes
from ivif_cli.commands import options as shared
from ivif_cli.commands.console import Console
from ivif_cli.commands.fuse_report import tell
from ivif_cli.commands.fuse_task import (
    FORMATS,
    PIPE,
    check_outputs,
    for_each,
    piped,
    plan,
    refuse_terminal,
    refuse_with_videos,
    source_options,
)
from ivif_cli.commands.fuse_video import VideoSwitches, end_videos, is_video_task, run_video, video_options
from ivif_cli.commands.fuse_watch import fuse_arriving, refuse_watching
from ivif_cli.commands.goals import chosen_goals, named_after, parse_dials, understood
from ivif_cli.commands.options import RESULT, SOURCES, SPEED, VIDEOS, WANTED, option
from ivif_cli.core.errors import PairingError, UsageError


def fuse(
    output: Annotated[
        Path, option(SOURCES, "Fused picture, the folder for all of them, or - for stdout.", "--output", "-o")
    ],
    ir: Annotated[
        str | None,
        option(
            SOURCES, "Infrared picture, folder, video, rtsp:// and the like, or - for stdin.", metavar="PATH|ADDRESS"
        ),
    ] = None,
    vis: Annotated[
        str | None,
        option(
            SOURCES, "Visible picture, folder, video, rtsp:// and the like, or - for stdin.", metavar="PATH|ADDRESS"
        ),
    ] = None,
    dataset: Annotated[str | None, option(SOURCES, "Named dataset in the place of --ir and --vis.")] = None,
    data_root: shared.DataRootOption = None,
    manifest: shared.ManifestOption = None,
    max_gap: shared.MaxGapOption = None,
    strict: shared.StrictOption = False,
    watch: Annotated[bool, option(SOURCES, "Fuse what arrives in the two folders.", "--watch")] = False,
    idle: Annotated[
        float | None, option(SOURCES, "End the watch after so long without anything new.", min=0, metavar="SECONDS")
    ] = None,
    model: Annotated[
        str, option(WANTED, "base, fast, a .safetensors file, or an .onnx one.", "--model", "-m")
    ] = "base",
    prompt: wishes.PromptOption = None,
    goal: wishes.GoalOption = None,
    strength: wishes.StrengthOption = 1.0,
    dial: wishes.DialOption = None,
    over_time: wishes.GoalsOverTimeOption = None,
    ir_range: shared.IrRangeOption = "auto",
    ir_polarity: shared.IrPolarityOption = "white",
    resize: shared.ResizeOption = False,
    align: shared.AlignOption = None,
    crop: shared.CropOption = None,
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
    fps: shared.FpsOption = None,
    any_rate: shared.AnyRateOption = False,
    size: Annotated[str | None, option(VIDEOS, "Frame size of raw pipes.", metavar="WxH")] = None,
    pixel_format: Annotated[
        str | None, option(VIDEOS, "Of raw pipes: gray8, gray16le or bgr24.", metavar="IR[,VIS]")
    ] = None,
    codec: Annotated[str | None, option(VIDEOS, "By default the usual one of the container.")] = None,
    timeout: shared.TimeoutOption = None,
    retries: shared.RetriesOption = None,
    device: shared.DeviceOption = "auto",
    precision: shared.PrecisionOption = "auto",
    batch_size: Annotated[int | None, option(SPEED, "Pairs that go through the network together.", min=1)] = None,
    workers: Annotated[int | None, option(SPEED, "Threads that read and write.", min=1)] = None,
    threads: shared.ThreadsOption = None,
    compile_: Annotated[bool, option(SPEED, "Compile first: for long folders and videos.", "--compile")] = False,
    tile: shared.TileOption = None,
    quiet: shared.QuietOption = False,
) -> None:
    """Fuse infrared and visible images, as you say.

    Files are paired by stem; colour, size and bit depth are kept. Folder runs skip pictures that exist already and go
    on after a bad pair.
    """
    from ivif_cli.core.data.find_pairs import find_pairs
    from ivif_cli.core.data.held_range import hold_range
    from ivif_cli.core.fusing.folder import fuse_jobs
    from ivif_cli.core.fusing.fuser import open_fuser
    from ivif_cli.core.fusing.jobs import merge_reports
    from ivif_cli.core.fusing.views import parse_view
    from ivif_cli.core.processes import gather, own_share, world

    console = Console(machine=json_, quiet=quiet)
    explained = understood(console, prompt)
    refuse_terminal(output)
    switches = VideoSwitches(fps, any_rate, size, pixel_format, codec, timeout, retries)
    dials = parse_dials(dial)
    looks = parse_view(view, hot)
    several = len((prompt or []) + (goal or [])) > 1
    prepared: dict[str, Any] = {"ir_range": ir_range, "polarity": ir_polarity, "gray": gray, "resize": resize}
    prepared |= {"align": align, "bits": bit_depth, "view": looks}
    opened = {"device": device, "precision": precision, "tile": tile, "threads": threads, "compile": compile_}
    if ir is not None and vis is not None and is_video_task(ir, vis, output, switches):
        still = {"--strict": strict, "--manifest": manifest, "--crop": crop, "--save-aligned": save_aligned}
        refuse_with_videos(**still, **{"--watch": watch})
        if world()[1] > 1:
            raise UsageError("videos are fused in one process", "start it without torchrun")
        timing: dict[str, Any] = {"sources": (ir, vis), "max_gap": max_gap, "several": several}
        videos = video_options(switches, overwrite=overwrite, **prepared, **timing)
        fuser = open_fuser(model, **opened)
        wanted = chosen_goals(fuser, prompt, goal, strength, dials, over_time)
        paths = zip(wanted, named_after(output, wanted), strict=True)
        each = [run_video(console, fuser, ir, vis, path, replace(videos, goal=one)) for one, path in paths]
        end_videos(console, fuser, each)
        return
    ir_path, vis_path = (None if name is None else Path(name) for name in (ir, vis))
    if over_time is not None:
        raise UsageError("--goals-over-time is for videos", "pictures take --prompt or --goal")
    if idle is not None and not watch:
        raise UsageError("--idle goes with --watch", "add it, or leave --idle out")
    options = source_options(**prepared, crop=crop, keep_aligned=save_aligned is not None)
    how: dict[str, Any] = {"overwrite": overwrite, "batch_size": batch_size, "workers": workers, "view": looks}
    if watch:
        others = {"--dataset": dataset, "--manifest": manifest, "--max-gap": max_gap, "--strict": strict}
        others |= {"--save-aligned": save_aligned, "-o -": output == PIPE}
        folders = refuse_watching(ir_path, vis_path, ir_range, **others)
        fuser = open_fuser(model, **opened)
        goals = chosen_goals(fuser, prompt, goal, strength, dials)
        fuse_arriving(console, fuser, goals, options, explained, folders, output, format_, idle, **how)
        return
    piped_out = output == PIPE
    with piped(ir_path, vis_path, output) as (ir_path, vis_path, output):
        found = find_pairs(ir_path, vis_path, dataset, data_root, manifest=manifest, max_gap=max_gap)
        task = replace(plan(found, output, format_), piped=piped_out)
        complaints = task.pairing.complaints() if task.pairing is not None else []
        if strict and complaints:
            raise PairingError(complaints[0], "without --strict the others are fused")
        if piped_out and (several or json_ or not task.single):
            raise UsageError("a pipe takes one picture and nothing beside it", "name a file, or a folder for many")
        check_outputs(task, bit_depth, save_aligned, overwrite=overwrite, several=several)
        first = world()[0] == 0
        for complaint in complaints if first else ():
            console.warn(complaint)
        if first and task.pairing is not None and task.pairing.by_time:
            console.note(f"{task.pairing.by_time} pairs by time stamps, at most {task.pairing.widest:.3g} s apart")

        held = hold_range([job.pair.ir for job in task.jobs], options.ir_range)
        options = replace(options, held=held)
        fuser = open_fuser(model, **opened)
        task = for_each(task, chosen_goals(fuser, prompt, goal, strength, dials), overwrite)
        jobs = own_share(task.jobs)
        with console.progress(len(jobs), "fusing", "pair") as advance:
            report = fuse_jobs(fuser, jobs, options, save_aligned=save_aligned, on_done=advance, **how)
        if (parts := gather(report)) is None:
            return
        tell(console, task, merge_reports(parts), fuser, options, explained)
