"""The mixers: cross fusion attention against the formula, written out slowly in float64; and concatenation."""

import math

import pytest
import torch

from ivif_cli.core.network.attention import MIXERS, ConcatMixer, CrossFusionAttention

CHANNELS, DESCRIPTOR, HIDDEN = 3, 16, 5


def _layer():
    torch.manual_seed(0)
    return CrossFusionAttention(CHANNELS, DESCRIPTOR, HIDDEN).double()


def _inputs(count=2):
    generator = torch.Generator().manual_seed(1)

    def draw(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    return (
        draw(count, 2 * CHANNELS, 5, 7),
        draw(count, 2 * CHANNELS, DESCRIPTOR),
        draw(count, HIDDEN),
    )


def _affine(linear, vector):
    rows, offsets = linear.weight.tolist(), linear.bias.tolist()
    return [sum(w * x for w, x in zip(row, vector, strict=True)) + b for row, b in zip(rows, offsets, strict=True)]


def _slow_attention(layer, tokens, hidden):
    """One picture's 2C x 2C attention, number by number."""
    known = [sum(token) / len(token) for token in tokens] + hidden
    narrow = [max(0.0, x) for x in _affine(layer.bias_hidden, known)]
    bias = _affine(layer.bias, narrow)
    keys = [_affine(layer.key, token) for token in tokens]
    rows = []
    for index, token in enumerate(tokens):
        query = _affine(layer.query_ir if index < CHANNELS else layer.query_vis, token)
        logits = [
            (sum(q * k for q, k in zip(query, key, strict=True)) + bias[index * 2 * CHANNELS + j])
            / math.sqrt(DESCRIPTOR)
            for j, key in enumerate(keys)
        ]
        powers = [math.exp(x - max(logits)) for x in logits]
        rows.append([x / sum(powers) for x in powers])
    return rows


def test_attention_is_the_published_formula_with_the_goal_in_its_bias():
    layer = _layer()
    _, tokens, hidden = _inputs()
    slow = [_slow_attention(layer, t, h) for t, h in zip(tokens.tolist(), hidden.tolist(), strict=True)]
    assert torch.allclose(layer.attention(tokens, hidden), torch.tensor(slow, dtype=torch.float64), atol=1e-12)


@pytest.mark.parametrize("count", [1, 2])
def test_forward_rebuilds_the_channels_and_joins_them(count):
    layer = _layer()
    features, tokens, hidden = _inputs(count)
    rebuilt = torch.einsum("nij,njhw->nihw", layer.attention(tokens, hidden), features)
    fused = layer(features, layer.matrix(tokens, hidden).flatten(1))
    assert torch.allclose(fused, layer.out(rebuilt), atol=1e-12)


def test_rows_of_the_attention_sum_to_one_and_follow_the_goal():
    layer = _layer()
    _, tokens, hidden = _inputs()
    attention = layer.attention(tokens, hidden)
    assert torch.allclose(attention.sum(dim=-1), torch.ones(2, 2 * CHANNELS, dtype=torch.float64))
    assert not torch.allclose(attention, layer.attention(tokens, -3 * hidden), atol=1e-3)


def test_gradients_are_those_of_the_formula():
    layer = _layer()
    inputs = [x[:1].clone().requires_grad_(True) for x in _inputs()]

    def whole(features, tokens, hidden):
        return layer(features, layer.matrix(tokens, hidden).flatten(1))

    assert torch.autograd.gradcheck(whole, inputs)


def test_concatenation_is_a_pixelwise_linear_map():
    torch.manual_seed(0)
    layer = ConcatMixer(CHANNELS, DESCRIPTOR, HIDDEN).double()
    features, tokens, hidden = _inputs()
    matrix = layer.matrix(tokens, hidden)
    assert matrix.shape == (2, 0)
    expected = torch.einsum("ij,njhw->nihw", layer.out.weight[:, :, 0, 0], features) + layer.out.bias[:, None, None]
    assert torch.allclose(layer(features, matrix), expected, atol=1e-12)


@pytest.mark.parametrize("mixer", sorted(MIXERS))
def test_the_stated_size_is_the_size_of_the_matrix(mixer):
    layer = MIXERS[mixer](CHANNELS, DESCRIPTOR, HIDDEN).double()
    _, tokens, hidden = _inputs()
    assert layer.matrix(tokens, hidden).flatten(1).shape[1] == layer.size
