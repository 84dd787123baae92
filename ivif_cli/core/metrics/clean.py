"""What keeping must not cost: lifted noise, halos along strong edges, clipped pixels."""

import cv2
import numpy as np

from ivif_cli.core.metrics.maps import Maps

_EVEN_SPREAD, _EVEN_GUARD, _LEAST_EVEN = 3.0, 0.25, 0.02
_STRONG_RANGE, _REACH = 80.0, 11
_RANGE_SIDE, _SPREAD_SIDE = 5, 7
_CLIPPED = [0, 1, 254, 255]


def _local_spread(picture: np.ndarray) -> np.ndarray:
    """Standard deviation of 7 x 7 windows of an HxW float64 picture, mirrored border."""
    side = (_SPREAD_SIDE, _SPREAD_SIDE)
    mean, square = cv2.blur(picture, side), cv2.blur(picture * picture, side)
    return np.sqrt(np.maximum(square - mean * mean, 0))


def evenness(ir: Maps, vis: Maps, fused: Maps) -> float:
    """even: local spread of the fused picture over the larger source's, where both sources are even (below 3).

    0 upwards; above 1 noise was lifted. NaN where fewer than 2 % of the pixels are even.
    """
    first, second = _local_spread(ir.real), _local_spread(vis.real)
    larger = np.maximum(first, second)
    even = larger < _EVEN_SPREAD
    if even.mean() < _LEAST_EVEN:
        return float("nan")
    return float(_local_spread(fused.real)[even].mean() / (larger[even].mean() + _EVEN_GUARD))


def ringing(ir: Maps, vis: Maps, fused: Maps) -> float:
    """rings: how far the fused picture leaves the sources' local range near strong edges [grey level], 0 upwards.

    Local range: 5 x 5 maximum and minimum. Near: within 5 px of a range above 80 of either source.
    NaN where there is no such edge.
    """
    window = np.ones((_RANGE_SIDE, _RANGE_SIDE), np.uint8)
    highs = [cv2.dilate(source.pixels, window) for source in (ir, vis)]
    lows = [cv2.erode(source.pixels, window) for source in (ir, vis)]
    strong = sum((high - low > _STRONG_RANGE).astype(np.uint8) for high, low in zip(highs, lows, strict=True))
    near = cv2.dilate(np.asarray(strong, np.uint8), np.ones((_REACH, _REACH), np.uint8)) > 0
    if not near.any():
        return float("nan")
    above, below = fused.real - np.maximum(*highs), np.minimum(*lows) - fused.real
    return float(np.maximum(np.maximum(above, below), 0)[near].mean())


def clipping(ir: Maps, vis: Maps, fused: Maps) -> float:
    """clipped: share of the fused pixels at 0, 1, 254 or 255 minus the larger of the sources' shares, in [-1, 1]."""
    shares = [int(picture.histogram[_CLIPPED].sum()) / picture.pixels.size for picture in (ir, vis, fused)]
    return shares[2] - max(shares[:2])
