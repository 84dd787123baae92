"""The language-driven loss against an independent slow version, and its behaviour at the edges."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ivif_cli.core.objective.patches import PatchSettings, cut_patches, draw_patches
from ivif_cli.core.objective.words import Directions, LanguageLoss, WordsSettings

WIDTH = 6
PARTS = ("whole", "patch", "phi", "perceptual", "step", "reach")


class TinyEncoder(nn.Module):
    """A smooth stand-in for CLIP's image tower: two convolutions, a mean, a projection."""

    image_size = 12

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first = nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.second = nn.Conv2d(4, 5, 3, stride=2, padding=1)
        self.project = nn.Linear(5, WIDTH)
        self.gain = gain
        self.calls = 0
        self.requires_grad_(False)

    def image_features(self, luma: Tensor) -> list[Tensor]:
        first = torch.tanh(self.first(luma))
        return [first, torch.tanh(self.second(first))]

    def encode_images(self, luma: Tensor) -> Tensor:
        self.calls += 1
        return self.gain * self.project(self.image_features(luma)[-1].mean((2, 3)))


def directions(pairs: int = 3, seed: int = 5) -> Directions:
    """A goal of its own for every pair."""
    generator = torch.Generator().manual_seed(seed)
    ir, vis = F.normalize(torch.randn(2, WIDTH, generator=generator, dtype=torch.float64), dim=1)
    fused = F.normalize(torch.randn(pairs, WIDTH, generator=generator, dtype=torch.float64), dim=1)
    return Directions(F.normalize(fused - ir, dim=1), F.normalize(fused - vis, dim=1), fused)


def rows(goal: Directions, of: Tensor | slice) -> Directions:
    return Directions(goal.ir[of], goal.vis[of], goal.fused[of])


def pictures(pairs: int = 3, size: int = 24) -> tuple[list[Tensor], Tensor, Tensor]:
    """Two fused pictures a pair, and the sources; half of one source is flat."""
    generator = torch.Generator().manual_seed(7)
    first, second, ir, vis = torch.rand(4, pairs, 1, size, size, generator=generator, dtype=torch.float64)
    ir[0, :, : size // 2] = 0.5
    return [first, second], ir, vis


GOALS = [directions(seed=5), directions(seed=6)]


def build(gain: float = 1.0, **settings: object) -> LanguageLoss:
    chosen = replace(WordsSettings(patches=PatchSettings(count=4, entropy_bits=6.0)), **settings)  # type: ignore[arg-type]
    return LanguageLoss(TinyEncoder(gain).double(), chosen).double()


def drawn(pairs: int = 3, count: int = 4) -> Tensor:
    return draw_patches(pairs, PatchSettings(count=count), torch.Generator().manual_seed(1)).double()


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a)) / math.sqrt(sum(x * x for x in b))


def minus(a: list[float], b: list[float]) -> list[float]:
    return [x - y for x, y in zip(a, b, strict=True)]


def bits(patch: Tensor) -> float:
    levels = (patch.flatten() * 255).round().int().tolist()
    shares = [levels.count(level) / len(levels) for level in set(levels)]
    return -sum(share * math.log2(share) for share in shares)


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def short_of(step: list[float], asked: list[float]) -> float:
    """The share that is missing of half of what is asked, along its direction."""
    length = math.sqrt(sum(x * x for x in asked))
    return max(0.0, 1 - sum(x * y for x, y in zip(step, asked, strict=True)) / length / (length / 2))


def slow_loss(
    loss: LanguageLoss, fused: list[Tensor], ir: Tensor, vis: Tensor, goals: list[Directions], patches: Tensor
) -> dict[str, float]:
    """The formulas, one goal, one pair and one patch at a time, in Python floats."""
    settings, size, encoder = loss.settings, loss.encoder.image_size, loss.encoder

    def embed(image: Tensor) -> list[float]:
        small = F.interpolate(image, (size, size), mode="bilinear", align_corners=False, antialias=True)
        vector = encoder.encode_images(small)[0].tolist()
        return [x / math.sqrt(sum(y * y for y in vector)) for x in vector]

    sums: dict[str, list[float]] = {name: [] for name in ("whole", "patch", "phi", "perceptual")}
    whole_steps, patch_steps, whole_reach, patch_reach = [], [], [], []
    kept_anywhere = []
    for n in range(len(ir)):
        a, b = ir[n : n + 1], vis[n : n + 1]
        whole_ir, whole_vis = embed(a), embed(b)
        kept = [
            patches[n : n + 1, p : p + 1]
            for p in range(patches.shape[1])
            if min(bits(cut_patches(s, patches[n : n + 1, p : p + 1], 64, mode="nearest")) for s in (a, b))
            > settings.patches.entropy_bits
        ]
        kept_anywhere += kept
        at = []
        for pictures_of_goal, goal in zip(fused, goals, strict=True):
            f = pictures_of_goal[n : n + 1]
            to_ir, to_vis = goal.ir[n].tolist(), goal.vis[n].tolist()

            def towards(
                e: list[float],
                e_ir: list[float],
                e_vis: list[float],
                to_ir: list[float] = to_ir,
                to_vis: list[float] = to_vis,
            ) -> float:
                return (1 - cosine(minus(e, e_vis), to_vis)) / 2 + (1 - cosine(minus(e, e_ir), to_ir)) / 2

            e = embed(f)
            sums["whole"].append(towards(e, whole_ir, whole_vis))
            sums["phi"].append(1 - 0.5 * cosine(e, whole_vis) - 0.5 * cosine(e, whole_ir))
            cuts = [[embed(cut_patches(x, where, size)) for x in (f, a, b)] for where in kept]
            own = settings.against == "patch"
            sums["patch"].append(mean([towards(c, *((p, q) if own else (whole_ir, whole_vis))) for c, p, q in cuts]))
            deep = [F.interpolate(x, (64, 64), mode="bilinear", align_corners=False) for x in (f, a, b)]
            layers = zip(*(encoder.image_features(x) for x in deep), strict=True)
            sums["perceptual"].append(mean([((x - torch.maximum(y, z)) ** 2).mean().item() for x, y, z in layers]))
            at.append((e, [c for c, _, _ in cuts]))
        if len(goals) > 1:
            (first, first_cuts), (second, second_cuts) = at[:2]
            asked = minus(goals[1].fused[n].tolist(), goals[0].fused[n].tolist())
            whole_steps.append(1 - cosine(minus(second, first), asked))
            patch_steps += [1 - cosine(minus(y, x), asked) for x, y in zip(first_cuts, second_cuts, strict=True)]
            whole_reach.append(short_of(minus(second, first), asked))
            patch_reach += [short_of(minus(y, x), asked) for x, y in zip(first_cuts, second_cuts, strict=True)]
    steps, reach = (
        mean([mean(part) for part in parts if part])
        for parts in ((whole_steps, patch_steps), (whole_reach, patch_reach))
    )
    return {**{name: mean(values) for name, values in sums.items()}, "step": steps, "reach": reach}


@pytest.mark.parametrize("against", ["patch", "whole"])
@pytest.mark.parametrize("count", [1, 2])
def test_agrees_with_the_formulas_one_patch_at_a_time(against: str, count: int) -> None:
    loss = build(against=against)
    fused, ir, vis = pictures()
    patches = drawn()
    parts = loss(fused[:count], ir, vis, GOALS[:count], patches)
    expected = slow_loss(loss, fused[:count], ir, vis, GOALS[:count], patches)
    for name in PARTS:
        assert parts[name].item() == pytest.approx(expected[name], abs=2e-4), name
    weighted = zip((2, 10, 6, 10, 12, 2), PARTS, strict=True)
    assert parts["total"].item() == pytest.approx(sum(w * expected[name] for w, name in weighted), abs=5e-3)
    assert 0 < parts["kept"].item() < 1, "the flat half of the first source must drop some patches"


def test_every_pair_is_sent_its_own_way() -> None:
    loss = build()
    fused, ir, vis = pictures()
    patches = drawn()
    own = loss(fused[:1], ir, vis, GOALS[:1], patches)
    swapped = loss(fused[:1], ir, vis, [rows(GOALS[0], torch.tensor([1, 2, 0]))], patches)
    for name in ("whole", "patch"):
        assert abs(own[name].item() - swapped[name].item()) > 1e-3, name


def test_gradient_is_that_of_the_value() -> None:
    loss = build()
    fused, ir, vis = pictures(pairs=1, size=12)
    goals, patches = [rows(goal, slice(1)) for goal in GOALS], drawn(1)
    inputs = [f.requires_grad_(True) for f in fused]
    assert torch.autograd.gradcheck(lambda *f: loss([*f], ir, vis, goals, patches)["total"], inputs, atol=1e-4)


@pytest.mark.parametrize("name", ["whole", "patch", "step", "reach"])
def test_following_the_words_lowers_a_part_and_going_against_them_raises_it(name: str) -> None:
    """The words are made those of a small change of the picture; making that change must please each part."""
    loss = build(patches=PatchSettings(count=4, filter="none"))
    (start, _), ir, _ = pictures()
    goal, patches = directions(), drawn()
    start = start.requires_grad_(True)
    fused = [start, start.detach() * 0.9] if name in ("step", "reach") else [start]
    value = loss(fused, ir, ir.flip(-1), [goal, GOALS[1]][: len(fused)], patches)[name]
    (slope,) = torch.autograd.grad(value, start)
    step = 0.02 * slope / slope.norm()

    def at(moved: Tensor) -> float:
        return loss([moved, *fused[1:]], ir, ir.flip(-1), [goal, GOALS[1]][: len(fused)], patches)[name].item()

    reversed_words = Directions(-goal.ir, -goal.vis, -goal.fused)
    down, up = at(start.detach() - step), at(start.detach() + step)
    assert down < value.item() < up
    if name in ("whole", "patch"):
        against = loss([start.detach() - step], ir, ir.flip(-1), [reversed_words], patches)[name].item()
        before = loss([start.detach()], ir, ir.flip(-1), [reversed_words], patches)[name].item()
        assert against > before


def test_a_picture_where_the_words_point_costs_nothing() -> None:
    """Words that say exactly where the fused pictures lie: both directions and the step cost 0; reversed, 2."""
    loss = build(patches=PatchSettings(count=4, filter="none"))
    fused, ir, vis = pictures()
    size = loss.encoder.image_size

    def at(x: Tensor) -> Tensor:
        small = F.interpolate(x, (size, size), mode="bilinear", align_corners=False, antialias=True)
        return F.normalize(loss.encoder.encode_images(small), dim=1)

    goals = [Directions(F.normalize(at(f) - at(ir), dim=1), F.normalize(at(f) - at(vis), dim=1), at(f)) for f in fused]
    there = loss(fused, ir, vis, goals, None)
    assert there["whole"].item() == pytest.approx(0, abs=1e-3)
    assert there["step"].item() == pytest.approx(0, abs=1e-3)
    assert there["reach"].item() == 0, "all of the way is more than half of it"
    away = [Directions(-goal.ir, -goal.vis, -goal.fused) for goal in goals]
    back = loss(fused, ir, vis, away, None)
    assert back["whole"].item() == pytest.approx(2, abs=1e-3)
    assert back["step"].item() == pytest.approx(2, abs=1e-3)
    assert back["reach"].item() == pytest.approx(3, abs=1e-2), "the other way, twice the half that is asked for"


def test_two_equal_goals_ask_for_no_step() -> None:
    fused, ir, vis = pictures()
    found = build()(fused, ir, vis, [GOALS[0], GOALS[0]], drawn())
    assert found["step"].item() == found["reach"].item() == 0


def test_needs_two_forwards_of_the_encoder_whatever_the_number_of_patches_and_goals() -> None:
    loss = build()
    loss(*pictures(), GOALS, drawn())
    assert loss.encoder.calls == 2


@pytest.mark.parametrize("source", ["ir", "vis", "both"])
def test_fused_equal_to_a_source_gives_finite_values_and_gradients(source: str) -> None:
    loss = build()
    _, ir, vis = pictures()
    if source == "both":
        vis = ir.clone()
    fused = (vis if source == "vis" else ir).clone().requires_grad_(True)
    parts = loss([fused, fused], ir, vis, GOALS, drawn())
    parts["total"].backward()
    assert all(torch.isfinite(part) for part in parts.values())
    assert torch.isfinite(fused.grad).all()


def test_length_of_embeddings_does_not_matter() -> None:
    plain, scaled = (build(gain)(*pictures(), GOALS, drawn()) for gain in (1.0, 37.0))
    for name in ("whole", "patch", "phi", "step", "reach"):
        assert scaled[name].item() == pytest.approx(plain[name].item(), abs=1e-9)


def test_order_of_pairs_does_not_matter() -> None:
    loss, patches, order = build(), drawn(), torch.tensor([2, 0, 1])
    fused, ir, vis = pictures()
    one = loss(fused, ir, vis, GOALS, patches)
    shuffled = [rows(goal, order) for goal in GOALS]
    other = loss([f[order] for f in fused], ir[order], vis[order], shuffled, patches[order])
    for name in one:
        assert other[name].item() == pytest.approx(one[name].item(), abs=1e-12)


def test_batch_is_the_mean_of_its_pairs() -> None:
    """What makes several processes with a share of the batch each equal to one with the whole."""
    loss = build(patches=PatchSettings(count=4, filter="none"))
    fused, ir, vis = pictures()
    patches = drawn()
    joint = loss(fused, ir, vis, GOALS, patches)
    apart = [
        loss([f[n : n + 1] for f in fused], ir[n : n + 1], vis[n : n + 1],
             [rows(goal, slice(n, n + 1)) for goal in GOALS], patches[n : n + 1])
        for n in range(3)
    ]  # fmt: skip
    for name in joint:
        assert joint[name].item() == pytest.approx(sum(parts[name].item() for parts in apart) / 3, abs=1e-12), name


def test_flat_sources_leave_no_patch_and_no_error() -> None:
    fused, ir, vis = pictures()
    fused[0].requires_grad_(True)
    parts = build()(fused, torch.full_like(ir, 0.3), vis, GOALS, drawn())
    assert parts["patch"].item() == 0
    assert parts["kept"].item() == 0
    parts["total"].backward()


def test_weight_zero_switches_a_part_off_and_its_work() -> None:
    loss = build(patch=0.0, perceptual=0.0, step=0.0, reach=0.0)
    parts = loss(*pictures(), GOALS, drawn())
    assert parts["total"].item() == pytest.approx(2 * parts["whole"].item() + 6 * parts["phi"].item())
    assert parts["patch"].item() == parts["perceptual"].item() == parts["step"].item() == parts["kept"].item() == 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_cuda_agrees_with_cpu(precision: str) -> None:
    settings = WordsSettings(patches=PatchSettings(count=4), precision=precision)
    patches = drawn().float()
    values = []
    for device in ("cpu", "cuda"):
        chosen = settings if device == "cuda" else replace(settings, precision="fp32")
        loss = LanguageLoss(TinyEncoder(), chosen).float().to(device)
        fused, ir, vis = pictures()
        goals = [Directions(*(t.float().to(device) for t in (g.ir, g.vis, g.fused))) for g in GOALS]
        moved = [f.float().to(device) for f in fused]
        values.append(loss(moved, ir.float().to(device), vis.float().to(device), goals, patches)["total"].item())
    assert values[1] == pytest.approx(values[0], rel=1e-4 if precision == "fp32" else 5e-2)
