"""Frames out: a video file or a numbered sequence that appears when it is whole, or raw frames on stdout."""

import contextlib
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from ivif_cli.core.data.images import write_image
from ivif_cli.core.errors import OutputError, UsageError
from ivif_cli.core.files import writing
from ivif_cli.core.video.frames import PIPE, VIDEO_SUFFIXES, Backend, choose_backend, is_sequence

_OPENCV_CODECS = {".mp4": "mp4v", ".m4v": "mp4v", ".mov": "mp4v", ".avi": "MJPG", ".mkv": "FFV1", ".webm": "VP80"}
_AV_CODECS = {".webm": "libvpx-vp9", ".avi": "mjpeg", ".mpg": "mpeg2video", ".mpeg": "mpeg2video"}


class FrameWriter(Protocol):
    """Takes frames one after the other: H x W or H x W x 3 BGR, uint8, all of one shape."""

    def write(self, frame: np.ndarray) -> None:
        """Take the next frame."""

    def close(self) -> None:
        """Finish the file."""


@contextlib.contextmanager
def open_writer(
    output: str,
    size: tuple[int, int],
    rate: Fraction | None,
    *,
    gray: bool = False,
    codec: str | None = None,
    backend: Backend = "auto",
    overwrite: bool = False,
) -> Iterator[FrameWriter]:
    """A writer for `output`; a video gets its name when the block ends without an error, and is removed otherwise.

    Args:
        output: a name with a video's suffix, a numbered pattern like `out/%05d.png`, or "-" for raw frames on stdout.
        size: (width, height).
        rate: frames per second; a container needs it.
        gray: frames are H x W.
        codec: PyAV's or OpenCV's (four characters) name; None takes the container's usual one.
        backend: as for `frames.open_frames`.
        overwrite: replace an existing video.

    Raises:
        OutputError: the file exists, or cannot be written.
        UsageError: a suffix or codec that is not known, no rate, or odd sizes that the codec cannot hold.
    """
    check_output(output, rate, overwrite)
    if output == PIPE:
        yield _RawWriter()
        return
    if is_sequence(output):
        yield _SequenceWriter(output, overwrite)
        return
    path = Path(output)
    kind = _AvWriter if choose_backend(backend) == "pyav" else _OpenCvWriter
    with writing(path, overwrite=overwrite) as temporary:
        writer: FrameWriter = kind(temporary, size, rate or Fraction(25), gray, codec)
        with contextlib.closing(writer):
            yield writer


def check_output(output: str, rate: Fraction | None, overwrite: bool) -> None:
    """Raise `OutputError` or `UsageError` where a result of this name cannot be written (see `open_writer`)."""
    if output == PIPE or is_sequence(output):
        return
    path = Path(output)
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        raise UsageError(f"{path}: not a video's name", f"known: {', '.join(sorted(VIDEO_SUFFIXES))}")
    if rate is None:
        raise UsageError("the sources do not say their frame rate", "give it: --fps 25")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already", "--overwrite replaces it")


class _RawWriter:
    """Raw frames to stdout, as `ffmpeg -f rawvideo` reads them."""

    def write(self, frame: np.ndarray) -> None:
        sys.stdout.buffer.write(np.ascontiguousarray(frame).data)

    def close(self) -> None:
        sys.stdout.buffer.flush()


class _SequenceWriter:
    """Pictures whose names carry the frame's number, from 1."""

    def __init__(self, pattern: str, overwrite: bool) -> None:
        self._pattern = pattern if "%" in Path(pattern).name else str(Path(pattern) / "%06d.png")
        self._overwrite = overwrite
        self._number = 0

    def write(self, frame: np.ndarray) -> None:
        self._number += 1
        write_image(Path(self._pattern % self._number), frame, overwrite=self._overwrite)

    def close(self) -> None:
        """Every picture is whole already."""


class _OpenCvWriter:
    def __init__(self, path: Path, size: tuple[int, int], rate: Fraction, gray: bool, codec: str | None) -> None:
        if size[0] % 2 or size[1] % 2:
            hint = "the extra `video` keeps it (pip install 'ivif-cli[video]'); a numbered sequence does as well"
            raise UsageError(f"OpenCV would crop a video of the odd size {size[0]} x {size[1]}", hint)
        name = codec or _OPENCV_CODECS.get(path.suffix, "mp4v")
        if len(name) != 4:
            raise UsageError(f"OpenCV names codecs by four characters, not {name!r}")
        self._writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*name), float(rate), size)
        if not self._writer.isOpened():
            raise OutputError(
                f"OpenCV cannot write {path.suffix} with the codec {name}", "pip install 'ivif-cli[video]'"
            )
        self._path = path
        self._gray = gray

    def write(self, frame: np.ndarray) -> None:
        self._writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR) if self._gray else frame)

    def close(self) -> None:
        self._writer.release()
        if not self._path.exists() or self._path.stat().st_size == 0:
            raise OSError("no frame was written, or the disk is full")


class _AvWriter:
    def __init__(self, path: Path, size: tuple[int, int], rate: Fraction, gray: bool, codec: str | None) -> None:
        import av

        name = codec or _AV_CODECS.get(path.suffix, "libx264")
        self._kind = "gray" if gray else "bgr24"
        self._container = av.open(str(path), "w")
        try:
            stream: Any = self._container.add_stream(name, rate=rate)
        except (ValueError, av.FFmpegError) as error:
            self._container.close()
            raise UsageError(f"PyAV cannot write {path.suffix} with the codec {name}: {error}") from error
        stream.width, stream.height = size
        stream.pix_fmt = _pixel_format(name, size)
        if name == "libx264":
            stream.options = {"crf": "16", "preset": "veryfast"}
        if name == "mjpeg":
            stream.codec_context.qmax = 3
        self._stream = stream
        self._frame_of = av.VideoFrame.from_ndarray

    def write(self, frame: np.ndarray) -> None:
        picture = self._frame_of(np.ascontiguousarray(frame), format=self._kind)
        for packet in self._stream.encode(picture):
            self._container.mux(packet)

    def close(self) -> None:
        try:
            for packet in self._stream.encode(None):
                self._container.mux(packet)
        finally:
            self._container.close()


def _pixel_format(codec: str, size: tuple[int, int]) -> str:
    """Halved chroma where the size allows it: players want it, but it cannot hold odd sizes."""
    if codec == "ffv1":
        return "bgr0"
    chroma = "420" if size[0] % 2 == 0 and size[1] % 2 == 0 else "444"
    return f"yuv{'j' if codec == 'mjpeg' else ''}{chroma}p"
