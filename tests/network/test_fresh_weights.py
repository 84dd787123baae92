"""What fresh weights make of a pair, how far maps may go from there, and how a run is balanced at its end."""

import math

import pytest
import torch

from ivif_cli.core.network import NETWORKS
from ivif_cli.core.network.composition import STRETCH
from ivif_cli.core.network.pyramid import laplacian
from tests.network.fusing import fresh, fused_by, random_pair


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
    expected += 0.06 * (1 - dusk) * expected * (1 - expected)
    fused = fused_by(fresh(name), torch.full((1, 1, 64, 64), ir), torch.full((1, 1, 64, 64), vis))
    assert torch.allclose(fused, torch.full_like(fused, expected), atol=0.02)


@pytest.mark.parametrize("name", sorted(NETWORKS))
@pytest.mark.parametrize("textured", [0, 1])
def test_fresh_weights_keep_texture_that_only_one_source_has(name, textured):
    texture = 0.5 + 0.1 * (torch.rand(1, 1, 96, 96, generator=torch.Generator().manual_seed(2)) - 0.5)
    pair = [torch.full_like(texture, 0.5)] * 2
    pair[textured] = texture
    (fused, *_), _ = laplacian(fused_by(fresh(name), *pair), 2)
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
    (fused, *_), _ = laplacian(fused_by(fresh(name), ir, vis), 1)
    for source, side in ((ir, slice(8, 56)), (vis, slice(72, 120))):
        (own, *_), _ = laplacian(source, 1)
        both = torch.stack([fused[..., side].flatten(), own[..., side].flatten()])
        assert torch.corrcoef(both)[0, 1] > 0.9


def test_a_glaring_area_keeps_what_is_drawn_on_it():
    """Stripes that lie beyond white as a whole come back into the scale, and stay stripes."""
    network = fresh()
    with torch.no_grad():
        network.tone.bias[1] = 0.2
    stripes = (torch.arange(128) // 8 % 2 * 0.1).expand(1, 1, 128, 128) + 0.85
    fused = fused_by(network, stripes, stripes)[0, 0, 64]
    bright, dark = (fused[stripes[0, 0, 64] > 0.9], fused[stripes[0, 0, 64] < 0.9])
    assert (bright.mean() - dark.mean()).item() > 0.05
    assert fused.max() < 1


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_no_map_lifts_a_faint_wave_by_more_than_half(name):
    network = fresh(name)
    with torch.no_grad():
        for layer in network.maps:
            layer.bias[len(layer.bias) // 2 :] = 10.0
        network.base.bias[-1] = 10.0
    wave = 0.004 * torch.sin(torch.arange(128) * 2 * torch.pi / 16).expand(1, 1, 128, 128)
    fused = fused_by(network, 0.5 + wave, 0.5 + wave)[..., 32:96, 32:96]
    lifted = (fused.max() - fused.min()) / (wave.max() - wave.min())
    assert 1.3 < lifted < 1.51


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_rebalancing_turns_the_gains_of_fine_and_coarse_bands_and_the_lean(name):
    ir, vis = random_pair(64, 64)
    network = fresh(name)

    def bands(*changes):
        network.rebalance(*changes)
        found, _ = laplacian(fused_by(network, ir, vis), 5)
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
    network = fresh("base")
    vis, ir = torch.full((1, 1, 64, 64), 0.97), torch.full((1, 1, 64, 64), 0.1)
    levels = []
    for cold in (0.0, 3.0, -3.0):
        network.rebalance(0, 0, 0, cold)
        levels.append(fused_by(network, ir, vis).mean().item())
    before, darker, after = levels
    assert darker < before - 0.1 and after == pytest.approx(before, abs=1e-6)
