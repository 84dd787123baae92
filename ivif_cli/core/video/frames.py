"""Frames in: video files, image sequences and raw pipes, read one frame at a time."""

import os
import queue
import re
import stat
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from ivif_cli.core.data.images import is_image_name
from ivif_cli.core.data.sources import read_visible
from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.video.containers import VIDEO_SUFFIXES
from ivif_cli.core.video.decoding import PIPE, Frame, RawFormat, decoded, facts, raw_frames
from ivif_cli.core.video.live_source import is_live, shown_address

_NUMBER = re.compile(r"%0?\d*d")


@dataclass(frozen=True)
class Clip:
    """A source of frames.

    Attributes:
        name: what messages call it.
        rate: frames per second, or None where the source does not know.
        frames: number of frames as the source claims it, or None.
        path: as `open_frames` takes it; `raw`: what the frames of a pipe look like.
        read: reads a picture of a sequence.
        counts: deep grey frames are counts; otherwise they are brought to 16 bits (see `decoding.upright`).
        numbers: of the pictures of a pattern that are read; None reads all.
    """

    name: str
    rate: Fraction | None
    frames: int | None
    path: str
    raw: RawFormat | None = None
    read: Callable[[Path], Any] = read_visible
    numbers: frozenset[int] | None = None
    counts: bool = False

    def stream(self) -> Iterator[Any]:
        """The pixels of the frames from the first one on; a pipe can be read once."""
        return (frame.pixels for frame in self.timed())

    def timed(self) -> Iterator[Frame]:
        """The frames from the first one on, with their times."""
        if self.raw is not None:
            return raw_frames(self.name, self.path, self.raw, counts=self.counts)
        if is_sequence(self.path):
            return (Frame(self.read(file)) for file in self.pictures())
        return decoded(self.path, counts=self.counts)

    def pictures(self) -> list[Path]:
        """Those of a sequence that are read; raises InputError where there is none."""
        if self.numbers is None:
            return sequence_files(self.path)
        return [file for number, file in sorted(numbered_files(self.path).items()) if number in self.numbers]

    @property
    def rewinds(self) -> bool:
        """True where `stream` can be called again."""
        return self.raw is None and not self.live

    @property
    def live(self) -> bool:
        """True for a camera or a stream, whose frames `LivePairs` reads as they come."""
        return is_live(self.path)

    @property
    def file(self) -> Path | None:
        """The video file that the frames come from; None for sequences, pipes and live sources."""
        return None if not self.rewinds or is_sequence(self.path) else Path(self.path)


def is_pipe(path: str) -> bool:
    """True for "-" and for a named pipe."""
    return path == PIPE or (os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode))  # noqa: PTH110, PTH116


def is_sequence(path: str) -> bool:
    """True for a folder, and for a name with a frame number like `frame_%05d.png`."""
    return Path(path).is_dir() or is_numbered(path)


def is_numbered(path: str) -> bool:
    """True for a name with a frame number that is not an existing folder's."""
    return _NUMBER.search(Path(path).name) is not None and not Path(path).is_dir()


def numbered(pattern: Path, number: int) -> Path:
    """The picture of a number; nothing but the number's place in the name changes.

    >>> numbered(Path("50%/100%_%03d.png"), 7).as_posix()
    '50%/100%_007.png'
    """
    return pattern.with_name(_NUMBER.sub(lambda place: place[0] % number, pattern.name, count=1))


def sequence_folder(path: str) -> Path:
    """Where the pictures of a sequence lie."""
    return Path(path).parent if is_numbered(path) else Path(path)


def is_video(path: str) -> bool:
    """True where a name is a video's, a numbered sequence's, a pipe's or a live source's."""
    named = Path(path).suffix.lower() in VIDEO_SUFFIXES or is_numbered(path)
    return named or is_live(path) or is_pipe(path)


def sequence_files(path: str) -> list[Path]:
    """Pictures of a folder in natural order, or of a pattern by their number.

    Raises:
        InputError: there is none.
    """
    folder, names = Path(path), re.compile(".*")
    if not folder.is_dir():
        head, tail = _NUMBER.split(folder.name, maxsplit=1)
        folder, names = folder.parent, re.compile(re.escape(head) + r"\d+" + re.escape(tail))
    files = [file for file in folder.glob("*") if is_image_name(file) and names.fullmatch(file.name)]
    if not files:
        raise InputError(f"no pictures in the sequence {path}")
    return sorted(
        files, key=lambda file: [(int(n), "") if n.isdigit() else (0, n) for n in re.split(r"(\d+)", file.name)]
    )


def numbered_files(pattern: str) -> dict[int, Path]:
    """Pictures of a pattern by their number.

    Raises:
        InputError: there is none, or two have one number.
    """
    begin = _NUMBER.split(Path(pattern).name, maxsplit=1)[0]
    found: dict[int, Path] = {}
    for file in sequence_files(pattern):
        number = int(re.match(r"\d+", file.name[len(begin) :])[0])  # type: ignore[index]
        if number in found:
            raise InputError(f"{found[number].name} and {file.name} have one number in {pattern}")
        found[number] = file
    return found


def open_frames(
    path: str, *, raw: RawFormat | None = None, read: Callable[[Path], Any] = read_visible, counts: bool = False
) -> Clip:
    """Open a source of frames, reading what its container says.

    Args:
        path: a video file, a folder, a numbered pattern, a live source, a named pipe, or "-" for stdin.
        raw: frames of a pipe.
        read: reads a picture of a sequence.
        counts: see `Clip`.

    Raises:
        InputError: missing, or not a video.
        UsageError: a pipe without `raw`.
    """
    if is_live(path):
        return Clip(shown_address(path), None, None, path, counts=counts)
    if is_pipe(path):
        if raw is None:
            raise UsageError(f"raw frames of {path} need their size", "--size WxH --pixel-format gray8|gray16le|bgr24")
        return Clip("stdin" if path == PIPE else path, None, None, path, raw, counts=counts)
    if is_sequence(path):
        return Clip(path, None, len(sequence_files(path)), path, read=read)
    file = Path(path)
    if not file.exists():
        raise InputError(f"{path} does not exist")
    if file.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes)")
    rate, frames = facts(path)
    return Clip(path, rate, frames, path, counts=counts)


def as_rate(rate: float) -> Fraction:
    """A frame rate as the fraction it stands for: 29.97 is 30000/1001."""
    for base in (24, 30, 48, 60, 120):
        if abs(rate - base * 1000 / 1001) < 0.005:
            return Fraction(base * 1000, 1001)
    return Fraction(rate).limit_denominator(1001)


def read_ahead(frames: Iterator[Frame], depth: int = 3) -> Generator[Frame, None, None]:
    """The same frames, decoded by a thread that is at most `depth` frames ahead. Its errors are raised here."""
    waiting: queue.Queue[Frame | BaseException | None] = queue.Queue(depth)
    stop = threading.Event()

    def put(item: Frame | BaseException | None) -> bool:
        while not stop.is_set():
            try:
                waiting.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for frame in frames:
                if not put(frame):
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001 - handed to the reading thread, which raises it
            put(error)

    threading.Thread(target=work, name="ivif-frames", daemon=True).start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
