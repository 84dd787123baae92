"""What is kept of what only one source has: scores that a copy of one source cannot win.

K looks at bands of the picture, so gain is free: more than the source has counts as kept. TD looks at the tone that is
left below the coarsest band.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ivif_cli.core.metrics.bands import SLACK, band_at
from ivif_cli.core.metrics.maps import EIGHTHS, Maps, kept_while_both_live

_LEAST, _FACTOR = 6.0, 2.0
"""A source is alone where its band is above this [grey level] and above the other's by this factor."""

_DAYLIGHT_LEVELS = (16.0, 48.0, 240.0, 254.0)
_DAYLIGHT_WEIGHTS = (0.0, 1.0, 1.0, 0.0)
_LEAST_DAYLIGHT = 0.05


@dataclass(frozen=True)
class Alone:
    """Samples at which one source is alone, an array a band: their places in the flattened picture, and its band."""

    places: tuple[np.ndarray, ...]
    values: tuple[np.ndarray, ...]
    total: float


@kept_while_both_live
def alone(source: Maps, other: Maps) -> Alone:
    """Where a source has what the other lacks, |B| > 6 and |B| > 2 |B of the other|; `total` is the sum of |B|.

    Where that hangs on the last digits of a band, they are computed.
    """
    places, values = [], []
    for index, (band, other_band) in enumerate(zip(source.bands.fine, other.bands.fine, strict=True)):
        size, other_size = source.bands.sizes[index], other.bands.sizes[index]
        twice = np.maximum(cv2.add(other_size, other_size), 2) - 2  # rounded (see `Bands.sizes`): no place is missed
        found = np.flatnonzero((size >= int(EIGHTHS * _LEAST) - 1) & (size >= twice))
        value = band.take(found)
        margin = _margin(value, other_band.take(found))
        for near in np.flatnonzero(np.abs(margin) <= 3 * SLACK):
            place = int(found[near])
            margin[near] = _margin(band_at(source.real, index, place), band_at(other.real, index, place))
        sure = np.flatnonzero(margin > 0)
        places.append(found.take(sure))
        values.append(value.take(sure))
    return Alone(tuple(places), tuple(values), float(sum(np.abs(value).sum() for value in values)))


def _margin(band: np.ndarray | float, other: np.ndarray | float) -> np.ndarray:
    """How far a source is from not being alone [grey level]: it is where this is above 0."""
    return np.abs(band) - np.maximum(_FACTOR * np.abs(other), _LEAST)


def _kept_sizes(value: np.ndarray, fused: np.ndarray) -> np.ndarray:
    """|B| clip(B_fused sign(B) / |B|, 0, 1) of samples [grey level]."""
    return np.clip(np.copysign(1.0, value) * fused, 0, np.abs(value))


def kept_share(source: Maps, other: Maps, fused: Maps) -> float:
    """K of a source: share of what it has alone that the fused picture shows, in [0, 1]; NaN where it has nothing."""
    samples = alone(source, other)
    if not samples.total:
        return float("nan")
    kept = 0.0
    for places, value, band in zip(samples.places, samples.values, fused.bands.fine, strict=True):
        kept += float(_kept_sizes(value, band.take(places)).sum())
    return kept / samples.total


def lost(source: Maps, other: Maps, fused: Maps) -> np.ndarray:
    """What is lost of a source where it is alone, summed over the bands: HxW float64, 0 upwards [grey level].

    Its sum over the picture is (1 - K_source) of what the source has alone.
    """
    missing = np.zeros(fused.pixels.size)
    samples = alone(source, other)
    for places, value, band in zip(samples.places, samples.values, fused.bands.fine, strict=True):
        missing[places] += np.abs(value) - _kept_sizes(value, band.take(places))
    return missing.reshape(fused.shape)


def daylight_tone(_ir: Maps, vis: Maps, fused: Maps) -> float:
    """TD: mean |low fused - low visible| [grey level] where the visible is well exposed, in [0, 255].

    The weight is 0 below 16, 1 from 48 to 240, 0 from 254 of the visible's low band, and linear between.
    NaN where its mean is 0.05 or less (night).
    """
    weight = np.interp(vis.bands.low, _DAYLIGHT_LEVELS, _DAYLIGHT_WEIGHTS)
    if weight.mean() <= _LEAST_DAYLIGHT:
        return float("nan")
    return float((weight * np.abs(fused.bands.low - vis.bands.low)).sum() / weight.sum())
