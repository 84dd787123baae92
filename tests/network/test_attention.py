"""Cross fusion attention against the formula, written out slowly in float64."""

import math

import torch

from ivif_cli.core.network.attention import CrossFusionAttention

CHANNELS, DESCRIPTOR = 3, 16


def _slow(layer, features, tokens):
    """The formulas of arXiv 2402.16267, one modality at a time, nothing folded together."""
    outputs = []
    hidden = torch.relu(layer.bias_hidden(tokens.mean(dim=2)))
    bias = layer.bias(hidden).reshape(len(tokens), 2 * CHANNELS, 2 * CHANNELS)
    keys = layer.key(tokens)
    for index, query in enumerate((layer.query_ir, layer.query_vis)):
        rows = slice(index * CHANNELS, (index + 1) * CHANNELS)
        logits = query(tokens[:, rows]) @ keys.transpose(1, 2) + bias[:, rows]
        attention = torch.softmax(logits / math.sqrt(DESCRIPTOR), dim=-1)
        outputs.append(torch.einsum("nij,njhw->nihw", attention, features))
    return layer.out(torch.cat(outputs, dim=1))


def test_forward_is_the_published_formula():
    torch.manual_seed(0)
    layer = CrossFusionAttention(CHANNELS, DESCRIPTOR).double()
    features = torch.randn(2, 2 * CHANNELS, 5, 7, dtype=torch.float64)
    tokens = torch.randn(2, 2 * CHANNELS, DESCRIPTOR, dtype=torch.float64)
    assert torch.allclose(layer(features, tokens), _slow(layer, features, tokens), atol=1e-12)


def test_rows_of_the_attention_matrix_sum_to_one():
    torch.manual_seed(0)
    matrix = CrossFusionAttention(CHANNELS, DESCRIPTOR).matrix(torch.randn(2, 2 * CHANNELS, DESCRIPTOR))
    assert matrix.shape == (2, 2 * CHANNELS, 2 * CHANNELS)
    assert torch.allclose(matrix.sum(dim=-1), torch.ones(2, 2 * CHANNELS))


def test_gradients_are_those_of_the_formula():
    torch.manual_seed(0)
    layer = CrossFusionAttention(CHANNELS, DESCRIPTOR).double()
    features = torch.randn(1, 2 * CHANNELS, 2, 2, dtype=torch.float64, requires_grad=True)
    tokens = torch.randn(1, 2 * CHANNELS, DESCRIPTOR, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (features, tokens))
