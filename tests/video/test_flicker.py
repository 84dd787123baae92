"""Flicker of a video, and descriptors that follow slowly so that none is made."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from ivif_cli.core.video.flicker import Flicker
from ivif_cli.core.video.fuse import DescriptorSmoother


@pytest.mark.parametrize("make", [np.array, torch.tensor])
def test_descriptors_follow_slowly_and_begin_anew_at_a_cut(make: Callable[[list[float]], Any]) -> None:
    smoother = DescriptorSmoother(frames=10)
    first = make([1.0, -2.0, 4.0])
    assert [float(x) for x in smoother.update(first)] == [1.0, -2.0, 4.0]
    for _ in range(10):
        held = smoother.update(first * 1.05)
    assert float(held[2]) == pytest.approx(4 * (1 + 0.05 * (1 - np.exp(-1))), abs=1e-4)
    cut = make([-9.0, 9.0, -9.0])
    assert [float(x) for x in smoother.update(cut)] == [-9.0, 9.0, -9.0]


def test_smoothed_descriptors_follow_a_step_by_their_time_constant_and_begin_anew_at_a_cut() -> None:
    smoother = DescriptorSmoother(8)
    assert smoother.update(np.array([1.0])) == 1.0
    for _ in range(8):
        held = smoother.update(np.array([1.2]))
    assert 1.2 - held == pytest.approx(0.2 / np.e, rel=1e-6)
    assert smoother.update(np.array([2.0])) == 2.0
    at_once, held = DescriptorSmoother(8), 0.0
    at_once.update(np.array([1.0]))
    held = at_once.update(np.array([1.2]), steps=8)
    assert 1.2 - held == pytest.approx(0.2 / np.e, rel=1e-6)
    unsmoothed = DescriptorSmoother(0)
    assert [float(unsmoothed.update(np.array([x]))[0]) for x in (1.0, 1.1, 1.2)] == pytest.approx([1.0, 1.1, 1.2])


def test_flicker_of_steady_change_is_zero_and_of_a_jumping_level_is_its_second_difference() -> None:
    steady, jumping = Flicker(), Flicker()
    for number in range(9):
        steady.add(np.full((16, 16), 50 + 3 * number, np.uint8))
        jumping.add(np.full((16, 16), 50 + 4 * (number % 2), np.uint8))
    assert steady.value == 0
    assert jumping.value == 8
    assert Flicker().value is None and jumping.relative is None


def test_a_nearly_flat_video_has_no_relative_flicker() -> None:
    noise, meter = np.random.default_rng(1), Flicker()
    for _ in range(9):
        meter.add(np.full((16, 16), 90, np.uint8) + noise.integers(0, 2, (16, 16), np.uint8))
    assert meter.value is not None and meter.relative is None


def test_relative_flicker_does_not_change_with_the_contrast() -> None:
    weak, strong = Flicker(), Flicker()
    for number in range(6):
        image = np.tile(np.arange(16, dtype=np.uint8) + 3 * (number % 2), (16, 1))
        weak.add(image)
        strong.add(image * 5)
    assert weak.relative == pytest.approx(strong.relative)
    assert weak.value == pytest.approx((strong.value or 0) / 5)
