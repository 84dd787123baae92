"""The fusion network: sizes, ranges, tiles that agree with the whole, what it cannot do, and what the goal does."""

import math

import pytest
import torch

from ivif_cli.core.errors import UsageError
from ivif_cli.core.network import NETWORKS, build_network
from ivif_cli.core.network.composition import STRETCH, limited
from ivif_cli.core.network.pyramid import laplacian
from tests.made_up import enlivened

GOAL = 12


@pytest.fixture(params=sorted(NETWORKS))
def network(request):
    """A network whose random weights use every path."""
    torch.manual_seed(3)
    return enlivened(build_network(request.param, channels=4, goal=GOAL))


def _pair(height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(1, 1, height, width, generator=generator) for _ in range(2)]


def _goal(seed=0, count=1):
    return torch.randn(count, GOAL, generator=torch.Generator().manual_seed(seed))


def _describe(network, ir, vis, goal=None):
    return network.describe(network.thumbnail(ir), network.thumbnail(vis), _goal() if goal is None else goal)


@torch.no_grad()
def _fuse(network, ir, vis, goal=None):
    return network(ir, vis, _describe(network, ir, vis, goal))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5), (33, 31), (64, 48), (101, 67)])
def test_any_size_in_gives_the_same_size_out(network, size):
    fused = _fuse(network, *_pair(*size))
    assert fused.shape == (1, 1, *size)
    assert fused.min() >= 0 and fused.max() <= 1


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_black_and_white_stay_in_range(network, level):
    flat = torch.full((1, 1, 40, 40), level)
    for seed in range(4):
        fused = _fuse(network, flat, 1 - flat, 3 * _goal(seed))
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
    ir, vis = _pair(size, size)
    descriptors = _describe(network, ir, vis)
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
    ir, vis = _pair(2 * network.halo + 64, 64)
    descriptors = _describe(network, ir, vis)
    changed = ir.clone()
    changed[..., 0, :] = 1 - changed[..., 0, :]
    below = network.halo + network.stride
    before, after = network(ir, vis, descriptors), network(changed, vis, descriptors)
    assert torch.equal(before[..., below:, :], after[..., below:, :])
    assert not torch.equal(before[..., 0, :], after[..., 0, :])


@torch.no_grad()
def test_descriptors_carry_what_is_global(network):
    ir, vis = _pair(64, 64)
    foreign = network(ir, vis, _describe(network, ir * 0.2, vis))
    assert not torch.allclose(_fuse(network, ir, vis), foreign, atol=1e-3)


@torch.no_grad()
def test_a_batch_equals_its_images_each_with_its_goal(network):
    pairs = [_pair(40, 56, seed) for seed in range(3)]
    ir, vis = (torch.cat(images) for images in zip(*pairs, strict=True))
    goals = _goal(4, 3)
    batch = _fuse(network, ir, vis, goals)
    for index, pair in enumerate(pairs):
        assert torch.allclose(batch[index : index + 1], _fuse(network, *pair, goals[index : index + 1]), atol=1e-5)


@torch.no_grad()
def test_two_goals_give_two_pictures_from_one_look(network):
    ir, vis = _pair(64, 64)
    encoded, glanced = network.encode(ir, vis), network.glance(network.thumbnail(ir), network.thumbnail(vis))
    looks = [limited(network.decode(encoded, network.aim(glanced, _goal(seed)))) for seed in (1, 2)]
    assert not torch.allclose(*looks, atol=2 / 255)
    for seed, fused in zip((1, 2), looks, strict=True):
        assert torch.equal(fused, _fuse(network, ir, vis, _goal(seed)))


def _toned(network, ir, vis, number, change):
    """The picture with one tone number changed."""
    descriptors = _describe(network, ir, vis)
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
    ir, vis = _pair(96, 96)
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
    ir, vis = (0.5 + 0.01 * luma for luma in _pair(96, 96))
    plain, lit = (_toned(network, ir, vis, 7, change) for change in (0.0, 2.0))
    assert (lit - plain).max() < 0.05


def test_at_the_default_goal_the_goals_weights_do_not_count(network):
    network.origin.copy_(_goal(7)[0])
    ir, vis = _pair(48, 48)
    before, elsewhere = _fuse(network, ir, vis, _goal(7)), _fuse(network, ir, vis, _goal(8))
    torch.nn.init.normal_(network.goal_in.weight)
    assert torch.equal(_fuse(network, ir, vis, _goal(7)), before)
    assert not torch.equal(_fuse(network, ir, vis, _goal(8)), elsewhere)


def test_a_network_without_goals_takes_none():
    torch.manual_seed(1)
    plain = build_network("fast", channels=4, goal=0).eval()
    ir, vis = _pair(32, 32)
    descriptors = plain.describe(plain.thumbnail(ir), plain.thumbnail(vis), torch.zeros(1, 0))
    assert plain(ir, vis, descriptors).shape == ir.shape


def _fresh(name="base"):
    torch.manual_seed(0)
    return build_network(name, channels=6, goal=GOAL).eval()


@pytest.mark.parametrize("name", sorted(NETWORKS))
@pytest.mark.parametrize(("ir", "vis"), [(0.8, 0.5), (0.2, 0.5), (0.7, 0.1), (0.1, 0.9), (0.4, 0.4)])
def test_fresh_weights_join_two_flat_pictures_by_exposure(name, ir, vis):
    """Written out for one pixel: the visible, drawn to a warmer infrared (hardly a colder) the worse it is exposed,
    then to any by up to 15 % where the visible is dark; the middle of the scale bent up where it is not."""

    def sigmoid(x):
        return 1 / (1 + math.exp(-x))

    away = sigmoid(3 - 6 * math.exp(-((vis - 0.5) ** 2) / 0.08) + 1)
    gap = ir - vis
    base = vis + away * gap * (sigmoid(3) if gap > 0 else sigmoid(-3))
    dusk = min(max((0.45 - vis) / 0.25, 0), 1)
    base += 0.15 * dusk * (ir - base)
    middle = (ir + vis) / 2
    expected = middle + math.exp(STRETCH) * (base - middle)
    expected += 0.05 * (1 - dusk) * expected * (1 - expected)
    fused = _fuse(_fresh(name), torch.full((1, 1, 64, 64), ir), torch.full((1, 1, 64, 64), vis))
    assert torch.allclose(fused, torch.full_like(fused, expected), atol=0.02)


@pytest.mark.parametrize("name", sorted(NETWORKS))
@pytest.mark.parametrize("textured", [0, 1])
def test_fresh_weights_keep_texture_that_only_one_source_has(name, textured):
    texture = 0.5 + 0.1 * (torch.rand(1, 1, 96, 96, generator=torch.Generator().manual_seed(2)) - 0.5)
    pair = [torch.full_like(texture, 0.5)] * 2
    pair[textured] = texture
    (fused, *_), _ = laplacian(_fuse(_fresh(name), *pair), 2)
    (own, *_), _ = laplacian(texture, 2)
    assert torch.corrcoef(torch.stack([fused.flatten(), own.flatten()]))[0, 1] > 0.95
    assert fused.square().mean() > own.square().mean()


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_fresh_weights_keep_both_where_each_has_its_own_side(name):
    noise = 0.1 * (torch.rand(1, 1, 64, 128, generator=torch.Generator().manual_seed(2)) - 0.5)
    ir, vis = torch.full((2, 1, 1, 64, 128), 0.5).split(1)
    ir, vis = ir[0].clone(), vis[0].clone()
    ir[..., :64] += noise[..., :64]
    vis[..., 64:] += noise[..., 64:]
    (fused, *_), _ = laplacian(_fuse(_fresh(name), ir, vis), 1)
    for source, side in ((ir, slice(8, 56)), (vis, slice(72, 120))):
        (own, *_), _ = laplacian(source, 1)
        both = torch.stack([fused[..., side].flatten(), own[..., side].flatten()])
        assert torch.corrcoef(both)[0, 1] > 0.9


def test_texture_cannot_be_invented(network):
    """Where neither source has texture there is none in the fused picture, whatever the weights and the goal."""
    ir, vis = torch.full((1, 1, 96, 192), 0.4), torch.full((1, 1, 96, 192), 0.6)
    ir[..., 96:], vis[..., 96:] = (x[..., 96:] for x in _pair(96, 192))
    for seed in range(3):
        fused = _fuse(network, ir, vis, 2 * _goal(seed))
        (finest, *_), _ = laplacian(fused, 2)
        assert finest[..., :80].abs().max() < 1.5 / 255
        assert finest[..., 96:].abs().mean() > 1.5 / 255


def test_bands_grow_at_most_by_the_largest_gain(network):
    """No gain is above 2 e^0.7; base and all bands together bound how far two neighbours differ."""
    ir, vis = _pair(64, 64)
    with torch.no_grad():
        encoded = network.encode(ir * 0.1 + 0.4, vis * 0.1 + 0.4)
        fused = network.decode(encoded, _describe(network, ir, vis, 3 * _goal(1)))
    reach = sum(band.abs().amax() for band in encoded.bands)
    flat = encoded._replace(bands=[torch.zeros_like(band) for band in encoded.bands])
    with torch.no_grad():
        base = network.decode(flat, _describe(network, ir, vis, 3 * _goal(1)))
    assert (fused - base).abs().max() <= 2 * math.exp(0.7) * reach + 1e-6


@pytest.mark.parametrize("mixer", ["cross", "concat"])
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_weight_learns(name, mixer):
    torch.manual_seed(0)
    network = enlivened(build_network(name, channels=4, mixer=mixer, goal=GOAL)).train()
    ir, vis = _pair(64, 64)
    network(ir, vis, _describe(network, ir, vis)).square().sum().backward()
    silent = {n for n, p in network.named_parameters() if p.grad is None or not p.grad.abs().max() > 0}
    # A value added to all keys at once cancels in the softmax up to rounding: only its bias may be silent.
    assert {n for n in silent if not n.endswith("key.bias")} == set()


def test_an_overshoot_is_seen_in_training_and_bent_back_in_use():
    torch.manual_seed(0)
    network = build_network("fast", channels=4, goal=GOAL)
    torch.nn.init.constant_(network.tone.bias, 3.0)
    ir, vis = (torch.full((1, 1, 64, 64), 0.5) for _ in range(2))
    ir[..., 28:36, 28:36] = vis[..., 28:36, 28:36] = 1.0
    fused = network.train()(ir, vis, _describe(network, ir, vis))
    assert fused.max() > 1
    fused.sum().backward()
    assert network.tone.bias.grad.abs().max() > 0
    assert network.eval()(ir, vis, _describe(network, ir, vis)).max() <= 1


def test_a_glaring_area_keeps_what_is_drawn_on_it():
    """Stripes that lie beyond white as a whole come back into the scale, and stay stripes."""
    network = _fresh()
    with torch.no_grad():
        network.tone.bias[1] = 0.2
    stripes = (torch.arange(128) // 8 % 2 * 0.1).expand(1, 1, 128, 128) + 0.85
    fused = _fuse(network, stripes, stripes)[0, 0, 64]
    bright, dark = (fused[stripes[0, 0, 64] > 0.9], fused[stripes[0, 0, 64] < 0.9])
    assert (bright.mean() - dark.mean()).item() > 0.05
    assert fused.max() < 1


def test_an_unknown_network_is_named_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean base"):
        build_network("bass")


@pytest.mark.parametrize("changes", [{"wings": 2}, {"mixer": "blender"}])
def test_an_unknown_field_is_refused(changes):
    with pytest.raises(UsageError, match="no such network shape"):
        build_network("base", **changes)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_no_map_lifts_a_faint_wave_by_more_than_half(name):
    network = _fresh(name)
    with torch.no_grad():
        for layer in network.maps:
            layer.bias[len(layer.bias) // 2 :] = 10.0
        network.base.bias[-1] = 10.0
    wave = 0.004 * torch.sin(torch.arange(128) * 2 * torch.pi / 16).expand(1, 1, 128, 128)
    fused = _fuse(network, 0.5 + wave, 0.5 + wave)[..., 32:96, 32:96]
    lifted = (fused.max() - fused.min()) / (wave.max() - wave.min())
    assert 1.3 < lifted < 1.51


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_rebalancing_turns_the_gains_of_fine_and_coarse_bands_and_the_lean(name):
    ir, vis = _pair(64, 64)
    network = _fresh(name)

    def bands(*changes):
        network.rebalance(*changes)
        found, _ = laplacian(_fuse(network, ir, vis), 5)
        network.rebalance(*(-change for change in changes))
        return found

    def strength(of_bands):
        return torch.stack([band.square().mean() for band in of_bands]).sqrt()

    before, fine, coarse, leant = bands(0, 0, 0, 0), bands(-4, 0, 0, 0), bands(0, -4, 0, 0), bands(0, 0, 5.9, 0)
    assert strength(fine)[0] < 0.8 * strength(before)[0]
    assert torch.allclose(strength(fine)[4:], strength(before)[4:], rtol=0.1)
    assert (strength(coarse)[4:] < 0.9 * strength(before)[4:]).all()
    assert torch.allclose(strength(coarse)[:1], strength(before)[:1], rtol=0.1)
    (of_ir, *_), _ = laplacian(ir, 5)
    alike = [torch.corrcoef(torch.stack([found[0].flatten(), of_ir.flatten()]))[0, 1] for found in (before, leant)]
    assert alike[1] > alike[0] + 0.1


def test_rebalancing_turns_the_share_of_a_colder_infrared_that_the_base_takes():
    """Where the visible is white and the infrared black, a share of the colder one darkens the base."""
    network = _fresh("base")
    vis, ir = torch.full((1, 1, 64, 64), 0.97), torch.full((1, 1, 64, 64), 0.1)
    levels = []
    for cold in (0.0, 3.0, -3.0):
        network.rebalance(0, 0, 0, cold)
        levels.append(_fuse(network, ir, vis).mean().item())
    before, darker, after = levels
    assert darker < before - 0.1 and after == pytest.approx(before, abs=1e-6)
