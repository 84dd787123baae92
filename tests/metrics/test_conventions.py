"""Other evaluators' conventions: relations that hold by their definition, and golden values where there are some."""

import math

import numpy as np
import pytest

from ivif_cli.core.metrics import evaluate_pair


@pytest.fixture
def triple(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (3, 60, 70), dtype=np.uint8)


def _both(triple: np.ndarray, name: str, convention: str) -> tuple[float, float]:
    ours = evaluate_pair(*triple, [name])[name]
    return ours, evaluate_pair(*triple, [name], convention=convention)[name]


def test_cddfuse_units(triple: np.ndarray) -> None:
    ours, theirs = _both(triple, "MI", "cddfuse")
    assert theirs == pytest.approx(ours * math.log(2))
    ours, theirs = _both(triple, "AG", "cddfuse")
    assert theirs == pytest.approx(ours * 59 * 69 / (60 * 70))
    ours, theirs = _both(triple, "MSE", "cddfuse")
    assert theirs == pytest.approx(ours * 65025)
    for name in ("EN", "SD", "SF", "VIF", "Qabf", "CC", "SCD"):
        ours, theirs = _both(triple, name, "cddfuse")
        assert ours == theirs


@pytest.mark.parametrize("convention", ["matlab", "ivif-zoo"])
def test_psnr_with_a_peak_of_another_scale_is_48_decibels_high(triple: np.ndarray, convention: str) -> None:
    ours, theirs = _both(triple, "PSNR", convention)
    assert theirs - ours == pytest.approx(48.13, abs=0.001)


def test_vifb_stretches_before_counting(triple: np.ndarray) -> None:
    narrow = triple // 2 + 20
    full, _ = _both(triple // 2 * 2, "MI", "vifb")
    _, theirs = _both(narrow, "MI", "vifb")
    assert theirs == pytest.approx(full * math.log(2), abs=0.2)


def test_vifb_divides_both_sums_by_all_pixels(triple: np.ndarray) -> None:
    real = triple[2].astype(float)
    expected = math.sqrt(((np.diff(real, axis=0) ** 2).sum() + (np.diff(real, axis=1) ** 2).sum()) / real.size)
    assert _both(triple, "SF", "vifb")[1] == pytest.approx(expected)


def test_zero_padding_raises_vif(shared_data) -> None:
    import cv2

    sources = [cv2.imread(str(shared_data / "test" / "TNO" / band / "01.png"), 0) for band in ("ir", "vi")]
    ours, theirs = _both(np.array([*sources, np.maximum(*sources)]), "VIF", "ivif-zoo")
    assert theirs > ours
