"""The ablation driver and the picture strips, as scripts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ivif_cli.core.data.images import read_image
from ivif_cli.core.data.pairing import Pair
from tests.training.small_run import SMALL


def script(repository: Path, name: str, *arguments: object) -> str:
    environment = {**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(repository / "tools" / name), *map(str, arguments)]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=300).stdout


@pytest.mark.slow
def test_ablation_makes_a_table_and_a_strip_and_keeps_what_is_finished(
    pairs: list[Pair], tmp_path: Path, repository: Path
) -> None:
    small = [f"--set={name}={json.dumps(value)}" for name, value in SMALL.items()]
    arguments = ["--data", tmp_path / "data", "--out", tmp_path / "ablation", "--steps", 2, *small]
    arguments += ["--variants", "words-off,cross"]
    printed = script(repository, "ablation.py", *arguments)
    rows = [line for line in printed.splitlines() if line.startswith("|")]
    assert rows[0].split(" | ")[1:] == [
        "K",
        "K p10",
        "X",
        "TD",
        "LDS",
        "STEER",
        "EN",
        "SD",
        "SF",
        "MI",
        "VIF",
        "Qabf |",
    ]
    assert [row.split(" | ")[0] for row in rows[2:]] == [
        "| language-driven loss off",
        "| cross fusion attention for concatenation",
    ]
    assert read_image(tmp_path / "ablation" / "strip.png").ndim == 3
    weights = tmp_path / "ablation" / "cross" / "model.safetensors"
    written = weights.stat().st_mtime_ns
    assert script(repository, "ablation.py", *arguments) == printed
    assert weights.stat().st_mtime_ns == written


@pytest.mark.slow
def test_strip_of_named_scenes(pairs: list[Pair], tmp_path: Path, repository: Path) -> None:
    arguments = ["--data", tmp_path / "data", "--scenes", "1,3", "--method", f"copy={tmp_path / 'data' / 'ir'}"]
    script(
        repository,
        "strips.py",
        *arguments,
        "--model",
        "fast",
        "--goal",
        "bright",
        "--goal",
        "dark",
        "-o",
        tmp_path / "strip.png",
    )
    strip = read_image(tmp_path / "strip.png")
    assert strip.shape == (2 * (240 + 26), 5 * 267 + 4 * 4, 3)
