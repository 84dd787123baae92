"""Validation while training: the metrics of held-out pairs, a language score, and a picture to look at."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from ivif_cli.core.data.images import write_image
from ivif_cli.core.language.loss import ImageEncoder, TextEmbeddings, language_score
from ivif_cli.core.metrics import SIX, evaluate_pair
from ivif_cli.core.network import FusionNetwork
from ivif_cli.core.training.crops import LumaPair, LumaStore

SCORED = (*SIX, "SCD")
_TILE_HEIGHT = 240


def spread(count: int, wanted: int) -> list[int]:
    """`wanted` indices spread evenly over `count`."""
    return [round(i * (count - 1) / max(wanted - 1, 1)) for i in range(wanted)] if wanted < count else [*range(count)]


def as_tensor(luma: np.ndarray, device: torch.device) -> Tensor:
    """H x W uint8 -> 1 x 1 x H x W float32 in [0, 1]."""
    return torch.from_numpy(luma).to(device)[None, None].float() / 255


@torch.no_grad()
def fuse_pair(network: FusionNetwork, pair: LumaPair, device: torch.device) -> np.ndarray:
    """Fuse whole images as `ivif fuse` would save them: H x W uint8."""
    fused = network(as_tensor(pair.ir, device), as_tensor(pair.vis, device))
    return (fused[0, 0].float().clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()


def validate(
    network: FusionNetwork,
    store: LumaStore,
    indices: Sequence[int],
    device: torch.device,
    *,
    words: tuple[ImageEncoder, TextEmbeddings] | None = None,
) -> tuple[dict[str, float], list[np.ndarray]]:
    """Fuse and score held-out pairs; the network's mode is left as it was found.

    Args:
        network: the network to judge.
        store: pairs.
        indices: which of them.
        device: where the network is.
        words: encoder and prompts, to add the language score LDS.

    Returns:
        metric -> mean over the pairs where it is defined, and the fused images.
    """
    training = network.training
    network.eval()
    images, rows = [], []
    for index in indices:
        pair = store[index]
        fused = fuse_pair(network, pair, device)
        row = evaluate_pair(pair.ir, pair.vis, fused, SCORED)
        if words is not None:
            row["LDS"] = language_score(*words, *(as_tensor(x, device) for x in (fused, pair.ir, pair.vis))).item()
        images.append(fused)
        rows.append(row)
    network.train(training)
    names = rows[0] if rows else {}
    return {name: float(np.nanmean([row[name] for row in rows])) for name in names}, images


def sample_grid(pairs: Sequence[LumaPair], fused: Sequence[np.ndarray]) -> np.ndarray:
    """One row a pair: infrared, visible, fused; H x W uint8, rows of equal height."""
    rows = []
    for pair, image in zip(pairs, fused, strict=True):
        row = np.hstack([pair.ir, pair.vis, image])
        rows.append(cv2.resize(row, (round(row.shape[1] * _TILE_HEIGHT / row.shape[0]), _TILE_HEIGHT)))
    width = max(row.shape[1] for row in rows)
    return np.vstack([np.pad(row, ((0, 0), (0, width - row.shape[1]))) for row in rows])


def write_grid(path: Path, store: LumaStore, indices: Sequence[int], fused: Sequence[np.ndarray], rows: int) -> None:
    """Write the sample picture of a validation, the first `rows` pairs.

    Raises:
        OutputError: it cannot be written.
    """
    shown = min(rows, len(fused))
    if shown:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, sample_grid([store[i] for i in indices[:shown]], fused[:shown]), overwrite=True)
