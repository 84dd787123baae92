"""What a fused picture is made of: the sources' bands, shares and gains, and a base under a tone; no weights here.

The network decides with its maps and `TONES` numbers a picture; these functions turn them into a picture that holds
nothing but what the sources hold.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ivif_cli.core.network.pyramid import double, smooth

HALVINGS = 5
TONES = 8
"""Contrast, shift, gains, lean, glow, side, light, heat: what sets the tone of a whole picture, see `compose`."""
_KNEE = 0.02
_EDGE = 255 / 40
"""A range of 40 levels begins to be a strong edge, one of 80 is."""
_HELD = 0.5
"""Share of what leaves the sources' range beside a strong edge that is taken back."""
_GLOWING = 2
"""The first band, at a quarter of the resolution, that glows where it is hot: objects do, texture does not."""
_HOT = 4 / 255
"""How far a band of the infrared lies above zero where it is clearly hot."""
_WARM, _FULL, _RISEN = 0.12, 0.02, 2 / 3
"""Share of a scene in which heat begins, and in which it is full; where more is hot, it begins this far from the median
to there."""
_LEAST_HEAT = 24 / 255
"""Least difference between those levels: in an even scene nothing is hot."""
_LIT, _UNLIT = 0.7, 0.5
"""How far the hottest is drawn to white, and how much of it is taken away, at most."""
LEAN = 6.0
"""How far all gates of a picture may be turned, in logits."""
_BRISK = 3.0
"""Factor on what sets the tone of a whole picture: numbers that words move first, so they learn faster."""
_TURN = 0.5
"""Most that a map may turn a gate, in logits: what decides is which source is stronger."""
_LEAST, _SPAN, _MOST = 0.8, 0.85, 1.45
"""What a map of gains may ask: from the least over a span, and no more than the most; what is lifted more from place to
place is no longer the source's structure."""
_MARGIN, _AROUND = 0.05, 8
"""Where an end of the scale begins, and the side of the cells [px] over which an excess beyond it is averaged."""
_FAINT = tuple(level / 255 for level in (100, 16, 13, 40, 40, 40))
"""A gain above 1 halves its excess on a band (finest first) of this energy: structure is lifted, edges are not."""
_NIGHT, _DAY = 0.2, 0.45
"""Means of a visible picture without any daylight, and with as much as there may be."""
_DUSK = 0.15
"""Share of the way to the infrared's that the base goes where daylight is missing: there the visible sets no tone."""
_LIGHT = 0.06
"""How far the middle of the scale is bent up by day: what is taken back at either end and beside edges darkens it."""
STRETCH = 0.08
"""Logarithm of the base's contrast where neither training nor a goal asks for another."""


class Encoded(NamedTuple):
    """What is known of a pair before anyone says what is wanted, padded to multiples of the stride.

    Attributes:
        bands: N x 2 x ..., infrared and visible, finest first.
        energies: of each band, at its resolution; of the finest at half of it.
        low: N x 2 x H/32 x W/32, what lies below the bands; as large as the coarsest of them.
        warmth: N x 1 x H/2 x W/2, the infrared.
        features: N x 2C_k x ... of each level of the trunk, infrared first.
        high, low_end: N x 1 x H x W, the brightest and the darkest that either source has within about 3 px.
        strong: where that range is wide, 0 to 1: what leaves the range there is mostly taken back (no ring).
        size: height and width before the padding [px].
    """

    bands: list[Tensor]
    energies: list[Tensor]
    low: Tensor
    warmth: Tensor
    features: list[Tensor]
    high: Tensor
    low_end: Tensor
    strong: Tensor
    size: tuple[int, int]


def compose(pair: Encoded, maps: list[Tensor], coarse: Tensor, tone: Tensor, scene: Tensor) -> Tensor:
    """The fused luma before the limits: the base under the tone, then band by band, coarse to fine.

    Args:
        pair: what is known of the sources.
        maps: for each halved band, finest first, offset of the gate and logit of the gain: N x 2 x h x w.
        coarse: N x 6 x H/32 x W/32: what `_base` takes, then the same two for the coarsest band.
        tone: N x 8: contrast, shift, gains, lean, glow, side (of the base, infrared or visible), light, heat.
        scene: N x 4, of the whole pair: the mean about which the contrast turns, how far daylight is missing, and
            between which levels of the infrared heat begins and is full.
    """
    tone = _BRISK * tone[..., None, None]
    contrast = torch.exp(STRETCH + 0.6 * torch.tanh(tone[:, 0:1]))
    shift = 0.35 * torch.tanh(tone[:, 1:2])
    gains = torch.exp(0.5 * torch.tanh(tone[:, 2:3]))
    lean = LEAN * torch.tanh(tone[:, 3:4])
    glow = 0.7 * torch.tanh(tone[:, 4:5])
    middle, dusk, warm, hot = scene[..., None, None].split(1, dim=1)
    base = _sided(_base(pair.low, coarse[:, :4]), pair.low, _DUSK * dusk)
    base = _sided(base, pair.low, torch.tanh(tone[:, 5:6]))
    fused = middle + contrast * (base - middle) + shift
    fused = fused + _mixed(pair.bands[-1], _weights(HALVINGS, pair.energies[-1], coarse[:, 4:], lean, gains), glow)
    for band in reversed(range(HALVINGS)):
        own = maps[band]
        while own.shape[-1] < pair.energies[band].shape[-1]:
            own = double(own)
        weights = _weights(band, pair.energies[band], own, lean, gains)
        glowing = glow if band >= _GLOWING else None
        fused = double(fused) + _mixed(pair.bands[band], weights if band else double(weights), glowing)
    fused = _within(fused)
    # A contrast below 1 narrows the range that a strong edge may take, one above 1 does not widen it.
    high = pair.high + shift + ((contrast - 1) * (pair.high - middle)).clamp(max=0)
    low = pair.low_end + shift + ((contrast - 1) * (pair.low_end - middle)).clamp(min=0)
    fused = fused - _HELD * pair.strong * (F.relu(fused - high) - F.relu(low - fused))
    # Light bends the scale between its ends: no veil over black, no burning out.
    fused = fused + (torch.tanh(tone[:, 6:7]) + _LIGHT * (1 - dusk)) * (F.relu(fused) * F.relu(1 - fused))
    return _heated(fused, (pair.warmth - warm) / (hot - warm), torch.tanh(tone[:, 7:8]))


def heat_of(thumbnail: Tensor) -> Tensor:
    """Between which levels of an infrared thumbnail (N x 1 x h x w) heat begins and is full: N x 2."""
    values = thumbnail.flatten(1)
    count = values.shape[1]
    warmest = values.topk(count // 2, dim=1).values
    begin, end, median = (warmest[:, at - 1 : at] for at in (round(_WARM * count), round(_FULL * count), count // 2))
    begin = torch.minimum(begin, median + _RISEN * (end - median))
    return torch.cat([begin, torch.maximum(end, begin + _LEAST_HEAT)], dim=1)


def unleaned(lean: float) -> float:
    """The tone number that turns every gate by `lean` logits, less than `LEAN` either way."""
    return math.atanh(lean / LEAN) / _BRISK


def dusk_of(mean: Tensor) -> Tensor:
    """How far a scene lacks daylight, 1 to 0, by the mean of its visible picture in [0, 1]; same shape."""
    return ((_DAY - mean) / (_DAY - _NIGHT)).clamp(0, 1)


def limited(luma: Tensor) -> Tensor:
    """Bring luma into [0, 1] by a shoulder in the last 2 % of either end, where a clip would flatten what is there."""
    over, under = F.relu(luma - (1 - _KNEE)), F.relu(_KNEE - luma)
    return luma - over * over / (over + _KNEE) + under * under / (under + _KNEE)


def ranges(ir: Tensor, vis: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The brightest and the darkest of either source in a 6 x 6 window, and where that range holds a strong edge.

    Pooled at half of the resolution: cheap, and never narrower than 5 x 5.
    """
    ends = torch.cat([torch.maximum(ir, vis), -torch.minimum(ir, vis)], dim=1)
    ends = torch.maximum(ends[..., ::2, :], ends[..., 1::2, :])
    ends = torch.maximum(ends[..., ::2], ends[..., 1::2])
    ends = F.pad(ends, (1, 1, 1, 1), mode="replicate")
    ends = torch.maximum(torch.maximum(ends[..., :-2, :], ends[..., 1:-1, :]), ends[..., 2:, :])
    ends = torch.maximum(torch.maximum(ends[..., :-2], ends[..., 1:-1]), ends[..., 2:])
    strong = (ends.sum(dim=1, keepdim=True) * _EDGE - 1).clamp(0, 1)
    high, low = double(ends).chunk(2, dim=1)
    return high, -low, double(strong)


def contrast_of(energies: Tensor) -> Tensor:
    """Which source is stronger, -1 to 1, and how much there is at all; N x 2 x h x w."""
    ir, vis = energies.chunk(2, dim=1)
    total = ir + vis
    return torch.cat([(ir - vis) / (total + 2 / 255), (total * 20).clamp(max=2)], dim=1)


def _weights(band: int, energies: Tensor, maps: Tensor, lean: Tensor, gains: Tensor) -> Tensor:
    """Weights of the infrared's and the visible's band, N x 2 x h x w: the gate's shares times the gain.

    Args:
        band: which one, 0 is the finest.
        energies: N x 2 x h x w.
        maps: N x 2 x h x w, offset of the gate and logit of the gain, pixel by pixel.
        lean, gains: N x 1 x 1 x 1, offset of every gate and factor on every gain of the picture.
    """
    offset, gain = maps.chunk(2, dim=1)
    ir, vis = energies.chunk(2, dim=1)
    total = ir + vis
    gate = torch.sigmoid(8 * (ir - vis) / (total + 2 / 255) + (_TURN * torch.tanh(offset) + lean))
    gain = (_LEAST + _SPAN * torch.sigmoid(gain)).clamp(max=_MOST) * gains
    gain = gain - F.relu(gain - 1) * (total / (total + _FAINT[band]))
    return torch.cat([gate, 1 - gate], dim=1) * gain


def _mixed(band: Tensor, weights: Tensor, glow: Tensor | None = None) -> Tensor:
    """Both sources' band under their weights, and `glow` times more of what is clearly hot: N x 1 x h x w."""
    both = weights * band
    mixed = both.sum(dim=1, keepdim=True)
    return mixed if glow is None else mixed + glow * F.relu(band[:, :1] - _HOT) * weights[:, :1]


def _within(fused: Tensor) -> Tensor:
    """What lies beyond white or black, drawn back by the mean of what does so around it: letters in a glare stay."""
    beyond = F.relu(fused - (1 - _MARGIN)) - F.relu(_MARGIN - fused)
    around = smooth(F.avg_pool2d(beyond, _AROUND))
    return fused - F.interpolate(around, scale_factor=_AROUND, mode="bilinear", align_corners=False)


def _sided(base: Tensor, low: Tensor, side: Tensor) -> Tensor:
    """A base drawn to that of one source: all of the way to the infrared at a side of 1, to the visible at -1."""
    ir, vis = low.chunk(2, dim=1)
    return base + F.relu(side) * (ir - base) + F.relu(-side) * (vis - base)


def _heated(fused: Tensor, heat: Tensor, amount: Tensor) -> Tensor:
    """Hot things drawn towards white (amount > 0) or black, by how hot they are.

    Args:
        fused: N x 1 x H x W.
        heat: N x 1 x H/2 x W/2, 0 or less where the scene is not warm and 1 or more where it is hottest.
        amount: N x 1 x 1 x 1, -1 to 1.
    """
    share = heat.clamp(0, 1) * (_LIT * F.relu(amount) + _UNLIT * F.relu(-amount))
    return fused + double(share) * ((amount > 0).to(fused) - fused)


def _base(low: Tensor, maps: Tensor) -> Tensor:
    """The base: the visible where it is well exposed, else drawn towards a warmer (hardly a colder) infrared.

    Args:
        low: N x 2 x h x w, infrared and visible.
        maps: N x 4 x h x w: offset of the exposure's weight, shares of warmer and of colder infrared, shift.
    """
    ir, vis = low.chunk(2, dim=1)
    offset, warm, cold, shift = maps.chunk(4, dim=1)
    exposed = torch.exp(-(vis - 0.5).square() / 0.08)
    away = torch.sigmoid(3 - 6 * exposed - offset)
    gap = ir - vis
    drawn = torch.sigmoid(warm) * F.relu(gap) - torch.sigmoid(cold) * F.relu(-gap)
    return vis + away * drawn + 0.15 * torch.tanh(shift)
