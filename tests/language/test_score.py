"""The language score: 1 along the words, -1 against them, 0 where nothing moved."""

import numpy as np
import pytest
import torch
from ivif_cli.core.language.score import embedding_score, score_pair
from torch import Tensor
from torch.nn import functional as F

from ivif_cli.core.language.prompts import PromptEmbeddings, PromptSet

AXES = torch.eye(4)
PROMPTS = PromptEmbeddings(AXES[0], AXES[1], AXES[2], "axes", "0", PromptSet())


def test_travelling_as_the_words_do_scores_one() -> None:
    score = embedding_score(AXES[:1], AXES[1:2], AXES[2:3], PROMPTS)
    torch.testing.assert_close(score, torch.ones(1))


def test_travelling_the_opposite_way_scores_minus_one() -> None:
    ir, vis = (F.normalize(AXES[3] + direction, dim=0) for direction in (PROMPTS.ir_direction, PROMPTS.vis_direction))
    assert float(embedding_score(ir[None], vis[None], AXES[3:], PROMPTS)) < -0.3


def test_standing_still_scores_zero_and_not_nan() -> None:
    same = AXES[3:]
    torch.testing.assert_close(embedding_score(same, same, same, PROMPTS), torch.zeros(1))


def test_an_independent_formula_agrees(rng: np.random.Generator) -> None:
    ir, vis, fused = (F.normalize(torch.from_numpy(rng.normal(size=(5, 4))), dim=1) for _ in range(3))

    def cosine(a: Tensor, b: Tensor) -> Tensor:
        return (a * b).sum(1) / (a.norm(dim=1) * b.norm())

    by_hand = (cosine(fused - ir, AXES[2] - AXES[0]) + cosine(fused - vis, AXES[2] - AXES[1])) / 2
    torch.testing.assert_close(embedding_score(ir, vis, fused, PROMPTS), by_hand, rtol=1e-5, atol=1e-6)


def test_a_pair_of_pictures(rng: np.random.Generator) -> None:
    class Means:
        device = torch.device("cpu")

        def encode_images(self, luma: Tensor) -> Tensor:
            halves = luma[..., : luma.shape[-1] // 2].mean(), luma[..., luma.shape[-1] // 2 :].mean()
            return F.normalize(torch.stack([*halves, luma.std(), luma.max()])[None], dim=1)

    ir, vis, fused = (rng.integers(0, 256, (20, 30), dtype=np.uint8) for _ in range(3))
    assert -1 <= score_pair(Means(), PROMPTS, ir, vis, fused) <= 1
    assert score_pair(Means(), PROMPTS, ir, ir, ir) == pytest.approx(0.0)
