"""The sound of a video, carried over as it is: its packets are copied, not decoded."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ivif_cli.core.video.containers import UNLISTED_SOUND


@contextlib.contextmanager
def sound_of(path: Path | None) -> "Iterator[Sound | None]":
    """The sound of a video file; None where there is none."""
    if path is None:
        yield None
        return
    import av

    with av.open(f"file:{path}") as container:
        yield Sound(container) if container.streams.audio else None


class Sound:
    """Streams of sound beside frames that keep the times of their file.

    Attributes:
        left_out: codecs that the container they were to join cannot hold.
    """

    def __init__(self, container: Any) -> None:
        import av

        self._container = container
        self._start = (container.start_time or 0) / av.time_base
        self._packets: Iterator[Any] = iter(())
        self._next: Any = None
        self.left_out: list[str] = []

    def join(self, output: Any, suffix: str) -> None:
        """Add a stream to an open container for each one that it can hold."""
        joined = {}
        for stream in self._container.streams.audio:
            name = stream.codec.canonical_name
            if name in output.supported_codecs or name in UNLISTED_SOUND.get(suffix, ()):
                joined[stream] = output.add_stream_from_template(stream)
            else:
                self.left_out.append(name)
        if joined:
            self._packets = self._moved(joined)
            self._next = next(self._packets, None)

    def until(self, second: float) -> Iterator[Any]:
        """Packets that begin before a second and were not given yet."""
        while self._next is not None and self._next.dts * self._next.time_base < second:
            yield self._next
            self._next = next(self._packets, None)

    def _moved(self, joined: dict[Any, Any]) -> Iterator[Any]:
        """Packets whose times count from where the file's earliest stream begins."""
        for packet in self._container.demux(*joined):
            if packet.dts is None:
                continue
            shift = round(self._start / packet.time_base)
            packet.dts -= shift
            packet.pts = packet.dts if packet.pts is None else packet.pts - shift
            packet.stream = joined[packet.stream]
            yield packet
