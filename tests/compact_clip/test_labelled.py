"""Labelled things that stand out: boxes, their light, their dimming, the crops around them, what is told of them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ivif_cli.core.language.encoder import Encoder
from tools.compact_clip.labelled import Box, dimmed, labelled_pairs, read_boxes, surroundings
from tools.compact_clip.report import labelled_reading
from tools.compact_clip.scenes import Scene

PERSON = Box(80, 60, 100, 110)


def street() -> np.ndarray:
    """A grey street of 120x200 with a bright person, and a bright spot far from it."""
    luma = np.full((120, 200), 0.3, np.float32)
    luma[60:110, 80:100] = 0.8
    luma[5:10, 5:10] = 1.0
    return luma


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """The person labelled in the infrared picture; a car where nothing is bright; nothing for the visible one."""
    (tmp_path / "infrared").mkdir()
    lines = "0 0.45 0.708333 0.1 0.416667\n2 0.8 0.5 0.2 0.3\n"
    (tmp_path / "infrared" / "one.txt").write_text(lines)
    return tmp_path


@pytest.fixture
def scene() -> Scene:
    luma = (street() * 255).astype(np.uint8)
    return Scene("one", "MSRS", "g", None, luma, luma)


def test_a_label_is_a_box_in_pixels(labels: Path) -> None:
    (box,) = read_boxes(labels / "infrared/one.txt", "people", (120, 200))
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx((80, 60, 100, 110), abs=1e-3)
    assert box.longer == pytest.approx(50, abs=1e-3)
    assert read_boxes(labels / "visible/one.txt", "people", (120, 200)) == []


def test_dimming_takes_away_nine_tenths_of_what_stands_out_and_leaves_the_rest() -> None:
    luma = street()
    assert surroundings(luma, PERSON) == pytest.approx(0.3, abs=1e-5)
    changed = dimmed(luma, PERSON)
    assert changed[70:100, 85:95] == pytest.approx(0.35, abs=1e-3)
    np.testing.assert_array_equal(changed[:50], luma[:50])
    np.testing.assert_allclose(dimmed(changed, Box(5, 20, 10, 30)), changed, atol=1e-6)


def test_only_things_that_stand_out_become_crops(labels: Path, scene: Scene) -> None:
    ((recorded, changed),) = labelled_pairs([scene], labels, "people", 96)
    assert recorded.shape == changed.shape == (96, 96)
    assert recorded.max() == pytest.approx(0.8, abs=0.01)
    assert changed.max() < 0.45
    assert labelled_pairs([scene], labels, "cars", 96) == []


class Bright(torch.nn.Module):
    """Reads the brightest pixel: above 0.5 is bright."""

    image_size = 96

    def encode_texts(self, texts: list[str]) -> torch.Tensor:
        assert texts == ["an image with bright people", "an image with dim people"]
        return torch.tensor([[0.5], [-0.5]])

    def resized(self, luma: torch.Tensor) -> torch.Tensor:
        return luma

    def encode_images(self, luma: torch.Tensor) -> torch.Tensor:
        return luma.amax((1, 2, 3))[:, None] - 0.5


def test_the_reading_counts_bright_before_dim_after_and_the_fall(labels: Path, scene: Scene) -> None:
    encoder: Encoder = Bright()  # type: ignore[assignment]
    reading = labelled_reading(encoder, [scene], labels, "people")
    assert (reading.pairs, reading.bright, reading.dim, reading.lower) == (1, 1.0, 1.0, 1.0)
