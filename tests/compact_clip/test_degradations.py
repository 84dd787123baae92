"""Degradations do what they are named for, stay in range, and repeat with the seed."""

import cv2
import numpy as np
import pytest

from tools.compact_clip import degradations
from tools.compact_clip.attributes import clipped, detail, measure, place, saliency, spread


@pytest.fixture
def crop(rng: np.random.Generator) -> np.ndarray:
    """A well-exposed crop with texture and a slope."""
    grain = cv2.GaussianBlur(rng.standard_normal((96, 96)).astype(np.float32), (0, 0), 1.0)
    slope = np.linspace(0.2, 0.7, 96, dtype=np.float32)[None]
    return np.clip(slope + 0.08 * grain / grain.std(), 0, 1).astype(np.float32)


NEUTRAL = ("stretch", "tone", "equalise", "sharpen", "vignette", "stripes", "jpeg")


@pytest.mark.parametrize("name", [*degradations.DEGRADATIONS, *NEUTRAL])
@pytest.mark.parametrize("seed", range(5))
def test_range_kind_and_repeatability(crop: np.ndarray, name: str, seed: int) -> None:
    change = degradations.DEGRADATIONS.get(name) or getattr(degradations, name)
    first = change(crop, np.random.default_rng(seed))
    again = change(crop, np.random.default_rng(seed))
    assert first.shape == crop.shape
    assert first.dtype == np.float32
    assert 0 <= first.min() <= first.max() <= 1
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, crop)


@pytest.mark.parametrize("seed", range(20))
def test_every_degradation_is_clearly_visible(crop: np.ndarray, seed: int) -> None:
    def changed(name: str) -> np.ndarray:
        return degradations.DEGRADATIONS[name](crop, np.random.default_rng(seed))

    assert detail(changed("blurry")) < 0.7 * detail(crop)
    assert (changed("noisy") - crop).std() > 0.04
    assert changed("dark").mean() < 0.2
    assert spread(changed("faded")) < 0.3
    assert clipped(changed("over-exposed")) > 0.25


@pytest.mark.parametrize("name", ["dark", "over-exposed"])
def test_exposure_degradations_are_measured_as_such(crop: np.ndarray, name: str) -> None:
    truths = [measure(degradations.DEGRADATIONS[name](crop, np.random.default_rng(seed)))[name] for seed in range(20)]
    assert truths.count(True) >= 18
    assert truths.count(False) == 0


def test_matching_takes_over_the_grey_levels_and_keeps_the_order(crop: np.ndarray, rng: np.random.Generator) -> None:
    other = rng.random((96, 96), dtype=np.float32)
    matched = degradations.match_histogram(crop, other)
    np.testing.assert_array_equal(np.sort(matched, axis=None), np.sort(other, axis=None))
    order = np.argsort(crop, axis=None, kind="stable")
    assert (np.diff(matched.ravel()[order]) >= 0).all()


def test_a_narrow_recording_has_less_contrast_and_no_other_order(crop: np.ndarray) -> None:
    for seed in range(10):
        narrow = degradations.narrow(crop, np.random.default_rng(seed))
        inside = (narrow > 0) & (narrow < 1)
        ratio = narrow[inside].std() / crop[inside].std()
        assert 0.24 < ratio < 0.68
        assert np.corrcoef(narrow[inside], crop[inside])[0, 1] > 0.999


def test_a_change_of_detail_moves_detail_and_hardly_brightness(crop: np.ndarray) -> None:
    for seed in range(10):
        changed = degradations.change_detail(crop, np.random.default_rng(seed))
        assert abs(changed.mean() - crop.mean()) < 0.02
        assert abs(place(changed)["detail"] - place(crop)["detail"]) > 0.01


def test_a_change_of_brightness_reaches_both_ends(crop: np.ndarray) -> None:
    means = [degradations.change_brightness(crop, np.random.default_rng(seed)).mean() for seed in range(40)]
    assert min(means) < 0.15
    assert max(means) > 0.75


def test_a_change_of_saliency_raises_or_lowers_it(crop: np.ndarray) -> None:
    values = [saliency(degradations.change_saliency(crop, np.random.default_rng(seed))) for seed in range(30)]
    assert max(values) > 1.5 * saliency(crop)
    assert min(values) < saliency(crop)
