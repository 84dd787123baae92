"""Files appear whole or not at all, and what killed runs left goes at the next run."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ivif_cli.core import files
from ivif_cli.core.aligning.alignment import Alignment, save_alignment
from ivif_cli.core.data.images import write_image
from ivif_cli.core.errors import OutputError
from ivif_cli.core.files import sweep, write_bytes, writing
from ivif_cli.core.training.log import MetricsLog
from ivif_cli.core.weights import write_weights

WRITERS: dict[str, Callable[[Path], object]] = {
    "r.html": lambda path: files.write_text(path, "text"),
    "p.png": lambda path: write_image(path, np.zeros((4, 5), np.uint8), overwrite=True),
    "w.safetensors": lambda path: write_weights(path, {"a": torch.zeros(3)}, {}),
    "rig.json": lambda path: save_alignment(path, Alignment(np.eye(3))),
    "metrics.jsonl": lambda path: MetricsLog(path.parent, 0).write(1, "train", {"loss": 1.0}),
}
_HANG = """
import sys, time
from pathlib import Path
from ivif_cli.core.files import writing
with writing(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"half")
    print(temporary.name, flush=True)
    time.sleep(600)
"""


def hanging_writer(path: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that is in the middle of writing `path`, and its temporary file."""
    process = subprocess.Popen([sys.executable, "-c", _HANG, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, path.with_name(process.stdout.readline().strip())


@pytest.mark.parametrize("name", WRITERS)
def test_no_writer_follows_a_link(tmp_path: Path, name: str) -> None:
    precious, target = tmp_path / "precious", tmp_path / "out" / name
    precious.write_bytes(b"precious")
    target.parent.mkdir()
    for planted in (target, target.with_name(f".{name}.partial"), target.with_name(f".{name}.part")):
        planted.symlink_to(precious)
    WRITERS[name](target)
    assert precious.read_bytes() == b"precious"
    assert target.stat().st_size > 0 and not target.is_symlink()


def test_what_a_killed_process_left_goes_at_the_next_run_and_a_living_ones_stays(tmp_path: Path) -> None:
    killed, left = hanging_writer(tmp_path / "a.png")
    living, kept = hanging_writer(tmp_path / "b.png")
    try:
        assert left.read_bytes() == b"half" and kept.exists()
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        sweep(tmp_path)
        assert not left.exists() and kept.exists()
    finally:
        for process in (killed, living):
            process.kill()
            process.communicate()
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_first_file_of_a_run_sweeps_its_folder(tmp_path: Path) -> None:
    process, left = hanging_writer(tmp_path / "a.png")
    process.kill()
    process.communicate()
    write_bytes(tmp_path / "b.bin", b"new")
    assert not left.exists() and (tmp_path / "b.bin").read_bytes() == b"new"


def test_files_of_other_machines_and_foreign_names_stay(tmp_path: Path) -> None:
    dead = f"{2**22 + 1}-1"
    young, old = (tmp_path / f".ivif-{'0' * 8}-{dead}-{digit * 32}.part.png" for digit in "12")
    foreign = [tmp_path / name for name in (".ivif-notes.part", ".hidden", "mine.part", f".ivif-{'2' * 32}.part")]
    link = tmp_path / f".ivif-{files._machine()}-{dead}-{'3' * 32}.part"
    for file in (young, old, *foreign):
        file.write_bytes(b"x")
    for file in (old, *foreign):
        os.utime(file, (1, 1))
    link.symlink_to(foreign[0])
    sweep(tmp_path)
    assert not old.exists()
    assert all(file.exists() for file in (young, link, *foreign))
    sweep(tmp_path / "none")


def test_a_process_id_that_was_given_anew_is_not_taken_for_the_writer(tmp_path: Path) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("processes' start times are read from /proc")
    left = tmp_path / f".ivif-{files._machine()}-{os.getpid()}-1-{'0' * 32}.part"
    own = tmp_path / f".ivif-{files._machine()}-{os.getpid()}-{files._started(os.getpid()) or 0}-{'0' * 32}.part"
    for file in (left, own):
        file.write_bytes(b"x")
    sweep(tmp_path)
    assert not left.exists() and own.exists()


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before")
    with pytest.raises(RuntimeError, match="half way"), writing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("half way")
    with pytest.raises(OutputError, match="exists already"):
        write_bytes(path, b"new", overwrite=False)
    with pytest.raises(OutputError, match="cannot write"):
        write_bytes(path / "below", b"new")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with pytest.raises(OutputError, match="exists already"), writing(path, overwrite=False) as temporary:
        temporary.write_text("ours")
        path.write_text("theirs")
    assert path.read_text() == "theirs" and list(tmp_path.iterdir()) == [path]
