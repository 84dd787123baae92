"""Kills of `ivif fuse` over a folder, and what must hold after each."""

import hashlib
import random
import shutil
import signal
from pathlib import Path

from tests.faults.child import SIGNALS, after, at_write, fork, require_no_traceback, run_undisturbed, spawn, strike
from tests.faults.scenes import Scene, snapshot
from tests.faults.tally import Tally, require

OLD = b"an earlier picture, not to be touched"


class FuseFaults:
    """Kills of folder runs.

    Args:
        scene: pairs and weights.
        rng: where moments come from.
    """

    def __init__(self, scene: Scene, rng: random.Random) -> None:
        self.scene, self.rng = scene, rng
        self.log = scene.root / "fuse.log"
        whole = scene.root / "whole"
        self.duration = run_undisturbed(scene.fuse_arguments(whole), self.log)
        self.expected = snapshot(whole)
        self.inputs = snapshot(scene.pairs)

    def kills(self, number: int, count: int, *, true_processes: int = 0) -> Tally:
        """`count` kills by one signal; the last `true_processes` of them strike processes that import by themselves."""
        tally = Tally(f"fuse, {signal.Signals(number).name}")
        while tally.tried < count:
            start_up = tally.tried >= count - true_processes
            self._kill(number, tally, start_up=start_up)
        return tally

    def _kill(self, number: int, tally: Tally, *, start_up: bool) -> None:
        output = self.scene.root / "killed"
        replacing = tally.tried % 2 == 1
        self._fill(output, replacing)
        arguments = self.scene.fuse_arguments(output, *(["--overwrite"] if replacing else []))
        aimed = not start_up and tally.tried % 3 == 1
        moment = (
            at_write(output, self.rng)
            if aimed
            else after(self.rng.uniform(0.2 if start_up else 0.0, self._longest(start_up)))
        )
        child = (spawn if start_up else fork)(arguments, self.log)
        if not strike(child, number, moment):
            tally.count("came after the end")
            return
        tally.attempt(lambda: self._check(output, replacing, arguments, tally), f"kill {tally.tried}")

    def _longest(self, start_up: bool) -> float:
        return self.duration + (4.0 if start_up else 0.0)

    def _fill(self, output: Path, replacing: bool) -> None:
        """What is there before: a foreign file, and earlier pictures (one to be kept, or all to be replaced)."""
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir()
        for name in ["notes.txt", *(self.expected if replacing else ["00.png"])]:
            (output / name).write_bytes(OLD)

    def _check(self, output: Path, replacing: bool, arguments: list[str], tally: Tally) -> None:
        require_no_traceback(self.log)
        self.check_whole(output, replacing)
        if any(path.name.startswith(".") for path in output.iterdir()):
            tally.count("left a temporary file")
        run_undisturbed(arguments, self.log)
        self.check_complete(output, {"notes.txt"} if replacing else {"notes.txt", "00.png"})

    def check_whole(self, output: Path, replacing: bool) -> None:
        """Every file under a final name is a finished picture, or what was there before."""
        old = snapshot_of(OLD)
        found = snapshot(output)
        require(found.get("notes.txt") == old, "a foreign file was lost or changed")
        require(replacing or found.get("00.png") == old, "an earlier picture was lost or changed")
        require(not replacing or set(self.expected) <= set(found), "an earlier picture was lost")
        for name, digest in found.items():
            require(digest in (old, self.expected.get(name)), f"{name} is partial")
        require(snapshot(self.scene.pairs) == self.inputs, "an input was changed")

    def check_complete(self, output: Path, kept: set[str]) -> None:
        """After a re-run everything is as an undisturbed run makes it, but for what had to be kept."""
        found = snapshot(output, hidden=True)
        wanted = {**self.expected, **{name: snapshot_of(OLD) for name in kept}}
        differing = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        require(not differing, f"after a re-run these differ: {', '.join(differing)}")


def snapshot_of(data: bytes) -> str:
    """Digest of bytes, as `snapshot` has it."""
    return hashlib.sha256(data).hexdigest()


def kill_fuse(scene: Scene, rng: random.Random, kills: int, true_processes: int) -> list[Tally]:
    """All three signals."""
    faults = FuseFaults(scene, rng)
    return [faults.kills(number, kills, true_processes=true_processes) for number in SIGNALS]
