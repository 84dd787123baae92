"""What metrics derive from one picture, computed once: histogram, gradients, Gaussian moments at four scales.

Several fused pictures of one scene share the maps of its sources, and six metrics share the maps of one fused picture.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

import cv2
import numpy as np

from ivif_cli.core.errors import InputError
from ivif_cli.core.metrics.bands import gaussian_window, split_bands

VIF_WINDOWS = (17, 9, 5, 3)
"""Side of the Gaussian window at each of the four scales of VIF, finest first [px]; sigma is a fifth of it."""

SMALLEST_VIF_SIDE = 41
"""Shortest side at which the fourth scale of VIF still has one valid sample [px]."""

EIGHTHS = 8
"""Units of the rounded sizes of a band in a grey level."""

_STRIP = 24_000
"""Samples of a strip: a handful of float64 strips fit a core's second-level cache."""

Box = tuple[float, float, float, float]
"""Centre x, centre y, width, height as shares of the picture, as YOLO writes them."""

People = tuple[Sequence[Box] | None, Sequence[Box] | None]
"""Boxes of labelled people in the infrared and in the visible picture of a scene."""

Smooth = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""A separable correlation of a picture with one axis of a window."""

Derived = TypeVar("Derived")


@dataclass(frozen=True)
class Edges:
    """Sobel edges of a picture with zero padding, HxW float64.

    `strength` is the gradient magnitude; `angle` is atan(Sy/Sx) in (-pi/2, pi/2] [rad], pi/2 where Sx is 0.
    """

    strength: np.ndarray
    angle: np.ndarray


@dataclass(frozen=True)
class Level:
    """One scale of the VIF pyramid: the picture there, and its local mean and variance where the window fits."""

    window: np.ndarray
    picture: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


@dataclass(frozen=True)
class Bands:
    """A picture split by Gaussians of sigma 1, 2, 4 ... 32 px: six differences, finest first, and what is left.

    Each HxW float64 [grey level]; together they add up to the picture.
    """

    fine: tuple[np.ndarray, ...]
    low: np.ndarray

    @cached_property
    def sizes(self) -> tuple[np.ndarray, ...]:
        """Absolute values of the fine bands in eighths of a grey level, rounded, at most 255: HxW uint8."""
        return tuple(cv2.convertScaleAbs(band, alpha=EIGHTHS) for band in self.fine)


def strips(shape: tuple[int, ...], samples: int = _STRIP) -> Iterator[slice]:
    """Slices of rows that cover an H x W map in pieces of about `samples`, small enough for the cache."""
    height, width = shape
    rows = max(1, samples // max(width, 1))
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def smooth_valid(picture: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Separable correlation of an HxW float64 picture, only where the whole window lies inside."""
    margin = len(window) // 2
    full = cv2.sepFilter2D(picture, cv2.CV_64F, window, window, borderType=cv2.BORDER_REPLICATE)
    return full[margin : full.shape[0] - margin, margin : full.shape[1] - margin]


def vif_levels(picture: np.ndarray, window_of: Callable[[int], np.ndarray], smooth: Smooth) -> tuple[Level, ...]:
    """The four scales of VIF of an HxW float64 picture, with windows by their side and a way to smooth with them."""
    levels: list[Level] = []
    for window in map(window_of, VIF_WINDOWS):
        if levels:
            picture = np.ascontiguousarray(smooth(picture, window)[::2, ::2])
        mean, variance = smooth(picture, window), smooth(picture * picture, window)
        for rows in strips(mean.shape):
            part = variance[rows]
            part -= mean[rows] * mean[rows]
            np.maximum(part, 0, out=part)
        levels.append(Level(window, picture, mean, variance))
    return tuple(levels)


class Maps:
    """One 8-bit luma picture and its derived maps, each made at first use and kept.

    Args:
        pixels: HxW uint8.
        people: boxes of the people that are labelled in it; None where nobody looked.
    """

    def __init__(self, pixels: np.ndarray, people: Sequence[Box] | None = None) -> None:
        self.pixels = np.ascontiguousarray(pixels)
        self.people = people

    @property
    def shape(self) -> tuple[int, ...]:
        return self.pixels.shape

    @cached_property
    def real(self) -> np.ndarray:
        """The grey levels as float64."""
        return self.pixels.astype(np.float64)

    @cached_property
    def histogram(self) -> np.ndarray:
        """Counts of the 256 grey levels, int64."""
        return count_levels([self.pixels])

    @cached_property
    def total(self) -> int:
        """Sum of the grey levels, exact."""
        return int(self.pixels.sum(dtype=np.int64))

    def product(self, other: "Maps") -> int:
        """Sum over pixels of this grey level times the other picture's, exact."""
        product = np.multiply(self.pixels, other.pixels, dtype=np.uint16)  # 255 * 255 fits
        return int(product.sum(dtype=np.int64))

    @cached_property
    def is_constant(self) -> bool:
        return bool(self.pixels.min() == self.pixels.max())

    @cached_property
    def edges(self) -> Edges:
        """Sobel edges; the sign of Sy/Sx is that of a true convolution, which matters where Sx is 0."""
        across = cv2.Sobel(self.pixels, cv2.CV_16S, 1, 0, borderType=cv2.BORDER_CONSTANT)
        down = cv2.Sobel(self.pixels, cv2.CV_16S, 0, 1, borderType=cv2.BORDER_CONSTANT)
        edges = Edges(np.empty(self.shape), np.empty(self.shape))
        for rows in strips(self.shape):
            x, y = across[rows].astype(np.float64), down[rows].astype(np.float64)
            np.sqrt(x * x + y * y, out=edges.strength[rows])
            with np.errstate(divide="ignore", invalid="ignore"):
                np.arctan(y / -x, out=edges.angle[rows])
            np.copyto(edges.angle[rows], np.pi / 2, where=across[rows] == 0)
        return edges

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The four scales of VIF; needs sides of at least `SMALLEST_VIF_SIDE`."""
        return vif_levels(self.real, lambda side: gaussian_window(side, side / 5), smooth_valid)

    @cached_property
    def bands(self) -> Bands:
        """The picture's own bands; sources and fused picture of a scene are split once each."""
        return Bands(*split_bands(self.real))


def kept_while_both_live(function: Callable[[Maps, Maps], Derived]) -> Callable[[Maps, Maps], Derived]:
    """Compute what follows from two pictures once, and drop it with either of them."""
    derived: WeakKeyDictionary[Maps, WeakKeyDictionary[Maps, Derived]] = WeakKeyDictionary()

    @wraps(function)
    def once(first: Maps, second: Maps) -> Derived:
        of_first = derived.setdefault(first, WeakKeyDictionary())
        if second not in of_first:
            of_first[second] = function(first, second)
        return of_first[second]

    return once


def count_levels(pictures: list[np.ndarray]) -> np.ndarray:
    """Exact histogram of one uint8 picture (256) or of two together (256 x 256, first picture down), int64."""
    axes = len(pictures)
    if pictures[0].size < 1 << 24:  # float32 counts are exact up to there
        counts = cv2.calcHist(pictures, list(range(axes)), None, [256] * axes, [0, 256] * axes)
        return counts.reshape((256,) * axes).astype(np.int64)
    code = pictures[0].astype(np.int64)
    for picture in pictures[1:]:
        code = code << 8 | picture
    return np.bincount(code.ravel(), minlength=256**axes).reshape((256,) * axes)


def as_maps(picture: np.ndarray | Maps, role: str = "picture") -> Maps:
    """The maps of an HxW uint8 luma picture (maps pass through); raises InputError for another, or an empty one."""
    if isinstance(picture, Maps):
        return picture
    if picture.dtype == np.uint8:
        if picture.ndim != 2 or picture.size == 0:
            raise InputError(f"{role} is not a grey picture: shape {picture.shape}", "give H x W luma")
        return Maps(picture)
    if np.issubdtype(picture.dtype, np.floating) and not np.isfinite(picture).all():
        raise InputError(f"{role} has NaN or infinite pixels", "metrics need finite 8-bit luma")
    raise InputError(
        f"{role} is {picture.dtype}, but metrics are defined on the 8-bit luma that was saved",
        "convert it to uint8 in [0, 255] first",
    )


def check_sizes(ir: Maps, vis: Maps, fused: Maps) -> None:
    """Raises InputError where the three pictures are not of one size (H x W are named)."""
    if not ir.shape == vis.shape == fused.shape:
        named = (("ir", ir), ("vis", vis), ("fused", fused))
        sizes = ", ".join(f"{name} {maps.shape[1]}x{maps.shape[0]}" for name, maps in named)
        raise InputError(f"the pictures differ in size: {sizes}", "score pictures of one size")
