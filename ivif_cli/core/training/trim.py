"""The last stage of a run: words are trimmed, so that they move what they name and little else.

Words move more than they name: a wish for contrast also brightens. On training pairs this stage measures how each of
the tone numbers of a picture moves nine measures of it, and solves for the change of the tone at both ends of every
dial that keeps the named move and takes the others back. Each end is told apart from the default goal, too, which is
itself detailed and salient. The network stores how far a goal goes along each dial, and what either way adds to the
tone (`FusionNetwork.ways`, `trim`), which is nothing at the default goal. The measures are this module's own, none of
`evaluate`'s.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ivif_cli.core.errors import TrainingError
from ivif_cli.core.language.goal import DEFAULT, DIALS, Goal
from ivif_cli.core.network import FusionNetwork
from ivif_cli.core.network.composition import HALVINGS, Encoded, limited
from ivif_cli.core.network.pyramid import laplacian
from ivif_cli.core.training.lumas import LumaPair, LumaStore
from ivif_cli.core.training.validation import as_tensor, spread_evenly

_STEP = 0.05
"""Change of a tone number by which its slopes are measured."""
_WARM, _AROUND = 0.03, 41
"""Share of the infrared's pixels that count as warm, and the window that they are compared with [px]."""
_SIDE = 384
"""Longest side of what is looked at of a pair [px]."""
_OWN = {"bright": 0, "contrast": 1, "detailed": 2, "salient": 3}
_IR, _VIS, _LEANING = 4, 5, 6
_ENDS = (7, 8)
"""Places of the measures: what a dial names; what is kept of either source; where the base leans; the scale's ends."""
_TAIL = 0.02
"""Share of the pixels that lie below the darker end of a picture, and above the lighter."""
_HALF, _PART = 0.4, 0.25
"""Share of a dial's whole move that each end is to be away from the default picture, and a strength on the way."""
_ITERATIONS = 200
_LEAST = 1e-4
"""Least spread between scenes that counts, for those that are alike."""


@dataclass(frozen=True)
class TrimSettings:
    """How words are trimmed. Moves are in spreads between scenes.

    Attributes:
        pairs: training pairs that it is measured on, 0 for no trimming.
        rounds: how often the moves are measured and solved for.
        want: least mean move of what a dial names, where it was not more before.
        bright, salient: likewise of brightness, and of how far hot things stand out.
        side: least mean way of the base from the visible's shape (0) to the infrared's (1), from end to end.
        margin: least such move in every picture.
        stay: weight of how far the tone may change.
    """

    pairs: int = 0
    rounds: int = 3
    want: float = 1.0
    bright: float = 2.0
    salient: float = 1.7
    side: float = 0.8
    margin: float = 0.6
    stay: float = 4.0

    def wanted(self, name: str) -> float:
        """The least mean move of what is named."""
        return {"bright": self.bright, "salient": self.salient, "side": self.side}.get(name, self.want)


class _Scene(NamedTuple):
    """A pair as the network knows it before a goal: its middle, with sides that are multiples of the stride.

    `warm` and `around` are 1 at the infrared's warmest pixels and at those near them.
    """

    sources: Tensor
    warm: Tensor
    around: Tensor
    encoded: Encoded
    glanced: Tensor


def _seen(network: FusionNetwork, pair: LumaPair, device: torch.device) -> _Scene:
    height, width = (min(side - side % network.stride, _SIDE) for side in pair.ir.shape)
    top, left = (pair.ir.shape[0] - height) // 2, (pair.ir.shape[1] - width) // 2
    middle = slice(top, top + height), slice(left, left + width)
    sources = torch.cat([as_tensor(luma[middle], device) for luma in (pair.ir, pair.vis)], dim=1)
    ir, vis = sources.split(1, dim=1)
    warm = (ir >= ir.flatten().quantile(1 - _WARM)).float()
    around = F.max_pool2d(F.max_pool2d(warm, (_AROUND, 1), 1, (_AROUND // 2, 0)), (1, _AROUND), 1, (0, _AROUND // 2))
    thumbs = (torch.from_numpy(thumb).to(device)[None, None] for thumb in (pair.ir_thumb, pair.vis_thumb))
    return _Scene(sources, warm, around - warm, network.encode(ir, vis), network.glance(*thumbs))


def measures(fused: Tensor, scene: _Scene) -> Tensor:
    """Brightness, contrast, detail, warm things against what is around them, then `kept`, then the ends of the scale.

    Args:
        fused: 1 x 1 x H x W in [0, 1].
        scene: what it was made of.

    Returns:
        9 numbers.
    """
    mean = fused.mean()
    detail = fused.diff(dim=3).abs().mean() + fused.diff(dim=2).abs().mean()
    warm, around = ((fused * part).sum() / part.sum().clamp_min(1) for part in (scene.warm, scene.around))
    ends = fused.flatten().quantile(fused.new_tensor([_TAIL, 1 - _TAIL]))
    return torch.stack([mean, (fused - mean).abs().mean(), detail, warm - around, *kept(fused, scene.sources), *ends])


def kept(fused: Tensor, sources: Tensor) -> Tensor:
    """Share of what each source has more of than the other that the fused picture's bands hold, and its base's side.

    The side is how far the base's shape has come from the visible's (0) to the infrared's (1); 3 numbers.
    """
    held, total = fused.new_zeros(2), fused.new_zeros(2)
    bands, rest = laplacian(torch.cat([fused, sources], dim=1), HALVINGS)
    for band in bands:
        own, source = band[:, :1], band[:, 1:]
        size = source.abs()
        excess = F.relu(size - size.flip(1))
        held += (torch.minimum(F.relu(own * source.sign()), size) / size.clamp_min(1e-4) * excess).mean(dim=(0, 2, 3))
        total += excess.mean(dim=(0, 2, 3))
    base, ir, vis = (rest - rest.mean(dim=(2, 3), keepdim=True)).flatten(2)[0]
    way = ir - vis
    side = ((base - vis) * way).sum() / way.square().sum().clamp_min(1e-6)
    return torch.cat([held / total.clamp_min(1e-6), side[None]])


def pairs_to_trim_on(network: FusionNetwork, store: LumaStore, settings: TrimSettings) -> list[LumaPair]:
    """The pairs that words are trimmed on, spread evenly over the store; those below the network's stride are left out.

    Raises:
        TrainingError: all of them are too small.
    """
    chosen = [store[index] for index in spread_evenly(len(store), settings.pairs)]
    large = [pair for pair in chosen if min(pair.ir.shape) >= network.stride]
    if chosen and not large:
        raise TrainingError(f"no words can be trimmed on pictures below {network.stride} pixels", "--set trim.pairs=0")
    return large


@torch.no_grad()
def trim(network: FusionNetwork, store: LumaStore, goals: Mapping[str, Goal], settings: TrimSettings) -> None:
    """Set `network.ways` and `trim` by what dials do to training pairs; a dial without ends is left out.

    Args:
        network: in any mode, which is kept, and on any device.
        store: training pairs.
        goals: named goals, the default among them.
        settings: how; nothing is done where they name no pairs.
    """
    dials = [name for name, ends in DIALS.items() if set(ends) <= goals.keys()]
    if not settings.pairs or not dials or not network.config.goal:
        return
    training = network.training
    network.eval()
    device, size = network.trim.device, len(dials)
    ends = [goals[end] for name in dials for end in DIALS[name]]
    parts = [end.at(share, goals[DEFAULT]) for share in (1.0, _PART) for end in ends]
    conditions = torch.cat([torch.from_numpy(part.condition) for part in parts]).to(device)
    conditions = torch.cat([conditions, network.origin[None]])
    ways = torch.linalg.pinv(conditions[: 2 * size : 2] - conditions[1 : 2 * size : 2])
    gone = (conditions - network.origin) @ ways
    reach = torch.cat([F.relu(gone), -F.relu(-gone)], dim=1)
    turns = torch.zeros(2 * size, network.trim.shape[2], device=device)
    network.trim.zero_()
    network.ways.zero_()[:, :size] = ways
    scenes = [_seen(network, pair, device) for pair in pairs_to_trim_on(network, store, settings)]
    for number in range(settings.rounds):
        found = torch.stack([_measured(network, scene, conditions) for scene in scenes])
        if number == 0:
            slopes = torch.stack([_slopes(network, *known, conditions) for known in zip(scenes, found, strict=True)])
            wants = [
                max(settings.wanted(move.named) * move.share, float(move.own.mean())) for move in _moves(dials, found)
            ]
        turns = _solved(dials, found, slopes, reach, turns, wants, settings)
        network.trim[:, :size] = turns.unflatten(0, (2, size))
    network.train(training)


def _measured(network: FusionNetwork, scene: _Scene, conditions: Tensor, change: tuple[int, float] = (0, 0)) -> Tensor:
    """E x 9 measures of a scene under E conditions, one tone number of each changed."""
    found = []
    for condition in conditions:
        descriptors = network.aim(scene.glanced, condition[None])
        descriptors[:, network.tone_at + change[0]] += change[1]
        found.append(measures(limited(network.decode(scene.encoded, descriptors)), scene))
    return torch.stack(found)


def _slopes(network: FusionNetwork, scene: _Scene, before: Tensor, conditions: Tensor) -> Tensor:
    """What each tone number does to the measures, E x 9 `before`: E x 9 x tone."""
    numbers = range(network.trim.shape[2])
    return torch.stack([(_measured(network, scene, conditions, (n, _STEP)) - before) / _STEP for n in numbers], dim=2)


@torch.enable_grad()
def _solved(
    dials: Sequence[str],
    found: Tensor,
    slopes: Tensor,
    reach: Tensor,
    before: Tensor,
    wants: Sequence[float],
    settings: TrimSettings,
) -> Tensor:
    """What each of D dials adds to the tone forwards, then what it takes backwards, 2D x tone.

    Args:
        dials: their names.
        found: S x (4D + 1) x 9 measures of S scenes at the dials' ends, on the way to them and at the default, with
            the changes of `before`.
        slopes: S x (4D + 1) x 9 x tone.
        reach: (4D + 1) x 2D, how far each of them lies along each dial forwards and (negative) backwards.
        before: 2D x tone.
        wants: least mean of each move.
        settings: how.
    """
    turns = before.clone().requires_grad_()
    optimiser = torch.optim.Adam([turns], lr=0.01)
    for _ in range(_ITERATIONS):
        optimiser.zero_grad()
        ends = found + torch.einsum("semt,et->sem", slopes, reach @ (turns - before))
        amiss = settings.stay * turns.square().sum()
        for want, (_, share, own, others) in zip(wants, _moves(dials, ends), strict=True):
            short = F.relu(want - own.mean()).square() + F.relu(settings.margin * want - own).square().mean()
            amiss = amiss + others.mean(dim=0).square().sum() + 4 / share * short
        amiss.backward()
        optimiser.step()
    return turns.detach()


class _Move(NamedTuple):
    """How S scenes move between two goals, in spreads between scenes.

    Attributes:
        named: dial, or "side" for the base's side, whose move is no spread but the way itself.
        share: of what is wanted of the whole dial.
        own: S, of what the dial names.
        others: S x R, of what it does not name and should not move.
    """

    named: str
    share: float
    own: Tensor
    others: Tensor


def _moves(dials: Sequence[str], ends: Tensor) -> Iterator[_Move]:
    """From one end of each dial to the other, from the default to either, and a part of that.

    Args:
        dials: D names.
        ends: S x (4D + 1) x 9 measures of S scenes.
    """
    for at, name in enumerate(dials):
        plus, minus, default = ends[:, 2 * at], ends[:, 2 * at + 1], ends[:, -1]
        some, less = ends[:, 2 * (len(dials) + at)], ends[:, 2 * (len(dials) + at) + 1]
        scenes = (plus + minus).detach() / 2
        pulls = [_OWN[name]] if name in _OWN else [_IR, _VIS, _LEANING]
        # Brightness is to leave black black and white white; what else a dial does may use the scale.
        others = [k for k in range(ends.shape[2]) if k not in pulls and (name == "bright" or k not in _ENDS)]
        nothing = plus[:, :0]
        part = _HALF * _PART / 2
        shares = (1.0, plus - minus), (_HALF, plus - default), (_HALF, default - minus)
        for share, moves in (*shares, (part, some - default), (part, default - less)):
            if name in _OWN:
                own = _in_spreads(moves[:, pulls[0]], scenes[:, pulls[0]])
            else:
                own = _in_spreads(moves[:, _IR] - moves[:, _VIS], scenes[:, _IR] - scenes[:, _VIS])
            yield _Move(name, share, own, _in_spreads(moves, scenes)[:, others] if share == 1 else nothing)
        if name not in _OWN:
            yield _Move("side", 1.0, (plus - minus)[:, _LEANING], nothing)
            yield _Move("side", _HALF, (plus - default)[:, _LEANING], nothing)


def _in_spreads(moves: Tensor, scenes: Tensor) -> Tensor:
    """Moves over the spread of the scenes' values; S or S x M each."""
    return moves / scenes.std(dim=0, correction=0).clamp_min(_LEAST)
