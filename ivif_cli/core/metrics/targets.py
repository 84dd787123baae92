"""T_ir: do labelled people of the infrared stay as visible against their surroundings as they are there?"""

import numpy as np

from ivif_cli.core.errors import InputError
from ivif_cli.core.metrics.maps import Box, Maps

_CORE, _RING_INSIDE, _RING_OUTSIDE = 0.7, 1.0, 1.6
_SAME_OBJECT = 0.3
_LEAST_CONTRAST = 8.0


def parse_yolo(text: str, label: int = 0) -> list[Box]:
    """Boxes of one class out of a YOLO label text: a line an object, `class x y width height` (0 is a person).

    Raises:
        InputError: a line that is not a class and four shares of the picture.
    """
    boxes = []
    for line in filter(str.strip, text.splitlines()):
        try:
            found, *box = (float(part) for part in line.split())
        except ValueError:
            found, box = 0, []
        if len(box) != 4 or not all(0 <= share <= 1 for share in box):
            hint = "a line is: class x y width height, in shares of the picture"
            raise InputError(f"not a YOLO label: {line[:60]!r}", hint)
        if found == label:
            boxes.append((box[0], box[1], box[2], box[3]))
    return boxes


def _corners(box: Box) -> tuple[float, float, float, float]:
    x, y, width, height = box
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes, in [0, 1]."""
    (left, top, right, bottom), (left2, top2, right2, bottom2) = _corners(first), _corners(second)
    width, height = min(right, right2) - max(left, left2), min(bottom, bottom2) - max(top, top2)
    common = max(width, 0) * max(height, 0)
    union = first[2] * first[3] + second[2] * second[3] - common
    return common / union if union else 0.0


def _inside(box: Box, scale: float, shape: tuple[int, ...]) -> np.ndarray:
    """HxW mask of the pixels whose centres lie in a box that is scaled about its centre."""
    height, width = shape
    left, top, right, bottom = _corners((box[0], box[1], box[2] * scale, box[3] * scale))
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    return ((y >= top) & (y < bottom))[:, None] & ((x >= left) & (x < right))


def box_contrast(picture: Maps, box: Box) -> float:
    """Mean in the centre 70 % of a box minus mean in the ring from 1.0 to 1.6 times the box [grey level].

    NaN where the picture has no pixel of either.
    """
    core = _inside(box, _CORE, picture.shape)
    ring = _inside(box, _RING_OUTSIDE, picture.shape) & ~_inside(box, _RING_INSIDE, picture.shape)
    if not core.any() or not ring.any():
        return float("nan")
    return float(picture.pixels[core].mean() - picture.pixels[ring].mean())


def kept_targets(ir: Maps, vis: Maps, fused: Maps) -> list[float]:
    """clip(C_fused / C_ir, 0, 1) of every labelled person that the infrared alone shows.

    One that is labelled in the visible too (overlap of 0.3 or more) is left out, and so is one with a contrast below 8
    grey levels in the infrared.
    """
    shares = []
    for box in ir.people or ():
        contrast = box_contrast(ir, box)
        if abs(contrast) >= _LEAST_CONTRAST and all(overlap(box, seen) < _SAME_OBJECT for seen in vis.people or ()):
            shares.append(float(np.clip(box_contrast(fused, box) / contrast, 0, 1)))
    return shares


def target_preservation(ir: Maps, vis: Maps, fused: Maps) -> float:
    """T_ir: mean of `kept_targets`, in [0, 1]; NaN where there are no labels, or no such person."""
    shares = kept_targets(ir, vis, fused)
    return float(np.mean(shares)) if shares else float("nan")
