"""An interrupt ends a run with its status and one line, also where it falls into a destructor or a thread."""

import signal
import subprocess
import sys
import time

import pytest

from ivif_cli.interrupts import first_only_asks

_RUN = """
import gc, signal, sys, threading, time
from ivif_cli import app, __main__
from ivif_cli.commands.console import guarded

class Bar:
    def __del__(self):
        signal.raise_signal(signal.{number})

class Late:
    def __del__(self):
        raise RuntimeError("torn down")

def work():
    late = [Late()]
    try:
        {body}
        time.sleep(60)
        print("nothing woke the wait")
    finally:
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        late.clear()

app.app.command("work")(guarded(work))
sys.argv = ["ivif", "work"]
__main__.main()
"""


@pytest.mark.parametrize(("number", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
@pytest.mark.parametrize("body", ["bar = Bar(); del bar", "signal.raise_signal(signal.{number})"])
def test_no_traceback_and_no_lost_interrupt(number: str, status: int, body: str) -> None:
    code = _RUN.format(body=body.format(number=number), number=number)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr and "torn down" not in done.stderr
    assert len(done.stderr.splitlines()) <= 1


def test_without_an_interrupt_a_failing_thread_is_told() -> None:
    code = _RUN.format(body="raise SystemExit(5)", number="SIGINT")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 5
    assert "ZeroDivisionError" in done.stderr and "torn down" in done.stderr


def test_the_first_only_asks_repeats_are_passed_over_and_a_later_one_interrupts() -> None:
    with first_only_asks(0.05) as asked:
        assert not asked()
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert asked()
        time.sleep(0.06)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
            time.sleep(1)


def test_a_signal_that_was_to_be_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with first_only_asks(3.0) as asked:
            signal.raise_signal(signal.SIGINT)
            assert not asked()
    finally:
        signal.signal(signal.SIGINT, before)
