"""A picture's bands: differences of its Gaussians of sigma 1 to 32 px.

Wide Gaussians are smooth, so along one axis at a time they can be had on every fourth to sixteenth line: a cubic
B-spline thins the lines out, a short filter blurs them, the same B-spline fills in between; the short filter is fitted
to the wanted window by least squares. With V and H the exact filters down and across and V', H' their thin likenesses,

    V H = V H' + V' H - V' H' + (V - V')(H - H').

The last term is left out: the product of two small errors, some 1e-6 grey level. `band_at` is exact, for single pixels.
"""

from functools import cache

import cv2
import numpy as np

SIGMAS = (1, 2, 4, 8, 16, 32)
"""Standard deviations of the Gaussians [px]; windows have 8 sigma + 1 taps, borders are replicated."""

SLACK = 1e-5
"""No band of `split_bands` is farther than this from its exact value [grey level]."""

_STEPS = {8: 4, 16: 8, 32: 16}
"""Sigma -> every how many lines of it are computed; the smaller ones are filtered as they stand."""

_BINOMIAL = np.array([1, 4, 6, 4, 1]) / 16

_BLOCK = 32
"""Lines that are filled in by one product of matrices, small enough that it stays on one core."""

_AROUND = np.arange(-1, 3)
"""Thin lines, counted from the one at or before a pixel, whose spline reaches it."""


@cache
def gaussian_window(side: int, sigma: float) -> np.ndarray:
    """One axis of a normalised Gaussian window of `side` taps (odd), float64."""
    offsets = np.arange(side) - side // 2
    taps = np.exp(-(offsets**2) / (2 * sigma**2))
    return taps / taps.sum()


def split_bands(picture: np.ndarray) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Six bands, finest first, and the low rest of an HxW float64 picture; together they add up to it."""
    down, across = _thin_out(picture, 0), _thin_out(picture, 1)
    bands: list[np.ndarray] = []
    inner = picture
    for sigma in SIGMAS:
        window = gaussian_window(8 * sigma + 1, sigma)
        if sigma in _STEPS:
            step = _STEPS[sigma]
            outer = _blur_thinly(down[step], across[step], window, step)
        else:
            outer = _filter(picture, window, window)
        bands.append(np.subtract(inner, outer, out=inner if bands else None))  # at once, while it is in the cache
        inner = outer
    return tuple(bands), inner


def band_at(picture: np.ndarray, band: int, place: int) -> float:
    """The exact value of one band (0 is the finest) at one place of the flattened HxW float64 picture."""
    values = []
    for sigma in (0, *SIGMAS)[band : band + 2]:
        pixel = divmod(place, picture.shape[1])
        (rows, down), (columns, across) = (_taps(sigma, *line) for line in zip(pixel, picture.shape, strict=True))
        values.append(float(down @ picture[rows, columns] @ across))
    return values[0] - values[1]


def _taps(sigma: int, centre: int, side: int) -> tuple[slice, np.ndarray]:
    """Lines of an axis of `side` that a window around one of them meets, and their weights: the border's is its own
    and that of its copies.
    """
    lines = np.clip(np.arange(centre - 4 * sigma, centre + 4 * sigma + 1), 0, side - 1)
    weights = np.bincount(lines - lines[0], gaussian_window(len(lines), max(sigma, 1)))
    return slice(int(lines[0]), int(lines[-1]) + 1), weights


def _filter(picture: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    return cv2.sepFilter2D(picture, cv2.CV_64F, across, down, borderType=cv2.BORDER_REPLICATE)


def _blur_thinly(down: np.ndarray, across: np.ndarray, window: np.ndarray, step: int) -> np.ndarray:
    """The picture blurred by a window along both axes, from itself thinned out down and across."""
    thin = _thin_window(len(window), step)
    both = _thin_out(down, 1)[step]
    rest = _filter(across, thin, window) - _fill_in(_filter(both, thin, thin), step, 0, across.shape[0])
    blurred = _fill_in(rest, step, 1, down.shape[1])
    blurred += _fill_in(_filter(down, window, thin), step, 0, across.shape[0])
    return blurred


def _spline(offsets: np.ndarray) -> np.ndarray:
    """Cubic B-spline, support (-2, 2)."""
    size = np.abs(offsets)
    return np.where(size < 1, 2 / 3 - size**2 + size**3 / 2, np.maximum(2 - size, 0) ** 3 / 6)


@cache
def _thin_window(side: int, step: int) -> np.ndarray:
    """Taps that, between thinning out and filling in, come nearest to the Gaussian window of `side` taps."""
    reach, thinning = side // 2, np.ones(1)
    for spacing in (1 << power for power in range(step.bit_length() - 1)):  # what repeated halving weighs the lines by
        spread = np.zeros(4 * spacing + 1)
        spread[::spacing] = _BINOMIAL
        thinning = np.convolve(thinning, spread)
    taps = np.arange(-(reach // step), reach // step + 1)
    pixels = np.arange(-reach - 6 * step, reach + 6 * step + 1)
    rows, wanted = [], []
    for phase in range(step):
        places = pixels[:, None, None] - step * (_AROUND[:, None] - taps) + len(thinning) // 2
        inside = (places >= 0) & (places < len(thinning))
        samples = np.where(inside, thinning[np.clip(places, 0, len(thinning) - 1)], 0)
        rows.append(np.einsum("plt,l->pt", samples, _spline(phase / step - _AROUND)))
        wanted.append(np.zeros(len(pixels)))
        wanted[-1][6 * step + phase : 6 * step + phase + side] = gaussian_window(side, reach / 4)
    found = np.linalg.lstsq(np.concatenate(rows), np.concatenate(wanted), rcond=None)[0]
    return found / found.sum()


def _thin_out(picture: np.ndarray, axis: int) -> dict[int, np.ndarray]:
    """Step -> every step-th line along an axis, counted from two before the picture to three behind it."""
    size, step, first = picture.shape[axis], 1, 0
    thinned = {}
    while step < max(_STEPS.values()):
        step *= 2
        picture = _halve(picture, axis, 6 + first, (size - 1) // step + 6)
        thinned[step], first = picture, -2
    return thinned


def _halve(picture: np.ndarray, axis: int, before: int, count: int) -> np.ndarray:
    """`count` of every second line, binomially weighted, of a picture with so many border lines put before it."""
    margins = [0, 0, 0, 0]
    margins[2 * axis : 2 * axis + 2] = before, 2 * count + 3 - before - picture.shape[axis]
    top, bottom, left, right = margins
    padded = cv2.copyMakeBorder(picture, top, bottom, left, right, cv2.BORDER_REPLICATE)
    if axis == 0:
        return np.ascontiguousarray(_filter(padded, np.ones(1), _BINOMIAL)[2:-2:2])
    return np.ascontiguousarray(_filter(padded, _BINOMIAL, np.ones(1))[:, 2:-2:2])


@cache
def _filling(step: int) -> np.ndarray:
    """Weights of the thin lines, from the one before a block of lines on, in each line of the block."""
    lines = np.arange(max(_BLOCK, step))
    return _spline(lines[:, None] / step - np.arange(-1, len(lines) // step + 2))


def _fill_in(thin: np.ndarray, step: int, axis: int, size: int) -> np.ndarray:
    """All `size` lines along an axis from the thin ones of `_thin_out`."""
    shape = list(thin.shape)
    shape[axis] = size
    filled, weights = np.empty(shape), _filling(step)
    for first in range(0, size, len(weights)):
        lines = slice(first, min(first + len(weights), size))
        count = lines.stop - lines.start
        used = slice(first // step + 1, (lines.stop - 1) // step + 5)
        part = weights[:count, : used.stop - used.start]
        if axis == 0:
            np.matmul(part, thin[used], out=filled[lines])
        else:
            np.matmul(thin[:, used], part.T, out=filled[:, lines])
    return filled
