"""The whole objective: every part pulls the way it should, with its weight, and the words are heard."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ivif_cli.core.objective.keeping import KeepingSettings
from ivif_cli.core.objective.patches import PatchSettings, draw_patches
from ivif_cli.core.objective.teacher import TeacherSettings, teacher_parts
from ivif_cli.core.objective.total import Asked, objective
from ivif_cli.core.objective.words import Directions, LanguageLoss, WordsSettings

KEEPING = KeepingSettings()
WORDS = WordsSettings(patches=PatchSettings(count=2, filter="none"))
EVERY = {
    *(f"words.{name}" for name in ("whole", "patch", "phi", "perceptual", "step", "reach")),
    *(f"keeping.{name}" for name in ("retention", "base", "overshoot", "rings", "even", "edges", "hold")),
    *(f"teacher.{name}" for name in ("intensity", "gradient", "change")),
}


class Brightness(nn.Module):
    """An encoder in whose space one axis is how bright a picture is, another how rough."""

    image_size = 16

    def image_features(self, luma: Tensor) -> list[Tensor]:
        return [luma]

    def encode_images(self, luma: Tensor) -> Tensor:
        rough = luma.diff(dim=-1).abs().mean((1, 2, 3))
        return torch.stack([luma.mean((1, 2, 3)) - 0.5, 4 * rough, torch.ones(len(luma)).to(luma)], dim=1)


def towards(axis: int, sign: float, count: int = 2) -> Directions:
    way = torch.zeros(count, 3)
    way[:, axis] = sign
    fused = F.normalize(torch.tensor([0.0, 0.0, 1.0]) + 0.5 * way, dim=1)
    return Directions(way, way, fused)


BRIGHT, DARK = towards(0, 1.0), towards(0, -1.0)


def asked_for(directions: Directions, default: float = 0.0, claims: tuple[float, ...] = (0, 0, 0, 0)) -> Asked:
    return Asked(directions, torch.full((2,), default), torch.zeros(2), torch.tensor([claims, claims]))


ASKED = [asked_for(BRIGHT, 1.0), asked_for(DARK)]


def pictures() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(2, 2, 1, 16, 16, generator=generator)
    return tuple(F.interpolate(x, scale_factor=4, mode="bicubic") * 0.6 + 0.2 for x in coarse)  # type: ignore[return-value]


def parts(
    fused: list[Tensor],
    asked: list[Asked] = ASKED,
    *,
    words: WordsSettings | None = WORDS,
    factor: float = 1.0,
    keeping: KeepingSettings = KEEPING,
    taught: list[Tensor] | None = None,
    teacher: TeacherSettings | None = None,
) -> dict[str, Tensor]:
    ir, vis = pictures()
    return objective(
        fused,
        ir,
        vis,
        pictures(),
        asked,
        words=LanguageLoss(Brightness(), words) if words else None,
        factor=factor,
        keeping=keeping,
        patches=draw_patches(2, WORDS.patches, torch.Generator().manual_seed(1)),
        taught=taught,
        teacher=teacher,
    )


def fused_pair(offset: float = 0.0) -> list[Tensor]:
    ir, vis = pictures()
    noise = torch.randn(2, *ir.shape, generator=torch.Generator().manual_seed(4))
    return [(ir + vis) / 2 + offset + 0.3 * noise[0], (ir + vis) / 2 - offset + 0.3 * noise[1]]


def weight(name: str) -> float:
    room, part = name.split(".")
    return float(getattr({"words": WORDS, "keeping": KEEPING, "teacher": TEACHER}[room], part))


TEACHER = TeacherSettings(words=0.5, keeping=0.25)
SHARES = {"words": 3 * 0.5, "keeping": 0.25, "teacher": 1.0}


def test_the_total_is_the_weighted_sum_of_all_parts() -> None:
    found = parts(fused_pair(), factor=3.0, taught=list(pictures()), teacher=TEACHER)
    assert set(found) >= EVERY
    expected = sum(SHARES[name.split(".")[0]] * weight(name) * found[name].item() for name in EVERY)
    assert found["total"].item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", sorted(EVERY))
def test_the_total_falls_with_every_part_and_rises_with_none(name: str) -> None:
    """With one part's weight alone a step down the total's gradient lowers that part; a flipped sign would raise it."""
    room, part = name.split(".")
    silent = {
        "words": replace(WORDS, whole=0.0, patch=0.0, phi=0.0, perceptual=0.0, step=0.0, reach=0.0),
        "keeping": KeepingSettings(retention=0, base=0, overshoot=0, rings=0, even=0, edges=0, hold=0),
        "teacher": TeacherSettings(intensity=0, gradient=0, change=0, words=1.0, keeping=1.0),
    }
    settings = silent | {room: replace(silent[room], **{part: 1.0})}
    start = [f.double() for f in fused_pair(0.02)]
    taught = list(pictures())

    def at(fused: list[Tensor]) -> dict[str, Tensor]:
        return parts([f.float() for f in fused], words=settings["words"], keeping=settings["keeping"],
                     taught=taught, teacher=settings["teacher"])  # fmt: skip

    inputs = [f.clone().requires_grad_(True) for f in start]
    before = at(inputs)
    slopes = torch.autograd.grad(before["total"], inputs, allow_unused=True)
    length = torch.sqrt(sum(s.square().sum() for s in slopes if s is not None))
    moved = [f if s is None else f - 0.05 * s / length for f, s in zip(start, slopes, strict=True)]
    after = at(moved)
    assert before["total"].item() == pytest.approx(before[name].item(), rel=1e-4)
    assert after[name].item() < before[name].item()


def test_the_objective_falls_along_the_words_and_rises_against_them() -> None:
    ir, vis = pictures()
    middle = (ir + vis) / 2
    off = KeepingSettings(retention=0, base=0, overshoot=0, rings=0, even=0, edges=0, hold=0)
    values = [
        parts([middle + shift], [asked_for(BRIGHT)], keeping=off)["words.whole"].item()
        for shift in (-0.1, -0.03, 0.03, 0.1)
    ]
    assert values == sorted(values, reverse=True) and values[0] > 1 > values[-1]
    opposite = parts([middle + 0.1], [asked_for(DARK)], keeping=off)["words.whole"].item()
    assert opposite == pytest.approx(2 - values[-1], abs=1e-4)


def test_a_swap_of_the_goals_pictures_costs() -> None:
    bright, dark = fused_pair(0.1)
    right, wrong = parts([bright, dark]), parts([dark, bright])
    for name in ("words.whole", "words.step", "total"):
        assert wrong[name] > right[name], name


@pytest.mark.parametrize("way", [1.0, -1.0])
def test_words_move_a_picture_that_is_trained_and_opposite_words_the_other_way(way: float) -> None:
    ir, vis = pictures()
    start = (ir + vis) / 2
    picture = start.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([picture], 5e-3)
    loss = LanguageLoss(Brightness(), WORDS)
    asked = [asked_for(towards(0, way), claims=(way, 0, 0, 0))]
    for step in range(12):
        optimiser.zero_grad()
        patches = draw_patches(2, WORDS.patches, torch.Generator().manual_seed(step))
        objective([picture], ir, vis, (ir, vis), asked, words=loss, factor=1.0, keeping=KEEPING, patches=patches)[
            "total"
        ].backward()
        optimiser.step()
    assert way * (picture - start).mean().item() > 0.003


@pytest.mark.parametrize("named", range(4))
def test_goals_may_change_what_they_name_and_nothing_else(named: int) -> None:
    """Two pictures of another tone, another detail or another contrast: free only where the goals differ in that."""
    ir, vis = pictures()
    middle = (ir + vis) / 2
    mean = middle.mean(dim=(2, 3), keepdim=True)
    coarse = F.interpolate(F.avg_pool2d(middle, 32), scale_factor=32, mode="bilinear")
    others = {0: middle + 0.1, 1: middle + 0.7 * (middle - coarse), 3: middle + 3 * (coarse - mean)}
    claims = [0.0] * 4
    claims[named] = 1.0
    costs = {
        changed: parts([middle, other], [asked_for(BRIGHT, 1.0), asked_for(DARK, claims=tuple(claims))])["keeping.hold"]
        for changed, other in others.items()
    }
    still = parts([middle, others[0]], [asked_for(BRIGHT, 1.0), asked_for(DARK)])["keeping.hold"]
    assert still > 0.02
    for changed, cost in costs.items():
        assert (cost < 0.02) == (changed == named), (changed, cost)


def test_a_factor_of_zero_leaves_the_words_out() -> None:
    silent, none = parts(fused_pair(), factor=0.0), parts(fused_pair(), words=None)
    assert not any(name.startswith("words") for name in silent)
    assert silent["total"].item() == none["total"].item()


def test_what_is_outside_the_range_is_hidden_from_the_words_and_seen_by_the_keeping() -> None:
    over = [f + 2 for f in fused_pair()]
    further = [f + 1 for f in over]
    first, second = parts(over), parts(further)
    assert first["words.whole"].item() == pytest.approx(second["words.whole"].item(), abs=1e-6)
    assert second["keeping.overshoot"] > first["keeping.overshoot"] + 0.9


def test_an_equal_teacher_costs_nothing_and_another_its_distance() -> None:
    picture = torch.rand(1, 1, 16, 16)
    assert all(value == 0 for value in teacher_parts([picture], [picture]).values())
    shifted = teacher_parts([picture + 0.25], [picture])
    assert shifted["intensity"].item() == pytest.approx(0.25, abs=1e-6)
    assert shifted["gradient"].item() == pytest.approx(0, abs=1e-6)
    ramp = torch.arange(4.0).expand(1, 1, 4, 4) * 0.1
    sloped = teacher_parts([ramp], [torch.zeros_like(ramp)])
    assert sloped["gradient"].item() == pytest.approx(0.05, abs=1e-6), "12 steps of 0.1 across, 12 of 0 down"


def test_what_a_goal_changes_is_taught_by_itself() -> None:
    """Both pictures off by the same cost no change; one that does not follow the teacher's step costs that step."""
    picture = torch.rand(1, 1, 16, 16)
    taught = [picture, picture + 0.2]
    assert teacher_parts([picture + 0.1, picture + 0.3], taught)["change"].item() == pytest.approx(0, abs=1e-6)
    assert teacher_parts([picture, picture], taught)["change"].item() == pytest.approx(0.2, abs=1e-6)


def test_without_a_teacher_its_factors_do_not_count() -> None:
    plain, settings = parts(fused_pair()), parts(fused_pair(), teacher=TeacherSettings(words=0.0, keeping=0.0))
    assert plain["total"].item() == settings["total"].item()
