"""The last stage of a run: words are trimmed, so that they move what they name and little else.

Words move more than they name: a wish for contrast also brightens. On training pairs this stage measures how each of
the five tone numbers of a picture moves six measures of it, and solves for the change of the tone at both ends of every
dial that keeps the named move and takes the others back. The network stores it as a linear map from a goal to the tone
(`FusionNetwork.trim`), which is nothing at the default goal. The measures are this module's own, none of `evaluate`'s.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ivif_cli.core.language.goal import DIALS, Goal
from ivif_cli.core.network import FusionNetwork
from ivif_cli.core.network.composition import HALVINGS, Encoded, limited
from ivif_cli.core.network.pyramid import laplacian
from ivif_cli.core.training.lumas import LumaPair, LumaStore
from ivif_cli.core.training.validation import as_tensor, spread

_STEP = 0.05
"""Change of a tone number by which its slopes are measured."""
_WARM, _AROUND = 0.03, 41
"""Share of the infrared's pixels that count as warm, and the window that they are compared with [px]."""
_SIDE = 384
"""Longest side of what is looked at of a pair [px]."""
_OWN = {"bright": 0, "contrast": 1, "detailed": 2, "salient": 3}
_IR, _VIS = 4, 5
"""Places of the measures: what a dial names, and what is kept of either source."""
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
        margin: least such move in every picture.
        stay: weight of how far the tone may change.
    """

    pairs: int = 0
    rounds: int = 3
    want: float = 0.7
    margin: float = 0.6
    stay: float = 2.0


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
    """Brightness, contrast, detail, warm things against what is around them, what is kept of the infrared and visible.

    Args:
        fused: 1 x 1 x H x W in [0, 1].
        scene: what it was made of.

    Returns:
        6 numbers.
    """
    mean = fused.mean()
    detail = fused.diff(dim=3).abs().mean() + fused.diff(dim=2).abs().mean()
    warm, around = ((fused * part).sum() / part.sum().clamp_min(1) for part in (scene.warm, scene.around))
    return torch.stack([mean, (fused - mean).abs().mean(), detail, warm - around, *kept(fused, scene.sources)])


def kept(fused: Tensor, sources: Tensor) -> Tensor:
    """Share of what each source has more of than the other that the bands of the fused picture hold; 2 numbers."""
    held, total = fused.new_zeros(2), fused.new_zeros(2)
    for band in laplacian(torch.cat([fused, sources], dim=1), HALVINGS)[0]:
        own, source = band[:, :1], band[:, 1:]
        size = source.abs()
        excess = F.relu(size - size.flip(1))
        held += (torch.minimum(F.relu(own * source.sign()), size) / size.clamp_min(1e-4) * excess).mean(dim=(0, 2, 3))
        total += excess.mean(dim=(0, 2, 3))
    return held / total.clamp_min(1e-6)


@torch.no_grad()
def trim(network: FusionNetwork, store: LumaStore, goals: Mapping[str, Goal], settings: TrimSettings) -> None:
    """Set `network.trim` by what the ends of the dials do to training pairs; a dial without ends is left out.

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
    device = network.trim.device
    conditions = torch.cat([torch.from_numpy(goals[end].condition) for name in dials for end in DIALS[name]]).to(device)
    axes = torch.linalg.pinv(conditions[::2] - conditions[1::2])
    reach = (conditions - network.origin) @ axes
    turns = torch.zeros(len(dials), network.trim.shape[1], device=device)
    network.trim.zero_()
    scenes = [_seen(network, store[index], device) for index in spread(len(store), settings.pairs)]
    for number in range(settings.rounds):
        found = torch.stack([_measured(network, scene, conditions) for scene in scenes])
        if number == 0:
            slopes = torch.stack([_slopes(network, *known, conditions) for known in zip(scenes, found, strict=True)])
            wants = [max(settings.want, float(own.mean())) for own, _ in _moves(dials, found)]
        turns = _solved(dials, found, slopes, reach, turns, wants, settings)
        network.trim.copy_(axes @ turns)
    network.train(training)


def _measured(network: FusionNetwork, scene: _Scene, conditions: Tensor, change: tuple[int, float] = (0, 0)) -> Tensor:
    """E x 6 measures of a scene under E conditions, one tone number of each changed."""
    found = []
    for condition in conditions:
        descriptors = network.aim(scene.glanced, condition[None])
        descriptors[:, network.tone_at + change[0]] += change[1]
        found.append(measures(limited(network.decode(scene.encoded, descriptors)), scene))
    return torch.stack(found)


def _slopes(network: FusionNetwork, scene: _Scene, before: Tensor, conditions: Tensor) -> Tensor:
    """What each tone number does to the measures, E x 6 `before`: E x 6 x 5."""
    numbers = range(network.trim.shape[1])
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
    """By how much the tone changes from one end of each of D dials to the other, D x 5.

    Args:
        dials: their names.
        found: S x 2D x 6 measures of S scenes at the dials' ends, with the changes of `before`.
        slopes: S x 2D x 6 x 5.
        reach: 2D x D, how far each end lies along each dial.
        before: D x 5.
        wants: least mean move of each.
        settings: how.
    """
    turns = before.clone().requires_grad_()
    optimiser = torch.optim.Adam([turns], lr=0.01)
    for _ in range(_ITERATIONS):
        optimiser.zero_grad()
        ends = found + torch.einsum("semt,et->sem", slopes, reach @ (turns - before))
        amiss = settings.stay * turns.square().sum()
        for want, (own, others) in zip(wants, _moves(dials, ends), strict=True):
            least = F.relu(settings.margin - own).square().mean()
            amiss = amiss + others.mean(dim=0).square().sum() + 4 * F.relu(want - own.mean()).square() + 4 * least
        amiss.backward()
        optimiser.step()
    return turns.detach()


def _moves(dials: Sequence[str], ends: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """For each dial the moves of what it names, S, and of the rest, S x R, in spreads between scenes.

    Args:
        dials: D names.
        ends: S x 2D x 6 measures of S scenes.
    """
    for at, name in enumerate(dials):
        plus, minus = ends[:, 2 * at], ends[:, 2 * at + 1]
        scenes, moves = (plus + minus).detach() / 2, plus - minus
        if name in _OWN:
            named = [_OWN[name]]
            unit, own = scenes[:, named[0]].std(correction=0), moves[:, named[0]]
        else:
            named = [_IR, _VIS]
            unit, own = (scenes[:, _IR] - scenes[:, _VIS]).std(correction=0), moves[:, _IR] - moves[:, _VIS]
        others = [k for k in range(ends.shape[2]) if k not in named]
        spread_of = scenes.std(dim=0, correction=0).clamp_min(_LEAST)
        yield own / unit.clamp_min(_LEAST), (moves / spread_of)[:, others]
