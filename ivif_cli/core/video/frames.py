"""Frames in: video files, image sequences and raw pipes, read one frame at a time."""

import contextlib
import os
import queue
import re
import stat
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Literal

import cv2
import numpy as np

from ivif_cli.core.data.images import is_image_name
from ivif_cli.core.data.sources import read_visible
from ivif_cli.core.errors import InputError, UsageError

VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv"})
PIXEL_FORMATS: dict[str, tuple[int, np.dtype]] = {
    "gray8": (1, np.dtype("u1")),
    "gray16le": (1, np.dtype("<u2")),
    "bgr24": (3, np.dtype("u1")),
}
"""Name as ffmpeg knows it (gray8 is its `gray`) -> channels and sample type of a raw frame."""
PIPE = "-"
Backend = Literal["auto", "opencv", "pyav"]


@dataclass(frozen=True)
class RawFormat:
    """What frames of a raw pipe look like, since the pipe itself does not say."""

    width: int
    height: int
    pixel_format: str = "gray8"

    def __post_init__(self) -> None:
        if self.pixel_format not in PIXEL_FORMATS:
            raise UsageError(f"unknown pixel format: {self.pixel_format}", f"known: {', '.join(PIXEL_FORMATS)}")
        if self.width < 1 or self.height < 1:
            raise UsageError(f"a frame of {self.width} x {self.height} pixels is empty")

    @property
    def shape(self) -> tuple[int, ...]:
        """H x W, or H x W x 3."""
        channels = PIXEL_FORMATS[self.pixel_format][0]
        return (self.height, self.width) if channels == 1 else (self.height, self.width, channels)


@dataclass(frozen=True)
class Clip:
    """A source of frames.

    Attributes:
        name: what messages call it.
        rate: frames per second, or None where the source does not know.
        frames: number of frames as the source claims it, or None.
        stream: gives a fresh iterator over the frames: H x W or H x W x 3 BGR, uint8 or uint16 (or as `read` gives
            those of a sequence).
    """

    name: str
    rate: Fraction | None
    frames: int | None
    path: str
    raw: RawFormat | None = None
    backend: Backend = "auto"
    read: Callable[[Path], Any] = read_visible

    def stream(self) -> Iterator[np.ndarray]:
        """The frames from the first one on; a pipe can be read once."""
        if self.raw is not None:
            return _raw_frames(self.name, self.path, self.raw)
        if is_sequence(self.path):
            return (self.read(file) for file in sequence_files(self.path))
        return _av_frames(self.path) if self.backend == "pyav" else _opencv_frames(self.path)

    @property
    def rewinds(self) -> bool:
        """True where `stream` can be called again."""
        return self.raw is None


def is_pipe(path: str) -> bool:
    """True for "-" and for a named pipe."""
    return path == PIPE or (os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode))  # noqa: PTH110, PTH116


def is_sequence(path: str) -> bool:
    """True for a folder, and for a name with a frame number like `frame_%05d.png`."""
    return Path(path).is_dir() or re.search(r"%0?\d*d", Path(path).name) is not None


def is_video(path: str) -> bool:
    """True where a name is a video's, a numbered sequence's or a pipe's."""
    return Path(path).suffix.lower() in VIDEO_SUFFIXES or is_pipe(path) or ("%" in path and is_sequence(path))


def sequence_files(path: str) -> list[Path]:
    """Pictures of a folder in natural order, or of a pattern by their number.

    Raises:
        InputError: there is none.
    """
    folder = Path(path) if Path(path).is_dir() else Path(path).parent
    names = re.compile(".*")
    if not Path(path).is_dir():
        head, tail = re.split(r"%0?\d*d", Path(path).name, maxsplit=1)
        names = re.compile(re.escape(head) + r"\d+" + re.escape(tail))
    files = [file for file in folder.glob("*") if is_image_name(file) and names.fullmatch(file.name)]
    if not files:
        raise InputError(f"no pictures in the sequence {path}")
    return sorted(files, key=lambda file: _natural_key(file.name))


def _natural_key(name: str) -> list[tuple[int, str]]:
    """Sorts `frame_9` before `frame_10`."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def open_frames(
    path: str,
    *,
    raw: RawFormat | None = None,
    backend: Backend = "auto",
    read: Callable[[Path], Any] = read_visible,
) -> Clip:
    """Open a source of frames, reading what its container says.

    Args:
        path: a video file, a folder, a numbered pattern, a named pipe, or "-" for stdin.
        raw: frames of a pipe.
        backend: "opencv", "pyav" (extra `video`), or the better one that is installed.
        read: reads a picture of a sequence.

    Raises:
        InputError: missing, or not a video.
        UsageError: a pipe without `raw`, or PyAV where it is not installed.
    """
    if is_pipe(path):
        if raw is None:
            raise UsageError(f"raw frames of {path} need their size", "--size WxH --pixel-format gray8|gray16le|bgr24")
        return Clip("stdin" if path == PIPE else path, None, None, path, raw)
    if is_sequence(path):
        return Clip(path, None, len(sequence_files(path)), path, read=read)
    file = Path(path)
    if not file.exists():
        raise InputError(f"{path} does not exist")
    if file.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes)")
    chosen = choose_backend(backend)
    rate, frames = _av_facts(path) if chosen == "pyav" else _opencv_facts(path)
    return Clip(path, rate, frames, path, None, chosen)


def choose_backend(backend: Backend) -> Backend:
    """PyAV where it is installed and not ruled out, else OpenCV."""
    if backend not in ("auto", "opencv", "pyav"):
        raise UsageError(f"unknown video backend: {backend}", "known: auto, opencv, pyav")
    if backend == "opencv":
        return "opencv"
    try:
        import av  # noqa: F401
    except ImportError:
        if backend == "pyav":
            raise UsageError("PyAV is not installed", "pip install 'ivif-cli[video]'") from None
        return "opencv"
    return "pyav"


def _opencv_facts(path: str) -> tuple[Fraction | None, int | None]:
    capture = cv2.VideoCapture(path)
    try:
        if not capture.isOpened():
            raise InputError(f"{path} is not a video that OpenCV can read", "pip install 'ivif-cli[video]' reads more")
        rate, frames = capture.get(cv2.CAP_PROP_FPS), int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    finally:
        capture.release()
    return (as_rate(rate) if 0 < rate < 10000 else None), (frames if frames > 0 else None)


def as_rate(rate: float) -> Fraction:
    """A frame rate as the fraction it stands for: 29.97 is 30000/1001."""
    for base in (24, 30, 48, 60, 120):
        if abs(rate - base * 1000 / 1001) < 0.005:
            return Fraction(base * 1000, 1001)
    return Fraction(rate).limit_denominator(1001)


def _opencv_frames(path: str) -> Iterator[np.ndarray]:
    capture = cv2.VideoCapture(path)
    try:
        while True:
            more, frame = capture.read()
            if not more:
                return
            yield frame
    finally:
        capture.release()


def _av_facts(path: str) -> tuple[Fraction | None, int | None]:
    import av

    try:
        with av.open(path) as container:
            if not container.streams.video:
                raise InputError(f"{path} holds no video")
            stream = container.streams.video[0]
            rate = stream.average_rate or stream.base_rate
            return (Fraction(rate) if rate else None), stream.frames or None
    except (av.FFmpegError, OSError) as error:
        raise InputError(f"{path} is not a video: {getattr(error, 'strerror', None) or error}") from error


def _av_frames(path: str) -> Iterator[np.ndarray]:
    import av

    try:
        with av.open(path) as container:
            container.streams.video[0].thread_type = "AUTO"
            for frame in container.decode(video=0):
                name = frame.format.name
                kind = "bgr24" if not name.startswith("gray") else "gray" if name == "gray" else "gray16le"
                yield frame.to_ndarray(format=kind)
    except av.FFmpegError as error:
        raise InputError(f"{path} is damaged: {error.strerror or error}") from error


def _raw_frames(name: str, path: str, raw: RawFormat) -> Iterator[np.ndarray]:
    dtype = PIXEL_FORMATS[raw.pixel_format][1]
    size = int(np.prod(raw.shape)) * dtype.itemsize
    with contextlib.nullcontext(sys.stdin.buffer) if path == PIPE else Path(path).open("rb") as stream:
        number = 0
        while data := _read_exactly(stream, size):
            if len(data) < size:
                raise InputError(f"{name} ends within frame {number + 1}: {len(data)} of {size} bytes")
            number += 1
            yield np.frombuffer(data, dtype).reshape(raw.shape)


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    """`size` bytes, or fewer where the stream ends."""
    parts: list[bytes] = []
    missing = size
    while missing and (part := stream.read(missing)):
        parts.append(part)
        missing -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_ahead(frames: Iterator[np.ndarray], depth: int = 3) -> Generator[np.ndarray, None, None]:
    """The same frames, decoded by a thread that is at most `depth` frames ahead. Its errors are raised here."""
    waiting: queue.Queue[np.ndarray | BaseException | None] = queue.Queue(depth)
    stop = threading.Event()

    def put(item: np.ndarray | BaseException | None) -> bool:
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
