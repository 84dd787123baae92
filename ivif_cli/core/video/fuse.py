"""Fusing two videos frame by frame, in constant memory, without adding flicker.

Pairs of frames come steady (`pairs.py`); the network's global descriptors are smoothed over time as well.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ivif_cli.core.data.images import file_sha256
from ivif_cli.core.data.luma import to_bits, to_luma
from ivif_cli.core.data.sources import SourceOptions
from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.files import file_identity
from ivif_cli.core.fusing.coarse import coarseness
from ivif_cli.core.fusing.provenance import as_label, settings_record
from ivif_cli.core.language.goal import Goal
from ivif_cli.core.video.containers import EVENLY_TIMED, VIDEO_SUFFIXES
from ivif_cli.core.video.decoding import PIPE, tags
from ivif_cli.core.video.flicker import Flicker
from ivif_cli.core.video.frames import Clip, is_sequence, sequence_folder
from ivif_cli.core.video.live_source import shown_address
from ivif_cli.core.video.pairs import FramePairs, VideoOptions, open_pairs
from ivif_cli.core.video.sound import Sound, sound_of
from ivif_cli.core.video.timed_goals import TimedGoals
from ivif_cli.core.video.writer import check_output, open_writer

if TYPE_CHECKING:
    from ivif_cli.core.fusing.fuser import Fuser

_CUT = 0.35


@dataclass
class VideoReport:
    """What was made.

    Attributes:
        width, height: of the frames [px]; `rate`: frames per second.
        flicker, relative_flicker: of the sources and the result (see `Flicker`).
        infrared: kind of the infrared frames, rule of their range, and the values that became black and white in the
            last one: under every rule but auto, picture and percentiles those of all frames.
        notes: remarks for the user, like a difference in length.
        lost: live sources that failed and did not come back.
    """

    output: str
    width: int = 0
    height: int = 0
    rate: float | None = None
    frames: int = 0
    flicker: dict[str, float | None] = field(default_factory=dict)
    relative_flicker: dict[str, float | None] = field(default_factory=dict)
    infrared: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


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
        ir, vis: video files, folders or numbered patterns of pictures, named pipes, or "-" (one of them) for stdin; or
            two live sources, fused until one of them or the user ends it.
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
    same = (file := file_identity(Path(output))) and file in (file_identity(Path(ir)), file_identity(Path(vis)))
    if output != PIPE and (same or output in (ir, vis)):
        raise UsageError(f"the output {shown_address(output)} is an input", "choose another name")
    _refuse_folder_of_source(output, (ir, vis))
    frames = open_pairs(ir, vis, options)
    check_output(output, frames.rate, options.overwrite)
    gaps = frames.live is not None or options.max_gap is not None
    if gaps and options.rate is None and Path(output).suffix.lower() in EVENLY_TIMED:
        raise UsageError(
            f"{Path(output).suffix} cannot hold frames at their own times", "take .mp4 or .mkv, or say --fps"
        )
    on_start(frames.expected)
    report = VideoReport(output, rate=None if frames.rate is None else float(frames.rate))
    return _run(fuser, frames, options, report, on_frame)


def _refuse_folder_of_source(output: str, sources: tuple[str, str]) -> None:
    """Raise `UsageError` where a sequence would be written into the folder of one that is read."""
    if output == PIPE or not is_sequence(output):
        return
    for source in sources:
        if is_sequence(source) and sequence_folder(source).resolve() == sequence_folder(output).resolve():
            raise UsageError(f"the output {output} lies in the folder of the input {source}", "choose another folder")


def _run(
    fuser: "Fuser", frames: FramePairs, options: VideoOptions, report: VideoReport, on_frame: Callable[[int], None]
) -> VideoReport:
    meters = {name: Flicker() for name in ("ir", "vis", "fused")}
    fusing = FrameFuser(fuser, options.goal, options.smooth, frames.seconds)
    with contextlib.ExitStack() as stack:
        writer = None
        sound = stack.enter_context(sound_of(frames.clips[1].file))
        for thermal, visible in frames.pairs(report.notes):
            fused = fusing.fuse(thermal, visible, frames.second, frames.steps)
            picture = fused if options.view is None else frames.viewed(options.view, thermal, visible, fused)
            if writer is None:
                report.height, report.width = picture.shape[:2]
                opened = open_writer(
                    report.output,
                    (report.width, report.height),
                    frames.rate,
                    gray=picture.ndim == 2,
                    codec=options.codec,
                    overwrite=options.overwrite,
                    tags=_tags(fuser, options, frames.clips),
                    sound=sound if options.rate is None else None,
                )
                writer = stack.enter_context(opened)
            writer.write(picture, frames.second)
            for name, image in (("ir", frames.scored), ("vis", visible), ("fused", fused)):
                meters[name].add(to_luma(image))
            report.frames += 1
            on_frame(1)
    if not report.frames:
        raise InputError(f"{frames.clips[0].name} or {frames.clips[1].name} holds no frames")
    if frames.live is not None:
        report.lost = [one.name for one in (frames.live.ir, frames.live.vis) if one.lost]
    used, rule = frames.held, options.ir_range
    report.infrared = {"kind": frames.kind, "rule": str(rule), "low": used.low, "high": used.high}
    if sound is not None:
        report.notes += _of_sound(sound, report.output, options)
    report.flicker = {name: meter.value for name, meter in meters.items()}
    report.relative_flicker = {name: meter.relative for name, meter in meters.items()}
    return report


def _tags(fuser: "Fuser", options: VideoOptions, clips: tuple[Clip, Clip]) -> dict[str, str]:
    """What a fused video says of itself: the tags of the visible file; as `comment` the record that pictures carry."""
    of_pictures = {name: getattr(options, name) for name in ("gray", "resize", "align_name", "polarity")}
    read = SourceOptions(options.ir_range, bits=8, **of_pictures)
    timed = options.goal if isinstance(options.goal, TimedGoals) else None
    record = settings_record(fuser, read, None if isinstance(options.goal, TimedGoals) else options.goal, options.view)
    if timed is not None:
        goals = zip(timed.seconds, timed.goals, strict=True)
        record["goals"] = [{"from": second, "text": goal.texts.fused} for second, goal in goals]
    files = [(clip.file.name, file_sha256(clip.file)) if clip.file else (clip.name, None) for clip in clips]
    record["sources"] = [{"file": name, "sha256": digest} for name, digest in files]
    shown = clips[1].file
    return {**(tags(shown) if shown else {}), "comment": as_label(record)}


def _of_sound(sound: Sound, output: str, options: VideoOptions) -> list[str]:
    """What is to say of sound that the result does not have."""
    if options.rate is not None:
        return ["the sound is left out, since --fps gives the frames other times"]
    if Path(output).suffix.lower() not in VIDEO_SUFFIXES:
        return ["the sound is left out: only a video file holds it"]
    named = ", ".join(sound.left_out)
    return [f"the sound ({named}) is left out: {Path(output).suffix} cannot hold it"] if named else []


class FrameFuser:
    """Fuses the frames of one video in their order.

    Args:
        goal: what every frame is fused for, or from when on what; None for the default.
        smooth: seconds over which the global descriptors are averaged; 0 takes every frame for itself.
        seconds: from one frame to the next.
    """

    def __init__(self, fuser: "Fuser", goal: Goal | TimedGoals | None, smooth: float, seconds: float) -> None:
        self._fuser, self._goal = fuser, goal
        self._smoother = DescriptorSmoother(smooth / seconds) if smooth else None
        self._coarse: int | None = None

    def describe(
        self, thermal: np.ndarray, visible: np.ndarray, second: float = 0.0, steps: float = 1.0
    ) -> tuple[Goal | None, Any]:
        """Take the pair of a second into account: its goal and its descriptors, None where every frame has its own.

        `steps` of frames' time went by since the pair before.
        """
        timed = self._goal
        goal = timed.at(second) if isinstance(timed, TimedGoals) else timed
        if self._smoother is None:
            return goal, None
        return goal, self._smoother.update(self._fuser.describe(thermal, visible, goal), steps)

    def fuse(self, thermal: np.ndarray, visible: np.ndarray, second: float = 0.0, steps: float = 1.0) -> np.ndarray:
        """The next frame, that of a second, fused as `Fuser.fuse` gives it, uint8; `steps` as for `describe`."""
        goal, descriptors = self.describe(thermal, visible, second, steps)
        # Finer when a frame asks for it, never coarser again: the grid must not go to and fro.
        self._coarse = coarseness(thermal, visible, self._coarse)
        fused = self._fuser.fuse(
            thermal, visible, goal=goal, ir_range=None, descriptors=descriptors, coarse=self._coarse
        )
        return to_bits(fused, 8)


class DescriptorSmoother:
    """Exponential mean of the global descriptors over time, begun anew at a cut.

    Args:
        frames: time constant in frames.
    """

    def __init__(self, frames: float) -> None:
        self._frames = max(frames, 1e-6)
        self._held: Any = None

    def update(self, descriptors: Any, steps: float = 1.0) -> Any:
        """Descriptors to fuse this frame with: a torch tensor or a numpy array, as the fuser's `describe` gives.

        `steps` of frames' time went by since the one before.
        """
        held = self._held
        if held is None or float(abs(descriptors - held).mean() / (abs(held).mean() + 1e-12)) > _CUT:
            self._held = descriptors
        else:
            self._held = held + (descriptors - held) * (1.0 - float(np.exp(-steps / self._frames)))
        return self._held
