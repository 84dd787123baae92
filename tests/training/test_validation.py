"""Validation: pictures as `ivif fuse` saves them, means over pairs, and how often a dial moves what it names."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.metrics import evaluate_pair
from ivif_cli.core.network import LoadedNetwork
from ivif_cli.core.training.lumas import LumaStore
from ivif_cli.core.training.validation import fuse_pair, spread_evenly, steer, validate

CPU = torch.device("cpu")


def test_pictures_are_those_of_the_fuser_for_every_goal(lively: LoadedNetwork, pairs: list[Pair]) -> None:
    store = LumaStore(pairs, lively.network.thumbnail)
    goals = {name: lively.goals[name] for name in ("default", "bright", "dark")}
    found = fuse_pair(lively.network, store[1], CPU, goals)
    fuser = Fuser(lively, device="cpu")
    for name, fused in found.items():
        assert np.abs(fused.astype(int) - fuser.fuse(store[1].ir, store[1].vis, goal=name)).max() <= 1
    assert not np.array_equal(found["bright"], found["dark"])


def test_metrics_are_means_of_the_default_goals_pictures(lively: LoadedNetwork, pairs: list[Pair]) -> None:
    store = LumaStore(pairs, lively.network.thumbnail)
    lively.network.train()
    means, images = validate(lively.network, store, [0, 2, 3], CPU, lively.goals)
    assert lively.network.training
    lively.network.eval()
    rows = [evaluate_pair(store[i].ir, store[i].vis, x, ["EN", "K"]) for i, x in zip((0, 2, 3), images, strict=True)]
    assert means["EN"] == pytest.approx(np.mean([row["EN"] for row in rows]))
    assert means["K p10"] == pytest.approx(np.percentile([row["K"] for row in rows], 10))
    assert {"STEER", "STEER bright", "STEER infrared"} <= set(means) and "LDS" not in means


def test_steering_is_the_share_of_pictures_that_moved_as_the_words_say() -> None:
    def ends(bright: float, dark: float, contrast: float, faded: float) -> dict[str, dict[str, float]]:
        return {
            "bright": {"mean": bright, "SD": 0},
            "dark": {"mean": dark, "SD": 0},
            "contrast": {"mean": 0, "SD": contrast},
            "faded": {"mean": 0, "SD": faded},
            "default": {"mean": 0, "SD": 0},
        }

    found = steer([ends(3, 1, 5, 2), ends(1, 3, 5, 2), ends(2, 2, 5, 2), ends(9, 0, 5, 2)])
    assert found == {"STEER": 0.75, "STEER bright": 0.5, "STEER contrast": 1.0}
    assert steer([]) == {}
    assert steer([{"default": {"mean": 1}}]) == {}


def test_validated_pairs_are_spread_evenly() -> None:
    assert spread_evenly(10, 4) == [0, 3, 6, 9]
    assert spread_evenly(3, 10) == [0, 1, 2]
    assert spread_evenly(5, 1) == [0]


def test_a_sample_picture_shows_the_first_pairs(lively: LoadedNetwork, pairs: list[Pair], tmp_path: Path) -> None:
    from ivif_cli.core.data.images import read_image
    from ivif_cli.core.training.validation import write_grid

    store = LumaStore(pairs, lively.network.thumbnail)
    images = [np.full(store[i].ir.shape, 40 * i, np.uint8) for i in range(3)]
    write_grid(tmp_path / "s" / "grid.png", store, [0, 1, 2], images, 2)
    grid = read_image(tmp_path / "s" / "grid.png")
    assert grid.shape == (2 * 240, round(3 * 80 * 240 / 72))
    assert (grid[300, -20:] == 40).all()
