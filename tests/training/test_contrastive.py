"""Training of the compact CLIP: crops, agreement of pictures and captions, the loss, exact resuming."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ivif_cli.core.errors import TrainingError
from ivif_cli.core.language.grammar import Caption
from ivif_cli.core.training import captioned_crops as crops
from ivif_cli.core.training.captioned_crops import Sample, Scene
from ivif_cli.core.training.contrastive import (
    ContrastiveRecipe,
    Trainer,
    agreement,
    agreement_loss,
    centring_loss,
    learning_rate,
    near_misses,
    run,
    split_scenes,
)

pytest.importorskip("open_clip")
TINY = ContrastiveRecipe(
    image_size=32, embed_dim=16, width=4, layers=(1, 1, 1, 1), text_width=32, text_layers=1, steps=4, batch_size=8
)


def made_up_scenes(count: int = 8) -> list[Scene]:
    """Scenes of smooth random patterns, two to a group."""
    rng = np.random.default_rng(0)
    pictures = (rng.random((count, 2, 96, 128)) * 255).astype(np.uint8)
    return [Scene(str(i), "made-up", f"g{i // 2}", i % 2 == 0, *pair) for i, pair in enumerate(pictures)]


def sample(degrees: dict[str, float] | None = None, **truth: bool | None) -> Sample:
    return Sample(np.zeros((8, 8), np.float32), dict(truth), degrees or {})


def caption(*claims: str) -> Caption:
    return Caption("", frozenset(claims))


def test_agreement_follows_the_truth_and_leaves_the_unclear_out() -> None:
    known = sample(infrared=True, visible=False, clear=None)
    captions = [caption(), caption("infrared"), caption("visible"), caption("clear"), caption("visible", "clear")]
    positive, negative = agreement([known], captions)
    assert positive.tolist() == [[1, 1, 0, 0, 0]]
    assert negative.tolist() == [[0, 0, 1, 0, 1]]


def test_degrees_multiply() -> None:
    graded = sample({"detailed": 0.5, "salient": 0.25}, infrared=True)
    positive, negative = agreement([graded], [caption("infrared", "detailed", "salient")])
    assert float(positive) == pytest.approx(0.125)
    assert float(negative) == pytest.approx(0.875)


def test_the_loss_prefers_agreement() -> None:
    positive = torch.eye(3)
    scale, bias = torch.tensor(10.0), torch.tensor(0.0)
    right = agreement_loss(2 * torch.eye(3) - 1, scale, bias, positive, 1 - positive)
    wrong = agreement_loss(1 - 2 * torch.eye(3), scale, bias, positive, 1 - positive)
    assert right < 0.01 < wrong
    ignored = agreement_loss(torch.randn(3, 3), scale, bias, torch.zeros(3, 3), torch.zeros(3, 3))
    assert float(ignored) == 0.0


def test_no_group_is_on_both_sides_of_the_split() -> None:
    training, held_out = split_scenes(made_up_scenes(), 0.25, seed=1)
    assert not {scene.group for scene in training} & {scene.group for scene in held_out}
    assert len(training) + len(held_out) == 8
    assert held_out


def test_modalities_come_in_equal_numbers_and_claims_are_consistent(rng: np.random.Generator) -> None:
    scenes = made_up_scenes()
    chances = crops.source_chances(scenes, {})
    samples = crops.draw_samples(scenes, chances, 64, 32, rng)
    assert sum(bool(s.truth["infrared"]) for s in samples) == 32
    for s in samples:
        assert s.luma.shape == (32, 32)
        assert s.luma.dtype == np.float32
        assert s.truth["infrared"] != s.truth["visible"]
        if s.truth["clear"]:
            assert not any(s.truth[flaw] for flaw in ("blurry", "noisy", "dark", "faded", "over-exposed"))


def test_sources_get_their_shares() -> None:
    scenes = [replace(scene, source="A" if index < 6 else "B") for index, scene in enumerate(made_up_scenes())]
    chances = crops.source_chances(scenes, {"A": 0.5, "B": 0.5})
    assert chances[:6].sum() == pytest.approx(0.5)
    assert chances.sum() == pytest.approx(1.0)


def test_the_learning_rate_warms_up_and_falls() -> None:
    recipe = ContrastiveRecipe(steps=100, warmup=10, learning_rate=1.0)
    rates = [learning_rate(step, recipe) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.02


def test_a_resumed_run_ends_with_the_same_weights(tmp_path: Path) -> None:
    scenes = made_up_scenes()
    whole = Trainer(TINY, scenes)
    for _ in range(4):
        whole.train_step()
    first = Trainer(TINY, scenes)
    for _ in range(2):
        first.train_step()
    first.save(tmp_path / "checkpoint.pt")
    second = Trainer(TINY, scenes)
    second.load(tmp_path / "checkpoint.pt")
    list(run(second, tmp_path / "checkpoint.pt", report=lambda line: None))
    for name, tensor in whole.model.state_dict().items():
        torch.testing.assert_close(second.model.state_dict()[name], tensor, rtol=0, atol=0)


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    scenes = made_up_scenes()
    Trainer(TINY, scenes).save(tmp_path / "checkpoint.pt")
    with pytest.raises(TrainingError, match="another recipe"):
        Trainer(replace(TINY, seed=5), scenes).load(tmp_path / "checkpoint.pt")


def test_near_misses_fail_in_one_claim_and_share_the_weight_by_claims() -> None:
    wanted = caption("clear", "salient")
    both_fail = sample(clear=False, salient=False)
    samples = [sample(clear=True, salient=True), both_fail, sample(clear=False, salient=True)]
    samples += [sample(clear=True, salient=False)] * 2 + [sample(clear=None, salient=False)]
    weights = near_misses(samples, [wanted, caption()])
    assert weights[:, 0].tolist() == pytest.approx([0, 0, 0.5, 0.25, 0.25, 0], abs=2e-3)
    assert weights[:, 1].tolist() == [0] * 6


def test_centring_punishes_what_all_share() -> None:
    spread, shared = torch.eye(4) - 0.25, torch.ones(4, 4) / 2
    assert float(centring_loss(spread, spread)) == pytest.approx(0.0, abs=1e-6)
    assert float(centring_loss(shared, shared)) == pytest.approx(2.0)
