"""Disks that are full or read-only, readers that go away, and weights that are cut short."""

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.faults.child import fork, run_undisturbed
from tests.faults.fuse_faults import FuseFaults
from tests.faults.scenes import Scene, snapshot
from tests.faults.tally import Tally, require
from tests.faults.train_faults import TrainFaults, check_whole

BLOCK = 4096


class NoMount(Exception):  # noqa: N818 - a reason to skip
    """No file system can be mounted here."""


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """A tmpfs of `size` bytes at `folder` while the context lasts.

    Raises:
        NoMount: not root, or mounting is forbidden.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size}", "ivif-faults", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=False, capture_output=True)


def _mount(*arguments: str) -> None:
    if not shutil.which("mount") or os.geteuid() != 0:
        raise NoMount("only root can mount a small disk")
    done = subprocess.run(["mount", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise NoMount(f"mounting is forbidden here: {done.stderr.strip()}")


def remount(folder: Path, options: str) -> None:
    """Change a mounted disk's options."""
    _mount("-o", f"remount,{options}", str(folder))


def one_line(said: str) -> str:
    """The single line a failing run says."""
    lines = [line for line in said.splitlines() if line.startswith("error:")]
    require(len(lines) == 1 and "Traceback" not in said, f"expected one error line, got {said[-300:]!r}")
    return lines[0]


def full_disk_fuse(scene: Scene, count: int) -> Tally:
    """Disks with room for none to nearly all of the pictures; then the disk grows and the run is repeated."""
    tally, faults = Tally("fuse, full disk"), FuseFaults(scene, random.Random(0))
    room = sum(-(-path.stat().st_size // BLOCK) * BLOCK for path in (scene.root / "whole").iterdir())
    disk = scene.root / "disk"

    def check(size: int) -> None:
        with small_disk(disk, size):
            child = fork(scene.fuse_arguments(disk), faults.log)
            status = child.wait()
            require(status == 1, f"status {status}, expected 1")
            require("No space left" in one_line(child.said()), child.said())
            found = snapshot(disk)
            require(all(faults.expected.get(name) == digest for name, digest in found.items()), "a partial picture")
            require(not any(path.name.startswith(".") for path in disk.iterdir()), "a temporary file was left")
            remount(disk, "size=4m")
            run_undisturbed(scene.fuse_arguments(disk), faults.log)
            faults.check_complete(disk, set())

    return _each(tally, _sizes(room, count), check)


def full_disk_train(scene: Scene, count: int) -> Tally:
    """Disks with room for none to nearly all of a run's files; then the disk grows and the run goes on."""
    tally, faults = Tally("train, full disk"), TrainFaults(scene, random.Random(0))
    room = sum(path.stat().st_size for path in (scene.root / "run-whole").rglob("*") if path.is_file())
    disk = scene.root / "disk"

    def check(size: int) -> None:
        with small_disk(disk, size):
            child = fork(scene.train_arguments(disk), faults.log)
            status = child.wait()
            require(status == 1, f"status {status}, expected 1")
            require("No space left" in one_line(child.said()), child.said())
            step = check_whole(disk, 0)
            remount(disk, "size=64m")
            faults.finish(disk, resume=step > 0)

    return _each(tally, _sizes(room, count), check)


def _sizes(room: int, count: int) -> list[int]:
    """Sizes in whole blocks, evenly below what a run needs."""
    return [max(2, room * (k + 1) // ((count + 1) * BLOCK)) * BLOCK for k in range(count)]


def _each(tally: Tally, sizes: list[int], check: Callable[[int], None]) -> Tally:
    try:
        for size in sizes:
            tally.attempt(partial(check, size), f"{size} bytes")
    except NoMount as reason:
        tally.skipped = str(reason)
        tally.tried = tally.survived = 0
    return tally


def read_only_target(scene: Scene) -> Tally:
    """Both commands onto a read-only disk: one line, and nothing on it changes."""
    tally, disk, log = Tally("fuse and train, read-only target"), scene.root / "disk", scene.root / "read-only.log"

    def check(arguments: list[str]) -> None:
        with small_disk(disk, 1 << 20):
            (disk / "notes.txt").write_text("mine")
            remount(disk, "ro")
            child = fork(arguments, log)
            status = child.wait()
            require(status == 1, f"status {status}, expected 1")
            require("Read-only" in child.said() and "Traceback" not in child.said(), child.said())
            require(list(snapshot(disk)) == ["notes.txt"], "something was written")

    try:
        tally.attempt(lambda: check(scene.fuse_arguments(disk)), "fuse")
        tally.attempt(lambda: check(scene.fuse_arguments(disk, "--overwrite")), "fuse --overwrite")
        tally.attempt(lambda: check(scene.train_arguments(disk)), "train")
    except NoMount as reason:
        tally.skipped = str(reason)
        tally.tried = tally.survived = 0
    return tally


def dying_reader(scene: Scene, rng: random.Random, count: int) -> Tally:
    """Readers of `fuse --json` that close the pipe after some bytes: the pictures are all there, nobody complains."""
    tally, faults = Tally("fuse --json, reader dies"), FuseFaults(scene, rng)
    output, log = scene.root / "piped", scene.root / "piped.log"

    def check(taken: int) -> None:
        shutil.rmtree(output, ignore_errors=True)
        status = _run_into_pipe(scene.fuse_arguments(output, "--json"), log, taken)
        require(status in (0, 141), f"status {status}")
        require(log.read_text() == "", f"stderr: {log.read_text()[-300:]!r}")
        faults.check_complete(output, set())

    for _ in range(count):
        taken = rng.choice((0, 0, rng.randint(1, 2000)))
        tally.attempt(partial(check, taken), f"after {taken} bytes")
    return tally


def _run_into_pipe(arguments: list[str], log: Path, taken: int) -> int:
    """Status of a run whose stdout is a pipe, whose reader takes `taken` bytes and closes it."""
    reading, writing = os.pipe()
    child = fork(arguments, log, pipe=(reading, writing))
    os.close(writing)
    while taken > 0 and (got := os.read(reading, taken)):
        taken -= len(got)
    os.close(reading)
    return child.wait()


def cut_weights(scene: Scene, file_names: tuple[str, ...], every: int = BLOCK) -> Tally:
    """Copies of the bundled weights cut at every multiple of `every` bytes: each refused in one line."""
    from ivif_cli.core.errors import WeightsError
    from ivif_cli.core.network import load_network
    from ivif_cli.core.weights import bundled, read_weights

    tally = Tally(f"weights cut at every {every} bytes")
    for file_name in file_names:
        cut = scene.root / file_name
        shutil.copyfile(bundled(file_name), cut)
        load: Callable[[Path], object] = read_weights if "clip" in file_name else load_network

        def check(path: Path = cut, load: Callable[[Path], object] = load) -> None:
            try:
                load(path)
            except WeightsError as error:
                require("\n" not in str(error), "more than one line")
            else:
                require(False, "cut weights were taken")

        for size in range((cut.stat().st_size - 1) // every * every, -1, -every):
            os.truncate(cut, size)
            tally.attempt(check, f"{file_name} at {size}")
    return tally
