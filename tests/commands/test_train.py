"""`ivif train` as a user meets it."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ivif_cli.app import app
from ivif_cli.core.data.images import write_image
from ivif_cli.core.network import load_network
from tests.training.small_run import SMALL, write_pairs

TINY = [f"--set={name}={json.dumps(value)}" for name, value in SMALL.items()]
OFF = ["--language", "off", *TINY]


def train(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["train", *map(str, arguments), "--device", "cpu"])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_pairs(tmp_path / "data")
    return tmp_path / "data"


def test_print_config_is_a_recipe_and_needs_no_data(tmp_path: Path) -> None:
    status, printed, _ = train("--print-config", "--steps", "7", "--set", "words.phi=3.5")
    assert status == 0
    assert "steps = 7" in printed
    (tmp_path / "recipe.toml").write_text(printed)
    assert train("--config", tmp_path / "recipe.toml", "--print-config")[1] == printed


def test_trains_without_words_and_says_where_the_weights_are(data: Path, tmp_path: Path) -> None:
    status, printed, told = train("--data", data, "--out", tmp_path / "run", *OFF)
    assert status == 0, told
    assert printed.strip() == str(tmp_path / "run" / "model.safetensors")
    assert "3 pairs to train on, 1 to validate on" in told
    assert f"writes into {tmp_path / 'run'}" in told and "--resume goes on" in told
    assert told.splitlines()[-1].startswith("next: ivif fuse --ir ") and f"-m {printed.strip()}" in told
    assert load_network(printed.strip()).metadata["pairs"] == "4"


@pytest.mark.slow
def test_trains_with_the_bundled_encoder(data: Path, tmp_path: Path) -> None:
    status, printed, told = train(
        "--data", data, "--out", tmp_path / "run", *TINY, "--set=goals.sentences=''", "--steps", "2"
    )
    assert status == 0, told
    metadata = load_network(printed.strip()).metadata
    assert metadata["encoder"] == "compact" and int(metadata["sentences"]) > 1000
    assert json.loads(metadata["goals"])["default"]["ir"] == "an infrared image"
    assert "LDS" in json.loads(metadata["validation"])


def test_student_starts_from_weights_and_learns_from_a_teacher(data: Path, tmp_path: Path) -> None:
    assert train("--data", data, "--out", tmp_path / "a", *OFF)[0] == 0
    weights = tmp_path / "a" / "model.safetensors"
    status, printed, told = train(
        "--data", data, "--out", tmp_path / "b", "--init", weights, "--teacher", weights, *OFF
    )
    assert status == 0, told
    assert {"init_sha256", "teacher_sha256"} <= set(load_network(printed.strip()).metadata)


def test_a_device_is_named_as_in_fuse(data: Path, tmp_path: Path) -> None:
    for device, status, hint in (("cudda", 2, "did you mean cuda?"), ("cuda:99", 1, "cpu")):
        done = CliRunner().invoke(app, ["train", "--data", str(data), "-o", str(tmp_path), "--device", device])
        assert done.exit_code == status and hint in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "nothing to train on"),
        (("--data", "/nowhere"), "/nowhere"),
        (("--language", "loud"), "expected off or a number"),
        (("--set", "steps"), "NAME=VALUE"),
        (("--steps", "0"), "steps must be at least 1"),
        (("--network", "bsae"), "unknown network: bsae"),
        (("--dataset", "RoadScenes"), "did you mean RoadScene"),
    ],
)
def test_wrong_options_are_one_line(arguments: tuple[str, ...], told: str, data: Path, tmp_path: Path) -> None:
    more = ("--data", data, *OFF) if arguments[:1] == ("--network",) else ()
    status, _, said = train(*more, *arguments, "--out", tmp_path / "run")
    assert status in (1, 2)
    assert told in said
    assert len([line for line in said.splitlines() if line.startswith("error")]) == 1


def test_a_run_is_not_begun_anew_over_another(data: Path, tmp_path: Path) -> None:
    arguments = ("--data", data, "--out", tmp_path / "run", *OFF)
    assert train(*arguments)[0] == 0
    status, _, said = train(*arguments)
    assert status == 2
    assert "--resume" in said
    assert train(*arguments, "--resume")[0] == 0


def test_a_run_whose_checkpoints_are_gone_is_not_replaced(data: Path, tmp_path: Path) -> None:
    name = "model.safetensors"
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / name).write_bytes(b"mine")
    status, _, said = train("--data", data, "--out", tmp_path / "run", *OFF)
    assert status == 2
    assert f"holds the {name} of an earlier run" in said
    assert [path.name for path in (tmp_path / "run").iterdir() if path.is_file()] == [name]
    assert (tmp_path / "run" / name).read_bytes() == b"mine"


def test_all_pairs_that_cannot_be_trained_on_are_named_before_the_first_step(data: Path, tmp_path: Path) -> None:
    write_image(data / "vi" / "1.png", np.zeros((36, 40), np.uint8), overwrite=True)
    cut = data / "ir" / "3.png"
    cut.write_bytes(cut.read_bytes()[:-40])
    status, _, said = train("--data", data, "--out", tmp_path / "run", *OFF)
    assert status == 1
    assert "2 of 4 pairs cannot be trained on: pair 1 has two sizes: 80 x 72 and 40 x 36; " in said
    assert f"{cut} is truncated" in said and len(said.splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_saves_a_checkpoint_that_resumes(
    number: signal.Signals, data: Path, tmp_path: Path, repository: Path
) -> None:
    out = tmp_path / "run"
    options = ["--data", str(data), "--out", str(out), *OFF, "--steps", "5000"]
    command = [sys.executable, "-m", "ivif_cli", "train", *options]
    run = subprocess.Popen(command, cwd=repository, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 120
    while not (out / "metrics.jsonl").exists() or not (out / "metrics.jsonl").stat().st_size:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    run.send_signal(number)
    _, said = run.communicate(timeout=120)
    assert run.returncode == 130
    assert b"a checkpoint is saved; --resume goes on" in said
    [checkpoint] = (out / "checkpoints").iterdir()
    done = int(checkpoint.stem.removeprefix("step-"))
    lines = (out / "metrics.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["step"] == done
    status, _, told = train("--resume", *options, "--steps", str(done + 2))
    assert status == 0, told


def test_tensorboard_that_is_missing_is_named_before_the_set_up(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tensorboard" else find(name))
    status, _, told = train("--data", data, "--out", tmp_path / "run", "--tensorboard", *TINY)
    assert status == 2
    assert "pip install 'ivif-cli[tensorboard]'" in told
    assert not (tmp_path / "run").exists()
