"""The range of a thermal sequence: steady, slow to follow, quick at a cut."""

import numpy as np

from ivif_cli.core.data.ir_range import ThermalRange, apply_range
from ivif_cli.core.video.range_tracker import RangeTracker


def counts(low: float, high: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, (60, 80)).astype(np.uint16)


def test_noise_does_not_move_the_range() -> None:
    tracker = RangeTracker(frames=10)
    ranges = {tracker.update(counts(20000, 22000, seed)) for seed in range(20)}
    assert len(ranges) == 1


def test_a_lasting_change_is_followed_by_63_percent_in_the_time_constant() -> None:
    tracker = RangeTracker(frames=10)
    first = tracker.update(counts(20000, 22000))
    for _ in range(10):
        last = tracker.update(counts(20000, 24000))
    assert abs((last.high - first.high) / 2000 - 0.632) < 0.02


def test_frames_that_were_lost_count_as_time() -> None:
    tracker = RangeTracker(frames=10)
    first = tracker.update(counts(20000, 22000))
    last = tracker.update(counts(20000, 24000), steps=10)
    assert abs((last.high - first.high) / 2000 - 0.632) < 0.02


def test_a_short_hot_object_hardly_moves_it() -> None:
    tracker = RangeTracker(frames=100)
    first = tracker.update(counts(20000, 22000))
    hot = counts(20000, 22000)
    hot[:10, :10] = 30000
    assert tracker.update(hot).high - first.high < 0.02 * 8000


def test_another_scene_starts_anew() -> None:
    tracker = RangeTracker(frames=100)
    tracker.update(counts(20000, 22000))
    assert tracker.update(counts(30000, 31000)).low > 29900


def test_fixed_rules_and_eight_bits_do_not_adapt() -> None:
    fixed = ThermalRange(100.0, 200.0)
    assert RangeTracker(fixed).update(counts(0, 60000)) == fixed
    assert RangeTracker("auto").update(np.full((4, 4), 90, np.uint8)) == ThermalRange(0.0, 255.0)
    assert RangeTracker("full").update(counts(5, 9)) == ThermalRange(0.0, 65535.0)


def test_mapped_levels_fill_the_range() -> None:
    mapped = apply_range(counts(20000, 22000), RangeTracker().update(counts(20000, 22000)))
    assert mapped.dtype == np.uint16
    assert mapped.min() == 0 and mapped.max() == 65535
