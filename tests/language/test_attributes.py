"""Measures on crops: they follow what is in the picture and leave the middle open."""

import cv2
import numpy as np
import pytest

from ivif_cli.core.language import attributes


@pytest.fixture
def textured(rng: np.random.Generator) -> np.ndarray:
    """A crop of fine texture around mid grey."""
    grain = cv2.GaussianBlur(rng.standard_normal((96, 96)).astype(np.float32), (0, 0), 1.0)
    return np.clip(0.5 + 0.12 * grain / grain.std(), 0, 1).astype(np.float32)


def with_spot(background: np.ndarray, gain: float) -> np.ndarray:
    """A compact bright object, 12 pixels wide, added to a crop."""
    rows, columns = np.mgrid[:96, :96] - 48
    return np.clip(background + gain * (rows**2 + columns**2 < 36), 0, 1).astype(np.float32)


def test_texture_is_detailed_and_its_absence_plain(textured: np.ndarray) -> None:
    assert attributes.measure(textured)["detailed"] is True
    smooth = cv2.GaussianBlur(textured, (0, 0), 8)
    assert attributes.measure(smooth)["plain"] is True


def test_one_strong_object_makes_no_detailed_background() -> None:
    spot = with_spot(np.full((96, 96), 0.3, np.float32), 0.6)
    truth = attributes.measure(spot)
    assert truth["plain"] is True
    assert truth["salient"] is True


def test_saliency_grows_with_the_objects_contrast() -> None:
    flat = np.full((96, 96), 0.3, np.float32)
    values = [attributes.saliency(with_spot(flat, gain)) for gain in (0.0, 0.1, 0.3, 0.6)]
    assert values == sorted(values)
    assert attributes.measure(with_spot(flat, 0.05))["dim"] is True


@pytest.mark.parametrize(("level", "claim"), [(0.05, "dark"), (0.5, "faded"), (0.99, "over-exposed"), (0.8, "bright")])
def test_exposure_claims(level: float, claim: str) -> None:
    assert attributes.measure(np.full((96, 96), level, np.float32))[claim] is True


def test_a_band_leaves_the_middle_open() -> None:
    band = attributes.Band(0.2, 0.4)
    assert [band.above(value) for value in (0.2, 0.3, 0.4)] == [False, None, True]


def test_degrees_are_monotone_and_complementary(textured: np.ndarray) -> None:
    degrees = [attributes.grade(0.5 + (textured - 0.5) * gain) for gain in (0.05, 0.2, 0.5, 1.0)]
    detailed = [degree["detailed"] for degree in degrees]
    assert detailed == sorted(detailed)
    assert all(degree["detailed"] + degree["plain"] == pytest.approx(1) for degree in degrees)
    assert all(degree["salient"] + degree["dim"] == pytest.approx(1) for degree in degrees)
