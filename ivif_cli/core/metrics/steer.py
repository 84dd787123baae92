"""Steerability: does a picture move where opposite words ask it to, and does anything else move with it?

Attributes are measured on the picture, by nothing that saw the words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ivif_cli.core.metrics import statistics
from ivif_cli.core.metrics.kept import kept_share
from ivif_cli.core.metrics.maps import Maps, as_maps, check_sizes
from ivif_cli.core.metrics.metric import Score, of_fused, of_visible

_HOTTEST, _RING = 0.02, 15


def target_contrast(ir: Maps, _vis: Maps, fused: Maps) -> float:
    """Mean of the fused picture over the hottest 2 % of the infrared minus its mean in a ring of 15 px around them.

    In [-255, 255] [grey level]; NaN where no ring is left.
    """
    hot = (ir.pixels >= np.quantile(ir.pixels, 1 - _HOTTEST)).astype(np.uint8)
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _RING + 1, 2 * _RING + 1))
    ring = cv2.dilate(hot, reach) > hot
    if not ring.any():
        return float("nan")
    return float(fused.pixels[hot > 0].mean() - fused.pixels[ring].mean())


def lean(ir: Maps, vis: Maps, fused: Maps) -> float:
    """K_ir - K_vis: towards which source the picture leans, in [-1, 1]."""
    return kept_share(ir, vis, fused) - kept_share(vis, ir, fused)


ATTRIBUTES: dict[str, Score] = {
    "mean": of_fused(lambda fused: fused.total / fused.pixels.size),
    "SD": of_fused(statistics.standard_deviation),
    "SF": of_fused(statistics.spatial_frequency),
    "target": target_contrast,
    "K_ir": kept_share,
    "K_vis": of_visible(kept_share),
    "lean": lean,
}
"""What words may ask for: brightness, contrast, detail, salient targets, and what is kept of either source."""


MOVES: dict[str, str] = {"bright": "mean", "detailed": "SF", "salient": "target", "contrast": "SD", "infrared": "lean"}
"""Dial -> the attribute that it has to move."""


def attributes(ir: np.ndarray, vis: np.ndarray, fused: Sequence[np.ndarray]) -> list[dict[str, float]]:
    """Every attribute of several fused pictures of one scene; NaN where one is not defined.

    Args:
        ir, vis, fused: HxW uint8 luma.

    Raises:
        InputError: pictures of unequal sizes, or of another kind than uint8.
    """
    sources = as_maps(ir, "ir"), as_maps(vis, "vis")
    found = []
    for picture in fused:
        own = as_maps(picture, "fused")
        check_sizes(*sources, own)
        found.append({name: function(*sources, own) for name, function in ATTRIBUTES.items()})
    return found


@dataclass(frozen=True)
class Steering:
    """How an attribute follows a pair of opposite prompts.

    `share`: share of scenes in which it is larger for the first prompt, in [0, 1]; `move`: median difference over the
    spread between scenes; `leak`: mean |move| of the attributes that the words do not name, over this |move|.
    """

    share: float
    move: float
    leak: float


def _move(plus: np.ndarray, minus: np.ndarray) -> float:
    """Median difference over the standard deviation between scenes of the mean of both; NaN for equal scenes."""
    defined = np.isfinite(plus) & np.isfinite(minus)
    plus, minus = plus[defined], minus[defined]
    spread = float(((plus + minus) / 2).std()) if plus.size else 0.0
    return float(np.median(plus - minus)) / spread if spread else float("nan")


def steering(plus: Mapping[str, np.ndarray], minus: Mapping[str, np.ndarray], named: str) -> Steering:
    """What a pair of opposite prompts does to the attribute that they name, and to the others.

    Args:
        plus, minus: attribute -> N values, one a scene, of the pictures that either prompt gave.
        named: the attribute that the words name.
    """
    first, second = plus[named], minus[named]
    defined = np.isfinite(first) & np.isfinite(second)
    share = float((first > second)[defined].mean()) if defined.any() else float("nan")
    move = _move(first, second)
    others = np.abs([_move(plus[name], minus[name]) for name in plus if name != named])
    others = others[np.isfinite(others)]
    leak = float(others.mean()) / abs(move) if others.size and move else float("nan")
    return Steering(share, move, leak)
