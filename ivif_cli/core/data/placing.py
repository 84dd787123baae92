"""Bringing an infrared picture to the size and frame of the visible one, and covering its holes."""

from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np

from ivif_cli.core.data.luma import to_bits, to_luma
from ivif_cli.core.errors import InputError

_SMOOTH_FROM = 2.0
_BORDER_SHARE, _STRIP_SHARE = 0.005, 0.001
_INSIDE = 0.25


class Rig(Protocol):
    """A map from the infrared to the visible frame, as `aligning.Alignment` is one."""

    def warp(
        self, ir: np.ndarray, vis_size: tuple[int, int], missing: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Infrared values in the visible frame, and where they are data."""

    def warped(self, ir: np.ndarray, vis: np.ndarray, missing: np.ndarray | None = None) -> np.ndarray:
        """Grey levels in the visible frame, the visible picture standing in where they are no data."""

    def report(self) -> dict[str, object]:
        """What is known about it, as plain values for JSON; unknown numbers are None."""


Align = Callable[[np.ndarray, np.ndarray], Rig]
"""The rig of a pair: (ir H x W, vis H' x W' [x 3]), uint8 or uint16."""


def one_size(
    thermal: np.ndarray, visible: np.ndarray, resize: bool, names: tuple[str, str] = ("infrared", "visible")
) -> np.ndarray:
    """Infrared picture in the size of the visible one.

    Raises:
        InputError: the sizes differ and `resize` is not asked for.
    """
    height, width = visible.shape[:2]
    if thermal.shape == (height, width):
        return thermal
    if not resize:
        sizes = f"{names[0]} is {thermal.shape[1]} x {thermal.shape[0]} pixels, {names[1]} is {width} x {height}"
        raise InputError(sizes, "--resize brings the infrared image to the visible image's size, --align puts it there")
    return resampled(thermal, width, height)


def resampled(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Picture in another size: by area where it shrinks; where it grows much, smoothed so that no pixel grid shows.

    Bilinear interpolation followed by a mean over one source pixel is a quadratic B-spline: it neither shows blocks
    nor overshoots.
    """
    shrinks = image.shape[0] > height and image.shape[1] > width
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    grown = width / image.shape[1], height / image.shape[0]
    if min(grown) <= _SMOOTH_FROM:
        return resized
    return cv2.blur(resized, (round(grown[0]) | 1, round(grown[1]) | 1), borderType=cv2.BORDER_REPLICATE)


def without_holes(thermal: np.ndarray, visible: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Visible luma where the infrared picture has no data, so that holes are neither dark nor bright."""
    there = holes(missing, (visible.shape[1], visible.shape[0]))
    return np.where(there, to_bits(to_luma(visible), 8 * thermal.dtype.itemsize), thermal)


def holes(missing: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Where there is no data, in a picture of another (width, height); what was mixed with it is none either."""
    if missing.shape == size[::-1]:
        return missing
    return cv2.dilate(resampled(missing.astype(np.float32), *size), np.ones((3, 3), np.uint8)) > 0


def warp_border(thermal: np.ndarray) -> np.ndarray | None:
    """H x W bool, True in the black border that an earlier warp left; None where there is none.

    Such a border is exactly 0, touches the edge of the picture, and leaves a convex picture of at most four sides (a
    warped rectangle); a dark sky over a skyline, or between clouds and houses, leaves none.
    """
    if thermal[0].all() and thermal[-1].all() and thermal[:, 0].all() and thermal[:, -1].all():
        return None
    count, labels, stats, _ = cv2.connectedComponentsWithStats((thermal == 0).astype(np.uint8), connectivity=4)
    touches = np.zeros(count, bool)
    touches[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = True
    touches &= stats[:, cv2.CC_STAT_AREA] >= _STRIP_SHARE * thermal.size
    touches[0] = False
    border = touches[labels]
    share = float(border.mean())
    if not _BORDER_SHARE <= share <= 1 - _BORDER_SHARE:
        return None
    points = cv2.findNonZero((~border).astype(np.uint8))
    hull = cv2.convexHull(points)
    corners = cv2.approxPolyDP(hull, 0.01 * cv2.arcLength(hull, True), True)
    filled = np.zeros(thermal.shape, np.uint8)
    cv2.fillConvexPoly(filled, hull, 1)
    inside = int(filled.sum()) - int((~border).sum())  # the steps along its sides
    if inside > min(cv2.arcLength(hull, True), _INSIDE * int(border.sum())) or len(corners) > 4:
        return None
    return cv2.dilate(border.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0  # the warp mixed the pixels beside it
