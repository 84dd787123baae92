"""What must stay of the sources: every term rises when the picture loses what the term guards."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ivif_cli.core.network.composition import HALVINGS
from ivif_cli.core.network.pyramid import laplacian
from ivif_cli.core.objective.keeping import (
    NAMED_DIALS,
    KeepingSettings,
    base_target,
    held,
    keeping_parts,
    leaning,
    missing,
    stretched,
    wanted,
)

SETTINGS = KeepingSettings()
DEFAULT = torch.ones(1)
OTHER = torch.zeros(1)


def texture(seed: int, strength: float = 0.2, size: int = 64) -> Tensor:
    coarse = torch.rand(1, 1, size // 2, size // 2, generator=torch.Generator().manual_seed(seed)) - 0.5
    return strength * F.interpolate(coarse, scale_factor=2, mode="bicubic", align_corners=False)


def halves() -> tuple[Tensor, Tensor, Tensor]:
    """Infrared with structure on the left, visible on the right, both around mid-grey; and what keeps both."""
    left, right = texture(1), texture(2)
    left[..., 32:], right[..., :32] = 0, 0
    return 0.5 + left, 0.5 + right, 0.5 + left + right


def scenes(ir: Tensor, vis: Tensor) -> tuple[Tensor, Tensor]:
    """Thumbnails, where the picture is the whole scene."""
    return F.interpolate(ir, (64, 64)), F.interpolate(vis, (64, 64))


def parts(
    fused: Tensor, ir: Tensor, vis: Tensor, default: Tensor = DEFAULT, settings: KeepingSettings = SETTINGS
) -> dict[str, float]:
    found = keeping_parts(fused, wanted(ir, vis, scenes(ir, vis), settings), default, settings)
    return {name: value.item() for name, value in found.items()}


def total(fused: Tensor, ir: Tensor, vis: Tensor, default: Tensor = DEFAULT) -> float:
    return sum(getattr(SETTINGS, name) * value for name, value in parts(fused, ir, vis, default).items())


@pytest.mark.parametrize("default", [DEFAULT, OTHER])
@pytest.mark.parametrize("copied", ["ir", "vis", "mean"])
def test_a_copy_or_a_mean_costs_more_than_a_picture_that_keeps_both(copied: str, default: Tensor) -> None:
    ir, vis, both = halves()
    copy = {"ir": ir, "vis": vis, "mean": (ir + vis) / 2}[copied]
    assert parts(copy, ir, vis, default)["retention"] > 1.2 * parts(both, ir, vis, default)["retention"]
    assert total(copy, ir, vis, default) > total(both, ir, vis, default)


def test_each_sources_missing_structure_costs_by_itself() -> None:
    ir, vis, both = halves()
    whole = parts(both, ir, vis)["retention"]
    for side in (slice(0, 32), slice(32, 64)):
        lost = both.clone()
        lost[..., side] = 0.5
        assert parts(lost, ir, vis)["retention"] > 1.2 * whole


def test_what_is_missing_is_a_share_of_each_source_by_itself() -> None:
    """All of a faint source counts as much as all of a strong one; nothing is missing at the boost that is asked."""
    ir, vis, _ = halves()
    ir = 0.5 + (ir - 0.5) / 4
    kept = wanted(ir, vis, scenes(ir, vis), SETTINGS)
    shares, _ = leaning(kept, torch.zeros(1))

    def lost(picture: Tensor) -> list[float]:
        bands, _ = laplacian(picture, HALVINGS)
        return missing(bands, kept, shares, SETTINGS.excess)[0].tolist()

    assert lost(torch.full_like(ir, 0.5)) == pytest.approx([0.85, 0.95], abs=0.15)
    assert lost(vis)[0] > 4 * lost(vis)[1] and lost(ir)[1] > 2 * lost(ir)[0]


def test_more_costs_little_and_less_costs_much() -> None:
    ir, vis, both = halves()
    grey = both.mean()
    asked, more, less = (
        parts(grey + gain * (both - grey), ir, vis)["retention"]
        for gain in (SETTINGS.boost, SETTINGS.boost + 0.3, SETTINGS.boost - 0.3)
    )
    assert 0 < more - asked < 2 * SETTINGS.excess * (less - asked)


def test_a_band_with_the_wrong_sign_costs_more_than_none() -> None:
    ir, vis, both = halves()
    flat, negative = torch.full_like(both, 0.5), 1 - both
    assert parts(negative, ir, vis)["retention"] > parts(flat, ir, vis)["retention"]


@pytest.mark.parametrize(("sign", "wins"), [(1, True), (-1, False)])
def test_hot_details_of_the_infrared_count_more_than_cold_ones(sign: int, wins: bool) -> None:
    """Equally strong details at one place: the hot one of the infrared wins over the visible's, the cold one loses."""
    spot = torch.zeros(1, 1, 64, 64)
    spot[..., 30:34, 30:34] = 0.2 * sign
    ir, vis = 0.5 + spot, 0.5 - spot
    (share, *_), _ = leaning(wanted(ir, vis, scenes(ir, vis), SETTINGS), torch.zeros(1))
    assert (share[0, 0, 31, 31].item() > 0.5) == wins


def base_of(ir: float, vis: float, *, ir_mean: float, vis_mean: float = 0.6, **changes: float) -> tuple[float, float]:
    """Target and weight of one pixel's base in a scene of these means."""
    low, settings = torch.tensor([[[[ir]], [[vis]]]]), replace(SETTINGS, **changes)
    target, weight = base_target(low, tuple(torch.full((1, 1, 1, 1), mean) for mean in (ir_mean, vis_mean)), settings)
    return round(target.item(), 4), round(weight.item(), 4)


def test_the_base_is_the_visibles_where_it_is_well_exposed_else_the_brighter() -> None:
    def at(ir: float, vis: float) -> tuple[float, float]:
        return base_of(ir, vis, ir_mean=ir)

    assert at(0.9, 0.5) == (0.5, 1.0)
    assert at(0.1, 0.5) == (0.5, 1.0)
    assert at(0.6, 0.05) == (0.6, 0.6)
    assert at(0.02, 0.05) == (0.05, 0.6)
    assert at(0.6, 0.995)[0] == 0.995


def test_the_darker_the_visible_the_more_of_the_infrareds_shape_the_base_takes_on() -> None:
    moved = [
        [base_of(ir, vis, ir_mean=0.5, pull=pull)[0] for pull in (0.0, 0.5)]
        for ir, vis in ((0.7, 0.5), (0.3, 0.5), (0.7, 0.9))
    ]
    assert [after - before for before, after in moved] == pytest.approx([0.025, -0.025, 0.001], abs=1e-6)


@pytest.mark.parametrize(("vis_mean", "share"), [(0.7, 0.0), (0.45, 0.0), (0.325, 0.5), (0.2, 1.0), (0.1, 1.0)])
def test_the_less_daylight_a_scene_has_the_nearer_the_base_is_to_the_infrared(vis_mean: float, share: float) -> None:
    target, _ = base_of(0.9, 0.5, ir_mean=0.9, vis_mean=vis_mean, dusk=0.2)
    assert target == pytest.approx(0.5 + 0.2 * share * 0.4, abs=1e-4)


@pytest.mark.parametrize(("mean", "spread"), [(0.5, 0.25), (0.5, 0.16), (0.5, 0.05), (0.2, 0.05)])
def test_the_base_is_asked_to_use_the_scale(mean: float, spread: float) -> None:
    """About its mean, to the wanted spread or by the largest factor; a dark scene is raised a share of the way."""
    scene = torch.full((1, 1, 64, 64), mean + spread)
    scene[..., :32] = mean - spread
    target = torch.tensor([mean - spread, mean, mean + spread]).reshape(1, 1, 1, 3)
    found = stretched(target, (scene, scene), replace(SETTINGS, pull=0.0, dusk=0.0)).flatten()
    factor = min(max(SETTINGS.spread / spread, SETTINGS.least), SETTINGS.most)
    centre = mean + SETTINGS.lift * max(0, 0.3 - mean)
    expected = [centre - factor * spread, centre, centre + factor * spread]
    assert found.tolist() == pytest.approx(expected, abs=0.005)


def test_what_the_base_is_asked_for_stays_inside_the_scale() -> None:
    scene = torch.full((1, 1, 64, 64), 0.9)
    scene[..., :32] = 0.7
    ends = stretched(torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 2), (scene, scene), SETTINGS)
    assert ends.min() >= 0.02 and ends.max() <= 0.98


def test_a_moved_base_costs_its_distance_at_the_default_and_nothing_as_a_whole_elsewhere() -> None:
    flat = torch.full((1, 1, 64, 64), 0.5)

    def cost(fused: Tensor, default: Tensor = DEFAULT) -> float:
        return parts(fused, flat, flat, default)["base"]

    assert cost(flat) == pytest.approx(0, abs=1e-6)
    assert cost(flat + 0.1) == pytest.approx(0.1, abs=1e-5)
    assert cost(flat + 0.1, OTHER) == pytest.approx(0, abs=1e-6)
    tilted = flat.clone()
    tilted[..., :32] += 0.1
    tilted[..., 32:] -= 0.1
    assert 0.01 < cost(tilted, OTHER) < cost(tilted)


@pytest.mark.parametrize("lean", [-1.0, 1.0])
def test_words_that_lean_towards_a_source_ask_for_its_bands(lean: float) -> None:
    """Both sources have structure everywhere, equally strong: the goal decides whose is asked for."""
    ir, vis = 0.5 + texture(1), 0.5 + texture(2)
    kept = wanted(ir, vis, scenes(ir, vis), SETTINGS)
    costs = [keeping_parts(x, kept, OTHER, SETTINGS, torch.tensor([lean]))["retention"].item() for x in (ir, vis)]
    assert lean * (costs[1] - costs[0]) > 0.2 * max(costs)


def test_without_a_lean_it_is_zero() -> None:
    ir, vis, both = halves()
    kept = wanted(ir, vis, scenes(ir, vis), SETTINGS)
    found = keeping_parts(both, kept, OTHER, SETTINGS, torch.zeros(1))
    assert {name: value.item() for name, value in found.items()} == parts(both, ir, vis, OTHER)


@pytest.mark.parametrize(("lean", "way"), [(1.0, 0.5), (0.5, 0.25), (0.0, 0.0), (-0.5, -0.4), (-1.0, -0.8)])
def test_a_lean_draws_the_base_towards_its_source(lean: float, way: float) -> None:
    """Half of the way to the infrared's base at most, four fifths of the way to the visible's."""
    ir, vis = torch.full((1, 1, 64, 64), 0.9), torch.full((1, 1, 64, 64), 0.05)
    kept = wanted(ir, vis, scenes(ir, vis), SETTINGS)
    source = 0.9 if way > 0 else 0.05
    _, base = leaning(kept, torch.tensor([lean]))
    assert torch.allclose(base, kept.base + abs(way) * (source - kept.base), atol=1e-5)


@pytest.mark.parametrize(("claim", "retention"), [("detailed", 0.5), ("contrast", 0.75), ("bright", 1), ("salient", 1)])
def test_a_goal_is_held_by_a_share_where_it_names_what_is_kept(claim: str, retention: float) -> None:
    ir, vis, _ = halves()
    lost = torch.full_like(ir, 0.5)
    kept = wanted(ir, vis, scenes(ir, vis), SETTINGS)
    claims = torch.zeros(1, 4)
    claims[0, NAMED_DIALS.index(claim)] = -1.0
    found = keeping_parts(lost, kept, OTHER, SETTINGS, claims=claims)
    strict = parts(lost, ir, vis)
    assert SETTINGS.freedom == 0.5
    assert found["retention"].item() == pytest.approx(retention * strict["retention"], rel=1e-5)


def test_two_equal_pictures_hold_all_and_gradients_are_finite() -> None:
    _, _, both = halves()
    picture = both.clone().requires_grad_(True)
    value = held(picture, both, torch.zeros(1, 4), torch.zeros(1))
    value.backward()
    assert value.item() == 0 and torch.isfinite(picture.grad).all()


@pytest.mark.parametrize(("level", "cost"), [(1.25, 0.25), (-0.1, 0.1), (1.0, 0.0), (0.0, 0.0)])
def test_what_leaves_the_range_costs_as_far_as_it_goes(level: float, cost: float) -> None:
    flat = torch.full((1, 1, 32, 32), 0.5)
    assert parts(torch.full_like(flat, level), flat, flat)["overshoot"] == pytest.approx(cost, abs=1e-6)


def test_a_ring_beside_a_strong_edge_costs_and_the_edge_does_not() -> None:
    edge = torch.full((1, 1, 64, 64), 0.2)
    edge[..., 32:] = 0.8
    ring = edge.clone()
    ring[..., 32:35] += 0.1
    ring[..., 29:32] -= 0.1
    assert parts(edge, edge, edge)["rings"] == 0
    assert parts(ring, edge, edge)["rings"] == pytest.approx(0.1 * 6 / 64, rel=1e-4)
    weak = 0.5 + (edge - 0.5) * 0.1
    assert parts(weak + (ring - edge), weak, weak)["rings"] == 0, "where there is no strong edge nothing is held"


def test_an_edge_of_either_source_is_to_be_as_steep_as_there() -> None:
    ir, vis, both = halves()
    whole = parts(both, ir, vis)["edges"]
    assert whole < 1e-3
    for other in (ir, vis, (ir + vis) / 2, both + 0.3 * (both - 0.5), 1 - both):
        assert parts(other, ir, vis)["edges"] > 5 * whole


def test_where_both_have_an_edge_the_steeper_one_is_asked_for_with_its_sign() -> None:
    ir, vis = torch.full((1, 1, 64, 64), 0.3), torch.full((1, 1, 64, 64), 0.6)
    ir[..., 32:], vis[..., 32:] = 0.7, 0.4
    costs = [parts(fused, ir, vis)["edges"] for fused in (ir, (ir + vis) / 2, vis, 1 - ir)]
    assert costs[0] < 1e-6
    assert costs == sorted(costs) and min(y - x for x, y in pairwise(costs)) > 0.001


def test_texture_where_neither_source_has_any_costs() -> None:
    flat = torch.full((1, 1, 64, 64), 0.5)
    grain = 0.05 * torch.randn(flat.shape, generator=torch.Generator().manual_seed(0))
    assert parts(flat, flat, flat)["even"] == pytest.approx(0, abs=1e-8)
    assert parts(flat + grain, flat, flat)["even"] > 0.01
    ir, vis, both = halves()
    assert parts(both, ir, vis)["even"] < 0.1 * parts(flat + grain, flat, flat)["even"]


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_flat_pictures_give_finite_values_and_gradients(level: float) -> None:
    flat = torch.full((2, 1, 64, 64), level)
    fused = flat.clone().requires_grad_(True)
    found = keeping_parts(fused, wanted(flat, flat, scenes(flat, flat), SETTINGS), torch.tensor([0.0, 1.0]), SETTINGS)
    sum(found.values()).backward()
    assert all(math.isfinite(value.item()) for value in found.values())
    assert torch.isfinite(fused.grad).all()


def test_a_batch_is_the_mean_of_its_pairs() -> None:
    ir, vis, both = halves()
    irs, vises, fuseds = torch.cat([ir, vis]), torch.cat([vis, both]), torch.cat([both, ir])
    joint = keeping_parts(fuseds, wanted(irs, vises, scenes(irs, vises), SETTINGS), torch.tensor([1.0, 0.0]), SETTINGS)
    first, second = parts(both, ir, vis), parts(ir, vis, both, OTHER)
    for name, value in joint.items():
        assert value.item() == pytest.approx((first[name] + second[name]) / 2, abs=1e-7), name


@pytest.mark.parametrize("name", ["retention", "base", "overshoot", "rings", "even", "edges"])
def test_going_down_a_terms_gradient_lowers_it(name: str) -> None:
    ir, vis, both = halves()
    ir = ir + 0.4 * (torch.arange(64) > 40)
    start = (both * 1.5 - 0.1 + 0.3 * torch.randn(both.shape, generator=torch.Generator().manual_seed(1))).double()
    kept = wanted(ir.double(), vis.double(), scenes(ir.double(), vis.double()), SETTINGS)
    fused = start.clone().requires_grad_(True)
    value = keeping_parts(fused, kept, DEFAULT.double(), SETTINGS)[name]
    (slope,) = torch.autograd.grad(value, fused)
    moved = keeping_parts(start - 1e-3 * slope / slope.norm(), kept, DEFAULT.double(), SETTINGS)[name]
    assert 0 <= moved < value
