"""Training of the image tower: crops, targets, the loss, exact resuming."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ivif_cli.core.errors import TrainingError
from tools.compact_clip import crops
from tools.compact_clip.anchors import AXES, anchors, embedding_to_positions, positions_to_embedding
from tools.compact_clip.crops import Sample
from tools.compact_clip.image_tower import ImageRecipe, Trainer, position_loss, run, targets
from tools.compact_clip.scenes import Scene, source_chances, split_scenes

pytest.importorskip("open_clip")
TINY = ImageRecipe(image_size=32, width=4, layers=(1, 1, 1, 1), steps=4, batch_size=8)


def made_up_scenes(count: int = 8) -> list[Scene]:
    """Scenes of random patterns, two to a group."""
    rng = np.random.default_rng(0)
    pictures = (rng.random((count, 2, 96, 128)) * 255).astype(np.uint8)
    return [Scene(str(i), "made-up", f"g{i // 2}", i % 2 == 0, *pair) for i, pair in enumerate(pictures)]


def test_positions_survive_the_way_to_an_embedding_and_back() -> None:
    positions = torch.rand(5, len(AXES)) * 1.8 - 0.9
    embedding = positions_to_embedding(positions)
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(5))
    torch.testing.assert_close(embedding_to_positions(embedding), positions)


def test_opposite_claims_have_opposite_anchors() -> None:
    from ivif_cli.core.language.claims import CLAIMS

    cosines = anchors() @ anchors().T
    for first, second in (("infrared", "visible"), ("bright", "dark"), ("detailed", "plain"), ("salient", "dim")):
        assert cosines[CLAIMS.index(first), CLAIMS.index(second)] == pytest.approx(-1.0)
    assert cosines[CLAIMS.index("bright"), CLAIMS.index("detailed")] == 0.0


def test_no_group_is_on_both_sides_of_the_split() -> None:
    training, held_out = split_scenes(made_up_scenes(), 0.25, seed=1)
    assert not {scene.group for scene in training} & {scene.group for scene in held_out}
    assert len(training) + len(held_out) == 8
    assert held_out


def test_crops_are_of_both_modalities_and_their_claims_are_consistent(rng: np.random.Generator) -> None:
    scenes = made_up_scenes()
    samples = crops.draw_samples(scenes, source_chances(scenes, {}), 96, 32, rng)
    shares = [sample.positions["modality"] for sample in samples]
    assert set(shares) == {-1.0, 0.0, 1.0}
    assert abs(shares.count(1.0) - shares.count(-1.0)) <= 4
    for sample in samples:
        assert sample.luma.shape == (32, 32)
        assert sample.luma.dtype == np.float32
        assert all(-1 <= value <= 1 for value in sample.positions.values())
        assert ("infrared" in sample.truth) == (sample.positions["modality"] != 0)
        if sample.truth.get("clear"):
            assert not any(sample.truth[flaw] for flaw in ("blurry", "noisy", "dark", "faded", "over-exposed"))


def test_sources_get_their_shares() -> None:
    scenes = [replace(scene, source="A" if index < 6 else "B") for index, scene in enumerate(made_up_scenes())]
    chances = source_chances(scenes, {"A": 0.5, "B": 0.5})
    assert chances[:6].sum() == pytest.approx(0.5)
    assert chances.sum() == pytest.approx(1.0)


def test_unknown_positions_cost_nothing() -> None:
    luma = np.zeros((8, 8), np.float32)
    wanted, known = targets([Sample(luma, {}, {"brightness": 0.5}), Sample(luma, {}, {})])
    assert known.sum() == 1
    found = torch.zeros(2, len(AXES))
    found[0, AXES.index("brightness")] = 0.5
    found[1] = 9.0
    assert float(position_loss(found, wanted, known, 1.0)) == 0.0


def test_the_difference_between_versions_counts_beside_the_positions() -> None:
    wanted, known = torch.zeros(2, len(AXES)), torch.ones(2, len(AXES))
    together, apart = torch.full((2, len(AXES)), 0.1), torch.tensor([[0.1], [-0.1]]).expand(2, len(AXES))
    assert position_loss(together, wanted, known, 1.0) < position_loss(apart, wanted, known, 1.0)
    torch.testing.assert_close(position_loss(together, wanted, known, 0.0), position_loss(apart, wanted, known, 0.0))


def test_the_learning_rate_warms_up_and_falls() -> None:
    trainer = Trainer(replace(TINY, steps=100, warmup=10, learning_rate=1.0), made_up_scenes())
    rates = []
    for trainer.step in range(100):
        rates.append(trainer.rate())
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
    for name, tensor in whole.tower.state_dict().items():
        torch.testing.assert_close(second.tower.state_dict()[name], tensor, rtol=0, atol=0)


class Biased(torch.nn.Module):
    """Reads every crop as it was drawn by `calibrate`, in order, but for noise, of which it reads too little."""

    def __init__(self, trainer: Trainer, count: int, too_little: float) -> None:
        super().__init__()
        self.attnpool = torch.nn.Module()
        self.attnpool.c_proj = torch.nn.Linear(1, len(AXES) + 1)
        size, rng = trainer.recipe.image_size, np.random.default_rng(54321)
        wanted, _ = targets(crops.draw_samples(trainer.training, trainer.chances, count, size, rng))
        self.rows = 10 * positions_to_embedding(wanted)
        self.rows[:, AXES.index("noise")] -= 10 * too_little

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        found, self.rows = self.rows[: len(pixels)], self.rows[len(pixels) :]
        return found


@pytest.mark.parametrize(("too_little", "back"), [(0.0, 0.0), (0.06, 0.06)])
def test_noise_that_is_read_as_less_is_shifted_back(too_little: float, back: float) -> None:
    trainer = Trainer(TINY, made_up_scenes())
    trainer.tower = biased = Biased(trainer, 600, too_little)
    column, before = AXES.index("noise"), biased.attnpool.c_proj.bias.detach().clone()
    shifts = trainer.calibrate(600)
    assert shifts["noise"] == pytest.approx(back, abs=0.021)
    moved = (biased.attnpool.c_proj.bias - before).detach()
    assert moved[column] == pytest.approx(shifts["noise"] * 10, rel=0.05, abs=1e-6)
    assert not moved[[i for i in range(len(moved)) if i not in (column, AXES.index("sharpness"))]].any()


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    scenes = made_up_scenes()
    Trainer(TINY, scenes).save(tmp_path / "checkpoint.pt")
    with pytest.raises(TrainingError, match="another recipe"):
        Trainer(replace(TINY, seed=5), scenes).load(tmp_path / "checkpoint.pt")


def test_a_run_starts_from_the_tower_of_a_file() -> None:
    first, second = Trainer(TINY, made_up_scenes()), Trainer(replace(TINY, seed=5), made_up_scenes())
    tensors = {f"visual.{name}": value for name, value in first.tower.state_dict().items()}
    second.start_from({**tensors, "text.words": torch.zeros(3)})
    for name, tensor in first.tower.state_dict().items():
        torch.testing.assert_close(second.tower.state_dict()[name], tensor, rtol=0, atol=0)
