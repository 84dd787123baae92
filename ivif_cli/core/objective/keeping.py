"""Retention, edges, base and overshoot: what must stay of the sources whatever the words say.

None of these is a metric that `evaluate` prints. They ask for bands and tones, pixel by pixel, in the network's own
pyramid; lumas are N x 1 x H x W, sides multiples of 32, in [0, 1].
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ivif_cli.core.network.composition import HALVINGS, dusk_of
from ivif_cli.core.network.pyramid import double, energies_of, laplacian, spread
from ivif_cli.core.objective.slopes import slopes_of, steeper

_NOISE = 1.5 / 255
NAMED_DIALS = ("bright", "detailed", "salient", "contrast")
"""The dials whose share in a goal decides what it may change, in the order of `Asked.claims`."""


@dataclass(frozen=True)
class KeepingSettings:
    """Weights of the terms.

    Attributes:
        retention: of the share that is missing of what each source has more of.
        excess: share of that weight on what is more than asked.
        boost: how much of the stronger source's band is asked for; above 1 since bands of another cut are all lower.
        base: of the distance of the base from where the visible (or the brighter source) has it.
        overshoot: of what leaves [0, 1].
        rings: of what leaves the sources' own range beside a strong edge.
        warm, cold: how much a hot and a cold detail of the infrared count beside an equally strong one of the visible.
        even: of texture where neither source has any.
        edges: of the distance of the fused picture's slopes from those of the source that is steeper there.
        spread, least, most: a scene's base is asked to be stretched about its mean to reach the standard deviation
            `spread`, by a factor from `least` to `most`.
        lift: share of the way to 0.3 that the base of a darker scene is raised.
        pull: how much of the infrared's shape the base takes on where the visible is dark, see `base_target`.
        dusk: share of the way to the infrared that the base of a scene without daylight goes.
        freedom: share of `base` and `retention` that holds where a goal names what they guard.
        hold: of what changes from one goal of a pair to the other though neither names it.
    """

    retention: float = 25.0
    excess: float = 0.4
    boost: float = 1.1
    base: float = 70.0
    overshoot: float = 10.0
    rings: float = 40.0
    warm: float = 1.1
    cold: float = 0.8
    even: float = 40.0
    edges: float = 600.0
    freedom: float = 0.5
    spread: float = 0.24
    least: float = 1.1
    most: float = 1.5
    lift: float = 0.4
    pull: float = 0.6
    dusk: float = 0.15
    hold: float = 15.0


@dataclass(frozen=True)
class Wanted:
    """What a batch of pairs asks to be kept; nothing here depends on the fused picture.

    Attributes:
        bands: both sources' bands, infrared and visible, as much as is asked for and noise left out, N x 2 x ...
        most: magnitude of the same with noise left in: what is more exceeds.
        choice: of each band, logit of the share that the infrared is asked for: the stronger source is, softly chosen.
        even: of each band, how little of it is structure, 0 to 1.
        sources: both sources below the bands, N x 2 x H/32 x W/32.
        base, base_weight: where the base should lie, and how much that counts, N x 1 x H/32 x W/32.
        high, low: the sources' own range in 7 x 7 pixels, N x 1 x H x W.
        strong: where a strong edge is near, 0 to 1.
        slopes: of both sources, N x 2 x 2 x H x W, see `slopes_of`.
    """

    bands: list[Tensor]
    most: list[Tensor]
    choice: list[Tensor]
    even: list[Tensor]
    sources: Tensor
    base: Tensor
    base_weight: Tensor
    high: Tensor
    low: Tensor
    strong: Tensor
    slopes: Tensor


@torch.no_grad()
def wanted(ir: Tensor, vis: Tensor, scenes: tuple[Tensor, Tensor], settings: KeepingSettings) -> Wanted:
    """What is to be kept of a batch of pairs, N x 1 x H x W each, with thumbnails of their whole scenes.

    Noise is estimated a band and source as a low quantile of its local energy; a band of no more than that is even.
    """
    bands, below = laplacian(torch.cat([ir, vis], dim=1), HALVINGS)
    targets, most, choices, evens = [], [], [], []
    finest, *coarser = energies_of(bands)
    for band, energy in zip(bands, [double(finest), *coarser], strict=True):
        strength = spread(band.abs())
        sampled = strength.flatten(2)[..., :: max(1, strength[0, 0].numel() // 512)]
        floor = torch.quantile(sampled, 0.1, dim=2)[..., None, None].clamp(max=2.5 / 255) + _NOISE / 2
        warm = torch.where(band[:, :1] > 0, settings.warm, settings.cold)
        first, second = energy[:, :1] * warm, energy[:, 1:]
        choices.append(12 * (first - second) / (first + second + 2 / 255))
        structure = (strength / (1.4 * floor)).square()
        structure = structure / (1 + structure)
        targets.append(settings.boost * structure * band)
        most.append(settings.boost * band.abs())
        evens.append(1 - structure.amax(dim=1, keepdim=True))
    high, low = _pooled(torch.maximum(ir, vis)), -_pooled(-torch.minimum(ir, vis))
    spans = [_pooled(luma) + _pooled(-luma) for luma in (ir, vis)]
    strong = (torch.maximum(*spans) * 4 - 0.8).clamp(0, 1)
    target, weight = base_target(below, scenes, settings)
    base = stretched(target, scenes, settings)
    slopes = torch.stack([slopes_of([band[:, at : at + 1] for band in bands]) for at in (0, 1)], dim=1)
    return Wanted(targets, most, choices, evens, below, base, weight, high, low, strong, slopes)


def _pooled(luma: Tensor) -> Tensor:
    """The maximum in 7 x 7 pixels, one way after the other."""
    return F.max_pool2d(F.max_pool2d(luma, (1, 7), stride=1, padding=(0, 3)), (7, 1), stride=1, padding=(3, 0))


def base_target(low: Tensor, scenes: tuple[Tensor, Tensor], settings: KeepingSettings) -> tuple[Tensor, Tensor]:
    """Where the base should lie, and how much that counts: N x 1 x h x w each.

    The visible's tone where the visible is well exposed (neither near black nor clipped), else, with 0.6 of the weight,
    the brighter source's. The darker the visible, the more of the infrared's own shape is laid over it, and the less
    daylight the whole scene has, the more of its tone is the infrared's.

    Args:
        low: both sources, N x 2 x h x w.
        scenes: thumbnails of the whole scenes, infrared and visible.
        settings: shares.
    """
    ir, vis = low.chunk(2, dim=1)
    ir_mean, vis_mean = (scene.mean(dim=(2, 3), keepdim=True) for scene in scenes)
    exposed = ((vis - 0.12) / 0.2).clamp(0, 1) * ((0.99 - vis) / 0.05).clamp(0, 1)
    target = exposed * vis + (1 - exposed) * torch.maximum(ir, vis)
    target = target + settings.dusk * dusk_of(vis_mean) * (ir - target)
    return target + settings.pull * (1 - vis).square() * (ir - ir_mean), 0.6 + 0.4 * exposed


def stretched(target: Tensor, scenes: tuple[Tensor, Tensor], settings: KeepingSettings) -> Tensor:
    """A base (N x 1 x h x w) that uses the scale: stretched about its scene's mean, raised where the scene is dark."""
    coarse = F.avg_pool2d(torch.cat(scenes, dim=1), 4)
    scene, _ = base_target(coarse, scenes, settings)
    deviation, mean = torch.std_mean(scene, dim=(2, 3), keepdim=True)
    factor = (settings.spread / (deviation + 1e-3)).clamp(settings.least, settings.most)
    raised = mean + settings.lift * F.relu(0.3 - mean)
    return (raised + factor * (target - mean)).clamp(0.02, 0.98)


def leaning(kept: Wanted, lean: Tensor) -> tuple[list[Tensor], Tensor]:
    """The share of the infrared in each band, and the base, that a goal asks for: where words and keeping meet.

    Args:
        kept: what the sources ask.
        lean: N, -1 (visible) to 1 (infrared), 0 for a goal that names no source.
    """
    lean = lean[:, None, None, None]
    ir, vis = kept.sources.chunk(2, dim=1)
    base = kept.base + F.relu(lean) / 2 * (ir - kept.base) + F.relu(-lean) * 0.8 * (vis - kept.base)
    return [torch.sigmoid(choice + 4 * lean) for choice in kept.choice], base


def missing(bands: list[Tensor], kept: Wanted, shares: list[Tensor], excess: float) -> Tensor:
    """How much is missing of what either source has more of, N x 2 (infrared, visible): 0 is nothing, 1 is all of it.

    More than asked counts `excess` times as much as less. All bands count alike.
    """
    lost, asked = bands[0].new_zeros(len(bands[0]), 2), bands[0].new_full((len(bands[0]), 2), 0.5 / 255)
    for band, target, most, share in zip(bands, kept.bands, kept.most, shares, strict=True):
        own = torch.cat([share, 1 - share], dim=1)
        along = band * torch.sign(target)
        lost = lost + (own * (F.relu(target.abs() - along) + excess * F.relu(along - most))).mean(dim=(2, 3))
        asked = asked + (own * target.abs()).mean(dim=(2, 3))
    return lost / asked


def keeping_parts(
    fused: Tensor,
    kept: Wanted,
    default: Tensor,
    settings: KeepingSettings,
    lean: Tensor | None = None,
    claims: Tensor | None = None,
) -> dict[str, Tensor]:
    """The terms, unweighted scalars named as their weights.

    Args:
        fused: before the limits, N x 1 x H x W.
        kept: what the sources ask.
        default: N, 1 for a sample fused for the default goal, 0 for another.
        settings: shares.
        lean: N, see `leaning`; None for zeros.
        claims: N x 4, how much the goal says of `NAMED_DIALS`, -1 to 1; None for goals that name everything.
    """
    lean = torch.zeros_like(default) if lean is None else lean
    claims = default.new_ones(len(default), len(NAMED_DIALS)) if claims is None else claims
    shares, base_wanted = leaning(kept, lean)
    bright, detailed, salient, contrast = ((1 - default[:, None]) * claims.abs()).unbind(dim=1)
    loose = 1 - settings.freedom
    strict = 1 - loose * torch.maximum(detailed, contrast / 2)
    bands, base = laplacian(fused, HALVINGS)
    # A mean of fourth powers: the source of which more is missing leads.
    lost = missing(bands, kept, shares, settings.excess).square().square()
    weights = torch.stack([1 + lean.clamp(-0.8, 0.8), 1 - lean.clamp(-0.8, 0.8)], dim=1)
    even = fused.new_zeros(len(fused))
    for band, flat in zip(bands[:2], kept.even[:2], strict=True):
        even = even + (F.relu(band.abs() - 1 / 255) * flat).mean(dim=(1, 2, 3))
    away = base - base_wanted
    # Words may move the tone as a whole: for a goal that names brightness only its shape is held.
    away = away - bright[:, None, None, None] * away.mean(dim=(2, 3), keepdim=True)
    shape = 1 - loose * torch.maximum(torch.maximum(contrast, salient / 2), bright)
    outside = kept.strong * (F.relu(fused - kept.high) + F.relu(kept.low - fused))
    return {
        "retention": (strict * ((weights * lost).sum(dim=1) / 2 + 1e-9).pow(0.25)).mean(),
        "base": (shape * (kept.base_weight * away.abs()).mean(dim=(1, 2, 3))).mean(),
        "overshoot": (F.relu(-fused) + F.relu(fused - 1)).mean(),
        "rings": (strict * outside.mean(dim=(1, 2, 3))).mean(),
        "even": (strict * even).mean(),
        "edges": (strict * (slopes_of(bands) - steeper(kept.slopes, lean)).abs().mean(dim=(1, 2, 3))).mean(),
    }


def held(first: Tensor, second: Tensor, apart: Tensor, lean: Tensor) -> Tensor:
    """What changes from one goal's picture to the other's though the words do not say so; a scalar.

    Detail (the mean magnitude of the three finest bands, relative), tone (the base's mean) and contrast (its standard
    deviation) are to stay as they are unless the goals differ in what they say of them.

    Args:
        first, second: N x 1 x H x W.
        apart: N x 4, how far the goals are apart in each of `NAMED_DIALS`, 0 to 1.
        lean: N, how far apart they lean, 0 to 1.
    """
    bright, detailed, _, contrast = (1 - apart).unbind(dim=1)
    (fine, base), (fine_2, base_2) = (laplacian(f, HALVINGS) for f in (first, second))
    change = first.new_zeros(len(first))
    for band, band_2 in zip(fine[:3], fine_2[:3], strict=True):
        mean, mean_2 = (b.abs().mean(dim=(1, 2, 3)) for b in (band, band_2))
        change = change + (mean_2 - mean).abs() / (mean + mean_2 + 2 / 255)
    tone = (base_2 - base).mean(dim=(1, 2, 3)).abs()
    # Standard deviations over the pictures; with a gradient where they are zero.
    spread, spread_2 = ((b.var(dim=(1, 2, 3), correction=0) + 1e-6).sqrt() for b in (base, base_2))
    free = 1 - 0.7 * lean
    return (detailed * change + free * (3 * bright * tone + 6 * contrast * (spread_2 - spread).abs())).mean()
