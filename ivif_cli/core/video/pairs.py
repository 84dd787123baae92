"""Pairs of frames: two clips read in step, mapped by one range, brought to one size.

Two things keep them steady: the thermal range adapts slowly (`RangeTracker`), and an alignment is estimated once for
the whole video.
"""

import contextlib
import itertools
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial

import numpy as np

from ivif_cli.core.aligning.register import Alignment, align_ecc
from ivif_cli.core.data.ir_range import IrRange, ThermalRange
from ivif_cli.core.data.luma import to_bits, to_luma
from ivif_cli.core.data.sources import SourceOptions, infrared_from, prepare_pair, read_infrared
from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.fusing.views import View, overlay, side_by_side
from ivif_cli.core.language.goal import Goal
from ivif_cli.core.video.decoding import Frame, RawFormat
from ivif_cli.core.video.frames import (
    Clip,
    as_rate,
    is_numbered,
    numbered_files,
    open_frames,
    read_ahead,
    sequence_files,
)
from ivif_cli.core.video.live_pairs import LivePairs
from ivif_cli.core.video.live_source import LiveSettings, shown_address
from ivif_cli.core.video.range_tracker import RangeTracker, run_range
from ivif_cli.core.video.time_pairs import paired_by_time
from ivif_cli.core.video.timed_goals import TimedGoals

RANGE_SECONDS, DESCRIPTOR_SECONDS = 4.0, 0.5
USUAL_RATE = 25.0
"""Frames per second for time constants, where the sources do not say."""
_ALIGN_FRAMES, _ALIGN_STEP = 6, 15


@dataclass(frozen=True)
class VideoOptions:
    """How a video is fused.

    Attributes:
        ir_range: rule for thermal values of more than 8 bits; "auto" is held over the video.
        gray: give luma only.
        polarity: "white" where hot is bright, "black" where hot is dark.
        resize: resample the infrared frames to the visible size where they differ.
        align: "ecc" to estimate one alignment from frames of the video, a saved one, or None; `align_name` says
            what it was made from.
        rate: frames per second of the result; None takes the visible video's.
        any_rate: fuse frame by frame although the rates of the sources differ.
        max_gap: pair the frames of two files by their times, at most so far apart [s]; None pairs them by their number.
        goal: what every frame is fused for, or from when on what; None for the default.
        smooth: seconds over which the global descriptors are averaged; 0 takes every frame for itself.
        raw_ir, raw_vis: frames of a pipe.
        live: how live sources are read.
        view: what is written in the place of the fused frames.
        codec: see `writer.open_writer`.
        overwrite: replace an existing result.
    """

    ir_range: IrRange = "auto"
    gray: bool = False
    polarity: str = "white"
    resize: bool = False
    align: "Alignment | str | None" = None
    align_name: str | None = None
    rate: float | None = None
    any_rate: bool = False
    max_gap: float | None = None
    smooth: float = DESCRIPTOR_SECONDS
    goal: Goal | TimedGoals | None = None
    raw_ir: RawFormat | None = None
    raw_vis: RawFormat | None = None
    codec: str | None = None
    overwrite: bool = False
    view: View | None = None
    live: LiveSettings = field(default_factory=LiveSettings)


def open_pairs(ir: str, vis: str, options: VideoOptions) -> "FramePairs":
    """Open an infrared and a visible video.

    Args:
        ir, vis: video files, folders or numbered patterns of pictures, named pipes, or "-" (one of them) for stdin; or
            two live sources (a pipe may be one of them), which are read from now on.

    Raises:
        InputError: a source that is not a video, has no frames, or differs in rate from the other.
        UsageError: options that do not fit together.
    """
    if ir == vis:
        raise UsageError(f"the infrared and the visible video are the same: {shown_address(ir)}")
    clips = (
        open_frames(ir, raw=options.raw_ir, read=partial(read_infrared, ir_range=options.ir_range), counts=True),
        open_frames(vis, raw=options.raw_vis),
    )
    live = LivePairs(*clips, options.live) if clips[0].live or clips[1].live else None
    if is_numbered(ir) and is_numbered(vis) and not options.any_rate:
        clips = _of_the_same_numbers(*clips)
    return FramePairs(clips, options, _common_rate(*clips, options, live), live)


def _of_the_same_numbers(ir: Clip, vis: Clip) -> tuple[Clip, Clip]:
    """Two patterns without the pictures whose number the other does not have."""
    numbers = frozenset(numbered_files(ir.path)) & frozenset(numbered_files(vis.path))
    if not numbers:
        raise InputError(f"{ir.name} and {vis.name} have no number in common", "--any-rate pairs them in their order")
    return replace(ir, numbers=numbers, frames=len(numbers)), replace(vis, numbers=numbers, frames=len(numbers))


def _common_rate(ir: Clip, vis: Clip, options: VideoOptions, live: LivePairs | None) -> Fraction | None:
    rates = [clip.rate for clip in (ir, vis)] if live is None else [None, live.rate() or Fraction(USUAL_RATE)]
    known = [rate for rate in rates if rate is not None]
    by_number = options.max_gap is None and not options.any_rate
    if len(known) == 2 and abs(known[0] / known[1] - 1) > 1e-3 and by_number:
        raise InputError(
            f"{ir.name} has {float(known[0]):.5g} frames/s, {vis.name} {float(known[1]):.5g}",
            "--max-gap 0.1 pairs them by their times, --any-rate frame by frame",
        )
    if options.rate is not None:
        if not 0 < options.rate < 10000:
            raise UsageError(f"a frame rate of {options.rate} is not possible")
        return as_rate(options.rate)
    return rates[1] or rates[0]


class FramePairs:
    """The frames of two clips as pairs that can be fused: mapped, of one size, in step.

    Args:
        rate: frames per second; None where the sources do not say.
        live: the two sources where they are live.

    Attributes:
        second: when the pair that came last is shown [s], as the visible clip or `options.rate` says.
        kind, held: of its infrared frame, and the values that became black and white.
        steps: how many frames' time went by since the pair before: 1 but for live sources, of which frames are dropped.
        scored: its infrared frame as metrics see it (see `LoadedPair`).
    """

    def __init__(
        self,
        clips: tuple[Clip, Clip],
        options: VideoOptions,
        rate: Fraction | None = None,
        live: LivePairs | None = None,
    ) -> None:
        self.clips, self.rate, self.live = clips, rate, live
        self.seconds = 1 / float(rate or USUAL_RATE)
        self._options = options
        self.second, self.steps = 0.0, 1.0
        self.kind, self.held = "8-bit", ThermalRange(0, 255)
        self.scored = np.empty((0, 0), np.uint8)

    @property
    def expected(self) -> int | None:
        """How many pairs there are, as the sources claim it."""
        if self._options.max_gap is not None:
            return self.clips[1].frames
        counts = [clip.frames for clip in self.clips if clip.frames is not None]
        return min(counts) if counts else None

    def left_out(self) -> list[str]:
        """What to say of the pictures of two patterns whose number the other does not have."""
        said = []
        for clip, other in (self.clips, self.clips[::-1]):
            count = len(sequence_files(clip.path)) if clip.numbers is not None else 0
            if clip.numbers is not None and count > len(clip.numbers):
                alone = count - len(clip.numbers)
                said.append(f"{alone} of {count} pictures of {clip.name} have no number of {other.name}: left out")
        return said

    def pairs(self, notes: list[str]) -> Generator[tuple[np.ndarray, np.ndarray], None, None]:
        """Infrared H x W and visible H x W [x 3] frames; a difference in length is added to `notes`.

        Raises:
            InputError: a frame that cannot be read, two sizes without `resize` or `align`, or no frames at all.
        """
        self._align = self._alignment()
        rule = self._options.ir_range
        self._tracker = RangeTracker(run_range(self.clips[0]) if rule == "run" else rule, RANGE_SECONDS / self.seconds)
        with contextlib.closing(self.joined(notes)) as joined:
            for number, (a, v) in enumerate(joined):
                given = v.seconds if self._options.rate is None else None
                before, self.second = self.second, number * self.seconds if given is None else given
                self.steps = 1.0 if self.live is None or given is None else (self.second - before) / self.seconds
                yield self._prepared(a, v)

    def joined(self, notes: list[str]) -> Generator[tuple[Frame, Frame], None, None]:
        """The frames that belong together, as they were read; `notes` as for `pairs`."""
        if self.live is not None:
            with contextlib.closing(self.live):
                yield from self.live.pairs()
            notes += self.live.notes()
            return
        notes += self.left_out()
        gap = self._options.max_gap
        for clip in self.clips if gap is not None else ():
            if clip.file is None:
                said = f"{clip.name} does not say when its frames were taken"
                raise UsageError(said, "--max-gap goes with video files")
        with contextlib.ExitStack() as stack:
            ir, vis = (stack.enter_context(contextlib.closing(read_ahead(clip.timed()))) for clip in self.clips)
            if gap is not None:
                yield from paired_by_time(ir, vis, gap, (self.clips[0].name, self.clips[1].name), notes)
                return
            for number, (a, v) in enumerate(itertools.zip_longest(ir, vis)):
                if a is None or v is None:
                    notes.append(self.different_lengths(number, ended=0 if a is None else 1))
                    return
                yield a, v

    def _alignment(self) -> Alignment | None:
        """The one alignment of a video; "ecc" fits up to six pairs of frames together."""
        ir, vis = self.clips
        if self._options.align is None or isinstance(self._options.align, Alignment):
            return self._options.align
        if not (ir.rewinds and vis.rewinds):
            raise UsageError("frames that come once cannot be aligned first", "make a file with ivif align")
        with contextlib.closing(self.joined([])) as joined:
            some = itertools.islice(joined, 0, _ALIGN_FRAMES * _ALIGN_STEP, _ALIGN_STEP)
            pairs = [
                (infrared_from(a.pixels, ir_range=self._options.ir_range).grey(), to_luma(v.pixels)) for a, v in some
            ]
        if not pairs:
            raise InputError(f"{ir.name} or {vis.name} holds no frames")
        return align_ecc([a for a, _ in pairs], [v for _, v in pairs])

    def viewed(self, view: View, thermal: np.ndarray, visible: np.ndarray, fused: np.ndarray) -> np.ndarray:
        """The frame that was prepared last as the view shows it, uint8."""
        if view.kind == "overlay":
            return overlay(thermal, visible, view.level(thermal, self.kind, self.held))
        return to_bits(side_by_side(thermal, visible, fused), 8)

    def different_lengths(self, frames: int, ended: int) -> str:
        """What to say where one of the clips, the infrared (0) or the visible (1), ends before the other."""
        short, long = self.clips[ended], self.clips[1 - ended]
        return f"{short.name} ends after {frames} frames, {long.name} is longer: its rest is left out"

    def _prepared(self, ir: Frame, vis: Frame) -> tuple[np.ndarray, np.ndarray]:
        options, name = self._options, f"the frames of {self.clips[0].name}"
        infrared = infrared_from(ir.pixels, name, options.ir_range)
        align = None if self._align is None else self._align.for_pair
        held = self._tracker.update(
            infrared.measured(options.ir_range), celsius=infrared.kind == "celsius", steps=self.steps
        )
        self.kind, self.held = infrared.kind, held
        dark = options.view is not None and options.view.kind == "overlay"
        prepare = SourceOptions(
            held, gray=options.gray, resize=options.resize, align=align, polarity=options.polarity, dark_holes=dark
        )
        placed = prepare_pair(infrared, vis.pixels, prepare, (name, f"the frames of {self.clips[1].name}"))
        self.scored = placed.scored
        return placed.ir, placed.vis
