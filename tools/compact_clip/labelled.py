"""Labelled people and cars that stand out, beside the same crop with them dimmed: what "bright people" is worth.

A label is a line of YOLO: class (0 person, 1 bicycle, 2 car), centre and size as shares of the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tools.compact_clip.scenes import Scene

Array = np.ndarray
KINDS = {"people": 0, "cars": 2}
BRIGHT = 0.12
"""How much brighter than its surroundings a thing is at least to be called bright, luma."""
SMALLEST = 14
"""Boxes whose longer side has fewer pixels are left out."""
DIMMED = 0.9
"""Share of what a thing has above its surroundings that is taken away."""


@dataclass(frozen=True)
class Box:
    """A box in pixels: left, top, right, bottom."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def longer(self) -> float:
        """The longer side."""
        return max(self.right - self.left, self.bottom - self.top)

    def grown(self, share: float) -> "Box":
        """Each side moved outwards by `share` of the box's own width or height (inwards below 0)."""
        wide, tall = share * (self.right - self.left), share * (self.bottom - self.top)
        return Box(self.left - wide, self.top - tall, self.right + wide, self.bottom + tall)

    def cut(self, luma: Array) -> Array:
        """The part of `luma` in it, at least a pixel."""
        top, left = max(0, round(self.top)), max(0, round(self.left))
        return luma[top : max(top + 1, round(self.bottom)), left : max(left + 1, round(self.right))]


@dataclass(frozen=True)
class Reading:
    """Of all pairs of one kind: share read bright as recorded, read dim when dimmed, and read lower when dimmed."""

    kind: str
    pairs: int
    bright: float
    dim: float
    lower: float


def read_boxes(path: Path, kind: str, shape: tuple[int, int]) -> list[Box]:
    """The boxes of one kind in a label file, for a picture of height x width `shape`; none where there is no file."""
    boxes = []
    for line in path.read_text().splitlines() if path.is_file() else ():
        number, *shares = line.split()
        if int(number) == KINDS[kind]:
            x, y, wide, tall = (float(share) * side for share, side in zip(shares, shape[::-1] * 2, strict=True))
            boxes.append(Box(x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2))
    return boxes


def surroundings(luma: Array, box: Box) -> float:
    """Mean luma of the frame around a box, half its sides wide."""
    whole, around = box.cut(luma), box.grown(0.5).cut(luma)
    return float((around.sum() - whole.sum()) / max(around.size - whole.size, 1))


def dimmed(luma: Array, box: Box) -> Array:
    """`luma` in [0, 1] with what a box holds brought down to its surroundings, with soft edges."""
    rows, columns = (np.arange(side, dtype=np.float32) for side in luma.shape)
    down = np.abs(rows - (box.top + box.bottom) / 2) / ((box.bottom - box.top) / 2)
    across = np.abs(columns - (box.left + box.right) / 2) / ((box.right - box.left) / 2)
    outside = np.maximum(np.maximum(down[:, None], across[None]) - 0.9, 0)
    inside = np.exp(-((outside / 0.15) ** 2) / 2)
    faded: Array = luma - DIMMED * inside * np.maximum(luma - surroundings(luma, box), 0)
    return faded


def labelled_pairs(scenes: Sequence[Scene], labels: Path, kind: str, size: int) -> list[tuple[Array, Array]]:
    """A crop around the largest bright thing of each picture, as recorded and with all bright things of it dimmed.

    Args:
        scenes: named like the label files.
        labels: folder with `infrared/NAME.txt` and `visible/NAME.txt`.
        kind: of `KINDS`.
        size: side of the crops, pixels; they show three times the longer side of the box.
    """
    pairs = []
    for scene in scenes:
        for folder, recorded in (("infrared", scene.ir), ("visible", scene.vis)):
            luma = recorded.astype(np.float32) / 255
            boxes = read_boxes(labels / folder / f"{scene.name}.txt", kind, luma.shape)
            boxes = [box for box in boxes if box.longer >= SMALLEST and _is_bright(luma, box)]
            changed = luma
            for box in boxes:
                changed = dimmed(changed, box)
            if boxes:
                window = _around(max(boxes, key=lambda box: box.longer), luma.shape)
                pairs.append((_resized(window.cut(luma), size), _resized(window.cut(changed), size)))
    return pairs


def _is_bright(luma: Array, box: Box) -> bool:
    return float(box.grown(-0.25).cut(luma).mean()) - surroundings(luma, box) >= BRIGHT


def _around(box: Box, shape: tuple[int, int]) -> Box:
    side = min(max(3 * box.longer, 96), *shape)
    top = min(max((box.top + box.bottom - side) / 2, 0), shape[0] - side)
    left = min(max((box.left + box.right - side) / 2, 0), shape[1] - side)
    return Box(left, top, left + side, top + side)


def _resized(luma: Array, size: int) -> Array:
    return cv2.resize(luma, (size, size), interpolation=cv2.INTER_AREA)
