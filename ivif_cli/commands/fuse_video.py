"""The video part of `ivif fuse`: which tasks are videos, and one fused."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ivif_cli import __version__
from ivif_cli.commands.console import Console
from ivif_cli.core.errors import UsageError
from ivif_cli.interrupts import first_only_asks

if TYPE_CHECKING:
    from ivif_cli.core.fusing.fuser import Fuser
    from ivif_cli.core.fusing.views import View
    from ivif_cli.core.video.decoding import RawFormat
    from ivif_cli.core.video.fuse import VideoReport
    from ivif_cli.core.video.pairs import VideoOptions


@dataclass(frozen=True)
class VideoSwitches:
    """Options that only a video has."""

    fps: float | None = None
    any_rate: bool = False
    size: str | None = None
    pixel_format: str | None = None
    codec: str | None = None
    timeout: float | None = None
    retries: int | None = None

    def refuse(self) -> None:
        """Raises UsageError where one was used, because there is no video."""
        used = [name for name, value in vars(self).items() if value is not None and value is not False]
        if used:
            given = ", ".join(f"--{name.replace('_', '-')}" for name in used)
            raise UsageError(f"{given} only goes with videos", "name videos, sequences or pipes")


def is_video_task(ir: str, vis: str, output: Path, switches: VideoSwitches) -> bool:
    """True where any of the three names is a video, a numbered sequence, a live source, or a pipe of raw frames.

    Raises:
        UsageError: options of videos with pictures.
    """
    from ivif_cli.core.video.frames import is_pipe, is_video

    raw = switches.size is not None or switches.pixel_format is not None
    if any(is_video(name) and (raw or not is_pipe(name)) for name in (ir, vis, str(output))):
        return True
    switches.refuse()
    return False


def video_options(
    switches: VideoSwitches,
    ir_range: str,
    gray: bool,
    resize: bool,
    align: str | None,
    bits: int | None,
    overwrite: bool,
    view: "View | None" = None,
    polarity: str = "white",
    sources: tuple[str, ...] = (),
    max_gap: float | None = None,
    several: bool = False,
) -> "VideoOptions":
    """The core's options from those of the command line; raises `UsageError` for what the sources do not have."""
    from ivif_cli.core.aligning.register import alignment_record, load_alignment
    from ivif_cli.core.data.ir_range import parse_ir_range
    from ivif_cli.core.video.live_source import LiveSettings, is_live
    from ivif_cli.core.video.pairs import VideoOptions

    if bits == 16:
        raise UsageError("videos are written with 8 bits", "fuse a folder of pictures for 16 bits")
    formats = _raw_formats(switches)
    live = any(is_live(name) for name in sources)
    if live and several:
        raise UsageError("live frames come once and are fused for one wish", "say --prompt or --goal once")
    if max_gap is not None and switches.any_rate and not live:
        raise UsageError("--max-gap pairs frames by time, --any-rate by number", "give one of them")
    waits = {"timeout": switches.timeout, "retries": switches.retries, "max_gap": max_gap if live else None}
    given: dict[str, Any] = {name: value for name, value in waits.items() if value is not None}
    return VideoOptions(
        ir_range=parse_ir_range(ir_range),
        polarity=polarity,
        gray=gray,
        resize=resize,
        align=align if align is None or align == "ecc" else load_alignment(Path(align)),
        align_name=alignment_record(align),
        rate=switches.fps,
        any_rate=switches.any_rate,
        max_gap=None if live else max_gap,
        raw_ir=formats[0],
        raw_vis=formats[1],
        codec=switches.codec,
        overwrite=overwrite,
        view=view,
        live=LiveSettings(**given),
    )


def _raw_formats(switches: VideoSwitches) -> "tuple[RawFormat | None, RawFormat | None]":
    """Raw formats of the infrared and the visible pipe: `gray8,bgr24` names two, one name stands for both."""
    from ivif_cli.core.video.decoding import RawFormat

    if switches.size is None:
        return None, None
    try:
        width, height = (int(part) for part in switches.size.lower().split("x"))
    except ValueError:
        raise UsageError(f"--size {switches.size!r} is not WIDTHxHEIGHT", "for example 640x480") from None
    names = (switches.pixel_format or "gray8").split(",")
    if len(names) > 2:
        raise UsageError(f"--pixel-format {switches.pixel_format!r} names more than two", "infrared,visible")
    return RawFormat(width, height, names[0]), RawFormat(width, height, names[-1])


def run_video(
    console: Console, fuser: "Fuser", ir: str, vis: str, output: Path, options: "VideoOptions"
) -> "VideoReport":
    """Fuse one video and tell a reader about it; raw frames on stdout have stdout for themselves.

    Live sources are fused until one ends, or Ctrl-C or SIGTERM.
    """
    from ivif_cli.core.video.fuse import fuse_video
    from ivif_cli.core.video.live_source import is_live, shown_address

    with contextlib.ExitStack() as stack:
        if is_live(ir) or is_live(vis):
            console.note(f"fusing what comes into {shown_address(str(output))}; Ctrl-C ends it")
            stopped = stack.enter_context(first_only_asks())
            options = replace(options, live=replace(options.live, stopped=stopped, say=console.warn))
        bars: list[Callable[[int], None]] = []

        def start(total: int | None) -> None:
            bars.append(stack.enter_context(console.progress(total, "fusing", "frame")))

        report = fuse_video(fuser, ir, vis, str(output), options, on_start=start, on_frame=lambda n: bars[0](n))
    for note in report.notes:
        console.warn(note)
    if str(output) != "-" and not console.machine:
        _tell(console, report)
    return report


def end_videos(console: Console, fuser: "Fuser", reports: "list[VideoReport]") -> None:
    """Tell a program about all videos in one document; exit status 1 where a live source was lost."""
    if console.machine and reports[0].output != "-":
        made = {"model": fuser.name, "weights_sha256": fuser.sha256, "device": fuser.device}
        told = [vars(report) for report in reports]
        videos = {"video": told[0]} if len(told) == 1 else {"videos": told}
        console.result_json({"schema": 1, "ivif": __version__, **made, **videos})
    if any(report.lost for report in reports):
        raise typer.Exit(1)


def _tell(console: Console, report: "VideoReport") -> None:
    console.result(report.output)
    used = report.infrared
    if used["kind"] != "8-bit":
        how = {"auto": ", as last followed", "picture": " in the last frame"}.get(used["rule"], " in all frames")
        console.note(f"infrared {used['kind']} from {used['low']:.6g} to {used['high']:.6g} became black to white{how}")
    rate = "" if report.rate is None else f" at {report.rate:g}/s"
    known = [(name, value) for name, value in report.relative_flicker.items() if report.flicker[name] is not None]
    shake = ", ".join(f"{name} {'n/a (flat)' if value is None else f'{value:.1%}'}" for name, value in known)
    size = f"{report.width} x {report.height}{rate}"
    console.note(f"{report.frames} frames of {size}; flicker in shares of the contrast: {shake or 'not measured'}")
