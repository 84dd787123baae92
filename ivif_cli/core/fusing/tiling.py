"""Cutting large images into tiles that agree: where the tiles lie, how large they are, what is global.

A tile is fused with `halo` pixels of context on every side and with the descriptors of the whole image, so that its
core is what the whole image would have given there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ivif_cli.core.data.luma import to_luma

MIN_TILE = 64


@dataclass(frozen=True)
class Tile:
    """One tile as rows and columns: its core in the image, core and halo in the image, the core in that window."""

    core: tuple[slice, slice]
    window: tuple[slice, slice]
    inner: tuple[slice, slice]


def plan_tiles(height: int, width: int, tile: int, *, halo: int, stride: int) -> Iterator[Tile]:
    """Tiles that cover an image once, of about equal size.

    Args:
        height, width: of the image [px].
        tile: largest side of a core [px].
        halo: context on each side [px]; rounded up to the stride.
        stride: tile corners are multiples of it, so that the network's grids of all tiles coincide.
    """
    margin = -(-halo // stride) * stride
    for top, bottom in _spans(height, tile, stride):
        for left, right in _spans(width, tile, stride):
            rows = slice(max(0, top - margin), min(height, bottom + margin))
            columns = slice(max(0, left - margin), min(width, right + margin))
            inner = slice(top - rows.start, bottom - rows.start), slice(left - columns.start, right - columns.start)
            yield Tile((slice(top, bottom), slice(left, right)), (rows, columns), inner)


def _spans(length: int, tile: int, stride: int) -> list[tuple[int, int]]:
    count = -(-length // max(tile, stride))
    step = -(-length // (count * stride)) * stride
    return [(start, min(start + step, length)) for start in range(0, length, step)]


def choose_tile(
    height: int, width: int, *, halo: int, stride: int, bytes_per_pixel: float, budget: float
) -> int | None:
    """Side of the largest tile core whose working memory stays within a budget; None where the image needs no tiles.

    Args:
        bytes_per_pixel: working memory of the network [byte/px].
        budget: memory it may take [byte].
    """
    if height * width * bytes_per_pixel <= budget:
        return None
    side = int((budget / bytes_per_pixel) ** 0.5) - 2 * halo
    return max(MIN_TILE, side // stride * stride)


def sample_thumbnail(image: np.ndarray, side: int) -> np.ndarray:
    """Thumbnail of an image of any size, without a floating-point copy of it.

    The same as `FusionNetwork.thumbnail` of its luma: bilinear, half-pixel centres, unsmoothed.

    Args:
        image: H x W or H x W x 3 BGR, uint8 or uint16.
        side: of the thumbnail [px].

    Returns:
        side x side float32 in [0, 1].
    """
    rows, next_rows, down = _positions(image.shape[0], side)
    columns, next_columns, across = _positions(image.shape[1], side)
    upper = _mixed(image[rows], columns, next_columns, across)
    lower = _mixed(image[next_rows], columns, next_columns, across)
    return (upper + (lower - upper) * down[:, None]) / np.float32(np.iinfo(image.dtype).max)


def _positions(length: int, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each thumbnail pixel: the source index before it, the one after, and the weight of the latter."""
    centre = np.maximum((np.arange(side) + 0.5) * (length / side) - 0.5, 0)
    before = np.minimum(centre.astype(np.int64), length - 1)
    return before, np.minimum(before + 1, length - 1), (centre - before).astype(np.float32)


def _mixed(rows: np.ndarray, columns: np.ndarray, next_columns: np.ndarray, weight: np.ndarray) -> np.ndarray:
    left = to_luma(np.ascontiguousarray(rows[:, columns])).astype(np.float32)
    right = to_luma(np.ascontiguousarray(rows[:, next_columns])).astype(np.float32)
    return left + (right - left) * weight


def working_bytes(channels: int, fold: int) -> float:
    """Memory that a network needs while it runs [byte/px]: about 20 feature maps of its first level, and the bands."""
    return 4.0 * (20 * channels / fold**2 + 24)
