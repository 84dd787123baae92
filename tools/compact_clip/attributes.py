"""What can be measured on a crop, as positions on the axes (-1 to 1) and as sharp truths with an unclear middle.

All functions take a float32 luma crop HxW in [0, 1] at the encoder's own resolution (about 96 pixels a side).
"""

from dataclasses import dataclass
from math import exp, log, tanh

import cv2
import numpy as np

Array = np.ndarray
Truth = dict[str, bool | None]
Positions = dict[str, float]


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
DARK = Band(0.13, 0.19)
BRIGHT = Band(0.42, 0.58)
CONTRAST = Band(0.13, 0.20)
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
    """Distance between the 5th and the 95th percentile of luma: what a veil takes away."""
    low, high = np.percentile(luma[::2, ::2], (5, 95))
    return float(high - low)


def clipped(luma: Array) -> float:
    """Share of pixels at the upper end of the range (0.96 and more)."""
    return float((luma >= 0.96).mean())


def measure(luma: Array) -> Truth:
    """Truth of the measurable claims; None where a measure is neither clearly high nor clearly low."""
    detailed, salient = DETAIL.above(detail(luma)), SALIENCY.above(saliency(luma))
    over, wide = CLIPPED.above(clipped(luma)), SPREAD.above(spread(luma))
    lit = DARK.above(float(luma.mean()))
    return {
        "detailed": detailed,
        "plain": _negated(detailed),
        "salient": salient,
        "dim": _negated(salient),
        "dark": _negated(lit),
        "bright": BRIGHT.above(float(luma.mean())),
        "contrast": CONTRAST.above(float(luma.std())),
        "over-exposed": over,
        "faded": False if wide or not lit or over else (None if None in (wide, lit, over) else True),
    }


def place(luma: Array) -> Positions:
    """Positions on the measured axes; wide curves, so that more is more far beyond what recordings show."""
    mean, over = float(luma.mean()), clipped(luma)
    veil = _rise(0.28 - spread(luma), 0.03) * _rise(mean - 0.16, 0.02) * _rise(0.2 - over, 0.04)
    return {
        "brightness": tanh((mean - 0.4) / 0.3),
        "contrast": tanh((float(luma.std()) - 0.16) / 0.13),
        "detail": tanh(1.2 * log(max(detail(luma), 1e-4) / 0.035)),
        "saliency": tanh((saliency(luma) - 0.15) / 0.12),
        "clipping": tanh((over - 0.2) / 0.12),
        "veil": 2 * veil - 1,
    }


def sharpness_position(sigma: float) -> float:
    """Position of a crop that was blurred by a Gaussian of `sigma` pixels (or as much in another way).

    At 1.4, from where a crop counts as blurred, it is as far out as a dark picture is where it begins to be dark.
    """
    return tanh(2.2 * (1.0 - sigma))


def noise_position(sigma: float) -> float:
    """Position of a crop with added noise of standard deviation `sigma`; 0 at 0.026, 0.7 at 0.05 (noisy)."""
    return tanh(1.5 * log((sigma + 0.004) / 0.03))


def clearness_position(at: Positions, mean: float) -> float:
    """Freedom of all flaws: the product of what every flaw leaves."""
    left = _rise(mean - 0.16, 0.02) * (1 - at["veil"]) / 2 * (1 - at["clipping"]) / 2
    left *= _rise(at["sharpness"], 0.15) * _rise(-at["noise"], 0.15)
    return 2 * left - 1


def _rise(value: float, width: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, value / width))))


def _negated(truth: bool | None) -> bool | None:
    return None if truth is None else not truth
