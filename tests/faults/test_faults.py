"""The short form of `python -m tools.faults`: a few faults of every kind, in a process of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the harness forks")
@pytest.mark.parametrize(
    ("series", "kills", "from_the_start"), [("fuse", 3, 1), ("train", 2, 0), ("storage", 0, 0), ("weights", 0, 0)]
)
def test_faults_leave_everything_whole(repository: Path, series: str, kills: int, from_the_start: int) -> None:
    # The first kill strikes a fresh run at random, the second one that goes on while it writes, the third a start-up.
    options = {"only": series, "kills": kills, "true-processes": from_the_start, "sizes": 1, "every": 1 << 18}
    arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    done = subprocess.run(
        [sys.executable, "-m", "tools.faults", *arguments, "--json"],
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
