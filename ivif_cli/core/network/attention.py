"""Cross fusion attention: channels of one modality attend to the channels of both (METHOD: arXiv 2402.16267).

The attention matrix depends on short global descriptors alone, so it is computed once an image and reused in every
tile.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class CrossFusionAttention(nn.Module):
    """Rebuilds every channel of each modality from the channels of both.

    With Q from the modality's own descriptors (C of them), K from the descriptors of the concatenation (2C) and the
    concatenated feature maps as values V (2C x HW):

        A_m = softmax((Q_m K^T + W(cat)) / sqrt(e)),   Y_m = A_m V,   fused = 1x1 conv of [Y_vis, Y_ir]

    W(cat) is a learned bias that depends on the concatenated descriptors. Cost: linear in the pixels.

    Args:
        channels: C, channels of each modality.
        descriptor: e, numbers that describe one channel.
    """

    def __init__(self, channels: int, descriptor: int = 64) -> None:
        super().__init__()
        self.channels = channels
        self.descriptor = descriptor
        self.query_ir = nn.Linear(descriptor, descriptor)
        self.query_vis = nn.Linear(descriptor, descriptor)
        self.key = nn.Linear(descriptor, descriptor)
        self.bias_hidden = nn.Linear(2 * channels, 8)
        self.bias = nn.Linear(8, 2 * channels * 2 * channels)
        self.out = nn.Conv2d(2 * channels, channels, 1)

    def matrix(self, tokens: Tensor) -> Tensor:
        """Attention of both modalities, stacked.

        Args:
            tokens: N x 2C x e, the channel descriptors, infrared first.

        Returns:
            N x 2C x 2C; every row sums to 1; rows 0..C-1 rebuild the infrared channels.
        """
        ir, vis = tokens.split(self.channels, dim=1)
        queries = torch.cat([self.query_ir(ir), self.query_vis(vis)], dim=1)
        logits = queries @ self.key(tokens).transpose(1, 2)
        bias = self.bias(F.relu(self.bias_hidden(tokens.mean(dim=2)))).unflatten(1, (2 * self.channels, -1))
        return torch.softmax((logits + bias) / math.sqrt(self.descriptor), dim=-1)

    def forward(self, features: Tensor, tokens: Tensor) -> Tensor:
        """Fuse N x 2C x H x W features (infrared first) into N x C x H x W.

        The 1x1 convolution is folded into the attention matrix first (C x 2C a pixel). A single image is
        convolved, which keeps its memory layout.
        """
        weight = (self.out.weight.flatten(1) @ self.matrix(tokens))[..., None, None].to(features.dtype)
        if len(features) == 1:
            return F.conv2d(features, weight[0], self.out.bias)
        mixed = weight.flatten(2) @ features.flatten(2)
        return mixed.unflatten(2, features.shape[2:]) + self.out.bias[:, None, None]  # type: ignore[index]


class ConcatMixer(nn.Module):
    """Ablation: a fixed 1x1 convolution of the concatenated features in the place of the attention."""

    def __init__(self, channels: int, descriptor: int = 64) -> None:
        super().__init__()
        self.out = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, features: Tensor, tokens: Tensor) -> Tensor:
        """N x 2C x H x W -> N x C x H x W; `tokens` are not used."""
        return self.out(features)


class SelfMixer(nn.Module):
    """Ablation: ordinary channel self-attention inside each modality, then a 1x1 convolution of both."""

    def __init__(self, channels: int, descriptor: int = 64) -> None:
        super().__init__()
        self.channels = channels
        self.query = nn.ModuleList(nn.Linear(descriptor, descriptor) for _ in range(2))
        self.key = nn.ModuleList(nn.Linear(descriptor, descriptor) for _ in range(2))
        self.scale = 1 / math.sqrt(descriptor)
        self.out = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, features: Tensor, tokens: Tensor) -> Tensor:
        """N x 2C x H x W features and N x 2C x e tokens -> N x C x H x W."""
        rebuilt = []
        for index, (values, own) in enumerate(
            zip(features.split(self.channels, 1), tokens.split(self.channels, 1), strict=True)
        ):
            logits = self.query[index](own) @ self.key[index](own).transpose(1, 2)
            rebuilt.append(
                (torch.softmax(logits * self.scale, dim=-1) @ values.flatten(2)).unflatten(2, values.shape[2:])
            )
        return self.out(torch.cat(rebuilt, dim=1))


MIXERS = {"cross": CrossFusionAttention, "concat": ConcatMixer, "self": SelfMixer}
"""Ways to join the two modalities' features; all but `cross` are there for comparison."""
