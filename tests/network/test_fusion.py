"""The fusion network: sizes, ranges, tiles that agree with the whole, what it cannot do, and what the goal does."""

import math

import pytest
import torch

from ivif_cli.core.errors import UsageError
from ivif_cli.core.network import NETWORKS, build_network
from ivif_cli.core.network.composition import limited
from ivif_cli.core.network.pyramid import laplacian
from tests.made_up import enlivened
from tests.network.fusing import GOAL, described, fused_by, random_goal, random_pair


@pytest.fixture(params=sorted(NETWORKS))
def network(request):
    """A network whose random weights use every path."""
    torch.manual_seed(3)
    return enlivened(build_network(request.param, channels=4, goal=GOAL))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5), (33, 31), (64, 48), (101, 67)])
def test_any_size_in_gives_the_same_size_out(network, size):
    fused = fused_by(network, *random_pair(*size))
    assert fused.shape == (1, 1, *size)
    assert fused.min() >= 0 and fused.max() <= 1


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_black_and_white_stay_in_range(network, level):
    flat = torch.full((1, 1, 40, 40), level)
    for seed in range(4):
        fused = fused_by(network, flat, 1 - flat, 3 * random_goal(seed))
        assert fused.min() >= 0 and fused.max() <= 1


def test_the_limits_keep_the_middle_and_the_order():
    luma = torch.linspace(-1, 2, 3001, dtype=torch.float64)
    kept = limited(luma)
    middle = (luma >= 0.04) & (luma <= 0.96)
    assert torch.equal(kept[middle], luma[middle])
    assert (kept.diff() > 0).all() and kept.min() > 0 and kept.max() < 1


@pytest.mark.parametrize("corner", [(0, 0), (4, 5), (9, 9)])
@torch.no_grad()
def test_a_tile_with_its_halo_equals_the_whole(network, corner):
    size, step = 640, 64
    ir, vis = random_pair(size, size)
    descriptors = described(network, ir, vis)
    whole = network(ir, vis, descriptors)
    assert network.halo == 192 and network.stride == 32
    top, left = (index * step for index in corner)
    bottom, right = top + step, left + step
    y0, x0 = max(0, top - network.halo), max(0, left - network.halo)
    y1, x1 = min(size, bottom + network.halo), min(size, right + network.halo)
    tile = network(ir[..., y0:y1, x0:x1], vis[..., y0:y1, x0:x1], descriptors)
    inner = tile[..., top - y0 : bottom - y0, left - x0 : right - x0]
    assert torch.allclose(inner, whole[..., top:bottom, left:right], atol=1e-5)


@torch.no_grad()
def test_pixels_outside_the_halo_do_not_matter(network):
    ir, vis = random_pair(2 * network.halo + 64, 64)
    descriptors = described(network, ir, vis)
    changed = ir.clone()
    changed[..., 0, :] = 1 - changed[..., 0, :]
    below = network.halo + network.stride
    before, after = network(ir, vis, descriptors), network(changed, vis, descriptors)
    assert torch.equal(before[..., below:, :], after[..., below:, :])
    assert not torch.equal(before[..., 0, :], after[..., 0, :])


@torch.no_grad()
def test_descriptors_carry_what_is_global(network):
    ir, vis = random_pair(64, 64)
    foreign = network(ir, vis, described(network, ir * 0.2, vis))
    assert not torch.allclose(fused_by(network, ir, vis), foreign, atol=1e-3)


@torch.no_grad()
def test_a_batch_equals_its_images_each_with_its_goal(network):
    pairs = [random_pair(40, 56, seed) for seed in range(3)]
    ir, vis = (torch.cat(images) for images in zip(*pairs, strict=True))
    goals = random_goal(4, 3)
    batch = fused_by(network, ir, vis, goals)
    for index, pair in enumerate(pairs):
        assert torch.allclose(batch[index : index + 1], fused_by(network, *pair, goals[index : index + 1]), atol=1e-5)


@torch.no_grad()
def test_two_goals_give_two_pictures_from_one_look(network):
    ir, vis = random_pair(64, 64)
    encoded, glanced = network.encode(ir, vis), network.glance(network.thumbnail(ir), network.thumbnail(vis))
    looks = [limited(network.decode(encoded, network.aim(glanced, random_goal(seed)))) for seed in (1, 2)]
    assert not torch.allclose(*looks, atol=2 / 255)
    for seed, fused in zip((1, 2), looks, strict=True):
        assert torch.equal(fused, fused_by(network, ir, vis, random_goal(seed)))


def _toned(network, ir, vis, number, change):
    """The picture with one tone number changed."""
    descriptors = described(network, ir, vis)
    descriptors[:, network.tone_at + number] += change
    with torch.no_grad():
        return network(ir, vis, descriptors)


def test_side_draws_the_base_to_one_source():
    network = build_network("fast", goal=GOAL).eval()
    ramp = torch.linspace(0.2, 0.8, 256).expand(1, 1, 256, 256)
    ir, vis = ramp, ramp.transpose(2, 3)
    infrared, visible = (_toned(network, ir, vis, 5, change) for change in (2.0, -2.0))
    assert ((infrared - visible) * (ir - vis)).sum() > 0.8 * (ir - vis).square().sum()


def test_heat_lifts_or_darkens_hot_things_and_leaves_the_rest_as_it_is():
    network = build_network("fast", goal=GOAL).eval()
    ir, vis = random_pair(96, 96)
    ir, vis = torch.full_like(ir, 0.25), 0.1 * vis + 0.4
    ir[..., 40:52, 40:52] += 0.4
    plain, lit, darkened = (_toned(network, ir, vis, 7, change) for change in (0.0, 0.3, -0.3))
    hot, cold = (slice(None), slice(None), slice(42, 50), slice(42, 50)), (..., slice(0, 32))
    assert (lit[hot] - plain[hot]).min() > 0.05
    assert (plain[hot] - darkened[hot]).min() > 0.05
    assert torch.equal(lit[cold], plain[cold]) and torch.equal(darkened[cold], plain[cold])


@pytest.mark.parametrize("side", [22, 34, 45])
def test_hot_things_are_lit_and_darkened_however_large(side):
    network = build_network("fast", goal=GOAL).eval()
    ir, vis = torch.full((1, 1, 96, 96), 0.25), torch.full((1, 1, 96, 96), 0.4)
    ir[..., :side, :side] = 0.8
    inside = (..., slice(8, side - 8), slice(8, side - 8))
    plain, lit, darkened = (_toned(network, ir, vis, 7, change)[inside] for change in (0.0, 0.3, -0.3))
    assert (lit - plain).min() > 0.05 and (plain - darkened).min() > 0.05


def test_light_moves_the_middle_and_neither_black_nor_white():
    network = build_network("fast", goal=GOAL).eval()
    ramp = torch.linspace(0, 1, 128).expand(1, 1, 128, 128)
    plain, lighter, darker = (_toned(network, ramp, ramp, 6, change)[0, 0, 64] for change in (0.0, 0.3, -0.3))
    middle, ends = slice(48, 80), [0, -1]
    assert (lighter - plain)[middle].min() > 0.1 and (plain - darker)[middle].min() > 0.1
    assert (lighter - plain)[ends].abs().max() < 0.04 and (plain - darker)[ends].abs().max() < 0.04
    assert (lighter.diff() > 0).all() and (darker.diff() > 0).all()


def test_nothing_is_hot_in_an_even_scene():
    network = build_network("fast", goal=GOAL).eval()
    ir, vis = (0.5 + 0.01 * luma for luma in random_pair(96, 96))
    plain, lit = (_toned(network, ir, vis, 7, change) for change in (0.0, 2.0))
    assert (lit - plain).max() < 0.05


def test_at_the_default_goal_the_goals_weights_do_not_count(network):
    network.origin.copy_(random_goal(7)[0])
    ir, vis = random_pair(48, 48)
    before, elsewhere = fused_by(network, ir, vis, random_goal(7)), fused_by(network, ir, vis, random_goal(8))
    torch.nn.init.normal_(network.goal_in.weight)
    assert torch.equal(fused_by(network, ir, vis, random_goal(7)), before)
    assert not torch.equal(fused_by(network, ir, vis, random_goal(8)), elsewhere)


def test_a_network_without_goals_takes_none():
    torch.manual_seed(1)
    plain = build_network("fast", channels=4, goal=0).eval()
    ir, vis = random_pair(32, 32)
    descriptors = plain.describe(plain.thumbnail(ir), plain.thumbnail(vis), torch.zeros(1, 0))
    assert plain(ir, vis, descriptors).shape == ir.shape


def test_texture_cannot_be_invented(network):
    """Where neither source has texture there is none in the fused picture, whatever the weights and the goal."""
    ir, vis = torch.full((1, 1, 96, 192), 0.4), torch.full((1, 1, 96, 192), 0.6)
    ir[..., 96:], vis[..., 96:] = (x[..., 96:] for x in random_pair(96, 192))
    for seed in range(3):
        fused = fused_by(network, ir, vis, 2 * random_goal(seed))
        (finest, *_), _ = laplacian(fused, 2)
        assert finest[..., :80].abs().max() < 1.5 / 255
        assert finest[..., 96:].abs().mean() > 1.5 / 255


def test_bands_grow_at_most_by_the_largest_gain(network):
    """No gain is above 2 e^0.7; base and all bands together bound how far two neighbours differ."""
    ir, vis = random_pair(64, 64)
    with torch.no_grad():
        encoded = network.encode(ir * 0.1 + 0.4, vis * 0.1 + 0.4)
        fused = network.decode(encoded, described(network, ir, vis, 3 * random_goal(1)))
    reach = sum(band.abs().amax() for band in encoded.bands)
    flat = encoded._replace(bands=[torch.zeros_like(band) for band in encoded.bands])
    with torch.no_grad():
        base = network.decode(flat, described(network, ir, vis, 3 * random_goal(1)))
    assert (fused - base).abs().max() <= 2 * math.exp(0.7) * reach + 1e-6


@pytest.mark.parametrize("mixer", ["cross", "concat"])
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_weight_learns(name, mixer):
    torch.manual_seed(0)
    network = enlivened(build_network(name, channels=4, mixer=mixer, goal=GOAL)).train()
    ir, vis = random_pair(64, 64)
    network(ir, vis, described(network, ir, vis)).square().sum().backward()
    silent = {n for n, p in network.named_parameters() if p.grad is None or not p.grad.abs().max() > 0}
    # A value added to all keys at once cancels in the softmax up to rounding: only its bias may be silent.
    assert {n for n in silent if not n.endswith("key.bias")} == set()


def test_an_overshoot_is_seen_in_training_and_bent_back_in_use():
    torch.manual_seed(0)
    network = build_network("fast", channels=4, goal=GOAL)
    torch.nn.init.constant_(network.tone.bias, 3.0)
    ir, vis = (torch.full((1, 1, 64, 64), 0.5) for _ in range(2))
    ir[..., 28:36, 28:36] = vis[..., 28:36, 28:36] = 1.0
    fused = network.train()(ir, vis, described(network, ir, vis))
    assert fused.max() > 1
    fused.sum().backward()
    assert network.tone.bias.grad.abs().max() > 0
    assert network.eval()(ir, vis, described(network, ir, vis)).max() <= 1


def test_an_unknown_network_is_named_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean base"):
        build_network("bass")


@pytest.mark.parametrize("changes", [{"wings": 2}, {"mixer": "blender"}])
def test_an_unknown_field_is_refused(changes):
    with pytest.raises(UsageError, match="no such network shape"):
        build_network("base", **changes)
