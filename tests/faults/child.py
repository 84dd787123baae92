"""Runs of `ivif` that can be killed: forks of a process that has imported everything, and true ones from the start."""

import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.faults.tally import require

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
LONGEST = 300.0
_POLL = 0.0005


def import_everything() -> None:
    """Import what the commands import, so that forks start at once; nothing is run, so no thread is there to lose."""
    import torch
    import torch._dynamo  # the first optimiser imports it, for seconds

    import ivif_cli.app
    import ivif_cli.commands.train
    import ivif_cli.core.data.find_pairs
    import ivif_cli.core.fusing.folder
    import ivif_cli.core.fusing.fuser
    import ivif_cli.core.language.prompts
    import ivif_cli.core.language.text_tower
    import ivif_cli.core.training.guard
    import ivif_cli.core.training.loop
    import ivif_cli.core.training.setup  # noqa: F401

    torch.set_num_threads(1)


@dataclass
class Child:
    """A running `ivif`; `log` holds what it prints."""

    pid: int
    log: Path
    started: float

    def ended(self) -> int | None:
        """Exit status (negative: the signal that ended it), or None while it runs."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def wait(self) -> int:
        """Exit status; a run that hangs is killed and reported."""
        while (status := self.ended()) is None:
            if time.monotonic() - self.started > LONGEST:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                require(False, f"still running after {LONGEST:.0f} s")
            time.sleep(_POLL)
        return status

    def said(self) -> str:
        """Everything it printed."""
        return self.log.read_text(errors="replace")


def fork(arguments: Sequence[str], log: Path, *, pipe: tuple[int, int] | None = None) -> Child:
    """`ivif ARGUMENTS` in a fork of this process; stdout goes into `pipe` (reading, writing end) where one is given."""
    started = time.monotonic()
    # What this process has not written yet would be written by the child, too.
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        _run(arguments, log, pipe)
    return Child(pid, log, started)


def _run(arguments: Sequence[str], log: Path, pipe: tuple[int, int] | None) -> None:
    """The child's whole life: run `main`, leave with its status without this process's own clean-up."""
    status = 99
    try:
        stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(pipe[1] if pipe else stream, 1)
        os.dup2(stream, 2)
        for end in pipe or ():
            os.close(end)
        from ivif_cli.app import main

        sys.argv = ["ivif", *arguments]
        main()
        status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except KeyboardInterrupt:
        status = 130
    except BaseException:  # noqa: BLE001 - whatever gets here is a defect, and must be seen in the log
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def spawn(arguments: Sequence[str], log: Path) -> Child:
    """`python -m ivif_cli ARGUMENTS` as a process of its own, imports and all."""
    started = time.monotonic()
    with log.open("wb") as stream:
        process = subprocess.Popen([sys.executable, "-m", "ivif_cli", *arguments], stdout=stream, stderr=stream)
    process.returncode = 0  # waited for by pid, not through this object
    return Child(process.pid, log, started)


def run_undisturbed(arguments: Sequence[str], log: Path) -> float:
    """Run to the end and demand success; returns how long it took [s]."""
    child = fork(arguments, log)
    status = child.wait()
    require(status == 0, f"an undisturbed run ended with {status}: {child.said()[-300:]}")
    return time.monotonic() - child.started


def strike(child: Child, number: int, moment: Callable[[Child], None]) -> bool:
    """Send a signal at a moment and wait for the end; False where the run had ended by itself before."""
    moment(child)
    if child.ended() is not None:
        return False
    os.kill(child.pid, number)
    child.wait()
    return True


def require_no_traceback(log: Path) -> None:
    """A run that was asked to end says so in a line, or nothing."""
    said = log.read_text(errors="replace")
    require("Traceback" not in said, f"a traceback: {said[-1500:]}")


def after(seconds: float) -> Callable[[Child], None]:
    """The moment so many seconds after the start."""

    def moment(child: Child) -> None:
        time.sleep(max(0.0, child.started + seconds - time.monotonic()))

    return moment


def at_write(folder: Path, rng: random.Random, writes: int = 6) -> Callable[[Child], None]:
    """The moment when a temporary file is seen in a folder, from the nth of so many writes on."""
    nth = rng.randint(1, writes)

    def moment(child: Child) -> None:
        seen: set[str] = set()
        while time.monotonic() - child.started < LONGEST:
            with suppress(OSError):
                seen |= {entry.name for entry in os.scandir(folder) if entry.name.startswith(".")}
            if len(seen) >= nth or _gone(child.pid):
                return
            time.sleep(0)

    return moment


def _gone(pid: int) -> bool:
    """Whether a child has ended, without taking its status."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
