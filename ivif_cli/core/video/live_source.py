"""One live source: a camera or a stream that PyAV opens, read by a thread of its own, connected again when it fails.

What is not taken in time is dropped, so that what is fused is never older than half a second.
"""

import contextlib
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ivif_cli.core.errors import InputError
from ivif_cli.core.video.decoding import Frame, RawFormat, raw_frames, upright

_KEPT_SECONDS, _KEPT_FRAMES = 0.5, 32
_CREEP, _JUMP = 1e-3, 2.0
"""A clock may run this much faster than ours; stamps that fall this far behind have begun anew [s]."""
_LONGEST_PAUSE = 8.0
_FASTEST = 1000
_BACKLOG = 1.0
"""Seconds after the first frame in which what had gathered is passed over."""


@dataclass(frozen=True)
class LiveSettings:
    """How live sources are read.

    Attributes:
        max_gap: seconds by which two frames of a pair may differ.
        timeout: seconds that a source may stay silent.
        retries: how often one that failed is connected again before it is given up.
        pause: seconds before the first of these times; each further pause is twice as long, up to 8 s.
        stopped: True when the user wants an end.
        say: takes a remark when something happens to a source.
    """

    max_gap: float = 0.1
    timeout: float = 10.0
    retries: int = 5
    pause: float = 0.5
    stopped: Callable[[], bool] = lambda: False
    say: Callable[[str], None] = lambda text: None


def is_live(path: str) -> bool:
    """True for an address like `rtsp://camera/1` and for a capture device like `/dev/video0`."""
    return re.match(r"[a-z][a-z0-9+.]+://", path, re.IGNORECASE) is not None or path.startswith("/dev/video")


def shown_address(path: str) -> str:
    """An address as messages and results may show it: without the name and password in it, and without its query.

    Any other name stays as it is. An address that was taken for a path, and so lost a slash, is one as well.
    """
    if not re.match(r"[a-z][a-z0-9+.]+:/", path, re.IGNORECASE):
        return path
    return re.sub(r"(?<=:/)(/?)[^/]*@", r"\1", path, count=1).partition("?")[0]


class Clock:
    """Tells when frames were taken, on this machine's clock.

    A source's own stamps are steady and the arrival of its frames is not, so the stamps are moved to where the frame of
    the least delay arrived.
    """

    def __init__(self) -> None:
        self._shift: float | None = None
        self._arrived = 0.0

    def local(self, stamp: float | None, arrived: float) -> float:
        """Second of a frame with this stamp; where there is none, of its arrival."""
        if stamp is None:
            return arrived
        shift, held = arrived - stamp, self._shift
        anew = held is None or shift - held > _JUMP
        self._shift = shift if held is None or anew else min(shift, held + _CREEP * (arrived - self._arrived))
        self._arrived = arrived
        return stamp + self._shift


class LiveSource:
    """Frames of one source, as they come.

    Args:
        path: an address, a capture device, or a pipe of raw frames, which `raw` describes.
        changed: is notified when there is a new frame or an end.
        counts: deep grey frames are counts (see `decoding.upright`).

    Attributes:
        name: as messages may show it.
        frames: those of the last half second that were not taken yet, the newest last; hold `changed` to use them.
        count, dropped: frames that came, and those of them that were dropped untaken.
        rate: frames per second as the source says it, or None.
        ended: why no more frames come; empty while they may. `lost`: it did not end by itself.
    """

    def __init__(
        self,
        path: str,
        raw: RawFormat | None,
        settings: LiveSettings,
        changed: threading.Condition,
        *,
        counts: bool = True,
    ) -> None:
        self.name = ("stdin" if path == "-" else path) if raw else shown_address(path)
        self.frames: deque[Frame] = deque()
        self.count = self.dropped = 0
        self.rate: Fraction | None = None
        self.ended, self.lost = "", False
        self._path, self._raw, self._settings, self._changed = path, raw, settings, changed
        self._counts = counts
        self._shape: tuple[int, ...] | None = None
        self._closing = threading.Event()
        threading.Thread(target=self._work, name=f"ivif-{self.name}", daemon=True).start()

    def close(self) -> None:
        """Ask the thread to end; it does so with the next frame, or when the time-out has passed."""
        self._closing.set()

    def _work(self) -> None:
        failures, lost = 0, False
        while not self._closing.is_set():
            before = self.count
            why, failed = self._watch(failures)
            if self.count > before:
                failures, lost = 0, failed
            if not self.count or self._raw is not None or failures >= self._settings.retries:
                with self._changed:
                    self.ended, self.lost = why, lost or not self.count
                    self._changed.notify_all()
                return
            if self._closing.is_set():
                return
            failures += 1
            self._settings.say(f"{self.name} {why}: connecting again ({failures} of {self._settings.retries})")
            self._closing.wait(min(self._settings.pause * 2 ** (failures - 1), _LONGEST_PAUSE))

    def _watch(self, failures: int) -> tuple[str, bool]:
        """Take frames until there are no more; why, and whether the source failed."""
        import av

        clock, heard = Clock(), time.monotonic()
        try:
            raw = self._raw
            frames = raw_frames(self.name, self._path, raw, counts=self._counts) if raw else self._connected()
            for frame, arrived in _without_backlog(frames):
                if self._closing.is_set():
                    break
                if failures:
                    self._settings.say(f"{self.name} is back")
                    failures = 0
                heard = arrived
                self._put(Frame(frame.pixels, clock.local(frame.seconds, arrived)))
        except (av.FFmpegError, OSError) as error:
            # Where time runs out within RTSP's talk, ffmpeg calls it invalid data.
            if isinstance(error, av.error.ExitError) or time.monotonic() - heard >= self._settings.timeout:
                return f"gave nothing for {self._settings.timeout:g} s", True
            return f"failed ({error.strerror or error})", True
        except InputError as error:
            return f"cannot be read on: {error}", True
        except Exception as error:  # noqa: BLE001 - whatever ends this thread has to end the source: others wait for it
            return f"failed ({type(error).__name__}: {error})", True
        return "ended", False

    def _connected(self) -> Iterator[Frame]:
        import av

        kind = "v4l2" if sys.platform == "linux" and self._path.startswith("/dev/") else None
        options = {"rtsp_flags": "prefer_tcp"} if self._path.lower().startswith("rtsp") else {}
        waits = (self._settings.timeout, self._settings.timeout)
        with av.open(self._path, "r", format=kind, options=options, timeout=waits) as container:
            if not container.streams.video:
                raise InputError("no video in it")
            stream = container.streams.video[0]
            rate = stream.average_rate or stream.guessed_rate
            self.rate = rate if rate and 1 <= rate <= _FASTEST else None
            timeless = True  # RTSP gives its first frame without a time
            for packet in container.demux(stream):
                frames: list[Any] = []
                with contextlib.suppress(av.error.InvalidDataError):  # as the first ones after a late start are
                    frames = [frame for frame in packet.decode() if not frame.is_corrupt]
                for frame in frames:
                    if frame.time is not None or not timeless:
                        yield Frame(upright(frame, counts=self._counts), frame.time)
                    timeless = False

    def _put(self, frame: Frame) -> None:
        if self._shape not in (None, frame.pixels.shape):
            raise InputError("its frames have another size now")
        with self._changed:
            self._shape = frame.pixels.shape
            self.count += 1
            self.frames.append(frame)
            oldest = (frame.seconds or 0.0) - _KEPT_SECONDS
            while len(self.frames) > _KEPT_FRAMES or (self.frames[0].seconds or 0.0) < oldest:
                self.frames.popleft()
                self.dropped += 1
            self._changed.notify_all()


def _without_backlog(frames: Iterator[Frame]) -> Iterator[tuple[Frame, float]]:
    """Frames with when they came; without those that had gathered meanwhile, which come at twice their pace or more."""
    settled, stamp, before, begun = False, None, 0.0, 0.0
    for frame in frames:
        now = time.monotonic()
        begun = begun or now
        if not settled:
            late = frame.seconds is None or now - begun > _BACKLOG
            settled = late or (stamp is not None and 2 * (now - before) >= (frame.seconds or 0.0) - stamp)
            stamp, before = frame.seconds, now
        if settled:
            yield frame, now
