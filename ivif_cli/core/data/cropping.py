"""Cutting a pair to what both cameras see: `--crop`."""

import re
from dataclasses import dataclass

import numpy as np

from ivif_cli.core.errors import InputError, UsageError

_COARSE = 160
Window = tuple[slice, slice]


@dataclass(frozen=True)
class Crop:
    """What of the visible picture is kept.

    Attributes:
        rule: "centre" (its middle, in the ratio of the infrared picture's sides), "seen" (the largest rectangle in
            which the infrared picture has data, after `--align`), or "box" (what the infrared camera sees of it).
        box: x, y, width and height of the box [px].
    """

    rule: str
    box: tuple[int, int, int, int] = (0, 0, 0, 0)

    def __str__(self) -> str:
        return self.rule if self.rule != "box" else ",".join(map(str, self.box))

    def window(self, ir: tuple[int, ...], vis: tuple[int, ...], name: str) -> Window:
        """Rows and columns of the visible picture that stay, from the shapes of both.

        Raises:
            InputError: a box that does not lie inside the visible picture, which is called `name`.
        """
        height, width = vis[:2]
        if self.rule == "seen":
            return slice(0, height), slice(0, width)
        if self.rule == "centre":
            cut = min(width, round(height * ir[1] / ir[0])), min(height, round(width * ir[0] / ir[1]))
            x, y, w, h = (width - cut[0]) // 2, (height - cut[1]) // 2, max(cut[0], 1), max(cut[1], 1)
        else:
            x, y, w, h = self.box
        if x + w > width or y + h > height:
            raise InputError(f"--crop {self} reaches beyond {name} of {width} x {height} pixels", "X,Y,WIDTH,HEIGHT")
        return slice(y, y + h), slice(x, x + w)


def parse_crop(text: str) -> Crop:
    """Value of `--crop`: centre, seen, or X,Y,WIDTH,HEIGHT in pixels of the visible picture.

    Raises:
        UsageError: anything else.
    """
    if text in ("centre", "seen"):
        return Crop(text)
    found = re.fullmatch(r"\s*(\d{1,6})\s*,\s*(\d{1,6})\s*,\s*(\d{1,6})\s*,\s*(\d{1,6})\s*", text)
    if found is None or int(found[3]) == 0 or int(found[4]) == 0:
        raise UsageError(f"--crop {text!r} is not centre, seen or X,Y,WIDTH,HEIGHT", "as in 320,180,1280,960")
    x, y, width, height = (int(part) for part in found.groups())
    return Crop("box", (x, y, width, height))


def largest_window(seen: np.ndarray) -> Window:
    """The largest rectangle that is True throughout, to a hundred-and-sixtieth of the longer side.

    Args:
        seen: H x W bool.

    Raises:
        InputError: nothing is True.
    """
    step = max(1, -(-max(seen.shape) // _COARSE))
    rows, columns = seen.shape[0] // step, seen.shape[1] // step
    blocks: np.ndarray = np.all(seen[: rows * step, : columns * step].reshape(rows, step, columns, step), axis=(1, 3))
    heights = np.zeros(columns, int)
    best = (0, 0, 0, 0, 0)
    for row in range(rows):
        heights = np.where(blocks[row], heights + 1, 0)
        best = max(best, _under(heights, row))
    area, top, bottom, left, right = best
    if not area:
        raise InputError("the infrared picture shows nothing of the visible one", "--crop seen needs a right --align")
    return slice(top * step, bottom * step), slice(left * step, right * step)


def _under(heights: np.ndarray, row: int) -> tuple[int, int, int, int, int]:
    """Largest rectangle that stands on a row below bars of these heights: area, top, bottom, left, right."""
    best = (0, 0, 0, 0, 0)
    open_bars: list[tuple[int, int]] = []
    for column, height in enumerate([*heights.tolist(), 0]):
        start = column
        while open_bars and open_bars[-1][1] >= height:
            start, bar = open_bars.pop()
            best = max(best, (bar * (column - start), row + 1 - bar, row + 1, start, column))
        open_bars.append((start, height))
    return best
