"""Measures on crops: they follow what is in the picture and leave the middle open."""

import cv2
import numpy as np
import pytest

from tools.compact_clip import attributes


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


def test_positions_rise_with_what_they_measure(textured: np.ndarray) -> None:
    gains = [attributes.place(0.5 + (textured - 0.5) * gain) for gain in (0.05, 0.2, 0.5, 1.0, 1.5)]
    for axis in ("detail", "contrast"):
        values = [position[axis] for position in gains]
        assert values == sorted(values)
        assert -1 < values[0] < 0
    shifts = [attributes.place(textured * 0.3 + level)["brightness"] for level in (0.0, 0.2, 0.4, 0.6)]
    assert shifts == sorted(shifts)


def test_brightening_leaves_detail_and_contrast_where_they_are(textured: np.ndarray) -> None:
    dark, bright = (attributes.place(0.3 * textured + level) for level in (0.1, 0.5))
    assert dark["detail"] == pytest.approx(bright["detail"], abs=1e-3)
    assert dark["contrast"] == pytest.approx(bright["contrast"], abs=1e-3)
    assert bright["brightness"] - dark["brightness"] > 0.5


def test_a_flaw_takes_clearness_away(textured: np.ndarray) -> None:
    at = attributes.place(textured) | {
        "sharpness": attributes.sharpness_position(0),
        "noise": attributes.noise_position(0),
    }
    assert attributes.clearness_position(at, 0.5) > 0.6
    assert attributes.clearness_position(at | {"noise": attributes.noise_position(0.1)}, 0.5) < -0.6
    assert attributes.clearness_position(at | {"sharpness": attributes.sharpness_position(2.0)}, 0.5) < -0.6
    assert attributes.clearness_position(at, 0.05) < -0.6


def test_every_flaw_begins_as_far_out_as_every_other() -> None:
    """What counts as noisy, blurred or dark lies about 0.7 out on its axis: claims of one group are compared."""
    dark = attributes.place(np.full((96, 96), attributes.DARK.low, np.float32))["brightness"]
    begins = (attributes.noise_position(0.05), -attributes.sharpness_position(1.4), -dark)
    assert all(0.65 < position < 0.76 for position in begins), begins
