"""From two files to two arrays that can be fused: read, mapped, brought to one size or aligned."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ivif_cli.core.data.images import read_image
from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.data.radiometric import is_radiometric, read_radiometric
from ivif_cli.core.data.thermal import IrRange, map_thermal
from ivif_cli.core.errors import InputError, UsageError

Align = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(ir H x W, vis H' x W' [x 3]) -> ir warped onto the visible image's grid, H' x W', same dtype."""


@dataclass(frozen=True)
class SourceOptions:
    """How a pair is prepared.

    Attributes:
        ir_range: rule for thermal values (see `core/data/thermal.py`).
        gray: fuse and give luma only.
        resize: resample the infrared image to the visible image's size where they differ.
        bits: 8 or 16 for the result; None for the deeper of the two sources.
        align: warps the infrared image onto the visible one.
    """

    ir_range: IrRange = "auto"
    gray: bool = False
    resize: bool = False
    bits: int | None = None
    align: Align | None = None

    def __post_init__(self) -> None:
        if self.bits not in (None, 8, 16):
            raise UsageError(f"a bit depth of {self.bits} is not known", "8 or 16")


def load_sources(ir: Path, vis: Path, options: SourceOptions) -> tuple[np.ndarray, np.ndarray]:
    """Arrays of one pair, of one size, ready for `Fuser.fuse`.

    Returns:
        ir: H x W; vis: H x W or H x W x 3 BGR; uint8 or uint16 each.

    Raises:
        InputError: a file that cannot be used, or two sizes without `resize` or `align`.
    """
    visible = to_luma(read_image(vis)) if options.gray else read_image(vis)
    thermal = map_thermal(_read_infrared(ir, options.ir_range), options.ir_range)
    if options.align is not None:
        thermal = options.align(thermal, visible)
    elif thermal.shape != visible.shape[:2]:
        thermal = _one_size(ir, vis, thermal, visible, options.resize)
    return thermal, deepened(visible) if options.bits == 16 else visible


def _read_infrared(path: Path, ir_range: IrRange) -> np.ndarray:
    """Infrared values, H x W: the temperatures of a radiometric picture, unless `full` asks for it as rendered."""
    if ir_range != "full" and is_radiometric(path):
        return read_radiometric(path)
    return to_luma(read_image(path, keep_float=True))


def _one_size(ir: Path, vis: Path, thermal: np.ndarray, visible: np.ndarray, resize: bool) -> np.ndarray:
    height, width = visible.shape[:2]
    if not resize:
        sizes = f"{ir} is {thermal.shape[1]} x {thermal.shape[0]} pixels, {vis} is {width} x {height}"
        raise InputError(sizes, "--resize brings the infrared image to the visible image's size")
    shrinks = thermal.shape[0] > height and thermal.shape[1] > width
    return cv2.resize(thermal, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def deepened(image: np.ndarray) -> np.ndarray:
    """8-bit grey levels on the 16-bit scale (times 257); 16-bit ones as they are."""
    return image.astype(np.uint16) * np.uint16(257) if image.dtype == np.uint8 else image


def to_bits(image: np.ndarray, bits: int | None) -> np.ndarray:
    """Fused picture with the bits that were asked for; 16 to 8 rounds to the nearest level."""
    if bits == 8 and image.dtype == np.uint16:
        return ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return deepened(image) if bits == 16 else image


def choose_alignment(text: str) -> Align:
    """Warp for `--align`: "ecc" or "loftr" estimates one for every pair, anything else is a file of `ivif align`.

    Where the warped infrared image has no data, the visible luma stands in for it, blended in.

    Raises:
        InputError: the file is missing or not an alignment.
    """
    from ivif_cli.core.aligning.alignment import load_alignment
    from ivif_cli.core.aligning.loftr import align_loftr
    from ivif_cli.core.aligning.register import align_ecc

    estimators = {"ecc": align_ecc, "loftr": align_loftr}
    fixed = None if text in estimators else load_alignment(Path(text))

    def align(ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        found = fixed or estimators[text](ir, vis)
        return found.place(ir, to_bits(to_luma(vis), 8 * ir.dtype.itemsize))

    return align
