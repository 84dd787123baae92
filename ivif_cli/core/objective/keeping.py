"""Retention, base and overshoot: what must stay of the sources whatever the words say.

None of these is a metric that `evaluate` prints. They ask for bands and tones, pixel by pixel, in the network's own
pyramid; lumas are N x 1 x H x W, sides multiples of 32, in [0, 1].
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ivif_cli.core.network.fusion import BANDS
from ivif_cli.core.network.pyramid import energy, laplacian

_NOISE = 1.5 / 255


@dataclass(frozen=True)
class KeepingSettings:
    """Weights of the terms.

    Attributes:
        retention: of what is missing of the stronger source's bands.
        excess: share of that weight on what is more than asked.
        boost: how much of the stronger source's band is asked for; above 1 since bands of another cut are all lower.
        base: of the distance of the base from where the visible (or the brighter source) has it.
        overshoot: of what leaves [0, 1].
        rings: of what leaves the sources' own range beside a strong edge.
        warm, cold: how much a hot and a cold detail of the infrared count beside an equally strong one of the visible.
        even: of texture where neither source has any.
        spread, stretch: where a scene's base has a smaller standard deviation than `spread`, the base is asked to be
            stretched about its mean to reach it, at most by the factor `stretch`.
        lift: share of the way to 0.3 that the base of a darker scene is raised.
        freedom: share of `base` and `retention` that holds for a goal that is not the default.
    """

    retention: float = 600.0
    excess: float = 0.15
    boost: float = 1.25
    base: float = 60.0
    overshoot: float = 10.0
    rings: float = 40.0
    warm: float = 1.25
    cold: float = 0.8
    even: float = 200.0
    freedom: float = 0.6
    spread: float = 0.2
    stretch: float = 1.4
    lift: float = 0.4


@dataclass(frozen=True)
class Wanted:
    """What a batch of pairs asks to be kept; nothing here depends on the fused picture.

    Attributes:
        bands: both sources' bands, infrared and visible, noise left out, N x 2 x ...
        choice: of each band, logit of the share that the infrared is asked for: the stronger source is, softly chosen.
        even: of each band, how little of it is structure, 0 to 1.
        sources: both sources below the bands, N x 2 x H/32 x W/32.
        base, base_weight: where the base should lie, and how much that counts, N x 1 x H/32 x W/32.
        high, low: the sources' own range in 7 x 7 pixels, N x 1 x H x W.
        strong: where a strong edge is near, 0 to 1.
    """

    bands: list[Tensor]
    choice: list[Tensor]
    even: list[Tensor]
    sources: Tensor
    base: Tensor
    base_weight: Tensor
    high: Tensor
    low: Tensor
    strong: Tensor


@torch.no_grad()
def wanted(ir: Tensor, vis: Tensor, scenes: tuple[Tensor, Tensor], settings: KeepingSettings) -> Wanted:
    """What is to be kept of a batch of pairs, N x 1 x H x W each, with thumbnails of their whole scenes.

    Noise is estimated a band and source as a low quantile of its local energy; a band of no more than that is even.
    """
    bands, below = laplacian(torch.cat([ir, vis], dim=1), BANDS)
    targets, choices, evens = [], [], []
    for band in bands:
        strength = energy(band)
        sampled = strength.flatten(2)[..., :: max(1, strength[0, 0].numel() // 512)]
        floor = torch.quantile(sampled, 0.1, dim=2)[..., None, None].clamp(max=4 / 255) + _NOISE / 2
        warm = torch.where(band[:, :1] > 0, settings.warm, settings.cold)
        first, second = strength[:, :1] * warm, strength[:, 1:]
        choices.append(12 * (first - second) / (first + second + 2 / 255))
        structure = (strength / (2 * floor)).square()
        structure = structure / (1 + structure)
        targets.append(settings.boost * structure * band)
        evens.append(1 - structure.amax(dim=1, keepdim=True))
    high, low = _pooled(torch.maximum(ir, vis)), -_pooled(-torch.minimum(ir, vis))
    spans = [_pooled(luma) + _pooled(-luma) for luma in (ir, vis)]
    strong = (torch.maximum(*spans) * 4 - 0.8).clamp(0, 1)
    target, weight = base_target(below)
    base = stretched(target, scenes, settings)
    return Wanted(targets, choices, evens, below, base, weight, high, low, strong)


def _pooled(luma: Tensor, side: int = 7) -> Tensor:
    """The maximum in side x side pixels, one way after the other."""
    along = F.max_pool2d(luma, (1, side), stride=1, padding=(0, side // 2))
    return F.max_pool2d(along, (side, 1), stride=1, padding=(side // 2, 0))


def base_target(low: Tensor) -> tuple[Tensor, Tensor]:
    """Where the base should lie, and how much that counts: N x 1 x h x w each.

    The visible's tone where the visible is well exposed (neither near black nor clipped), else, with 0.6 of the weight,
    the brighter source's.
    """
    ir, vis = low.chunk(2, dim=1)
    exposed = ((vis - 0.12) / 0.2).clamp(0, 1) * ((0.99 - vis) / 0.05).clamp(0, 1)
    target = exposed * vis + (1 - exposed) * torch.maximum(ir, vis)
    return target, 0.6 + 0.4 * exposed


def stretched(target: Tensor, scenes: tuple[Tensor, Tensor], settings: KeepingSettings) -> Tensor:
    """A base (N x 1 x h x w) that uses the scale: stretched about its scene's mean, raised where the scene is dark."""
    scene, _ = base_target(F.avg_pool2d(torch.cat(scenes, dim=1), 4))
    spread, mean = torch.std_mean(scene, dim=(2, 3), keepdim=True)
    factor = (settings.spread / (spread + 1e-3)).clamp(1, settings.stretch)
    raised = mean + settings.lift * F.relu(0.3 - mean)
    return (raised + factor * (target - mean)).clamp(0.02, 0.98)


def leaning(kept: Wanted, lean: Tensor) -> tuple[list[Tensor], Tensor]:
    """The bands and the base that a goal asks for: where words and keeping meet.

    Args:
        kept: what the sources ask.
        lean: N, -1 (visible) to 1 (infrared), 0 for a goal that names no source.
    """
    lean = lean[:, None, None, None]
    shares = [torch.sigmoid(choice + 4 * lean) for choice in kept.choice]
    bands = [share * b[:, :1] + (1 - share) * b[:, 1:] for share, b in zip(shares, kept.bands, strict=True)]
    ir, vis = kept.sources.chunk(2, dim=1)
    base = kept.base + F.relu(lean) / 2 * (ir - kept.base) + F.relu(-lean) * 0.8 * (vis - kept.base)
    return bands, base


def keeping_parts(
    fused: Tensor, kept: Wanted, default: Tensor, settings: KeepingSettings, lean: Tensor | None = None
) -> dict[str, Tensor]:
    """The terms, unweighted scalars named as their weights.

    Args:
        fused: before the limits, N x 1 x H x W.
        kept: what the sources ask.
        default: N, 1 for a sample fused for the default goal, 0 for another.
        settings: shares.
        lean: N, see `leaning`; None for zeros.
    """
    targets, base_wanted = leaning(kept, torch.zeros_like(default) if lean is None else lean)
    strict = settings.freedom + (1 - settings.freedom) * default
    bands, base = laplacian(fused, BANDS)
    retention, even = fused.new_zeros(len(fused)), fused.new_zeros(len(fused))
    for band, target in zip(bands, targets, strict=True):
        gap = target.abs() - band * torch.sign(target)
        retention = retention + (F.relu(gap) + settings.excess * F.relu(-gap)).mean(dim=(1, 2, 3)) / BANDS
    for band, flat in zip(bands[:2], kept.even[:2], strict=True):
        even = even + (F.relu(band.abs() - 1 / 255) * flat).mean(dim=(1, 2, 3))
    away = base - base_wanted
    # Words may move the tone as a whole: for another goal than the default only its shape is held.
    away = away - (1 - default)[:, None, None, None] * away.mean(dim=(2, 3), keepdim=True)
    outside = kept.strong * (F.relu(fused - kept.high) + F.relu(kept.low - fused))
    return {
        "retention": (strict * retention).mean(),
        "base": (strict * (kept.base_weight * away.abs()).mean(dim=(1, 2, 3))).mean(),
        "overshoot": (F.relu(-fused) + F.relu(fused - 1)).mean(),
        "rings": (strict * outside.mean(dim=(1, 2, 3))).mean(),
        "even": (strict * even).mean(),
    }
