"""Pairs of two live sources: each visible frame with the infrared one that was taken nearest to it."""

import threading
import time
from collections.abc import Callable, Generator
from fractions import Fraction

from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.video.decoding import Frame
from ivif_cli.core.video.frames import Clip
from ivif_cli.core.video.live_source import LiveSettings, LiveSource

_LOOK = 0.05
_ALONE = 50
"""Visible frames in a row without an infrared one, before that is said."""


class LivePairs:
    """Two sources that are read from now on, of which one may be a pipe.

    Attributes:
        ir, vis: the sources.
        alone: visible frames for which there was no infrared one.

    Raises:
        UsageError: a live source and a file.
    """

    def __init__(self, ir: Clip, vis: Clip, settings: LiveSettings) -> None:
        for one, other in ((ir, vis), (vis, ir)):
            if one.live and other.rewinds:
                hint = "give two live sources, or record one first: ffmpeg -i ADDRESS -c copy a.mkv"
                raise UsageError(f"{one.name} is live and {other.name} is not", hint)
        self._changed, self._settings = threading.Condition(), settings
        self.ir, self.vis = (
            LiveSource(clip.path, clip.raw, settings, self._changed, counts=clip.counts) for clip in (ir, vis)
        )
        self.alone = 0

    def rate(self) -> Fraction | None:
        """Frames per second as the visible source says it, when both sources gave a frame.

        Raises:
            InputError: one of them gives none.
            KeyboardInterrupt: the user wants an end before.
        """
        sources = (self.ir, self.vis)
        self._wait(lambda: any(one.ended for one in sources) or all(one.count for one in sources))
        for source in sources:
            if source.ended and not source.count:
                self.close()
                raise InputError(f"{source.name} {source.ended}", "is the address right, and does it send?")
        if self._settings.stopped():
            self.close()
            raise KeyboardInterrupt
        return self.vis.rate

    def pairs(self) -> Generator[tuple[Frame, Frame], None, None]:
        """Pairs until the user wants an end or one of the sources has ended; times count from the first one."""
        begun, missing = None, 0
        while (vis := self._next()) is not None:
            second = vis.seconds or 0.0
            ir = self._nearest(second)
            if ir is not None:
                begun, missing = second if begun is None else begun, 0
                yield ir, Frame(vis.pixels, second - begun)
                continue
            if self.ir.ended:
                return
            self.alone, missing = self.alone + 1, missing + 1
            if missing == _ALONE:
                gap = self._settings.max_gap
                self._settings.say(f"no infrared frame within {gap:g} s of {_ALONE} visible ones in a row (--max-gap)")

    def close(self) -> None:
        """Let go of both sources."""
        self.ir.close()
        self.vis.close()

    def notes(self) -> list[str]:
        """What is to say at the end: which source ended, and which visible frames were left out."""
        said = [f"{one.name} {one.ended}" for one in (self.ir, self.vis) if one.ended]
        if self.alone:
            gap = self._settings.max_gap
            said.append(f"{self.alone} of {self.vis.count} visible frames had no infrared one within {gap:g} s")
        if self.vis.dropped:
            said.append(f"{self.vis.dropped} of {self.vis.count} visible frames came faster than they could be fused")
        return said

    def _wait(self, ready: Callable[[], bool], until: float = float("inf")) -> None:
        with self._changed:
            while not ready() and not self._settings.stopped() and time.monotonic() <= until:
                self._changed.wait(_LOOK)

    def _next(self) -> Frame | None:
        self._wait(lambda: bool(self.vis.frames or self.vis.ended))
        with self._changed:
            return self.vis.frames.popleft() if self.vis.frames and not self._settings.stopped() else None

    def _nearest(self, second: float) -> Frame | None:
        """The infrared frame nearest to a second; it stays, since the next visible one may have the same."""
        frames, gap = self.ir.frames, self._settings.max_gap
        self._wait(
            lambda: bool(self.ir.ended or (frames and (frames[-1].seconds or 0.0) >= second)), until=second + gap
        )
        with self._changed:
            if not frames:
                return None
            near = min(frames, key=lambda frame: abs((frame.seconds or 0.0) - second))
            while frames[0] is not near:
                frames.popleft()
        return near if abs((near.seconds or 0.0) - second) <= gap else None
