"""Steerability and labelled targets: made-up pictures in which the answer is known."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from ivif_cli.core.errors import InputError
from ivif_cli.core.metrics.maps import Maps
from ivif_cli.core.metrics.steer import ATTRIBUTES, attributes, steering
from ivif_cli.core.metrics.targets import kept_targets, overlap, parse_yolo


@pytest.fixture
def warm() -> np.ndarray:
    """A hot square of 1.6 % in a cold picture."""
    ir = np.full((100, 100), 30, np.uint8)
    ir[50:62, 50:64] = 220
    ir += np.arange(100, dtype=np.uint8)[:, None] // 20
    return ir


def test_target_contrast_is_the_hottest_against_their_surroundings(warm: np.ndarray) -> None:
    vis, fused = np.full_like(warm, 90), np.full_like(warm, 100)
    fused[warm > 100] = 180
    bright, plain = attributes(warm, vis, [fused, vis])
    hot = warm >= np.sort(warm.ravel())[-200]
    assert bright["target"] == pytest.approx(fused[hot].mean() - 100, abs=0.2)
    assert plain["target"] == 0
    assert bright["mean"] == pytest.approx(fused.mean())
    assert set(bright) == set(ATTRIBUTES)


def test_sizes_are_checked(warm: np.ndarray) -> None:
    with pytest.raises(InputError, match="differ in size"):
        attributes(warm, warm, [warm[1:]])


def test_steering_of_one_attribute_alone(rng: np.random.Generator) -> None:
    scenes = rng.normal(100, 20, 41)
    noise = rng.normal(0, 1e-6, 41)
    minus = {"mean": scenes, "SD": scenes / 2, "SF": np.full(41, np.nan)}
    plus = {"mean": scenes + 10, "SD": scenes / 2 + noise, "SF": np.full(41, np.nan)}
    found = steering(plus, minus, "mean")
    assert found.share == 1
    assert found.move == pytest.approx(10 / scenes.std())
    assert found.leak == pytest.approx(0, abs=1e-4)
    assert steering(minus, plus, "mean").share == 0
    assert math.isnan(steering(plus, minus, "SF").share)


def test_leak_is_what_moves_beside() -> None:
    scenes = np.arange(11.0)
    minus = {"mean": scenes, "SD": scenes, "SF": scenes}
    plus = {"mean": scenes + 4, "SD": scenes - 2, "SF": scenes}
    assert steering(plus, minus, "mean").leak == pytest.approx(0.25)
    assert steering(plus, minus, "SF").share == 0


def test_people_of_the_infrared_keep_their_contrast() -> None:
    ir = np.full((120, 160), 50, np.uint8)
    ir[30:70, 40:60] = 150
    ir[80:100, 100:120] = 55  # too faint
    people = parse_yolo(
        "0 0.3125 0.4166666667 0.125 0.3333333333\n2 0.5 0.5 0.1 0.1\n\n0 0.6875 0.75 0.125 0.166666667\n"
    )
    assert len(people) == 2
    source = Maps(ir, people)
    assert kept_targets(source, Maps(ir), Maps(ir)) == [1]
    assert kept_targets(source, Maps(ir), Maps(255 - ir)) == [0]
    assert kept_targets(source, Maps(ir), Maps(ir // 2)) == [pytest.approx(0.5)]
    seen = [(0.33, 0.41, 0.125, 0.33)]
    assert overlap(people[0], seen[0]) > 0.3
    assert kept_targets(source, Maps(ir, seen), Maps(ir)) == []


def test_a_broken_label_is_named() -> None:
    with pytest.raises(InputError, match=r"not a YOLO label: '0 0\.3 tall'"):
        parse_yolo("0 0.3 tall\n")


def test_overlap_of_boxes() -> None:
    assert overlap((0.5, 0.5, 0.2, 0.2), (0.5, 0.5, 0.2, 0.2)) == pytest.approx(1)
    assert overlap((0.5, 0.5, 0.2, 0.2), (0.6, 0.5, 0.2, 0.2)) == pytest.approx(1 / 3)
    assert overlap((0.1, 0.1, 0.1, 0.1), (0.8, 0.8, 0.1, 0.1)) == 0


def test_a_copy_of_the_infrared_keeps_every_labelled_person(shared_data: Path) -> None:
    found = []
    for file in sorted((shared_data / "labels" / "MSRS" / "test" / "infrared").glob("*.txt"))[:10]:
        ir, vis = (
            cv2.imread(str(shared_data / "test" / "MSRS" / band / f"{file.stem}.png"), cv2.IMREAD_GRAYSCALE)
            for band in ("ir", "vi")
        )
        visible = file.parent.parent / "visible" / file.name
        people, seen = parse_yolo(file.read_text()), parse_yolo(visible.read_text() if visible.exists() else "")
        sources = Maps(ir, people), Maps(vis, seen)
        found += list(zip(*(kept_targets(*sources, Maps(fused)) for fused in (ir, vis)), strict=True))
    copy, other = np.mean(found, axis=0)
    assert len(found) > 10
    assert copy == 1
    assert other < 0.7
