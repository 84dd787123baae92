"""The fusion network: luma in, luma out, any size, no statistics over the pixels it is shown.

Everything runs at a half or a quarter of the resolution (pixel-unshuffle) and below; what is global about an image
(which channels to trust, how its tones are spread) comes from a 128 x 128 thumbnail and is handed in, so that the tiles
of a large image agree with each other and with the whole.
"""

import itertools
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ivif_cli.core.network.attention import MIXERS

THUMBNAIL = 128
_GRID = 8
_KNOTS = 8
_MAPS = 5


@dataclass(frozen=True)
class FusionConfig:
    """Shape of a fusion network.

    Attributes:
        fold: pixel-unshuffle factor; the first level works at 1/fold of the resolution.
        channels: channels per modality at the first level; later levels are multiples.
        levels: resolution levels, each half of the one before.
        blocks: residual blocks of the fused features a level.
        mixer: how the modalities are joined: "cross" (cross fusion attention), "concat", "self".
        tone: width of the tone features that the thumbnail gives to the decoder.
        head: side of the last convolution's kernel, odd.
        gate: curve that bounds the mixing weight: "tanh" can give a pixel wholly to one source, "softsign" cannot.
    """

    fold: int = 2
    channels: int = 16
    levels: int = 3
    blocks: int = 1
    mixer: str = "cross"
    tone: int = 32
    head: int = 3
    gate: str = "softsign"


GATES: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "softsign": F.softsign}
"""Name of a curve -> the curve, odd and within [-1, 1]."""


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)


class Encoder(nn.Module):
    """One modality's features at every level; level k has (k + 1) C channels at 1 / (fold 2^k) of the resolution."""

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.fold = config.fold
        widths = [config.channels * (level + 1) for level in range(config.levels)]
        self.stem = _conv(config.fold**2, widths[0])
        self.refine = nn.ModuleList(Residual(width) for width in widths)
        self.down = nn.ModuleList(_conv(a, b, stride=2) for a, b in itertools.pairwise(widths))

    def forward(self, luma: Tensor) -> list[Tensor]:
        """N x 1 x H x W in [0, 1] -> one N x C_k x H_k x W_k map a level."""
        features = F.relu(self.stem(F.pixel_unshuffle(luma - 0.5, self.fold)))
        maps = []
        for level, refine in enumerate(self.refine):
            if level:
                features = F.relu(self.down[level - 1](features))
            features = refine(features)
            maps.append(features)
        return maps


class Residual(nn.Module):
    """x + relu(conv(x)), same shape out as in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = _conv(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """N x C x H x W -> N x C x H x W."""
        return features + F.relu(self.conv(features))


class FusionNetwork(nn.Module):
    """Fuses an infrared and a visible luma image of the same size.

    The output is a per-pixel convex mix of the two sources, with contrast, shift and detail gains; all five maps come
    from a small U-shaped network whose levels join the modalities by cross fusion attention.

    Args:
        config: the network's shape.
    """

    def __init__(self, config: FusionConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or FusionConfig()
        self._gate = GATES[config.gate]
        self.stride = config.fold * 2 ** (config.levels - 1)
        self.halo = self.stride * (5 + 2 * config.blocks)
        widths = [config.channels * (level + 1) for level in range(config.levels)]
        self._widths = widths
        self.encode_ir = Encoder(config)
        self.encode_vis = Encoder(config)
        self.mix = nn.ModuleList(MIXERS[config.mixer](width, _GRID**2) for width in widths)
        self.merge = nn.ModuleList(_conv(a + b, a) for a, b in itertools.pairwise(widths))
        self.blocks = nn.ModuleList(nn.Sequential(*(Residual(width) for _ in range(config.blocks))) for width in widths)
        self.tone_in = nn.Linear(2 * (_KNOTS + 2) + 2 * sum(widths), config.tone)
        self.tone_out = nn.Linear(config.tone, 2 * sum(widths))
        self.head = nn.Conv2d(widths[0], _MAPS * config.fold**2, config.head, padding=config.head // 2)
        self.knots: Tensor
        self.register_buffer("knots", torch.linspace(0, 1, _KNOTS + 1)[:_KNOTS], persistent=False)
        self._start_as_average()

    def _start_as_average(self) -> None:
        """Fresh weights give the mean of the sources and no tone change."""
        nn.init.zeros_(self.tone_out.weight)
        nn.init.zeros_(self.tone_out.bias)
        nn.init.normal_(self.head.weight, std=1e-3)
        if self.head.bias is not None:
            nn.init.zeros_(self.head.bias)

    def thumbnail(self, luma: Tensor) -> Tensor:
        """N x 1 x H x W -> N x 1 x 128 x 128, bilinear at half-pixel centres, unsmoothed (as cv2.INTER_LINEAR)."""
        return F.interpolate(luma, size=(THUMBNAIL, THUMBNAIL), mode="bilinear", align_corners=False)

    def describe(self, ir_thumb: Tensor, vis_thumb: Tensor) -> Tensor:
        """Global descriptors of a pair: everything that the network may know beyond the pixels near by.

        Args:
            ir_thumb: N x 1 x 128 x 128 in [0, 1].
            vis_thumb: likewise.

        Returns:
            N x K: the channels of every level pooled to 8 x 8, then tone statistics of both thumbnails.
        """
        parts = []
        for ir, vis in zip(self.encode_ir(ir_thumb), self.encode_vis(vis_thumb), strict=True):
            grid = F.avg_pool2d(torch.cat([ir, vis], dim=1), ir.shape[-1] // _GRID)
            parts.append(grid.flatten(1))
        for thumb in (ir_thumb, vis_thumb):
            values = thumb.flatten(1)
            above = F.relu(values[:, None] - self.knots[:, None]).mean(dim=2)
            mean = values.mean(dim=1, keepdim=True)
            parts += [above, mean, (values - mean).square().mean(dim=1, keepdim=True).add(1e-6).sqrt()]
        return torch.cat(parts, dim=1)

    def _tokens(self, descriptors: Tensor) -> tuple[list[Tensor], Tensor]:
        sizes = [2 * width * _GRID**2 for width in self._widths]
        *grids, tones = descriptors.split([*sizes, descriptors.shape[1] - sum(sizes)], dim=1)
        tokens = [grid.unflatten(1, (2 * width, -1)) for grid, width in zip(grids, self._widths, strict=True)]
        means = [token.mean(dim=2) for token in tokens]
        return tokens, torch.cat([tones, *means], dim=1)

    def forward(self, ir: Tensor, vis: Tensor, descriptors: Tensor | None = None) -> Tensor:
        """Fuse luma images.

        Args:
            ir: N x 1 x H x W in [0, 1].
            vis: likewise.
            descriptors: `describe` of the whole images where these are tiles of them; by default of the inputs.

        Returns:
            N x 1 x H x W in [0, 1]; in training mode before the limits are applied, so that a loss sees an overshoot.
        """
        if descriptors is None:
            descriptors = self.describe(self.thumbnail(ir), self.thumbnail(vis))
        height, width = ir.shape[-2:]
        pad = (0, -width % self.stride, 0, -height % self.stride)
        if any(pad):
            ir, vis = (F.pad(x, pad, mode="replicate") for x in (ir, vis))
        fused = self.fuse_padded(ir, vis, descriptors)[..., :height, :width]
        return fused if self.training else fused.clamp(0, 1)

    def fuse_padded(self, ir: Tensor, vis: Tensor, descriptors: Tensor) -> Tensor:
        """`forward` for sides that are multiples of the stride, before the limits: what an engine may compile."""
        features = self._decode(self.encode_ir(ir), self.encode_vis(vis), descriptors)
        maps = _unfold(self.head(features).to(vis.dtype), self.config.fold)
        return _compose(ir, vis, maps, self._gate)

    def _decode(self, ir: list[Tensor], vis: list[Tensor], descriptors: Tensor) -> Tensor:
        tokens, tones = self._tokens(descriptors)
        modulation = self.tone_out(F.relu(self.tone_in(tones)))[..., None, None].split(
            [2 * width for width in self._widths], dim=1
        )
        features = None
        for level in reversed(range(len(ir))):
            mixed = self.mix[level](torch.cat([ir[level], vis[level]], dim=1), tokens[level])
            if features is not None:
                up = F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)
                mixed = self.merge[level](torch.cat([mixed, up], dim=1))
            scale, shift = modulation[level].chunk(2, dim=1)
            features = self.blocks[level](F.relu(torch.addcmul(mixed + shift, mixed, scale)))
        return features  # type: ignore[return-value]

    def config_dict(self) -> dict[str, int | str]:
        """The configuration as plain values, for metadata."""
        return asdict(self.config)


def _unfold(maps: Tensor, fold: int) -> Tensor:
    """`pixel_shuffle` of N x (C fold fold) x H x W, by one copy that reads channels-last memory in order."""
    count, channels, height, width = maps.shape
    blocks = maps.permute(0, 2, 3, 1).unflatten(3, (channels // fold**2, fold, fold))
    return blocks.permute(0, 3, 1, 4, 2, 5).reshape(count, channels // fold**2, height * fold, width * fold)


def _compose(ir: Tensor, vis: Tensor, maps: Tensor, bound: Callable[[Tensor], Tensor]) -> Tensor:
    """The picture that N x 5 x H x W maps describe: mixing weight, contrast, shift, gain of each source's detail.

    Detail is what a 5 x 5 mean leaves over. The mixing weight is bounded by `bound`, the other maps by softsign; zeros
    give the average.
    """
    gate, tones = maps[:, :1], maps[:, 1:]
    contrast, shift, detail_ir, detail_vis = (tones / tones.abs().add_(1)).split(1, dim=1)
    mixed = torch.lerp(vis, ir, bound(gate) * 0.5 + 0.5)
    fused = torch.addcmul(mixed + shift, mixed - 0.5, contrast)
    fused = torch.addcmul(fused, detail_ir, ir - _mean5(ir), value=2)
    return torch.addcmul(fused, detail_vis, vis - _mean5(vis), value=2)


def _mean5(luma: Tensor) -> Tensor:
    """5 x 5 mean of N x 1 x H x W, edges replicated; sums of slices are several times faster than a pooling layer."""
    height, width = luma.shape[-2:]
    padded = F.pad(luma, (2, 2, 2, 2), mode="replicate")
    rows = padded[..., :width] + padded[..., 1 : width + 1]
    for k in range(2, 5):
        rows += padded[..., k : k + width]
    mean = rows[..., :height, :] + rows[..., 1 : height + 1, :]
    for k in range(2, 5):
        mean += rows[..., k : k + height, :]
    return mean.mul_(0.04)
