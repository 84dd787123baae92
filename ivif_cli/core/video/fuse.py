"""Fusing two videos frame by frame, in constant memory, without adding flicker.

Three things keep the result steady: the thermal range adapts slowly (`RangeTracker`), the network's global descriptors
are smoothed over time, and an alignment is estimated once for the whole video.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ivif_cli.core.aligning.register import Alignment, align_ecc
from ivif_cli.core.data.luma import to_bits, to_luma
from ivif_cli.core.data.sources import SourceOptions, infrared_from, prepare_pair, read_infrared
from ivif_cli.core.data.thermal import IrRange, ThermalRange
from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.fusing.views import View, overlay, side_by_side
from ivif_cli.core.language.goal import Goal
from ivif_cli.core.video.flicker import Flicker
from ivif_cli.core.video.frames import Backend, Clip, RawFormat, as_rate, open_frames, read_ahead
from ivif_cli.core.video.range_tracker import RangeTracker
from ivif_cli.core.video.timed_goals import TimedGoals
from ivif_cli.core.video.writer import check_output, open_writer

if TYPE_CHECKING:
    from ivif_cli.core.fusing.fuser import Fuser

RANGE_SECONDS, DESCRIPTOR_SECONDS = 4.0, 0.5
_CUT = 0.35
_ALIGN_FRAMES, _ALIGN_STEP = 6, 15


@dataclass(frozen=True)
class VideoOptions:
    """How a video is fused.

    Attributes:
        ir_range: rule for thermal values of more than 8 bits; "auto" is held over the video.
        gray: give luma only.
        resize: resample the infrared frames to the visible size where they differ.
        align: "ecc" to estimate one alignment from frames of the video, a saved one, or None.
        rate: frames per second of the result; None takes the visible video's.
        any_rate: fuse frame by frame although the rates of the sources differ.
        goal: what every frame is fused for, or from when on what; None for the default.
        smooth: seconds over which the global descriptors are averaged; 0 takes every frame for itself.
        raw_ir, raw_vis: frames of a pipe.
        view: what is written in the place of the fused frames.
        codec, backend: see `frame_writer.open_writer`.
        overwrite: replace an existing result.
    """

    ir_range: IrRange = "auto"
    gray: bool = False
    resize: bool = False
    align: "Alignment | str | None" = None
    rate: float | None = None
    any_rate: bool = False
    smooth: float = DESCRIPTOR_SECONDS
    goal: Goal | TimedGoals | None = None
    raw_ir: RawFormat | None = None
    raw_vis: RawFormat | None = None
    codec: str | None = None
    backend: Backend = "auto"
    overwrite: bool = False
    view: View | None = None


@dataclass
class VideoReport:
    """What was made.

    Attributes:
        width, height: of the frames [px]; `rate`: frames per second.
        flicker, relative_flicker: of the sources and the result (see `Flicker`).
        notes: remarks for the user, like a difference in length.
    """

    output: str
    width: int = 0
    height: int = 0
    rate: float | None = None
    frames: int = 0
    flicker: dict[str, float | None] = field(default_factory=dict)
    relative_flicker: dict[str, float | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def fuse_video(
    fuser: "Fuser",
    ir: str,
    vis: str,
    output: str,
    options: VideoOptions | None = None,
    *,
    on_start: Callable[[int | None], None] = lambda total: None,
    on_frame: Callable[[int], None] = lambda count: None,
) -> VideoReport:
    """Fuse an infrared and a visible video.

    Args:
        ir, vis: video files, folders or numbered patterns of pictures, named pipes, or "-" (one of them) for stdin.
        output: a video, a numbered pattern, or "-" for raw bgr24 (gray8 with `gray`) frames on stdout.
        on_start: called once with the number of frames, or None where the sources do not say.
        on_frame: called with 1 after every frame.

    Returns:
        the report; sources of different lengths are fused to the end of the shorter one, which a note names.

    Raises:
        InputError: a source that is not a video, has no frames, or differs in size or rate from the other.
        OutputError: the result exists already or cannot be written. An unfinished video leaves no file.
        UsageError: options that do not fit together.
    """
    options = options or VideoOptions()
    if ir == vis:
        raise UsageError(f"the infrared and the visible video are the same: {ir}")
    if output in (ir, vis) and output != "-":
        raise UsageError(f"the output {output} is an input", "choose another name")
    clips = (
        open_frames(
            ir, raw=options.raw_ir, backend=options.backend, read=partial(read_infrared, ir_range=options.ir_range)
        ),
        open_frames(vis, raw=options.raw_vis, backend=options.backend),
    )
    rate = _common_rate(*clips, options)
    check_output(output, rate, options.overwrite)
    on_start(_expected(clips))
    options = replace(options, align=_alignment(*clips, options))
    report = VideoReport(output, rate=None if rate is None else float(rate))
    return _run(fuser, clips, options, rate, report, on_frame)


def _common_rate(ir: Clip, vis: Clip, options: VideoOptions) -> Fraction | None:
    rates = [clip.rate for clip in (ir, vis)]
    known = [rate for rate in rates if rate is not None]
    if len(known) == 2 and abs(known[0] / known[1] - 1) > 1e-3 and not options.any_rate:
        raise InputError(
            f"{ir.name} has {float(known[0]):.5g} frames/s, {vis.name} {float(known[1]):.5g}",
            "re-time one of them (ffmpeg -vf fps=...), or --any-rate fuses them frame by frame",
        )
    if options.rate is not None:
        if not 0 < options.rate < 10000:
            raise UsageError(f"a frame rate of {options.rate} is not possible")
        return as_rate(options.rate)
    return rates[1] or rates[0]


def _expected(clips: Sequence[Clip]) -> int | None:
    counts = [clip.frames for clip in clips if clip.frames is not None]
    return min(counts) if counts else None


def _alignment(ir: Clip, vis: Clip, options: VideoOptions) -> Alignment | None:
    """The one alignment of a video; "ecc" fits up to six pairs of frames together."""
    if options.align is None or isinstance(options.align, Alignment):
        return options.align
    if not (ir.rewinds and vis.rewinds):
        raise UsageError("frames of a pipe come once and cannot be aligned first", "make a file with ivif align")
    stop = _ALIGN_FRAMES * _ALIGN_STEP
    pairs = itertools.islice(zip(ir.stream(), vis.stream(), strict=False), 0, stop, _ALIGN_STEP)
    frames = [(infrared_from(a).grey(), to_luma(v)) for a, v in pairs]
    if not frames:
        raise InputError(f"{ir.name} or {vis.name} holds no frames")
    return align_ecc([a for a, _ in frames], [v for _, v in frames])


def _run(
    fuser: "Fuser",
    clips: tuple[Clip, Clip],
    options: VideoOptions,
    rate: Fraction | None,
    report: VideoReport,
    on_frame: Callable[[int], None],
) -> VideoReport:
    meters = {name: Flicker() for name in ("ir", "vis", "fused")}
    frames = Preparer(clips, options, float(rate or 25))
    smoother = DescriptorSmoother(options.smooth * float(rate or 25))
    with contextlib.ExitStack() as stack:
        writer = None
        for thermal, visible in frames.pairs(report.notes):
            goal = _goal_at(options.goal, report.frames / float(rate or 25))
            descriptors = smoother.update(fuser.describe(thermal, visible, goal)) if options.smooth else None
            fused = to_bits(fuser.fuse(thermal, visible, goal=goal, ir_range="full", descriptors=descriptors), 8)
            picture = fused if options.view is None else frames.viewed(options.view, thermal, visible, fused)
            if writer is None:
                report.height, report.width = picture.shape[:2]
                writer = stack.enter_context(_writer(report, rate, options, gray=picture.ndim == 2))
            writer.write(picture)
            for name, image in (("ir", thermal), ("vis", visible), ("fused", fused)):
                meters[name].add(to_luma(image))
            report.frames += 1
            on_frame(1)
    if not report.frames:
        raise InputError(f"{clips[0].name} or {clips[1].name} holds no frames")
    report.flicker = {name: meter.value for name, meter in meters.items()}
    report.relative_flicker = {name: meter.relative for name, meter in meters.items()}
    return report


def _goal_at(goal: Goal | TimedGoals | None, second: float) -> Goal | None:
    return goal.at(second) if isinstance(goal, TimedGoals) else goal


def _writer(
    report: VideoReport, rate: Fraction | None, options: VideoOptions, *, gray: bool
) -> contextlib.AbstractContextManager:
    size = report.width, report.height
    return open_writer(
        report.output,
        size,
        rate,
        gray=gray,
        codec=options.codec,
        backend=options.backend,
        overwrite=options.overwrite,
    )


class Preparer:
    """Turns the frames of two clips into pairs that can be fused: mapped, of one size, in step."""

    def __init__(self, clips: tuple[Clip, Clip], options: VideoOptions, rate: float) -> None:
        self._clips = clips
        self._options = options
        self._kind, self._held = "8-bit", ThermalRange(0, 255)
        self._tracker = RangeTracker(options.ir_range, RANGE_SECONDS * rate)

    def pairs(self, notes: list[str]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Infrared H x W and visible H x W [x 3] frames; a difference in length is added to `notes`."""
        number = 0
        with contextlib.ExitStack() as stack:
            ir, vis = (stack.enter_context(contextlib.closing(read_ahead(clip.stream()))) for clip in self._clips)
            for number, (a, v) in enumerate(itertools.zip_longest(ir, vis), start=1):
                if a is None or v is None:
                    notes.append(self._different_lengths(number - 1, ended=0 if a is None else 1))
                    return
                yield self._prepared(a, v)

    def viewed(self, view: View, thermal: np.ndarray, visible: np.ndarray, fused: np.ndarray) -> np.ndarray:
        """The frame that was prepared last as the view shows it, uint8."""
        if view.kind == "overlay":
            return overlay(thermal, visible, view.level(thermal, self._kind, self._held))
        return to_bits(side_by_side(thermal, visible, fused), 8)

    def _different_lengths(self, frames: int, ended: int) -> str:
        short, long = self._clips[ended], self._clips[1 - ended]
        return f"{short.name} ends after {frames} frames, {long.name} is longer: its rest is left out"

    def _prepared(self, ir: Any, vis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        infrared, options = infrared_from(ir), self._options
        align = options.align.warped if isinstance(options.align, Alignment) else None
        held = self._tracker.update(infrared.values, celsius=infrared.kind == "celsius")
        self._kind, self._held = infrared.kind, held
        dark = options.view is not None and options.view.kind == "overlay"
        prepare = SourceOptions(held, gray=options.gray, resize=options.resize, align=align, dark_holes=dark)
        names = f"the frames of {self._clips[0].name}", f"the frames of {self._clips[1].name}"
        return prepare_pair(infrared, vis, prepare, names)


class DescriptorSmoother:
    """Exponential mean of the global descriptors over time, begun anew at a cut.

    Args:
        frames: time constant in frames.
    """

    def __init__(self, frames: float) -> None:
        self._keep = float(np.exp(-1.0 / max(frames, 1e-6)))
        self._held: Any = None

    def update(self, descriptors: Any) -> Any:
        """Descriptors to fuse this frame with: a torch tensor or a numpy array, as the fuser's `describe` gives."""
        held = self._held
        if held is None or float(abs(descriptors - held).mean() / (abs(held).mean() + 1e-12)) > _CUT:
            self._held = descriptors
        else:
            self._held = held + (descriptors - held) * (1.0 - self._keep)
        return self._held
