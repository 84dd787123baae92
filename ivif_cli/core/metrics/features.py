"""FMI on raw pixels: feature mutual information of 3 x 3 windows (Haghighat et al. 2011, Fast-FMI 2014).

A window's nine grey levels, stretched to [0, 1] and divided by their sum, are read as a distribution. The joint
distribution of source and fused window is Nelsen's mixture of independence and a Frechet bound, with the mixing weight
that gives the windows' own correlation. The score is 2 I / (H + H), averaged over sources and windows.
"""

from dataclasses import dataclass

import numpy as np

from ivif_cli.core.metrics.maps import Maps, strips

_SIDE = 3
_COUNT = _SIDE * _SIDE


@dataclass(frozen=True)
class _Windows:
    """n windows of one picture as distributions over nine places, each array 9 x n or n."""

    levels: np.ndarray
    flat: np.ndarray
    share: np.ndarray
    cumulated: np.ndarray
    spread: np.ndarray
    entropy: np.ndarray


def _negative_plogp(share: np.ndarray) -> np.ndarray:
    """-p log2 |p|, 0 at p = 0; the modulus matters where rounding leaves a tiny negative share."""
    return -share * np.log2(np.abs(share), out=np.zeros_like(share), where=share != 0)


def _windows(picture: np.ndarray, rows: slice) -> _Windows:
    """Windows whose upper row is in `rows`; places are counted down the columns, as MATLAB does."""
    width = picture.shape[1] - _SIDE + 1
    part = picture[rows.start : rows.stop + _SIDE - 1]
    height = rows.stop - rows.start
    places = [part[y : y + height, x : x + width].ravel() for x in range(_SIDE) for y in range(_SIDE)]
    levels = np.array(places)
    lowest, highest = levels.min(axis=0), levels.max(axis=0)
    flat = lowest == highest
    share = np.where(flat, 1.0, levels - lowest)
    share /= share.sum(axis=0)
    rank = np.arange(1, _COUNT + 1)[:, None]
    expected = (rank * share).sum(axis=0)
    variance = ((rank - expected) ** 2 * share).sum(axis=0)
    entropy = _negative_plogp(share).sum(axis=0)
    return _Windows(levels, flat, share, share.cumsum(axis=0), np.sqrt(variance), entropy)


def _joint_entropy(source: _Windows, fused: _Windows) -> np.ndarray:
    first, second = source.share - 1 / _COUNT, fused.share - 1 / _COUNT
    scale = np.sqrt((first * first).sum(axis=0) * (second * second).sum(axis=0))
    varied = ~(source.flat | fused.flat)  # a flat window correlates with nothing
    correlation = np.divide((first * second).sum(axis=0), scale, out=np.zeros_like(scale), where=varied)
    positive = correlation >= 0
    bounds = np.zeros((_COUNT + 1, _COUNT + 1, len(correlation)))
    for i in range(_COUNT):  # the upper Frechet bound where the correlation is not negative, else the lower one
        upper, lower = np.minimum(source.cumulated, fused.cumulated[i]), source.cumulated + fused.cumulated[i] - 1
        bounds[i + 1, 1:] = np.where(positive, upper, np.maximum(lower, 0))
    covariance = bounds.sum(axis=(0, 1)) - source.cumulated.sum(axis=0) * fused.cumulated.sum(axis=0)
    reach = source.spread * fused.spread
    usable = (correlation != 0) & (reach != 0) & (covariance != 0)
    mixing = np.divide(correlation * reach, covariance, out=np.zeros_like(reach), where=usable)
    entropy = np.zeros_like(mixing)
    for i in range(_COUNT):
        mass = np.diff(bounds[i + 1] - bounds[i], axis=0)
        joint = mixing * mass + (1 - mixing) * (fused.share[i] * source.share)
        entropy += _negative_plogp(joint).sum(axis=0)
    return entropy


def _window_information(source: _Windows, fused: _Windows) -> np.ndarray:
    """Normalised mutual information of n windows; 1 where source and fused window are equal."""
    total = source.entropy + fused.entropy
    information = total - _joint_entropy(source, fused)
    score = np.divide(2 * information, total, out=np.zeros_like(total), where=total != 0)
    return np.where((source.levels == fused.levels).all(axis=0), 1.0, score)


def feature_mutual_information(ir: Maps, vis: Maps, fused: Maps) -> float:
    """FMI_pixel, mean over windows and sources, in [0, 1]; NaN where no 3 x 3 window fits."""
    height, width = fused.shape
    if min(height, width) < _SIDE:
        return float("nan")
    total = 0.0
    windows = height - _SIDE + 1, width - _SIDE + 1
    for rows in strips(windows, samples=4000):
        own = _windows(fused.real, rows)
        total += sum(float(_window_information(_windows(source.real, rows), own).sum()) for source in (ir, vis))
    return total / (2 * windows[0] * windows[1])
