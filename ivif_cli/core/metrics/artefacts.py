"""What keeping must not cost: invented edges (Nabf), lifted noise, halos along strong edges, clipped pixels."""

import cv2
import numpy as np

from ivif_cli.core.metrics.maps import Maps

_STRENGTH = (0.9999, 19.0, 0.5)
_ANGLE = (0.9995, 22.0, 0.5)
"""Height, slope and centre of the two sigmoids, as published."""

_STRONG = 2.0
_WEAK_WEIGHT = 0.001
_WEIGHT_POWER = 1.5

_EVEN_SPREAD, _EVEN_GUARD, _LEAST_EVEN = 3.0, 0.25, 0.02
_STRONG_RANGE, _REACH = 80.0, 11
_RANGE_SIDE, _SPREAD_SIDE = 5, 7
_CLIPPED = [0, 1, 254, 255]


def _edges(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Strength and angle [rad] of Sobel edges over 8, mirrored border, of an HxW picture."""
    down = cv2.Sobel(picture, cv2.CV_64F, 0, 1, scale=0.125, borderType=cv2.BORDER_REFLECT_101)
    across = cv2.Sobel(picture, cv2.CV_64F, 1, 0, scale=0.125, borderType=cv2.BORDER_REFLECT_101)
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = np.arctan(across / down)
    angle[(across == 0) & (down == 0)] = 0
    return np.sqrt(down * down + across * across), angle


def _sigmoid(values: np.ndarray, parameters: tuple[float, float, float]) -> np.ndarray:
    height, slope, centre = parameters
    return height / (1 + np.exp(-slope * (values - centre)))


def _preservation(source: tuple[np.ndarray, np.ndarray], fused: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    (g_source, a_source), (g_fused, a_fused) = source, fused
    larger = np.maximum(g_source, g_fused)
    ratio = np.divide(np.minimum(g_source, g_fused), larger, out=np.zeros_like(larger), where=larger > 0)
    agreement = np.abs(np.abs(a_source - a_fused) - np.pi / 2) * (2 / np.pi)
    return np.sqrt(_sigmoid(ratio, _STRENGTH) * _sigmoid(agreement, _ANGLE))


def fusion_artefacts(ir: Maps, vis: Maps, fused: Maps, weak: float = _WEAK_WEIGHT) -> float:
    """Nabf on grey levels 0..255, in [0, 1]; lower is better. `weak` is the weight of edges below strength 2.

    Petrovic and Xydeas 2005, as modified by Shreyamsha Kumar 2013.
    """
    own, sources = _edges(fused.real), [_edges(source.real) for source in (ir, vis)]
    invented = (own[0] > sources[0][0]) & (own[0] > sources[1][0])
    lost = total = 0.0
    for strength, angle in sources:
        weight = np.where(strength >= _STRONG, strength**_WEIGHT_POWER, weak)
        total += float(weight.sum())
        lost += float((invented * (1 - _preservation((strength, angle), own)) * weight).sum())
    return lost / total if total else float("nan")


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
