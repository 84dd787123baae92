"""Directions and the language score: 1 along the words, -1 against them, 0 where nothing moved."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from ivif_cli.core.language.directions import direction, direction_loss, fit, language_score, unit
from ivif_cli.core.language.goal import Goal
from tests.made_up import goals

AXES = torch.eye(4)
IR_WORDS, VIS_WORDS = (F.normalize(AXES[2] - AXES[index], dim=0) for index in (0, 1))


def test_travelling_as_the_words_do_costs_nothing() -> None:
    torch.testing.assert_close(direction_loss(AXES[2], AXES[0], AXES[1], IR_WORDS, VIS_WORDS), torch.tensor(0.0))


def test_travelling_the_opposite_way_costs_two() -> None:
    start = AXES[3]
    away = direction_loss(start - IR_WORDS, start, start, IR_WORDS, IR_WORDS)
    torch.testing.assert_close(away, torch.tensor(2.0))


def test_standing_still_costs_one_and_is_not_nan() -> None:
    torch.testing.assert_close(direction_loss(AXES, AXES, AXES, IR_WORDS, VIS_WORDS), torch.ones(4))
    assert torch.equal(direction(AXES, AXES), torch.zeros(4, 4))
    at = torch.zeros(3, requires_grad=True)
    unit(at).sum().backward()
    assert torch.isfinite(at.grad).all()


def test_an_independent_formula_agrees(rng: np.random.Generator) -> None:
    ir, vis, fused = (F.normalize(torch.from_numpy(rng.normal(size=(5, 4))), dim=1) for _ in range(3))

    def cosine(a: Tensor, b: Tensor) -> Tensor:
        return (a * b).sum(1) / (a.norm(dim=1) * b.norm())

    by_hand = 1 - (cosine(fused - ir, AXES[2] - AXES[0]) + cosine(fused - vis, AXES[2] - AXES[1])) / 2
    torch.testing.assert_close(
        direction_loss(fused, ir, vis, IR_WORDS.double(), VIS_WORDS.double()), by_hand, rtol=1e-5, atol=1e-6
    )


class Statistics:
    """Embeds a picture by the means of its quarters and its spread."""

    image_size = 8

    def encode_images(self, luma: Tensor) -> Tensor:
        quarters = F.adaptive_avg_pool2d(luma, 2).flatten(1)
        return torch.cat([quarters, luma.flatten(1).std(dim=1, keepdim=True), luma.amax(dim=(1, 2, 3))[:, None]], dim=1)

    def image_features(self, luma: Tensor) -> list[Tensor]:
        return [luma]


def goal(rng: np.random.Generator) -> Goal:
    ir, vis, fused = (F.normalize(torch.from_numpy(rng.normal(size=6)), dim=0).float().numpy() for _ in range(3))
    return replace(goals()["default"], ir=ir, vis=vis, fused=fused)


def test_the_score_of_a_batch_is_that_of_its_pictures(rng: np.random.Generator) -> None:
    wanted = goal(rng)
    fused, ir, vis = torch.rand(3, 4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    scores = language_score(Statistics(), wanted, fused, ir, vis)
    assert scores.shape == (4,) and (scores.abs() <= 1).all()
    for n in range(4):
        at = [
            F.normalize(Statistics().encode_images(x[n : n + 1]), dim=1)[0].double().numpy() for x in (fused, ir, vis)
        ]
        steps = [at[0] - at[1], at[0] - at[2]]
        words = [wanted.fused - wanted.ir, wanted.fused - wanted.vis]
        by_hand = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(steps, words, strict=True)]
        assert float(scores[n]) == pytest.approx(float(np.mean(by_hand)), abs=1e-3)


def test_a_picture_that_equals_both_sources_scores_zero(rng: np.random.Generator) -> None:
    picture = torch.rand(2, 1, 8, 8)
    assert torch.equal(language_score(Statistics(), goal(rng), picture, picture, picture), torch.zeros(2))


def test_fit_leaves_a_picture_of_the_right_size_and_keeps_the_mean() -> None:
    picture = torch.rand(1, 1, 16, 16)
    assert fit(picture, 16) is picture
    assert fit(picture, 8).shape[-2:] == (8, 8)
    assert fit(picture, 8).mean() == pytest.approx(picture.mean().item(), abs=0.02)
