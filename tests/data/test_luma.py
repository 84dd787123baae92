"""Luma is BT.601 and the colour comes back exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ivif_cli.core.data.luma import merge, split, to_luma

PICTURES = st.sampled_from([np.uint8, np.uint16]).flatmap(
    lambda kind: arrays.arrays(kind, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))
)


@settings(max_examples=60, deadline=None)
@given(PICTURES)
def test_split_and_merge_give_the_picture_back(bgr: np.ndarray) -> None:
    luma, crcb = split(bgr)
    assert np.array_equal(merge(luma, crcb), bgr)


@settings(max_examples=40, deadline=None)
@given(PICTURES)
def test_luma_is_the_bt601_sum_within_rounding(bgr: np.ndarray) -> None:
    expected = bgr.astype(np.float64) @ np.array([0.114, 0.587, 0.299])
    assert np.abs(to_luma(bgr) - expected).max() <= (0.51 if bgr.dtype == np.uint8 else 2.0)


def test_grey_is_its_own_luma() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert to_luma(grey) is grey
    assert np.array_equal(to_luma(np.dstack([grey] * 3)), grey)


def test_a_new_luma_keeps_the_colour_differences(rng: np.random.Generator) -> None:
    bgr = rng.integers(90, 160, (8, 8, 3), dtype=np.uint8)
    luma, crcb = split(bgr)
    brighter = merge(luma + np.uint8(40), crcb)
    assert np.array_equal(split(brighter)[1], crcb)
    assert np.array_equal(to_luma(brighter), luma + 40)


@pytest.mark.parametrize("level", [0, 255])
def test_values_beyond_the_range_are_clipped(level: int) -> None:
    _, crcb = split(np.array([[[0, 0, 255]]], np.uint8))
    merged = merge(np.full((1, 1), level, np.uint8), crcb)
    assert merged.min() >= 0 and merged.max() <= 255
    assert merged[0, 0, 2] == (179 if level == 0 else 255)
