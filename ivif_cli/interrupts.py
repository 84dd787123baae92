"""Interrupts that end a run without a traceback, wherever they fall.

Python raises KeyboardInterrupt in whatever the main thread is doing. Inside a destructor or a callback it cannot go on
from there: Python prints it with a traceback and forgets it. Here it is raised once more outside, and what destructors
and threads complain about after a first interrupt stays unsaid, since the run is being torn down.
"""

import _thread
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

PAUSE = 3.0
"""Seconds in which a launcher may repeat an interrupt."""
_SOON = 0.02
_came = False


def _interrupt(number: int, _: FrameType | None) -> None:
    global _came
    _came = True
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _unraisable(failed: "sys.UnraisableHookArgs") -> None:
    if issubclass(failed.exc_type, KeyboardInterrupt | SystemExit):
        number = signal.SIGINT if issubclass(failed.exc_type, KeyboardInterrupt) else signal.SIGTERM
        # Later, from a thread: an exception that is raised in here would be lost, too.
        again = threading.Timer(_SOON, _send, [number])
        again.daemon = True
        again.start()
    elif not _came:
        sys.__unraisablehook__(failed)


def _send(number: signal.Signals) -> None:
    """A true signal, where there is one: `interrupt_main` alone does not wake a main thread that waits in a call."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        _thread.interrupt_main(number)


def _from_thread(failed: threading.ExceptHookArgs) -> None:
    if not _came:
        threading.__excepthook__(failed)


@contextlib.contextmanager
def first_only_asks(pause: float = 0.0) -> Iterator[Callable[[], bool]]:
    """Within, the first SIGINT or SIGTERM only asks to stop, which the function given says; a later one interrupts.

    Args:
        pause: seconds after the first in which others are repeats of it: a launcher such as torchrun passes on a Ctrl-C
            that the process has had already.
    """
    came: float | None = None
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(number: int, _: FrameType | None) -> None:
        nonlocal came
        if came is None:
            came = time.monotonic()
        elif time.monotonic() - came > pause:
            restore()
            signal.raise_signal(number)

    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, ask)
    try:
        yield lambda: came is not None
    finally:
        restore()


def catch_interrupts() -> None:
    """Take SIGINT and SIGTERM, in the main thread; a SIGINT that this program was started to ignore stays ignored."""
    sys.unraisablehook = _unraisable
    threading.excepthook = _from_thread
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
