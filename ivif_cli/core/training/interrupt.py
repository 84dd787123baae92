"""Ctrl-C and SIGTERM ask a run to end with a checkpoint; asked again a while later, it ends at once.

A launcher such as torchrun passes a Ctrl-C on that the process has had already, so repeats count only after a pause.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PAUSE = 3.0


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Catch SIGINT and SIGTERM while the context lasts (main thread only); yields whether one came."""
    came: float | None = None

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came is not None and time.monotonic() - came > _PAUSE:
            raise KeyboardInterrupt
        came = time.monotonic() if came is None else came

    previous = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield lambda: came is not None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
