"""Frames out: a video file or a numbered sequence that appears when it is whole, or raw frames on stdout."""

import contextlib
import itertools
import sys
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ivif_cli.core.data.images import write_image
from ivif_cli.core.errors import OutputError, UsageError
from ivif_cli.core.files import writing
from ivif_cli.core.video.containers import EVENLY_TIMED, USUAL_CODECS, VIDEO_SUFFIXES
from ivif_cli.core.video.decoding import PIPE
from ivif_cli.core.video.frames import is_numbered, is_sequence, numbered
from ivif_cli.core.video.live_source import shown_address
from ivif_cli.core.video.sound import Sound

_TICK = Fraction(1, 60000)
"""Holds the usual frame rates and milliseconds as whole numbers [s]."""


class FrameWriter(Protocol):
    """Takes frames one after the other: H x W or H x W x 3 BGR, uint8, all of one shape."""

    def write(self, frame: np.ndarray, second: float) -> None:
        """Take the next frame, which is shown from that second on."""


@contextlib.contextmanager
def open_writer(
    output: str,
    size: tuple[int, int],
    rate: Fraction | None,
    *,
    gray: bool = False,
    codec: str | None = None,
    overwrite: bool = False,
    tags: Mapping[str, str] | None = None,
    sound: Sound | None = None,
) -> Iterator[FrameWriter]:
    """A writer for `output`; a video gets its name when the block ends without an error, and is removed otherwise.

    Args:
        output: a name with a video's suffix, a numbered pattern like `out/%05d.png`, or "-" for raw frames on stdout.
        size: (width, height).
        rate: frames per second; a container needs it.
        gray: frames are H x W.
        codec: an encoder of ffmpeg; None takes the container's usual one.
        overwrite: replace an existing video.
        tags: what the file says of itself, where its container can; pictures of a sequence say the `comment`.
        sound: is written beside the frames, where the container can hold it.

    Raises:
        OutputError: the file exists, or cannot be written.
        UsageError: a suffix or codec that is not known, or no rate.
    """
    check_output(output, rate, overwrite)
    if output == PIPE:
        yield _RawWriter()
        return
    if is_sequence(output):
        yield _SequenceWriter(output, overwrite, (tags or {}).get("comment", ""))
        return
    with writing(Path(output), overwrite=overwrite) as temporary:
        writer = _VideoWriter(temporary, size, rate or Fraction(25), gray, codec, tags or {}, sound)
        with contextlib.closing(writer):
            yield writer


def check_output(output: str, rate: Fraction | None, overwrite: bool) -> None:
    """Raise `OutputError` or `UsageError` where a result of this name cannot be written (see `open_writer`)."""
    if output == PIPE or is_sequence(output):
        return
    path = Path(output)
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        raise UsageError(f"{shown_address(output)}: not a video's name", f"known: {', '.join(sorted(VIDEO_SUFFIXES))}")
    if rate is None:
        raise UsageError("the sources do not say their frame rate", "give it: --fps 25")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already", "--overwrite replaces it")


class _RawWriter:
    """Raw frames to stdout, as `ffmpeg -f rawvideo` reads them."""

    def write(self, frame: np.ndarray, second: float) -> None:
        sys.stdout.buffer.write(np.ascontiguousarray(frame).data)


class _SequenceWriter:
    """Pictures whose names carry the frame's number, from 1."""

    def __init__(self, pattern: str, overwrite: bool, label: str) -> None:
        self._pattern = Path(pattern if is_numbered(pattern) else Path(pattern, "%06d.png"))
        self._overwrite, self._label = overwrite, label
        self._number = 0

    def write(self, frame: np.ndarray, second: float) -> None:
        self._number += 1
        path = numbered(self._pattern, self._number)
        write_image(path, frame, overwrite=self._overwrite, label=self._label)


class _VideoWriter:
    """A container, its frames at their own times where it can hold such."""

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        rate: Fraction,
        gray: bool,
        codec: str | None,
        tags: Mapping[str, str],
        sound: Sound | None,
    ) -> None:
        import av

        name = codec or USUAL_CODECS.get(path.suffix, "libx264")
        self._kind, self._sound, self._made = "gray" if gray else "bgr24", sound, av.VideoFrame.from_ndarray
        self._tick = 1 / rate if path.suffix in EVENLY_TIMED else _TICK
        self._even, self._last = path.suffix in EVENLY_TIMED, -1
        self._container = av.open(f"file:{path}", "w")
        self._container.metadata.update(tags)
        try:
            if av.Codec(name, "w").type != "video":
                raise ValueError("it is no codec of pictures")
            stream: Any = self._container.add_stream(name, rate=rate)
        except (ValueError, av.FFmpegError) as error:
            self._container.close()
            raise UsageError(f"{path.suffix} cannot be written with the codec {name}: {error}") from error
        stream.width, stream.height = size
        stream.pix_fmt = _pixel_format(name, size, [kind.name for kind in stream.codec.video_formats or ()])
        stream.codec_context.time_base = self._tick
        if name == "libx264":
            stream.options = {"crf": "16", "preset": "veryfast"}
        if path.suffix.lower() == ".wmv":  # where frames that refer to later ones lose their times
            stream.codec_context.max_b_frames = 0
        if name == "mjpeg":
            stream.codec_context.qmax = 3
        self._stream, self._end, self._frame = stream, 0.0, float(1 / rate)
        if sound is not None:
            sound.join(self._container, path.suffix)

    def write(self, frame: np.ndarray, second: float) -> None:
        picture = self._made(np.ascontiguousarray(frame), format=self._kind)
        self._last = max(self._last + 1, 0 if self._even else round(second / self._tick))
        picture.pts, picture.time_base = self._last, self._tick
        self._end = second + self._frame
        self._mux(picture)

    def close(self) -> None:
        """Finish the file."""
        try:
            self._mux(None)
        finally:
            self._container.close()

    def _mux(self, picture: Any) -> None:
        """Write the packets of a frame, or those that are left, and the sound up to its end."""
        sound = () if self._sound is None else self._sound.until(self._end)
        for packet in itertools.chain(self._stream.encode(picture), sound):
            self._container.mux(packet)


def _pixel_format(codec: str, size: tuple[int, int], known: list[str]) -> str:
    """Halved chroma where codec and size allow it: players want it, but it cannot hold odd sizes."""
    if codec == "ffv1":
        return "bgr0"
    chroma = "420" if size[0] % 2 == 0 and size[1] % 2 == 0 else "444"
    wanted = f"yuv{'j' if codec == 'mjpeg' else ''}{chroma}p"
    return wanted if wanted in known or not known else known[0]
