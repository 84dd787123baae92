"""Frames of a container or of a raw pipe, decoded by PyAV: upright, deep grey as it is, each with its time."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ivif_cli.core.errors import InputError, UsageError

PIPE = "-"
_OF_THE_KIND = ("major_brand", "minor_version", "compatible_brands", "encoder", "comment", "duration")


class Frame(NamedTuple):
    """One frame.

    Attributes:
        pixels: H x W or H x W x 3 BGR, uint8 or uint16, or what the reader of a sequence's pictures gives.
        seconds: since its source began [s]; None where the source does not say.
    """

    pixels: Any
    seconds: float | None = None


@dataclass(frozen=True)
class RawFormat:
    """What frames of a raw pipe look like, since the pipe itself does not say; `pixel_format` as ffmpeg names it."""

    width: int
    height: int
    pixel_format: str = "gray8"

    def __post_init__(self) -> None:
        import av

        try:
            av.VideoFormat(self.pixel_format)
        except ValueError:
            hint = "those of ffmpeg are known: gray8, gray16le, bgr24, nv12, ..."
            raise UsageError(f"unknown pixel format: {self.pixel_format}", hint) from None
        if self.width < 1 or self.height < 1:
            raise UsageError(f"a frame of {self.width} x {self.height} pixels is empty")


def facts(path: str) -> tuple[Fraction | None, int | None]:
    """Frames per second and number of frames of a video file as it claims them; None where it does not.

    Raises:
        InputError: it is no video.
    """
    import av

    try:
        with av.open(f"file:{path}") as container:
            if not container.streams.video:
                raise InputError(f"{path} holds no video")
            stream = container.streams.video[0]
            rate = stream.average_rate or stream.base_rate
            return (Fraction(rate) if rate else None), stream.frames or None
    except (av.FFmpegError, OSError) as error:
        raise InputError(f"{path} is not a video: {getattr(error, 'strerror', None) or error}") from error


def tags(path: Path) -> dict[str, str]:
    """What a video file says of itself, like its title and its date; not what its container says of its kind."""
    import av

    with av.open(f"file:{path}") as container:
        return {name: text for name, text in container.metadata.items() if name.lower() not in _OF_THE_KIND}


def decoded(path: str, *, counts: bool = True) -> Iterator[Frame]:
    """Frames of a video file; their time counts from where its earliest stream begins.

    Args:
        counts: see `upright`.

    Raises:
        InputError: it is damaged.
    """
    import av

    try:
        with av.open(f"file:{path}") as container:
            container.streams.video[0].thread_type = "AUTO"
            start = (container.start_time or 0) / av.time_base
            for frame in container.decode(video=0):
                yield Frame(upright(frame, counts=counts), None if frame.time is None else frame.time - start)
    except av.FFmpegError as error:
        raise InputError(f"{path} is damaged: {error.strerror or error}") from error


def raw_frames(name: str, path: str, raw: RawFormat, *, counts: bool = True) -> Iterator[Frame]:
    """Frames of a pipe, which is called `name` in messages; it does not say their times.

    Args:
        counts: see `upright`.

    Raises:
        InputError: it ends within a frame.
    """
    import av

    number, shape = 0, {"pixel_format": raw.pixel_format, "video_size": f"{raw.width}x{raw.height}"}
    try:
        with av.open(_stdin() if path == PIPE else f"file:{path}", "r", format="rawvideo", options=shape) as container:
            for frame in container.decode(video=0):
                yield Frame(upright(frame, counts=counts))
                number += 1
    except av.FFmpegError as error:
        raise InputError(f"{name} ends within frame {number + 1}") from error


def _stdin() -> Any:
    """Stdin by its number, since ffmpeg gets frames out of Python's buffer in bursts; itself where it has none."""
    try:
        return f"pipe:{sys.stdin.fileno()}"
    except OSError:
        return sys.stdin.buffer


def upright(frame: Any, *, counts: bool = True) -> np.ndarray:
    """Pixels of a decoded frame as its rotation wants it shown: grey of any depth as it is, all other as BGR.

    Without `counts`, grey of 9 to 15 bits is brought to 16, so that white is white.
    """
    name = frame.format.name
    deep = name.startswith("gray") and name != "gray"
    pixels = frame.to_ndarray() if deep else frame.to_ndarray(format="gray" if name == "gray" else "bgr24")
    if deep and not counts and pixels.dtype == np.uint16:
        white = 2 ** frame.format.components[0].bits - 1
        pixels = ((pixels.astype(np.uint32) * 65535 + white // 2) // white).astype(np.uint16)
    return np.ascontiguousarray(np.rot90(pixels, frame.rotation // 90)) if frame.rotation else pixels
