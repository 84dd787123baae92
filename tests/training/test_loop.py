"""The training loop: exact resume, several processes, guards, what it leaves behind."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ivif_cli.core.data.images import read_image, write_image
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.errors import TrainingError, UsageError, WeightsError
from ivif_cli.core.language.goal import NAMED
from ivif_cli.core.network import load_network, save_network
from ivif_cli.core.training.checkpoint import checkpoint_path, latest_checkpoint, read_checkpoint
from ivif_cli.core.training.loop import finished, learning_rate, train
from ivif_cli.core.training.recipe import load_recipe
from ivif_cli.core.training.split import data_hash
from tests.training.small_run import ALONE, small_recipe, small_run


class StopAt:
    """Asks a run to stop after a step."""

    def __init__(self, step: int) -> None:
        self.left = step

    def __call__(self) -> bool:
        self.left -= 1
        return self.left == 0


def ended(out: Path) -> dict[str, torch.Tensor]:
    tensors, plain, _ = read_checkpoint(latest_checkpoint(out))  # type: ignore[arg-type]
    assert plain["step"] == 6
    return tensors


def test_run_leaves_weights_that_load(pairs: list[Pair], tmp_path: Path) -> None:
    state = train(small_recipe(), small_run(small_recipe(), pairs, tmp_path / "out"), ALONE)
    loaded = load_network(tmp_path / "out" / "model.safetensors")
    assert all(torch.equal(v, state.ema[n]) for n, v in loaded.network.state_dict().items())
    assert {"recipe", "data_sha256", "ivif", "validation", "step", "hours"} <= set(loaded.metadata)
    assert json.loads(loaded.metadata["recipe"])["steps"] == 6
    assert loaded.metadata["encoder"] == "tiny" and list(loaded.goals) == list(NAMED)
    assert np.allclose(loaded.network.origin.numpy(), loaded.goals["default"].condition[0])
    assert (tmp_path / "out" / "samples" / "step-00000006.png").is_file()
    lines = [json.loads(line) for line in (tmp_path / "out" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["kind"] == "train"] == [1, 2, 3, 4, 5, 6]
    assert {"EN", "VIF", "LDS", "K", "K p10", "STEER", "STEER bright"} <= set(lines[-1])


@pytest.mark.parametrize("stop", [1, 2, 3, 4, 5])
def test_run_stopped_at_any_step_and_resumed_ends_with_the_same_bits(
    stop: int, pairs: list[Pair], tmp_path: Path
) -> None:
    recipe = small_recipe()
    train(recipe, small_run(recipe, pairs, tmp_path / "whole"), ALONE)
    first = train(recipe, small_run(recipe, pairs, tmp_path / "broken", stop=StopAt(stop)), ALONE)
    assert first.step == stop
    torch.manual_seed(99)
    train(recipe, small_run(recipe, pairs, tmp_path / "broken"), ALONE, resume=True)
    whole, broken = ended(tmp_path / "whole"), ended(tmp_path / "broken")
    assert whole.keys() == broken.keys()
    assert all(torch.equal(whole[name], broken[name]) for name in whole)


def test_run_killed_between_checkpoints_goes_on_from_the_last(pairs: list[Pair], tmp_path: Path) -> None:
    """As after SIGKILL: the log is ahead of the checkpoint."""
    recipe = small_recipe()
    train(recipe, small_run(recipe, pairs, tmp_path / "whole"), ALONE)

    def die(step: int, values: dict[str, float]) -> None:
        if step == 5:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        train(recipe, small_run(recipe, pairs, tmp_path / "broken", report=die, checkpoint_every=2), ALONE)
    train(recipe, small_run(recipe, pairs, tmp_path / "broken"), ALONE, resume=True)
    assert all(torch.equal(v, ended(tmp_path / "broken")[n]) for n, v in ended(tmp_path / "whole").items())
    steps = [json.loads(line) for line in (tmp_path / "broken" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in steps if line["kind"] == "train"] == [1, 2, 3, 4, 5, 6]


@pytest.mark.slow
def test_two_processes_give_what_one_gives_with_the_joint_batch(
    pairs: list[Pair], tmp_path: Path, repository: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])

    def start(out: str, world: int, rank: int) -> subprocess.Popen[bytes]:
        place = {"WORLD_SIZE": str(world), "RANK": str(rank), "LOCAL_RANK": str(rank)}
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.training.small_run", str(tmp_path / "data"), str(tmp_path / out)]
        return subprocess.Popen(command, env={**os.environ, **place, **meeting}, cwd=repository)

    runs = [start("one", 1, 0), start("two", 2, 0), start("two", 2, 1)]
    assert [run.wait(timeout=240) for run in runs] == [0, 0, 0]
    one, two = (torch.load(tmp_path / out / "end.pt", weights_only=True) for out in ("one", "two"))
    for kind in ("gradients", "weights"):
        worst = max((one[kind][name] - two[kind][name]).abs().max().item() for name in one[kind])
        largest = max(value.abs().max().item() for value in one[kind].values())
        assert one[kind]["tone.weight"].dtype == torch.float64
        assert worst < 1e-9 * largest, kind


def test_nan_stops_with_step_part_and_pairs(pairs: list[Pair], tmp_path: Path) -> None:
    recipe = small_recipe()
    run = small_run(recipe, pairs, tmp_path / "out", checkpoint_every=1)

    def spoil(step: int, values: dict[str, float]) -> None:
        if step == 3:
            with torch.no_grad():
                next(run.network.parameters()).fill_(float("nan"))

    with pytest.raises(
        TrainingError, match=r"step 4: .*keeping\.retention.* is not finite; pairs of the batch: \d"
    ) as told:
        train(recipe, replace(run, report=spoil), ALONE)
    assert "step-00000003" in told.value.hint
    tensors, _, _ = read_checkpoint(checkpoint_path(tmp_path / "out", 2))
    assert all(torch.isfinite(v).all() for v in tensors.values())


def test_runaway_loss_stops(pairs: list[Pair], tmp_path: Path) -> None:
    recipe = small_recipe(diverged=1.0001, **{"optimiser.learning_rate": 0.05, "optimiser.warmup": 0})
    with pytest.raises(TrainingError, match="runs away"):
        train(recipe, small_run(recipe, pairs, tmp_path / "out"), ALONE)


def test_resume_needs_a_checkpoint(pairs: list[Pair], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="nothing to resume"):
        train(small_recipe(), small_run(small_recipe(), pairs, tmp_path / "out"), ALONE, resume=True)


def test_resume_with_another_recipe_is_refused(pairs: list[Pair], tmp_path: Path) -> None:
    recipe = small_recipe()
    train(recipe, small_run(recipe, pairs, tmp_path / "out", stop=StopAt(2)), ALONE)
    with pytest.raises(TrainingError, match="other settings: seed"):
        train(replace(recipe, seed=8), small_run(recipe, pairs, tmp_path / "out"), ALONE, resume=True)
    with pytest.raises(TrainingError, match="other settings: data_sha256"):
        train(recipe, small_run(recipe, pairs[:3], tmp_path / "out"), ALONE, resume=True)


def test_damaged_checkpoint_is_refused(pairs: list[Pair], tmp_path: Path) -> None:
    recipe = small_recipe()
    train(recipe, small_run(recipe, pairs, tmp_path / "out", stop=StopAt(2)), ALONE)
    path = checkpoint_path(tmp_path / "out", 2)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsError):
        train(recipe, small_run(recipe, pairs, tmp_path / "out"), ALONE, resume=True)


def test_only_the_last_checkpoints_are_kept_and_nothing_is_pickled(pairs: list[Pair], tmp_path: Path) -> None:
    recipe = small_recipe()
    train(recipe, small_run(recipe, pairs, tmp_path / "out", checkpoint_every=1), ALONE)
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".safetensors", ".jsonl", ".png"}
    assert sorted(p.name for p in (tmp_path / "out" / "checkpoints").iterdir()) == [
        "step-00000005.safetensors",
        "step-00000006.safetensors",
    ]


def test_batch_must_divide_by_processes() -> None:
    with pytest.raises(UsageError, match="3 processes"):
        replace(ALONE, world=3).share(8)


def test_schedules() -> None:
    def rates(**options: object) -> list[float]:
        named = {f"optimiser.{name}": value for name, value in options.items()}
        recipe = load_recipe(None, {"steps": 100, "optimiser.learning_rate": 1.0, **named})
        return [round(learning_rate(recipe, step), 4) for step in (0, 4, 50, 70, 99)]

    assert rates(schedule="constant", warmup=10) == [0.1, 0.5, 1, 1, 1]
    assert rates(schedule="cosine", warmup=0, floor=0.0)[2:] == [0.5, 0.2061, 0.0002]


def test_a_run_that_is_resumed_to_its_present_step_is_finished(pairs: list[Pair], tmp_path: Path) -> None:
    recipe, out = small_recipe(), tmp_path / "out"
    train(recipe, small_run(recipe, pairs, out, stop=StopAt(3)), ALONE)
    assert not (out / "model.safetensors").exists()
    shorter = replace(recipe, steps=3)
    train(shorter, small_run(shorter, pairs, out), ALONE, resume=True)
    model = out / "model.safetensors"
    assert load_network(model).metadata["step"] == "3" and finished(out, shorter) and not finished(out, recipe)
    written = model.stat().st_mtime_ns
    train(shorter, small_run(shorter, pairs, out), ALONE, resume=True)
    assert model.stat().st_mtime_ns == written, "what is finished is left alone"
    with pytest.raises(TrainingError, match="has done 3 steps"):
        train(replace(recipe, steps=2), small_run(recipe, pairs, out), ALONE, resume=True)


def test_weights_of_other_settings_or_data_are_no_end_of_a_run(pairs: list[Pair], tmp_path: Path) -> None:
    recipe, out = small_recipe(steps=1), tmp_path / "out"
    train(recipe, small_run(recipe, pairs, out), ALONE)
    assert finished(out, recipe, data_hash(pairs))
    assert not finished(out, replace(recipe, seed=8))
    assert not finished(out, recipe, data_hash(pairs[:3])) and not finished(tmp_path, recipe)


def test_a_run_begun_by_weights_takes_its_own_default_goal(pairs: list[Pair], tmp_path: Path) -> None:
    recipe = small_recipe(steps=1)
    run = small_run(recipe, pairs, tmp_path / "a")
    run.network.trim.fill_(0.5)
    start = tmp_path / "start.safetensors"
    save_network(start, run.network, {}, run.goals.goals)
    same = small_run(recipe, pairs, tmp_path / "b", init=str(start)).network
    assert torch.equal(same.origin, run.network.origin) and (same.trim == 0.5).all()
    other = small_run(replace(recipe, fused_text="a dark image"), pairs, tmp_path / "c", init=str(start))
    assert np.allclose(other.network.origin.numpy(), other.goals.goals["default"].condition[0])
    assert not torch.allclose(other.network.origin, same.origin) and not other.network.trim.any()


def test_a_run_begun_by_balanced_weights_is_balanced_once(pairs: list[Pair], tmp_path: Path) -> None:
    recipe = small_recipe(steps=1, **{"balance.lean": 0.5})
    train(recipe, small_run(recipe, pairs, tmp_path / "a"), ALONE)
    start = tmp_path / "a" / "model.safetensors"
    balanced = load_network(start).network
    again = small_run(recipe, pairs, tmp_path / "b", init=str(start)).network
    again.rebalance(**vars(recipe.balance))
    kept = small_run(small_recipe(), pairs, tmp_path / "c", init=str(start)).network
    for network in (again, kept):
        assert all(torch.allclose(v, balanced.state_dict()[n], atol=1e-6) for n, v in network.state_dict().items())


def test_words_that_cannot_be_trimmed_are_told_before_the_first_step(pairs: list[Pair], tmp_path: Path) -> None:
    for pair in pairs[1:]:
        for path in (pair.ir, pair.vis):
            write_image(path, read_image(path)[:24], overwrite=True)
    recipe, steps = small_recipe(**{"trim.pairs": 4, "crops.min_side": 16, "crops.max_side": 24}), []
    run = small_run(recipe, pairs[1:], tmp_path / "out", report=lambda step, values: steps.append(step))
    with pytest.raises(TrainingError, match="below 32 pixels"):
        train(recipe, run, ALONE)
    assert not steps
