"""Clips made with PyAV: frames at any times, with sound, turned, deep."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

_TICK = Fraction(1, 60000)
_UPRIGHT = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)


def make_clip(
    path: Path,
    frames: Sequence[np.ndarray],
    seconds: Sequence[float],
    *,
    kind: str = "bgr24",
    codec: str = "libx264",
    sound: str | None = None,
    tags: dict[str, str] | None = None,
) -> str:
    """A video of frames of a pixel format at their times, with a tone for as long where `sound` names a codec."""
    with av.open(f"file:{path}", "w") as container:
        container.metadata.update(tags or {})
        stream: Any = container.add_stream(codec, rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = kind if codec == "ffv1" else "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = _TICK
        tone: Any = container.add_stream(sound, rate=48000, layout="mono") if sound else None
        for pixels, second in zip(frames, seconds, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format=kind)
            frame.pts, frame.time_base = round(second / _TICK), _TICK
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if tone is not None:
            _add_tone(container, tone, seconds[-1])
    return str(path)


def _add_tone(container: Any, stream: Any, seconds: float) -> None:
    kind = stream.codec_context.format.name
    for number in range(int(seconds * 48000 / 1024) + 1):
        wave = np.sin(np.arange(number * 1024, (number + 1) * 1024) * 0.05)[None] * 0.3
        samples = wave.astype(np.float32) if "flt" in kind else (wave * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples, format=kind, layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, number * 1024, Fraction(1, 48000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def turned(path: str) -> str:
    """The MP4 file as a telephone writes it that was held upright: its frames lie, to be shown turned clockwise."""
    file = Path(path)
    data = file.read_bytes()
    start = data.index(_UPRIGHT, data.index(b"tkhd"))
    matrix = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 48 << 16, 0, 1 << 30)
    file.write_bytes(data[:start] + matrix + data[start + len(matrix) :])
    return path


def times(path: str, digits: int = 4) -> list[float]:
    """When each frame of a video is shown [s], counted from the earliest stream's beginning."""
    with av.open(f"file:{path}") as container:
        start = (container.start_time or 0) / av.time_base
        return [round((frame.time or 0.0) - start, digits) for frame in container.decode(video=0)]


def sound_bytes(path: str) -> list[bytes]:
    """The packets of the first sound stream."""
    with av.open(f"file:{path}") as container:
        if not container.streams.audio:
            return []
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def tags(path: str) -> dict[str, str]:
    """What a file says of itself, by names in small letters."""
    with av.open(f"file:{path}") as container:
        return {name.lower(): text for name, text in container.metadata.items()}
