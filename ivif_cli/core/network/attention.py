"""How the two modalities' features become one: plainly, or by cross fusion attention (arXiv 2402.16267).

A mixer's `matrix` depends on what is global alone, so it is computed once a picture and goal and reused in every tile.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConcatMixer(nn.Module):
    """A 1x1 convolution of the concatenated features."""

    size = 0

    def __init__(self, channels: int, descriptor: int, hidden: int) -> None:
        super().__init__()
        self.out = nn.Conv2d(2 * channels, channels, 1)

    def matrix(self, tokens: Tensor, hidden: Tensor) -> Tensor:
        """Nothing that depends on the picture: N x 0."""
        return hidden[:, :0]

    def forward(self, features: Tensor, matrix: Tensor) -> Tensor:
        """N x 2C x H x W -> N x C x H x W."""
        return self.out(features)


class CrossFusionAttention(nn.Module):
    """Rebuilds every channel of each modality from the channels of both, as the goal asks.

    With Q from the modality's own descriptors (C of them), K from the descriptors of the concatenation (2C) and the
    concatenated feature maps as values V (2C x HW):

        A_m = softmax((Q_m K^T + W(cat, goal)) / sqrt(e)),   Y_m = A_m V,   fused = 1x1 conv of [Y_vis, Y_ir]

    W is a learned bias that depends on the concatenated descriptors and on what the thumbnails and the goal were
    turned into: the words choose from which modality's channels a feature is rebuilt. Cost: linear in the pixels.

    Args:
        channels: C, channels of each modality.
        descriptor: e, numbers that describe one channel.
        hidden: length of what the thumbnails and the goal were turned into.
    """

    def __init__(self, channels: int, descriptor: int, hidden: int) -> None:
        super().__init__()
        self.channels = channels
        self.descriptor = descriptor
        self.size = 2 * channels * channels
        self.query_ir = nn.Linear(descriptor, descriptor)
        self.query_vis = nn.Linear(descriptor, descriptor)
        self.key = nn.Linear(descriptor, descriptor)
        self.bias_hidden = nn.Linear(2 * channels + hidden, 8)
        self.bias = nn.Linear(8, 2 * channels * 2 * channels)
        self.out = nn.Conv2d(2 * channels, channels, 1)

    def attention(self, tokens: Tensor, hidden: Tensor) -> Tensor:
        """Attention of both modalities, stacked.

        Args:
            tokens: N x 2C x e, the channel descriptors, infrared first.
            hidden: N x hidden.

        Returns:
            N x 2C x 2C; every row sums to 1; rows 0..C-1 rebuild the infrared channels.
        """
        ir, vis = tokens.split(self.channels, dim=1)
        queries = torch.cat([self.query_ir(ir), self.query_vis(vis)], dim=1)
        logits = queries @ self.key(tokens).transpose(1, 2)
        known = torch.cat([tokens.mean(dim=2), hidden], dim=1)
        bias = self.bias(F.relu(self.bias_hidden(known))).unflatten(1, (2 * self.channels, -1))
        return torch.softmax((logits + bias) / math.sqrt(self.descriptor), dim=-1)

    def matrix(self, tokens: Tensor, hidden: Tensor) -> Tensor:
        """The attention with the 1x1 convolution folded in: N x C x 2C."""
        return self.out.weight.flatten(1) @ self.attention(tokens, hidden)

    def forward(self, features: Tensor, matrix: Tensor) -> Tensor:
        """Fuse N x 2C x H x W features (infrared first) into N x C x H x W by `matrix`, flattened to N x 2CC."""
        weight = matrix.unflatten(1, (self.channels, -1)).to(features.dtype)
        if len(features) == 1:
            return F.conv2d(features, weight[0, ..., None, None], self.out.bias)
        mixed = weight @ features.flatten(2)
        return mixed.unflatten(2, features.shape[2:]) + self.out.bias[:, None, None]  # type: ignore[index]


Mixer = ConcatMixer | CrossFusionAttention
MIXERS: dict[str, type[Mixer]] = {"concat": ConcatMixer, "cross": CrossFusionAttention}
"""Ways to join the two modalities' features."""
