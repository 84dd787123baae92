"""Other looks at a pair: hot regions in colour over the visible picture, or all three pictures side by side."""

import re
from dataclasses import dataclass

import cv2
import numpy as np

from ivif_cli.core.data.ir_range import ThermalRange, percentiles
from ivif_cli.core.data.luma import to_bits
from ivif_cli.core.data.palettes import palettes
from ivif_cli.core.errors import InputError, UsageError

VIEWS = ("fused", "overlay", "side")
_OPACITY = 0.75
_DARKEST = 96
_ZERO_CELSIUS = 273.15


@dataclass(frozen=True)
class View:
    """What is shown, and from where on something is hot.

    Attributes:
        kind: "overlay" or "side".
        hot: threshold of the overlay.
        unit: "%" for a percentile of the infrared picture, "C" or "K" for a temperature.
    """

    kind: str
    hot: float = 95.0
    unit: str = "%"

    def level(self, ir: np.ndarray, kind: str, used: ThermalRange) -> float:
        """Grey level of `ir` from which on it is hot.

        Args:
            ir: H x W, uint8 or uint16.
            kind: of the infrared source, as `sources.Infrared` has it.
            used: the values that became black and white.

        Raises:
            InputError: a temperature for a picture that does not say its own.
        """
        if self.unit == "%":
            return percentiles(ir, (self.hot,))[0]
        if kind != "celsius":
            raise InputError("the infrared picture does not say its temperatures", "give --hot in percent, as in 95%")
        celsius = self.hot - (_ZERO_CELSIUS if self.unit == "K" else 0.0)
        return (celsius - used.low) / max(used.high - used.low, 1e-9) * float(np.iinfo(ir.dtype).max)

    def __str__(self) -> str:
        return self.kind if self.kind == "side" else f"{self.kind} {self.hot:g}{self.unit}"


def parse_view(kind: str, hot: str | None) -> View | None:
    """The view that `--view` and `--hot` name; None for the fused picture.

    Raises:
        UsageError: an unknown view, a threshold that cannot be read, or one without the overlay.
    """
    if kind not in VIEWS:
        raise UsageError(f"unknown view: {kind}", f"known: {', '.join(VIEWS)}")
    if hot is not None and kind != "overlay":
        raise UsageError("--hot goes with --view overlay", "add it, or leave --hot out")
    if hot is None:
        return None if kind == "fused" else View(kind)
    found = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*([%CK])\s*", hot, re.IGNORECASE)
    if found is None or (found[2] == "%" and not 0 <= float(found[1]) <= 100):
        raise UsageError(f"--hot {hot} is no threshold", "a percentile like 95%, or a temperature like 35C")
    return View(kind, float(found[1]), found[2].upper())


def overlay(ir: np.ndarray, vis: np.ndarray, level: float) -> np.ndarray:
    """Visible picture with what is hot in inferno over it.

    Args:
        ir: H x W, uint8 or uint16.
        vis: H x W or H x W x 3 BGR of the same size.
        level: grey level of `ir` from which on it is hot; in a picture of one level nothing is.

    Returns:
        H x W x 3 BGR, uint8.
    """
    shown = to_bits(vis, 8)
    shown = cv2.cvtColor(shown, cv2.COLOR_GRAY2BGR) if shown.ndim == 2 else shown
    hot = (ir >= level) & (ir.max() > ir.min())
    white = float(np.iinfo(ir.dtype).max)
    heat = np.clip((ir.astype(np.float32) - level) / max(white - level, 1.0), 0, 1)
    colours = palettes()["inferno"][np.rint(_DARKEST + heat * (255 - _DARKEST)).astype(np.uint8)]
    mixed = np.rint(_OPACITY * colours + (1 - _OPACITY) * shown).astype(np.uint8)
    return np.where(hot[..., None], mixed, shown)


def side_by_side(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray) -> np.ndarray:
    """Infrared, visible and fused picture from left to right: H x 3W [x 3], with the bits of the fused one."""
    bits = 8 * fused.dtype.itemsize
    pictures = [to_bits(picture, bits) for picture in (ir, vis, fused)]
    if any(picture.ndim == 3 for picture in pictures):
        pictures = [cv2.cvtColor(p, cv2.COLOR_GRAY2BGR) if p.ndim == 2 else p for p in pictures]
    return np.hstack(pictures)
