"""The fast bands against SciPy's Gaussians, on pictures that are hard for them."""

import numpy as np
import pytest
from scipy import ndimage

from ivif_cli.core.metrics.bands import SIGMAS, SLACK, band_at, split_bands


def _hard_pictures(rng: np.random.Generator) -> list[np.ndarray]:
    """White noise, a step, single points, and pictures of one line, one column and a few pixels."""
    step = np.zeros((150, 203))
    step[:, 77:] = 255
    step[60:70] = 255
    points = np.zeros((211, 190))
    points[::50, ::37] = 255
    noise = [rng.integers(0, 256, shape).astype(float) for shape in ((260, 310), (1, 1), (1, 40), (33, 1), (5, 3))]
    return [step, points, *noise]


def _exact(picture: np.ndarray) -> np.ndarray:
    blurred = [ndimage.gaussian_filter(picture, s, mode="nearest", radius=4 * s) for s in SIGMAS]
    return np.array([picture, *blurred])


def test_bands_are_scipys_within_their_slack(rng: np.random.Generator) -> None:
    for picture in _hard_pictures(rng):
        bands, low = split_bands(picture)
        exact = _exact(picture)
        assert np.abs(np.array(bands) + np.diff(exact, axis=0)).max() < SLACK / 2, picture.shape
        assert np.abs(low - exact[-1]).max() < SLACK / 2
        assert np.abs(sum(bands) + low - picture).max() < 1e-10


def test_a_single_value_is_exact(rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, (90, 120)).astype(float)
    bands = -np.diff(_exact(picture), axis=0)
    for band in range(len(SIGMAS)):
        for place in (0, 119, 5000, 10_799):
            assert band_at(picture, band, place) == pytest.approx(bands[band].flat[place], abs=1e-11)
