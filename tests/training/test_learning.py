"""What a run learns: its words, several goals at once, and a teacher's pictures."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.network import FusionNetwork
from ivif_cli.core.training.loop import Run, train
from ivif_cli.core.training.recipe import Recipe
from ivif_cli.core.training.validation import fuse_pair
from tests.made_up import enlivened
from tests.training.small_run import ALONE, TinyEncoder, small_recipe, small_run


def recorded(recipe: Recipe, run: Run) -> list[dict[str, float]]:
    """The values of every step of a run."""
    told: list[dict[str, float]] = []
    train(recipe, replace(run, report=lambda step, values: told.append(values)), ALONE)
    return told


def taught(pairs: list[Pair], out: Path, recipe: Recipe) -> FusionNetwork:
    """A teacher that heeds its goals."""
    return enlivened(small_run(recipe, pairs, out).network).requires_grad_(False)


def test_a_student_that_equals_its_teacher_has_nothing_to_learn_under_any_goal(
    pairs: list[Pair], tmp_path: Path
) -> None:
    recipe = small_recipe(steps=1, **{"crops.noise": 0.0, "goals.default": 0.1})
    run = small_run(recipe, pairs, tmp_path / "out")
    teacher = taught(pairs, tmp_path / "out", recipe)
    run.network.load_state_dict(teacher.state_dict())
    (told,) = recorded(recipe, replace(run, teacher=teacher))
    assert told["teacher.intensity"] == told["teacher.gradient"] == 0


def test_student_learns_the_teacher_over_its_goals(pairs: list[Pair], tmp_path: Path) -> None:
    options = {"optimiser.warmup": 0, "optimiser.learning_rate": 1e-2, "goals.default": 0.1}
    options |= {"teacher.keeping": 0.0, "teacher.change": 10.0}
    recipe = small_recipe(steps=40, **options)
    run = small_run(recipe, pairs, tmp_path / "out")
    teacher = taught(pairs, tmp_path / "out", recipe)
    told = recorded(recipe, replace(run, teacher=teacher))
    assert not any(name.startswith("words") for name in told[0]), "words are off beside a teacher by default"
    for part, share in (("teacher.intensity", 0.7), ("teacher.change", 0.95)):
        first, last = (sum(values[part] for values in told_of) for told_of in (told[:5], told[-5:]))
        assert last < share * first, part


class Brightness(TinyEncoder):
    """An encoder with one axis of brightness: texts with "bright" lie up it, with "dark" down it."""

    def image_features(self, luma: Tensor) -> list[Tensor]:
        return [luma]

    def encode_images(self, luma: Tensor) -> Tensor:
        rough = luma.diff(dim=-1).abs().mean((1, 2, 3))
        return torch.stack([2 * luma.mean((1, 2, 3)) - 1, torch.ones(len(luma)), luma.std((1, 2, 3)), rough], dim=1)

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        ways = [("bright" in text) - ("dark" in text) for text in texts]
        own = [zlib.crc32(text.encode()) / 2**34 for text in texts]
        return F.normalize(torch.tensor([[way, 1.0, x, 0.0] for way, x in zip(ways, own, strict=True)]), dim=1)


WORDED = {
    "steps": 20,
    "optimiser.warmup": 0,
    "optimiser.learning_rate": 1e-2,
    "words.perceptual": 0.0,
    "words.patch": 0.0,
    "words.whole": 30.0,
    "keeping.base": 20.0,
    "keeping.retention": 100.0,
}


def levels(run: Run, *names: str) -> list[float]:
    """Mean grey level of the pictures of a trained network for each goal."""
    device = torch.device("cpu")
    goals = {name: run.goals.goals[name] for name in names}
    return [float(picture.mean()) for picture in fuse_pair(run.network.eval(), run.held_out[0], device, goals).values()]


def test_two_prompts_train_two_networks(pairs: list[Pair], tmp_path: Path) -> None:
    found = {}
    for text in ("a bright image", "a dark image"):
        for factor in (1.0, 0.0):
            recipe = small_recipe(fused_text=text, language=factor, **WORDED, **{"goals.default": 0.5})
            run = small_run(recipe, pairs, tmp_path / f"{text}{factor}", encoder=Brightness())
            train(recipe, run, ALONE)
            found[text, factor] = levels(run, "default")[0]
    heard = found["a bright image", 1.0] - found["a dark image", 1.0]
    unheard = found["a bright image", 0.0] - found["a dark image", 0.0]
    assert heard > 50
    assert abs(unheard) < heard / 5, "without the loss of the words they change nothing"


def test_one_network_learns_to_heed_two_goals_and_not_where_goals_are_shuffled(
    pairs: list[Pair], tmp_path: Path
) -> None:
    steered = {}
    for shuffled in (False, True):
        settings = {"goals.default": 0.0, "goals.named": 1.0, "goals.shuffled": shuffled, "batch_size": 4}
        recipe = small_recipe(**{**WORDED, **settings})
        run = small_run(recipe, pairs, tmp_path / str(shuffled), encoder=Brightness())
        goals = {name: run.goals.goals[name] for name in ("default", "bright", "dark")}
        run = replace(run, goals=replace(run.goals, goals=goals))
        before = levels(run, "bright", "dark")
        assert abs(before[0] - before[1]) < 1
        train(recipe, run, ALONE)
        bright, dark = levels(run, "bright", "dark")
        steered[shuffled] = bright - dark
    assert steered[False] > 50
    assert steered[True] < steered[False] / 2
