"""What can be measured on a crop: background detail, object saliency, exposure; with an unclear middle band.

All functions take a float32 luma crop HxW in [0, 1] at the encoder's own resolution (about 96 pixels a side).
"""

from dataclasses import dataclass

import cv2
import numpy as np

Array = np.ndarray
Truth = dict[str, bool | None]


@dataclass(frozen=True)
class Band:
    """A measure with a clear-cut low end, a clear-cut high end and an unclear middle."""

    low: float
    high: float

    def above(self, value: float) -> bool | None:
        """True from `high` up, False from `low` down, None between."""
        if value >= self.high:
            return True
        return False if value <= self.low else None


DETAIL = Band(0.026, 0.045)
SALIENCY = Band(0.11, 0.19)
DETAIL_MIDDLE, DETAIL_STEEPNESS = 0.035, 6.0
SALIENCY_MIDDLE, SALIENCY_WIDTH, SALIENCY_CEILING = 0.15, 0.02, 0.96
DARK = Band(0.13, 0.19)
BRIGHT = Band(0.42, 0.58)
CLIPPED = Band(0.12, 0.30)
SPREAD = Band(0.24, 0.32)


def detail(luma: Array) -> float:
    """Background detail: the median, over 8x8 blocks, of the standard deviation of the fine structure.

    The fine structure is the luma less its Gaussian (sigma 3); the median keeps a few strong objects from counting.
    """
    fine = luma - cv2.GaussianBlur(luma, (0, 0), 3.0)
    height, width = (side // 8 * 8 for side in fine.shape)
    blocks = fine[:height, :width].reshape(height // 8, 8, width // 8, 8)
    return float(np.median(blocks.std(axis=(1, 3))))


def saliency(luma: Array) -> float:
    """Object saliency: the strongest bright compact spot, as luma difference between centre and surround.

    Difference of Gaussians at two object sizes (sigma 2 and 4 pixels, surround four times as wide), at half resolution.
    """
    half = cv2.resize(luma, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    strongest = 0.0
    for sigma in (1.0, 2.0):
        centre = cv2.GaussianBlur(half, (0, 0), sigma)
        surround = cv2.GaussianBlur(half, (0, 0), 4 * sigma)
        strongest = max(strongest, float((centre - surround).max()))
    return strongest


def spread(luma: Array) -> float:
    """Global contrast: distance between the 5th and the 95th percentile of luma."""
    low, high = np.percentile(luma[::2, ::2], (5, 95))
    return float(high - low)


def clipped(luma: Array) -> float:
    """Share of pixels at the upper end of the range (0.96 and more)."""
    return float((luma >= 0.96).mean())


def measure(luma: Array) -> Truth:
    """Truth of the measurable claims: detailed, plain, salient, dim, dark, bright, over-exposed, faded."""
    mean, detailed = float(luma.mean()), DETAIL.above(detail(luma))
    salient, over = SALIENCY.above(saliency(luma)), CLIPPED.above(clipped(luma))
    wide = SPREAD.above(spread(luma))
    bright = DARK.above(mean)
    return {
        "detailed": detailed,
        "plain": _negated(detailed),
        "salient": salient,
        "dim": _negated(salient),
        "dark": _negated(bright),
        "bright": BRIGHT.above(mean),
        "over-exposed": over,
        "faded": False
        if wide or not bright or over
        else (None if wide is None or bright is None or over is None else True),
    }


def grade(luma: Array) -> dict[str, float]:
    """Degrees, 0 to 1, of the claims that have no sharp border: logistic in log detail and in saliency.

    Detail stays a matter of degree far beyond the clear-cut end of its band, so that more detail is always closer to
    "detailed"; saliency soon reaches its ceiling: objects stand out or they do not.
    """
    detailed = 1 / (1 + (DETAIL_MIDDLE / max(detail(luma), 1e-4)) ** DETAIL_STEEPNESS)
    salient = 1 / (1 + float(np.exp((SALIENCY_MIDDLE - saliency(luma)) / SALIENCY_WIDTH)))
    salient = min(max(salient, 1 - SALIENCY_CEILING), SALIENCY_CEILING)
    return {"detailed": detailed, "plain": 1 - detailed, "salient": salient, "dim": 1 - salient}


def _negated(truth: bool | None) -> bool | None:
    return None if truth is None else not truth
