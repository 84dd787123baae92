"""Two videos that are scored frame by frame: read as `ivif fuse` reads them, fused in order, their flicker measured."""

import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.metrics import Facts
from ivif_cli.core.scoring.contenders import ModelContender, named_path
from ivif_cli.core.scoring.results import Failure, MethodScores, PictureScores, VideoFacts
from ivif_cli.core.scoring.task import Contender, ReadOptions, Task, as_task
from ivif_cli.core.video.flicker import Flicker
from ivif_cli.core.video.frames import Clip, is_pipe, is_sequence, is_video, open_frames
from ivif_cli.core.video.fuse import FrameFuser
from ivif_cli.core.video.pairs import FramePairs, VideoOptions, open_pairs

FLICKER = Facts(
    "Flicker",
    False,
    "ivif",
    "mean over 8 x 8 blocks of |m(t) - 2 m(t-1) + m(t-2)|, m a block's mean in frame t of a video [grey level]",
    "defined here",
    "0 upwards; read it beside that of the sources",
)
FIRST_FRAMES = "needs two frames before it"
"""Why the first two frames of a video have no flicker."""


@dataclass(frozen=True)
class Footage:
    """What is scored.

    Attributes:
        frames: the pairs of frames.
        options: how they are read, and fused by models.
        pairs: one a frame, called by its number; `ir` and `vis` are its file in a sequence, else the video's.
        notes: what there is to say, like differences in length.
    """

    frames: FramePairs
    options: VideoOptions
    pairs: tuple[Pair, ...]
    notes: list[str] = field(default_factory=list)


def is_footage(ir: Path, vis: Path, fused: Sequence[str]) -> bool:
    """True where any of the names is a video's or a numbered sequence's."""
    names = [str(ir), str(vis), *(str(named_path(spec)[1]) for spec in fused)]
    return any(is_video(name) and not is_pipe(name) for name in names)


def open_footage(ir: Path, vis: Path, options: VideoOptions) -> Footage:
    """Open two videos and count their frames; raises errors of `open_pairs`, also for no frames and for a pipe."""
    piped = next((path for path in (ir, vis) if is_pipe(str(path))), None)
    if piped is not None:
        raise UsageError(f"frames of {piped} come once and cannot be scored", "give a file or a sequence")
    frames, notes = open_pairs(str(ir), str(vis), options), []
    if options.max_gap is None:
        notes += frames.left_out()
        counts = [count_frames(clip) for clip in frames.clips]
        count = min(counts)
        notes += [] if counts[0] == counts[1] else [frames.different_lengths(count, ended=counts.index(count))]
    else:
        count = sum(1 for _ in frames.joined(notes))
    if not count:
        raise InputError(f"{ir} or {vis} holds no frames")
    files = (c.pictures() if is_sequence(c.path) else [Path(c.path)] * count for c in frames.clips)
    both = zip(*(paths[:count] for paths in files), strict=True)
    digits = max(4, len(str(count)))
    pairs = tuple(Pair(f"{number:0{digits}d}", *paths) for number, paths in enumerate(both, start=1))
    return Footage(frames, options, pairs, notes)


def count_frames(clip: Clip) -> int:
    """How many frames can be read, whatever a container claims; raises InputError for a damaged one."""
    return len(clip.pictures()) if is_sequence(clip.path) else sum(1 for _ in clip.stream())


class ClipContender(Contender):
    """A video or sequence that was fused elsewhere, of which `frames` are there; its frames come in their order."""

    kind = "folder"

    def __init__(self, name: str, clip: Clip, frames: frozenset[str]) -> None:
        self.name, self._clip, self._frames = name, clip, frames
        self.start()

    def start(self) -> None:
        """Begin with the first frame."""
        self._stream = self._clip.stream()

    def skip(self, ir: np.ndarray, vis: np.ndarray) -> None:
        """Pass over a frame."""
        next(self._stream, None)

    def picture(self, pair: Pair, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """The next frame, which is this pair's; raises InputError after the last one."""
        frame = next(self._stream, None)
        if frame is None:
            raise InputError(f"{self._clip.name} ends before this frame")
        return frame

    def has(self, pair: Pair) -> bool:
        return pair.name in self._frames


class VideoModel(Contender):
    """A network with a goal over a video, as `ivif fuse` takes it: its global descriptors are smoothed over time."""

    kind = "model"

    def __init__(self, model: ModelContender, footage: Footage) -> None:
        self.name, self.weights_sha256 = model.name, model.weights_sha256
        self._model, self._footage = model, footage
        self.start()

    def start(self) -> None:
        """Begin with the first frame."""
        smooth, seconds = self._footage.options.smooth, self._footage.frames.seconds
        self._fusing = FrameFuser(self._model.fuser, self._model.goal, smooth, seconds)

    def skip(self, ir: np.ndarray, vis: np.ndarray) -> None:
        """Take a frame into account without fusing it."""
        self._model.thread.submit(self._fusing.describe, ir, vis).result()

    def picture(self, pair: Pair, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """The next frame fused, which is this pair's."""
        return self._model.thread.submit(self._fusing.fuse, ir, vis).result()


def clip_contenders(specs: Sequence[str], footage: Footage) -> list[Contender]:
    """Methods of `--fused` values: `VIDEO` or `NAME=VIDEO`, sequences too.

    Raises:
        UsageError: a name without a video.
        InputError: what is no video, of another rate than the sources, or not of one frame a pair under `max_gap`.
    """
    contenders: list[Contender] = []
    for spec in specs:
        name, path = named_path(spec)
        clip, rate, gap = open_frames(str(path)), footage.frames.rate, footage.options.max_gap
        by_number = gap is None and not footage.options.any_rate
        if clip.rate and rate and abs(clip.rate / rate - 1) > 1e-3 and by_number:
            rates = f"{clip.name} has {float(clip.rate):.5g} frames/s, the sources {float(rate):.5g}"
            raise InputError(rates, "--any-rate scores them frame by frame")
        count, pairs = count_frames(clip), footage.pairs
        if count != len(pairs) and gap is not None:
            found = f"{clip.name} has {count} frames, and {len(pairs)} of the sources pair within {gap:g} s"
            raise InputError(found, f"`ivif fuse --max-gap {gap:g}` makes one frame a pair")
        if count != len(pairs):
            counts = f"{clip.name} has {count} frames, the sources {len(pairs)}"
            footage.notes.append(f"{counts}: they are taken from the first on")
        contenders.append(ClipContender(name or path.stem, clip, frozenset(pair.name for pair in pairs[:count])))
    return contenders


class FrameTasks:
    """The frames of a video as tasks, in order; the flicker of all methods is measured on the way.

    Args:
        pairs: frames that are wanted; what lies between them is read, but not fused.
    """

    def __init__(
        self, footage: Footage, pairs: Sequence[Pair], contenders: Sequence[Contender], options: ReadOptions
    ) -> None:
        self._footage, self._contenders, self._options = footage, contenders, options
        self._wanted = {pair.name for pair in pairs}
        self._values: dict[str, dict[str, float | None]] = {contender.name: {} for contender in contenders}
        self._meters = {name: Flicker() for name in ("ir", "vis", *(f"fused: {name}" for name in self._values))}

    def __iter__(self) -> Iterator[Task]:
        in_order = [one for one in self._contenders if isinstance(one, ClipContender | VideoModel)]
        for contender in in_order:
            contender.start()
        left = len(self._wanted)
        with closing(self._footage.frames.pairs([])) as frames:
            for pair, (ir, vis) in zip(self._footage.pairs, frames, strict=False):
                if pair.name not in self._wanted:
                    for contender in in_order:
                        contender.skip(ir, vis)
                    continue
                task = as_task(pair, ir, vis, self._contenders, self._options, self._footage.frames.scored)
                for name, source in (("ir", task.ir), ("vis", task.vis)):
                    self._meters[name].add(to_luma(source))
                for name, fused in zip(self._values, task.fused, strict=True):
                    meter = self._meters[f"fused: {name}"]
                    value = None if isinstance(fused, Failure) else meter.add(to_luma(fused))
                    self._values[name][task.name] = value
                yield task
                left -= 1
                if not left:
                    return

    @property
    def facts(self) -> VideoFacts:
        """About the video, and the flicker of the sources and methods that was measured."""
        frames = self._footage.frames
        return VideoFacts(
            frames.clips[0].path,
            frames.clips[1].path,
            None if frames.rate is None else float(frames.rate),
            {name: meter.value for name, meter in self._meters.items()},
            {name: meter.relative for name, meter in self._meters.items()},
        )

    def with_flicker(self, method: MethodScores) -> MethodScores:
        """A method's scores with the flicker of its frames beside the other values."""
        pictures = []
        for one in method.pictures:
            value = self._values[method.name][one.name]
            values = one.values | {FLICKER.name: math.nan if value is None else value}
            undefined = one.undefined | ({FLICKER.name: FIRST_FRAMES} if value is None else {})
            pictures.append(PictureScores(one.name, values, undefined))
        return replace(method, pictures=tuple(pictures))
