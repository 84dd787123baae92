"""How much a video flickers, measured while it streams by."""

import cv2
import numpy as np

GRID = (8, 8)
_FLAT = 1.0
"""Mean contrast of the blocks [grey levels] below which a share of it says nothing."""


class Flicker:
    """Mean absolute second difference in time of the mean grey levels of 8 x 8 blocks [grey levels of 255].

    Steady motion and slow changes of light have small second differences; brightness that jumps back and forth
    between frames has large ones. Values of two videos compare where they show the same scene with the same contrast;
    where the contrast differs, `relative` compares.
    """

    def __init__(self) -> None:
        self._last: list[np.ndarray] = []
        self._sum = self._spread = 0.0
        self._count = 0

    def add(self, luma: np.ndarray) -> float | None:
        """Take the next frame, H x W, uint8 or uint16; its own second difference, None before the third."""
        scale = 255.0 / np.iinfo(luma.dtype).max
        blocks = cv2.resize(luma, GRID, interpolation=cv2.INTER_AREA) if min(luma.shape) >= max(GRID) else luma
        self._last.append(blocks.astype(np.float64) * scale)
        if len(self._last) < 3:
            return None
        before, middle, after = self._last
        difference = float(np.abs(after - 2 * middle + before).mean())
        self._sum += difference
        self._spread += float(middle.std())
        self._count += 1
        self._last.pop(0)
        return difference

    @property
    def value(self) -> float | None:
        """The measure so far; None before the third frame."""
        return self._sum / self._count if self._count else None

    @property
    def relative(self) -> float | None:
        """The measure as a share of the contrast: the mean standard deviation of the blocks; None for flat videos."""
        return self._sum / self._spread if self._count and self._spread >= _FLAT * self._count else None
