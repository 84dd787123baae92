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
from tools.ablation import table
from tools.ablation_means import COLUMNS, change_table, main, mean_table


def script(repository: Path, name: str, *arguments: object) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", f"tools.{name}", *map(str, arguments)]
    run = subprocess.run(
        command, cwd=repository, env=environment, check=True, capture_output=True, text=True, timeout=300
    )
    return run.stdout


@pytest.mark.slow
def test_ablation_makes_a_table_and_a_strip_and_keeps_what_is_finished(
    pairs: list[Pair], tmp_path: Path, repository: Path
) -> None:
    small = [f"--set={name}={json.dumps(value)}" for name, value in SMALL.items()]
    arguments = ["--data", tmp_path / "data", "--out", tmp_path / "ablation", "--steps", 2, *small]
    arguments += ["--variants", "words-off,cross"]
    printed = script(repository, "ablation", *arguments)
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
    assert script(repository, "ablation", *arguments) == printed
    assert weights.stat().st_mtime_ns == written


@pytest.mark.slow
def test_strip_of_named_scenes(pairs: list[Pair], tmp_path: Path, repository: Path) -> None:
    arguments = ["--data", tmp_path / "data", "--scenes", "1,3", "--method", f"copy={tmp_path / 'data' / 'ir'}"]
    script(
        repository,
        "strips",
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


def row(kept: float, tone: float) -> dict[str, float]:
    return dict.fromkeys(COLUMNS, 0.5) | {"K": kept, "TD": tone}


def test_means_compare_each_variant_with_the_whole_recipe_of_its_own_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [
        {"full": row(0.80, 10.0), "words-off": row(0.79, 14.0), "phi-off": row(0.84, 9.0)},
        {"full": row(0.90, 12.0), "words-off": row(0.86, 15.0)},
    ]
    means = {line.split(" | ")[0][2:]: line.split(" | ")[1:] for line in mean_table(runs)}
    assert means["everything on"][:2] == ["2", "0.850"]
    assert means["language-driven loss off"][:5] == ["2", "0.825", "0.500", "0.500", "14.50"]
    assert means["Phi off"][:2] == ["1", "0.840"]
    assert means["between the seeds of everything on"][:5] == ["2", "0.100", "0.000", "0.000", "2.00"]
    changes = {line.split(" | ")[0][2:]: line.split(" | ")[1:] for line in change_table(runs)}
    assert changes["language-driven loss off"][:2] == ["2", "-0.025 (-0.040 to -0.010)"]
    assert changes["language-driven loss off"][4] == "+3.50 (+3.00 to +4.00)"
    assert "everything on" not in changes
    for index, run in enumerate(runs):
        (tmp_path / str(index)).mkdir()
        (tmp_path / str(index) / "results.json").write_text(json.dumps(run))
    main([str(tmp_path / "0"), str(tmp_path / "1")])
    assert capsys.readouterr().out.splitlines() == [*mean_table(runs), "", *change_table(runs)]


def test_the_best_of_each_column_is_the_least_where_less_is_better() -> None:
    rows = {"full": row(0.80, 10.0), "words-off": row(0.79, 14.0)}
    cells = [
        line.split(" | ")
        for line in table({name: {"EN": 7.0, "MI": 2.0, **r} for name, r in rows.items()}).splitlines()
    ]
    heads = [cell.strip(" |") for cell in cells[0]]
    marked = {name: [line[heads.index(name)].startswith("**") for line in cells[2:]] for name in ("K", "TD")}
    assert marked == {"K": [True, False], "TD": [True, False]}
