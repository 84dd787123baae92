"""Looks of old cameras: in range, repeatable, rising curves, infrared alone inverted."""

from dataclasses import replace

import numpy as np
import pytest

from tests.compact_clip.test_image_tower import made_up_scenes
from tools.compact_clip.old_looks import OLD, hard_pictures, monotone, old_look, soften

PLAIN = replace(OLD, inverted=1.0, curved=0, softened=0, narrowed=0, shaded=0, grainy=0, equalised=0, sharpened=0)


@pytest.fixture
def ramp() -> np.ndarray:
    """Rising grey levels, 32x32."""
    return np.linspace(0, 1, 1024, dtype=np.float32).reshape(32, 32)


@pytest.mark.parametrize("seed", range(8))
def test_a_curve_rises_and_stays_in_range(ramp: np.ndarray, seed: int) -> None:
    curved = monotone(ramp, np.random.default_rng(seed))
    assert 0 <= curved.min() < curved.max() <= 1
    assert (np.diff(curved.ravel()) >= 0).all()
    assert np.abs(curved - ramp).max() > 0.05


def test_only_infrared_is_inverted(ramp: np.ndarray) -> None:
    np.testing.assert_allclose(old_look(ramp, True, np.random.default_rng(1), PLAIN), 1 - ramp, atol=1e-6)
    np.testing.assert_array_equal(old_look(ramp, False, np.random.default_rng(1), PLAIN), ramp)


@pytest.mark.parametrize("seed", range(6))
def test_softening_takes_fine_structure_and_leaves_the_mean(rng: np.random.Generator, seed: int) -> None:
    noise = rng.random((96, 96), dtype=np.float32)
    softened = soften(noise, np.random.default_rng(seed))
    assert softened.shape == noise.shape
    assert softened.std() < 0.95 * noise.std()
    assert softened.mean() == pytest.approx(noise.mean(), abs=0.01)


def test_hard_pictures_repeat_and_are_of_both_modalities() -> None:
    scenes = made_up_scenes(2)
    lumas, infrared = hard_pictures(scenes, 32, looks=3)
    assert lumas.shape == (12, 32, 32)
    assert infrared.tolist() == [True, False] * 6
    assert 0 <= lumas.min() <= lumas.max() <= 1
    np.testing.assert_array_equal(lumas, hard_pictures(scenes, 32, looks=3)[0])
