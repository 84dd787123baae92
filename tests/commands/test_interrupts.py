"""An interrupt ends a run with its status and one line, also where it falls into a destructor or a thread."""

import subprocess
import sys

import pytest

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
