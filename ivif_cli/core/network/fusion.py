"""The fusion network: bands of two sources, joined by gates and gains that a goal conditions.

It cannot invent texture: every band of the fused picture is a convex mix of the sources' bands times a gain, and its
base is a convex mix of their bases under a bounded tone. A small trunk at half of the resolution and below decides
where which source is taken. Of the whole picture it knows only `describe`: the statistics of two thumbnails and the
goal, so that the tiles of a large picture agree with each other.
"""

import itertools
import math
from dataclasses import asdict, dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ivif_cli.core.network.attention import MIXERS, Mixer
from ivif_cli.core.network.composition import (
    HALVINGS,
    TONES,
    Encoded,
    compose,
    contrast_of,
    dusk_of,
    heat_of,
    limited,
    ranges,
    unleaned,
)
from ivif_cli.core.network.pyramid import double, energies_of, laplacian, pooled

THUMBNAIL = 64
STRIDE = 2**HALVINGS
_GRID = 4
_KNOTS = 8
_SCENE = 4
_FINE, _COARSE = 2, 3
_LEARNT = _WAYS = 5
"""Tone numbers that a run learns, and dials whose ways are trimmed. Side, light and heat are the goal's alone,
nothing at the default goal."""
_GAIN = 0.6
"""Logit of the gain that fresh weights begin with, 1.35 on the faintest structure."""


@dataclass(frozen=True)
class FusionConfig:
    """Shape of a fusion network.

    Attributes:
        fold: pixel-unshuffle factor, 2 or 4; the trunk's first level works at 1/fold of the resolution.
        channels: channels per modality at the first level; later levels are multiples.
        blocks: residual blocks a level that see the goal.
        mixer: how the modalities are joined: "concat" or "cross" (cross fusion attention).
        hidden: width of what the thumbnails and the goal are turned into.
        goal: length of a goal's condition (`Goal.condition`), 0 for a network that takes none.
    """

    fold: int = 2
    channels: int = 16
    blocks: int = 1
    mixer: str = "concat"
    hidden: int = 64
    goal: int = 256

    @property
    def widths(self) -> list[int]:
        """Channels of each level of the trunk; the last works at 1/16 of the resolution."""
        return [self.channels * (level + 1) for level in range(5 - int(math.log2(self.fold)))]


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)


class Residual(nn.Module):
    """x + relu(conv(x)), same shape out as in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = _conv(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """N x C x H x W -> N x C x H x W."""
        return features + F.relu(self.conv(features))


class Encoder(nn.Module):
    """One modality's features at every level; level k has (k + 1) C channels at 1 / (fold 2^k) of the resolution."""

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.fold = config.fold
        self.stem = _conv(config.fold**2, config.widths[0])
        self.refine = nn.ModuleList(Residual(width) for width in config.widths)
        self.down = nn.ModuleList(_conv(a, b, stride=2) for a, b in itertools.pairwise(config.widths))

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


class FusionNetwork(nn.Module):
    """Fuses an infrared and a visible luma picture of the same size, towards a goal.

    `forward` is `decode(encode(ir, vis), descriptors)`; `encode` is what several goals of one pair share, as
    `glance` is of `describe`.

    Args:
        config: the network's shape.

    Attributes:
        ways: G x 5, the ways on which a goal's distance from the default is measured.
        trim: 2 x 5 x 8, what each way adds to the tone, forwards and (taken from it) backwards. The last stage of a run
            sets both; at the default goal they are nothing.
    """

    stride = STRIDE
    halo = 6 * STRIDE

    def __init__(self, config: FusionConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or FusionConfig()
        self.widths = widths = config.widths
        self.encode_ir = Encoder(config)
        self.encode_vis = Encoder(config)
        self.mix = nn.ModuleList(MIXERS[config.mixer](width, _GRID**2, config.hidden) for width in widths)
        self.contrast = nn.ModuleList(nn.Conv2d(2, width, 1) for width in widths)
        self.merge = nn.ModuleList(nn.Conv2d(a + b, a, 1) for a, b in itertools.pairwise(widths))
        self.blocks = nn.ModuleList(nn.Sequential(*(Residual(width) for _ in range(config.blocks))) for width in widths)
        self.tones_in = nn.Linear(2 * (_KNOTS + 2) + 2 * sum(widths), config.hidden)
        self.goal_in = nn.Linear(config.goal, config.hidden) if config.goal else None
        self.hidden = nn.Linear(config.hidden, config.hidden)
        self.modulate = nn.Linear(config.hidden, 2 * sum(widths))
        self.tone = nn.Linear(config.hidden, _LEARNT)
        counts = [self._extra + 1] + [1] * (len(widths) - 1)
        self.maps = nn.ModuleList(nn.Conv2d(width, 2 * n, 1) for width, n in zip(widths, counts, strict=True))
        self.base = nn.Conv2d(widths[-1], 6, 1)
        self.origin: Tensor
        self.register_buffer("origin", torch.zeros(config.goal))
        self.ways: Tensor
        self.register_buffer("ways", torch.zeros(config.goal, _WAYS))
        self.trim: Tensor
        self.register_buffer("trim", torch.zeros(2, _WAYS, TONES))
        self.knots: Tensor
        self.register_buffer("knots", torch.linspace(0, 1, _KNOTS + 1)[:_KNOTS], persistent=False)
        # Fresh weights give a soft Laplacian fusion: the stronger band, the better exposed base, no tone change.
        for layer in (self.modulate, self.tone, self.base, *self.maps):
            nn.init.normal_(layer.get_parameter("weight"), std=1e-3)
            nn.init.zeros_(layer.get_parameter("bias"))
        with torch.no_grad():
            self.base.get_parameter("bias").copy_(torch.tensor([-1.0, 3.0, -3.0, 0.0, 0.0, 0.0]))
            for layer in self.maps:
                bias = layer.get_parameter("bias")
                bias[len(bias) // 2 :] = _GAIN

    @torch.no_grad()
    def start_from(self, origin: Tensor) -> None:
        """Take a default goal's condition (G) as the one that turns nothing; ways of another default are forgotten."""
        if not torch.allclose(self.origin, origin.to(self.origin), atol=1e-4):
            self.ways.zero_()
            self.trim.zero_()
        self.origin.copy_(origin)

    @torch.no_grad()
    def rebalance(self, fine: float, coarse: float, lean: float, cold: float) -> None:
        """Shift what a run has settled on, for every picture alike.

        Args:
            fine, coarse: added to the logit of every gain of the two finest and of the three coarsest bands.
            lean: added to the logit of every gate: towards the infrared.
            cold: added to the logit of the share of a colder infrared that the base takes.
        """
        biases = [layer.get_parameter("bias") for layer in (*self.maps, self.base)]
        gains = [biases[0][self._extra + 1 :], *(bias[-1:] for bias in biases[1:])]
        for band, gain in enumerate(gain for of_level in gains for gain in of_level.split(1)):
            gain += fine if band < _FINE else coarse if band >= HALVINGS + 1 - _COARSE else 0.0
        self.tone.bias[3] += unleaned(lean)
        self.base.get_parameter("bias")[2] += cold

    @property
    def tone_at(self) -> int:
        """Where the tone's numbers begin in what `describe` returns."""
        return 2 * sum(self.widths)

    @property
    def _extra(self) -> int:
        """Bands that are finer than the trunk's first level."""
        return HALVINGS - len(self.widths)

    def thumbnail(self, luma: Tensor) -> Tensor:
        """N x 1 x H x W -> N x 1 x 64 x 64, bilinear at half-pixel centres, unsmoothed (as cv2.INTER_LINEAR)."""
        return F.interpolate(luma, size=(THUMBNAIL, THUMBNAIL), mode="bilinear", align_corners=False)

    def glance(self, ir_thumb: Tensor, vis_thumb: Tensor) -> Tensor:
        """What the thumbnails (N x 1 x 64 x 64 in [0, 1]) say of a pair: N x K, the part of `describe` before a goal.

        The channels of every level pooled to 4 x 4, then tone statistics of both thumbnails, then where heat begins.
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
        return torch.cat([*parts, heat_of(ir_thumb)], dim=1)

    def aim(self, glanced: Tensor, goal: Tensor) -> Tensor:
        """The second part of `describe`: what is glanced at (N x K), and a goal (N x G)."""
        sizes = [2 * width * _GRID**2 for width in self.widths]
        *grids, tones, heat = glanced.split([*sizes, glanced.shape[1] - sum(sizes) - 2, 2], dim=1)
        tokens = [grid.unflatten(1, (2 * width, -1)) for grid, width in zip(grids, self.widths, strict=True)]
        seen = self.tones_in(torch.cat([tones, *(token.mean(dim=2) for token in tokens)], dim=1))
        if self.goal_in is not None:
            seen = seen + self.goal_in(goal - self.origin)
        hidden = F.relu(seen)
        hidden = hidden + F.relu(self.hidden(hidden))
        mixers = (cast("Mixer", mix) for mix in self.mix)
        matrices = [mix.matrix(token, hidden).flatten(1) for mix, token in zip(mixers, tokens, strict=True)]
        ir_mean, vis_mean = (tones[:, at : at + 1] for at in (_KNOTS, 2 * _KNOTS + 2))
        tone = F.pad(self.tone(hidden), (0, TONES - _LEARNT))
        if self.goal_in is not None:
            gone = (goal - self.origin) @ self.ways
            tone = tone + F.relu(gone) @ self.trim[0] - F.relu(-gone) @ self.trim[1]
        return torch.cat(
            [self.modulate(hidden), tone, (ir_mean + vis_mean) / 2, dusk_of(vis_mean), heat, *matrices], dim=1
        )

    def describe(self, ir_thumb: Tensor, vis_thumb: Tensor, goal: Tensor) -> Tensor:
        """All that the network may know beyond the pixels near by.

        Args:
            ir_thumb, vis_thumb: N x 1 x 64 x 64 in [0, 1].
            goal: N x G (`Goal.condition`), or 1 x G for all of them.

        Returns:
            N x K: a scale and a shift a channel, the tone, the scene's mean, dusk and heat, the mixing matrices.
        """
        glanced = self.glance(ir_thumb, vis_thumb)
        return self.aim(glanced, goal.expand(len(glanced), -1))

    def encode(self, ir: Tensor, vis: Tensor) -> Encoded:
        """Bands and features of a pair, N x 1 x H x W in [0, 1] each, of any size."""
        height, width = ir.shape[-2:]
        pad = (0, -width % self.stride, 0, -height % self.stride)
        if any(pad):
            ir, vis = (F.pad(luma, pad, mode="replicate") for luma in (ir, vis))
        bands, low = laplacian(torch.cat([ir, vis], dim=1), HALVINGS)
        features = [torch.cat(both, dim=1) for both in zip(self.encode_ir(ir), self.encode_vis(vis), strict=True)]
        return Encoded(bands, energies_of(bands), low, pooled(ir), features, *ranges(ir, vis), (height, width))

    def decode(self, pair: Encoded, descriptors: Tensor) -> Tensor:
        """The fused luma, N x 1 x H x W in the pictures' own size, before the limits."""
        sizes = [self.tone_at, TONES, _SCENE, *(cast("Mixer", mix).size for mix in self.mix)]
        modulation, tone, scene, *matrices = descriptors.split(sizes, dim=1)
        scales = modulation.split([2 * width for width in self.widths], dim=1)
        features, maps = None, []
        for level in reversed(range(len(self.widths))):
            mixed = self.mix[level](pair.features[level], matrices[level])
            mixed = mixed + self.contrast[level](contrast_of(pair.energies[self._extra + level]))
            if features is not None:
                mixed = self.merge[level](torch.cat([mixed, double(features)], dim=1))
            scale, shift = scales[level][..., None, None].chunk(2, dim=1)
            features = self.blocks[level](F.relu(torch.addcmul(mixed + shift, mixed, scale)))
            maps.append(self.maps[level](features))
            if level == len(self.widths) - 1:
                coarse = F.avg_pool2d(self.base(features), 2)
        # The maps of the levels become those of the halved bands: the first level serves all that are finer, too.
        first = maps.pop().unflatten(1, (2, -1))
        of_bands = [*(first[:, :, band] for band in range(self._extra + 1)), *maps[::-1]]
        height, width = pair.size
        return compose(pair, of_bands, coarse, tone, scene)[..., :height, :width]

    def forward(self, ir: Tensor, vis: Tensor, descriptors: Tensor) -> Tensor:
        """Fuse luma pictures.

        Args:
            ir: N x 1 x H x W in [0, 1].
            vis: likewise.
            descriptors: `describe` of the whole pictures, of which these may be tiles.

        Returns:
            N x 1 x H x W in [0, 1]; in training mode before the limits are applied, so that a loss sees an overshoot.
        """
        fused = self.decode(self.encode(ir, vis), descriptors)
        return fused if self.training else limited(fused)

    def config_dict(self) -> dict[str, int | str]:
        """The configuration as plain values, for metadata."""
        return asdict(self.config)
