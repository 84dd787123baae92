"""Validation while training: the metrics of held-out pairs, a language score, and a picture to look at."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from ivif_cli.core.data.images import write_image
from ivif_cli.core.language.directions import ImageEncoder, language_score
from ivif_cli.core.language.goal import DEFAULT, DIALS, Goal
from ivif_cli.core.metrics import SIX, evaluate_pair
from ivif_cli.core.metrics.steer import MOVES, attributes
from ivif_cli.core.network import FusionNetwork
from ivif_cli.core.network.composition import limited
from ivif_cli.core.training.lumas import LumaPair, LumaStore

SCORED = (*SIX, "SCD", "K", "X", "TD")
_TILE_HEIGHT = 240


def spread_evenly(count: int, wanted: int) -> list[int]:
    """`wanted` indices spread evenly over `count`."""
    return [round(i * (count - 1) / max(wanted - 1, 1)) for i in range(wanted)] if wanted < count else [*range(count)]


def as_tensor(luma: np.ndarray, device: torch.device) -> Tensor:
    """H x W uint8 -> 1 x 1 x H x W float32 in [0, 1]."""
    return torch.from_numpy(luma).to(device)[None, None].float() / 255


@torch.no_grad()
def fuse_pair(
    network: FusionNetwork, pair: LumaPair, device: torch.device, goals: Mapping[str, Goal]
) -> dict[str, np.ndarray]:
    """Fuse whole pictures as `ivif fuse` would save them, for each goal: name -> H x W uint8."""
    ir, vis = (as_tensor(luma, device) for luma in (pair.ir, pair.vis))
    encoded, glanced = network.encode(ir, vis), network.glance(network.thumbnail(ir), network.thumbnail(vis))
    found = {}
    for name, goal in goals.items():
        descriptors = network.aim(glanced, torch.from_numpy(goal.condition).to(device))
        fused = limited(network.decode(encoded, descriptors))
        found[name] = (fused[0, 0].float() * 255).round().to(torch.uint8).cpu().numpy()
    return found


def validate(
    network: FusionNetwork,
    store: LumaStore,
    indices: Sequence[int],
    device: torch.device,
    goals: Mapping[str, Goal],
    encoder: ImageEncoder | None = None,
) -> tuple[dict[str, float], list[np.ndarray]]:
    """Fuse and score held-out pairs; the network's mode is left as it was found.

    Args:
        network: the network to judge.
        store: pairs.
        indices: which of them.
        device: where the network is.
        goals: the default is scored by metrics, the ends of every dial that is among them by steering.
        encoder: to add the language score LDS.

    Returns:
        metric -> mean over the pairs where it is defined ("K p10" is the 10th percentile of K), "STEER" and
        "STEER DIAL" (share of the pictures that moved as the words say, measured on the picture); and the fused
        pictures for the default goal.
    """
    training = network.training
    network.eval()
    images, rows, ends = [], [], []
    for index in indices:
        pair = store[index]
        fused = fuse_pair(network, pair, device, goals)
        row = evaluate_pair(pair.ir, pair.vis, fused[DEFAULT], SCORED)
        if encoder is not None:
            tensors = (as_tensor(x, device) for x in (fused[DEFAULT], pair.ir, pair.vis))
            row["LDS"] = language_score(encoder, goals[DEFAULT], *tensors).item()
        images.append(fused[DEFAULT])
        rows.append(row)
        ends.append(dict(zip(fused, attributes(pair.ir, pair.vis, list(fused.values())), strict=True)))
    network.train(training)
    means = {name: float(np.nanmean([row[name] for row in rows])) for name in rows[0]}
    means["K p10"] = float(np.nanpercentile([row["K"] for row in rows], 10))
    return means | steer(ends), images


def steer(ends: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, float]:
    """Share of the pictures in which each dial's ends differ as the dial says, and their mean.

    Args:
        ends: for each picture, goal -> attribute -> value.
    """
    shares = {}
    for dial, (plus, minus) in DIALS.items():
        if ends and plus in ends[0] and minus in ends[0]:
            moved = [end[plus][MOVES[dial]] > end[minus][MOVES[dial]] for end in ends]
            shares[f"STEER {dial}"] = float(np.mean(moved))
    return {"STEER": float(np.mean(list(shares.values()))), **shares} if shares else {}


def write_grid(path: Path, store: LumaStore, indices: Sequence[int], fused: Sequence[np.ndarray], most: int) -> None:
    """Write the sample picture of a validation: infrared, visible, fused; a row of equal height for `most` pairs.

    Raises:
        OutputError: it cannot be written.
    """
    rows = []
    for index, image in [*zip(indices, fused, strict=True)][:most]:
        row = np.hstack([store[index].ir, store[index].vis, image])
        rows.append(cv2.resize(row, (round(row.shape[1] * _TILE_HEIGHT / row.shape[0]), _TILE_HEIGHT)))
    if rows:
        width = max(row.shape[1] for row in rows)
        picture = np.vstack([np.pad(row, ((0, 0), (0, width - row.shape[1]))) for row in rows])
        write_image(path, picture, overwrite=True)
