"""What a map from the infrared to the visible frame can do; `core/aligning` has the one there is."""

from collections.abc import Callable
from typing import Protocol

import numpy as np


class Rig(Protocol):
    """A map from the infrared to the visible frame, as `aligning.Alignment` is one."""

    def warp(
        self, ir: np.ndarray, vis_size: tuple[int, int], missing: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Infrared values in the visible frame, and where they are data."""

    def warped(self, ir: np.ndarray, vis: np.ndarray, missing: np.ndarray | None = None) -> np.ndarray:
        """Grey levels in the visible frame, the visible picture standing in where they are no data."""

    def report(self) -> dict[str, object]:
        """What is known about it, as plain values for JSON; unknown numbers are None."""


Align = Callable[[np.ndarray, np.ndarray], Rig]
"""The rig of a pair: (ir H x W, vis H' x W' [x 3]), uint8 or uint16."""
