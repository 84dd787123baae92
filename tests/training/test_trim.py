"""Words are trimmed at the end of a run: what they name moves, and less of the rest."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from ivif_cli.core.data.datasets import open_folder
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.language.goal import DEFAULT, DIALS, Goal
from ivif_cli.core.network import FusionNetwork, load_network
from ivif_cli.core.network.composition import unleaned
from ivif_cli.core.training.loop import train
from ivif_cli.core.training.lumas import LumaStore
from ivif_cli.core.training.trim import TrimSettings, kept, trim
from ivif_cli.core.training.validation import fuse_pair
from tests.made_up import lively_network
from tests.training.small_run import ALONE, small_recipe, small_run

CPU = torch.device("cpu")


@pytest.fixture
def varied(tmp_path: Path) -> list[Pair]:
    """Scenes of unlike brightness, contrast and detail."""
    rng = np.random.default_rng(2)
    for index in range(6):
        for name in ("ir", "vi"):
            (tmp_path / name).mkdir(exist_ok=True)
            texture = cv2.resize(rng.normal(size=(8 + 8 * index, 8 + 8 * index)), (96, 96))
            luma = 60 + 25 * ((index * 3) % 6) + (10 + 8 * ((index * 2) % 5)) * texture
            luma[30:50, 12 * index : 12 * index + 20] += 60 * (name == "ir")
            cv2.imwrite(str(tmp_path / name / f"{index}.png"), luma.clip(0, 255).astype(np.uint8))
    return list(open_folder(tmp_path).pairs)


@pytest.fixture
def lively(varied: list[Pair]) -> tuple[FusionNetwork, LumaStore, dict[str, Goal]]:
    made = lively_network("fast")
    made.network.trim.zero_()
    return made.network, LumaStore(varied, made.network.thumbnail), made.goals


def test_brightness_moves_on_and_contrast_less_beside_it(
    lively: tuple[FusionNetwork, LumaStore, dict[str, Goal]],
) -> None:
    network, store, goals = lively

    def moves() -> np.ndarray:
        """Mean change of the mean and of the spread from dark to bright."""
        ends = {name: goals[name] for name in DIALS["bright"]}
        found = [fuse_pair(network, store[index], CPU, ends) for index in range(len(store))]
        return np.mean([[f(x["bright"]) - f(x["dark"]) for f in (np.mean, np.std)] for x in found], axis=0)

    before = moves()
    trim(network, store, goals, TrimSettings(pairs=6, stay=0.0))
    after = moves()
    assert before[0] > 0 and after[0] > 0.8 * before[0]
    assert abs(after[1] / after[0]) < abs(before[1] / before[0])


def test_the_default_goal_keeps_its_picture_to_the_bit(
    lively: tuple[FusionNetwork, LumaStore, dict[str, Goal]],
) -> None:
    network, store, goals = lively
    chosen = {name: goals[name] for name in (DEFAULT, "bright")}
    before = fuse_pair(network, store[0], CPU, chosen)
    trim(network, store, goals, TrimSettings(pairs=2, rounds=1))
    after = fuse_pair(network, store[0], CPU, chosen)
    assert np.array_equal(before[DEFAULT], after[DEFAULT])
    assert not np.array_equal(before["bright"], after["bright"])
    assert not network.training


def test_without_pairs_or_ends_nothing_is_trimmed(lively: tuple[FusionNetwork, LumaStore, dict[str, Goal]]) -> None:
    network, store, goals = lively
    trim(network, store, goals, TrimSettings())
    trim(network, store, {DEFAULT: goals[DEFAULT], "bright": goals["bright"]}, TrimSettings(pairs=2))
    assert not network.trim.any()


def test_a_copy_keeps_its_source_and_its_negative_keeps_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    sources = torch.rand(1, 2, 64, 64, generator=generator)

    def shares(fused: Tensor) -> list[float]:
        return kept(fused, sources).tolist()

    assert shares(sources[:, :1])[::2] == pytest.approx([1, 1], abs=1e-3)
    assert shares(sources[:, 1:])[1:] == pytest.approx([1, 0], abs=1e-3)
    assert shares(0.3 + sources[:, :1] / 2 + sources[:, 1:] / 2)[2] == pytest.approx(0.5, abs=1e-3)
    assert shares(1 - sources[:, :1])[0] == 0


def test_a_run_ends_with_it_and_goes_on_without(pairs: list[Pair], tmp_path: Path) -> None:
    recipe = small_recipe(**{"trim.pairs": 2, "trim.rounds": 1, "validation.every": 3})
    state = train(recipe, small_run(recipe, pairs, tmp_path / "out"), ALONE)
    loaded = load_network(tmp_path / "out" / "model.safetensors")
    assert loaded.network.trim.any()
    assert not state.network.trim.any() and not state.ema["trim"].any()


def test_a_run_ends_with_its_balance_and_goes_on_without(pairs: list[Pair], tmp_path: Path) -> None:
    made = {}
    for name, lean in (("plain", 0.0), ("leant", 0.5)):
        recipe = small_recipe(**{"balance.lean": lean, "steps": 1})
        state = train(recipe, small_run(recipe, pairs, tmp_path / name), ALONE)
        made[name] = load_network(tmp_path / name / "model.safetensors").network.tone.bias, state.network.tone.bias
    saved, kept_on = (made["leant"][i] - made["plain"][i] for i in (0, 1))
    assert saved[3].item() == pytest.approx(unleaned(0.5), abs=1e-6) and not saved[:3].any()
    assert not kept_on.any()
