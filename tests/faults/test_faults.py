"""The short form of `python -m tools.faults`: a few faults of every kind, in a process of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the harness forks")
@pytest.mark.parametrize("series", ["fuse", "train", "storage", "weights"])
def test_faults_leave_everything_whole(repository: Path, series: str) -> None:
    arguments = [
        "--only",
        series,
        "--kills",
        "4",
        "--sizes",
        "2",
        "--true-processes",
        "1",
        "--every",
        "65536",
        "--json",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tools.faults", *arguments],
        cwd=repository,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tallies = json.loads(done.stdout)
    assert all(tally["tried"] == tally["survived"] for tally in tallies)
    assert all(tally["tried"] or tally["skipped"] for tally in tallies)
