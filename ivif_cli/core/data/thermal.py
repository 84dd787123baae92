"""How the values of a thermal image become the grey levels that are fused.

The rule, by `--ir-range`:

* `auto`: an 8-bit image is taken as it is. A 16-bit or floating-point image (radiometric counts or degrees, which fill
  a small part of their range) is stretched linearly from its 0.1 to its 99.9 percentile to the full 16-bit range.
* `full`: 0 is black and the largest value of the type is white (for floating point: 0 and 1).
* `LOW,HIGH`: LOW is black, HIGH is white, in the image's own unit; values beyond are clipped.

The result has 8 bits for an 8-bit source and 16 for any other.
"""

from dataclasses import dataclass

import numpy as np

from ivif_cli.core.errors import UsageError

LOW_PERCENTILE, HIGH_PERCENTILE = 0.1, 99.9
_SAMPLES = 1_000_000
_BAND_ROWS = 512


@dataclass(frozen=True)
class ThermalRange:
    """Values of a thermal image that become black (`low`) and white (`high`), in the image's own unit."""

    low: float
    high: float


IrRange = ThermalRange | str


def parse_ir_range(text: str) -> IrRange:
    """Value of `--ir-range`: "auto", "full", or a `ThermalRange` for "LOW,HIGH".

    Raises:
        UsageError: anything else, or LOW not below HIGH.
    """
    word = text.strip().lower()
    if word in ("auto", "full"):
        return word
    try:
        low, high = (float(part) for part in word.split(","))
    except ValueError:
        raise UsageError(f"--ir-range {text!r} is not auto, full or LOW,HIGH") from None
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise UsageError(f"--ir-range {text!r}: LOW must be below HIGH")
    return ThermalRange(low, high)


def full_range(dtype: np.dtype | type) -> ThermalRange:
    """Range of a sample type: 0 to its largest integer, or 0 to 1 for floating point."""
    kind = np.dtype(dtype)
    return ThermalRange(0.0, float(np.iinfo(kind).max) if kind.kind == "u" else 1.0)


def measure_range(image: np.ndarray) -> ThermalRange:
    """Range that `auto` takes for one image: percentiles 0.1 and 99.9 for more than 8 bits, else the full range.

    Percentiles of very large images are taken over an even grid of about a million pixels.
    """
    if image.dtype == np.uint8:
        return full_range(image.dtype)
    step = max(1, round((image.size / _SAMPLES) ** 0.5))
    low, high = np.percentile(image[::step, ::step], (LOW_PERCENTILE, HIGH_PERCENTILE))
    return ThermalRange(float(low), float(high))


def resolve_range(image: np.ndarray, ir_range: IrRange) -> ThermalRange:
    """Range for one image under `--ir-range`; over a video, resolve once and apply it to every frame."""
    if isinstance(ir_range, ThermalRange):
        return ir_range
    return measure_range(image) if ir_range == "auto" else full_range(image.dtype)


def apply_range(image: np.ndarray, thermal: ThermalRange) -> np.ndarray:
    """Map `thermal.low`..`thermal.high` linearly to the grey levels of the result, clipping beyond.

    Args:
        image: H x W, uint8, uint16 or float32.

    Returns:
        H x W, uint8 for uint8 and uint16 for any other; an image whose range is its type's is returned unchanged.
    """
    target = np.uint8 if image.dtype == np.uint8 else np.uint16
    if image.dtype == target and thermal == full_range(image.dtype):
        return image
    white = float(np.iinfo(target).max)
    span = thermal.high - thermal.low
    scale = white / span if span > 0 else 0.0
    mapped = np.empty(image.shape, target)
    for row in range(0, image.shape[0], _BAND_ROWS):
        band = (image[row : row + _BAND_ROWS].astype(np.float64) - thermal.low) * scale
        mapped[row : row + _BAND_ROWS] = np.rint(np.clip(band, 0.0, white))
    return mapped


def map_thermal(image: np.ndarray, ir_range: IrRange = "auto") -> np.ndarray:
    """Grey levels of a thermal image under `--ir-range` (see the rule at the top of this module)."""
    return apply_range(image, resolve_range(image, ir_range))
