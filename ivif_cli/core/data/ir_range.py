"""How the values of a thermal image become the grey levels that are fused.

The rule, by `--ir-range`:

* `auto`: an 8-bit image is taken as it is. Deeper values (radiometric counts or degrees, which fill a small part of
  their range) are stretched linearly to the full 16-bit range: a single picture as by `picture`, the pictures of a
  folder as by `run`, and the frames of a video by a range that follows slowly (`video/range_tracker.py`).
* `picture`: from the 0.1 to the 99.9 percentile of the picture itself.
* `run`: one range for all pictures (see `common_range`).
* `full`: 0 is black and the largest value of the type is white (for floating point: 0 and 1).
* `LOW,HIGH`: LOW is black, HIGH is white, in the image's own unit, in percentiles of the picture (`2%,98%`) or in
  degrees where the file knows its temperatures (`10C,45C`, `280K,320K`); values beyond are clipped.

The result has 8 bits for an 8-bit source and 16 for any other. NaN stands for no data and is never measured.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_high, median_low
from typing import Any

import numpy as np

from ivif_cli.core.errors import InputError, UsageError

LOW_PERCENTILE, HIGH_PERCENTILE = 0.1, 99.9
RULES = ("auto", "picture", "run", "full")
_BULK_LOW, _BULK_HIGH = 5.0, 95.0
_FLAT = 0.1
_ZERO_CELSIUS = 273.15
_SAMPLES = 1_000_000
_BAND_ROWS = 512


@dataclass(frozen=True)
class ThermalRange:
    """Values of a thermal image that become black (`low`) and white (`high`).

    `unit` is "" for the image's own, "%" for percentiles, "C" or "K" for temperatures.
    """

    low: float
    high: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.low:g}{self.unit},{self.high:g}{self.unit}"


IrRange = ThermalRange | str


@dataclass(frozen=True)
class Spread:
    """How the values of one picture lie: its percentiles 0.1, 5, 95 and 99.9."""

    low: float
    bulk_low: float
    bulk_high: float
    high: float


def parse_ir_range(text: str) -> IrRange:
    """Value of `--ir-range`: one of `RULES`, or a `ThermalRange` for "LOW,HIGH".

    Raises:
        UsageError: anything else, two units, or LOW not below HIGH.
    """
    word = text.strip().lower()
    if word in RULES:
        return word
    parts = [re.fullmatch(r"\s*([^%ck\s]+)\s*([%ck]?)\s*", part) for part in word.split(",")]
    try:
        low, high = (float(part[1]) for part in parts if part)
    except ValueError:
        raise UsageError(f"--ir-range {text!r} is not {', '.join(RULES)} or LOW,HIGH") from None
    units = {part[2].upper() for part in parts if part}
    if len(parts) != 2 or len(units) != 1:
        raise UsageError(f"--ir-range {text!r} has two units", "as in 10C,45C or 2%,98%")
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise UsageError(f"--ir-range {text!r}: LOW must be below HIGH", "--ir-polarity black turns black-hot round")
    unit = units.pop()
    if unit == "%" and not (low >= 0 and high <= 100):
        raise UsageError(f"--ir-range {text!r}: percentiles lie between 0 and 100")
    return ThermalRange(low, high, unit)


def as_ir_range(value: Any) -> IrRange:
    """What Python callers give as a range: a rule or range in words, a `ThermalRange`, or two numbers (low, high).

    Raises:
        UsageError: anything else, or a low end that is not below the high one.

    >>> str(as_ir_range((0, 60000)))
    '0,60000'
    """
    if isinstance(value, ThermalRange):
        return value
    if isinstance(value, str):
        return parse_ir_range(value)
    try:
        low, high = (float(end) for end in value)
    except (TypeError, ValueError):
        hint = f"{', '.join(RULES)}, 'LOW,HIGH' or (low, high)"
        raise UsageError(f"ir_range is {value!r}, which is no range", hint) from None
    return parse_ir_range(f"{low!r},{high!r}")


def full_range(dtype: np.dtype | type) -> ThermalRange:
    """Range of a sample type: 0 to its largest integer, or 0 to 1 for floating point."""
    kind = np.dtype(dtype)
    return ThermalRange(0.0, float(np.iinfo(kind).max) if kind.kind == "u" else 1.0)


def percentiles(image: np.ndarray, shares: Sequence[float]) -> list[float]:
    """Percentiles of the values that are data; over an even grid of about a million pixels of a very large image."""
    step = max(1, round((image.size / _SAMPLES) ** 0.5))
    values = image[::step, ::step]
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    return [float(value) for value in np.percentile(values, shares)] if values.size else [0.0] * len(shares)


def measure_range(image: np.ndarray) -> ThermalRange:
    """Range that `picture` takes: percentiles 0.1 and 99.9 for more than 8 bits, else the full range."""
    if image.dtype == np.uint8:
        return full_range(image.dtype)
    low, high = percentiles(image, (LOW_PERCENTILE, HIGH_PERCENTILE))
    return ThermalRange(low, high)


def measure_spread(image: np.ndarray) -> Spread:
    """How the values of a picture of more than 8 bits lie."""
    return Spread(*percentiles(image, (LOW_PERCENTILE, _BULK_LOW, _BULK_HIGH, HIGH_PERCENTILE)))


def common_range(spreads: Sequence[Spread]) -> ThermalRange:
    """One range for many pictures of one camera, which no single object, dead pixel or closed shutter decides.

    It holds the bulk (percentiles 5 to 95) of every picture, and what half of them hold of the rest (percentiles 0.1
    and 99.9). Pictures of less than a tenth of the usual spread, as a closed shutter gives them, do not count.
    """
    usual = float(np.median([spread.bulk_high - spread.bulk_low for spread in spreads]))
    counted = [spread for spread in spreads if spread.bulk_high - spread.bulk_low >= _FLAT * usual]
    low, high = median_high(spread.low for spread in counted), median_low(spread.high for spread in counted)
    bulk = [(spread.bulk_low, spread.bulk_high) for spread in counted]
    return ThermalRange(min(low, *(a for a, _ in bulk)), max(high, *(b for _, b in bulk)))


def resolve_range(image: np.ndarray, ir_range: IrRange, *, celsius: bool = False) -> ThermalRange:
    """Range for one image in its own unit; over a video, resolve once and apply it to every frame.

    Args:
        image: H x W, uint8, uint16 or float32.
        ir_range: the rule, as `parse_ir_range` gives it.
        celsius: the values are degrees Celsius.

    Raises:
        InputError: a range in degrees for values that are no temperatures.
    """
    if not isinstance(ir_range, ThermalRange):
        return full_range(image.dtype) if ir_range == "full" else measure_range(image)
    if ir_range.unit == "%":
        low, high = percentiles(image, (ir_range.low, ir_range.high))
        return ThermalRange(low, high)
    if ir_range.unit and not celsius:
        hint = "give --ir-range in its own values; a float TIFF in degrees is read in its own values too"
        raise InputError("the infrared picture does not say its temperatures", hint)
    zero = _ZERO_CELSIUS if ir_range.unit == "K" else 0.0
    return ThermalRange(ir_range.low - zero, ir_range.high - zero) if ir_range.unit else ir_range


def apply_range(image: np.ndarray, thermal: ThermalRange) -> np.ndarray:
    """Map `thermal.low`..`thermal.high` linearly to the grey levels of the result, clipping beyond.

    Args:
        image: H x W, uint8, uint16 or float32; NaN becomes black.

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
        mapped[row : row + _BAND_ROWS] = np.rint(np.clip(np.nan_to_num(band), 0.0, white))
    return mapped
