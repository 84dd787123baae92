"""The fusion network: sizes, ranges, tiles that agree with the whole, and what the descriptors are for."""

import pytest
import torch

from ivif_cli.core.errors import UsageError
from ivif_cli.core.network import NETWORKS, build_network


@pytest.fixture(params=sorted(NETWORKS))
def network(request):
    """A network whose random weights use every path (fresh ones start as the plain average)."""
    torch.manual_seed(3)
    built = build_network(request.param).eval()
    with torch.no_grad():
        for weight in (built.head.weight, built.tone_out.weight):
            weight.normal_(std=0.05)
    return built


def _pair(height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(1, 1, height, width, generator=generator) for _ in range(2)]


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5), (64, 48), (101, 67)])
def test_any_size_in_gives_the_same_size_out(network, size):
    fused = network(*_pair(*size))
    assert fused.shape == (1, 1, *size)
    assert fused.min() >= 0 and fused.max() <= 1


def test_fresh_weights_start_near_the_average():
    torch.manual_seed(0)
    ir, vis = _pair(32, 32)
    assert torch.allclose(build_network("base").eval()(ir, vis), (ir + vis) / 2, atol=0.1)


@pytest.mark.parametrize("corner", [(0, 0), (1, 2), (2, 1)])
def test_a_tile_with_its_halo_equals_the_whole(network, corner):
    size, step = 416, 128
    ir, vis = _pair(size, size)
    descriptors = network.describe(network.thumbnail(ir), network.thumbnail(vis))
    whole = network(ir, vis, descriptors)
    top, left = (index * step for index in corner)
    bottom, right = top + step, left + step
    halo = -(-network.halo // network.stride) * network.stride
    y0, x0 = max(0, top - halo), max(0, left - halo)
    y1, x1 = min(size, bottom + halo), min(size, right + halo)
    tile = network(ir[..., y0:y1, x0:x1], vis[..., y0:y1, x0:x1], descriptors)
    inner = tile[..., top - y0 : bottom - y0, left - x0 : right - x0]
    assert torch.allclose(inner, whole[..., top:bottom, left:right], atol=1e-5)


def test_pixels_outside_the_halo_do_not_matter(network):
    size = 2 * network.halo + 64
    ir, vis = _pair(size, size)
    descriptors = network.describe(network.thumbnail(ir), network.thumbnail(vis))
    changed = ir.clone()
    changed[..., 0, :] = 1 - changed[..., 0, :]
    below = network.halo + network.stride
    before, after = network(ir, vis, descriptors), network(changed, vis, descriptors)
    assert torch.equal(before[..., below:, :], after[..., below:, :])
    assert not torch.equal(before[..., 0, :], after[..., 0, :])


def test_descriptors_carry_what_is_global(network):
    ir, vis = _pair(64, 64)
    own = network(ir, vis)
    foreign = network(ir, vis, network.describe(network.thumbnail(ir * 0.2), network.thumbnail(vis)))
    assert not torch.allclose(own, foreign, atol=1e-4)


def test_a_batch_equals_its_images(network):
    pairs = [_pair(40, 56, seed) for seed in range(3)]
    batch = network(*(torch.cat(images) for images in zip(*pairs, strict=True)))
    for index, pair in enumerate(pairs):
        assert torch.allclose(batch[index : index + 1], network(*pair), atol=1e-6)


@pytest.mark.parametrize("mixer", ["cross", "concat", "self"])
def test_every_mixer_learns(mixer):
    torch.manual_seed(0)
    network = build_network("base", channels=4, mixer=mixer)
    ir, vis = _pair(16, 16)
    torch.nn.init.normal_(network.head.weight, std=0.1)
    network(ir, vis).sum().backward()
    reached = [name for name, weight in network.mix.named_parameters() if weight.grad is not None]
    assert len(reached) == len(list(network.mix.named_parameters()))


@pytest.mark.parametrize(("gate", "reached"), [("tanh", True), ("softsign", False)])
def test_only_a_tanh_gate_gives_a_pixel_wholly_to_one_source(gate, reached):
    network = build_network("fast", gate=gate).eval()
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias[: network.config.fold**2] = 10.0
        ir, vis = torch.rand(2, 1, 1, 16, 16)
        fused = network(ir, vis)
    assert (fused - ir).abs().max().item() < 1e-3 if reached else (fused - ir).abs().max().item() > 0.01


def test_an_overshoot_is_seen_in_training_and_cut_off_in_use():
    network = build_network("fast")
    torch.nn.init.constant_(network.head.bias, 3.0)
    ir, vis = (torch.ones(1, 1, 8, 8) for _ in range(2))
    fused = network.train()(ir, vis)
    assert fused.max() > 1
    fused.sum().backward()
    assert network.head.bias.grad.abs().max() > 0
    assert network.eval()(ir, vis).max() == 1


def test_an_unknown_network_is_named_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean base"):
        build_network("bass")


def test_an_unknown_field_is_refused():
    with pytest.raises(UsageError, match="no such network shape"):
        build_network("base", wings=2)
