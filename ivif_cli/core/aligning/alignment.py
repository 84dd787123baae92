"""A saved map from the infrared to the visible frame: what it holds, applying it, its file."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ivif_cli.core.data.luma import to_bits, to_luma
from ivif_cli.core.errors import InputError
from ivif_cli.core.files import write_text

_FORMAT = 1
_MAX_ENTRY = 1e9
"""Far above any shift in pixels; beyond it the arithmetic of a homography overflows."""
_FEATHER = 0.04


@dataclass(frozen=True)
class Alignment:
    """Where every pixel of an infrared image lies in the visible one.

    Attributes:
        matrix: 3 x 3 float64 homography, infrared pixel (x, y, 1) -> visible pixel, pixel centres at whole numbers.
        ir_size, vis_size: (width, height) it was made for, or None where that is not known (a plain text file).
        quality: ECC of the oriented gradients after alignment, in [-1, 1]; NaN where nothing was measured.
        before: the same with the infrared image only scaled to the frame.
        residual: median displacement [visible px] that blocks of the picture still ask for (parallax, lens, error).
        pairs: number of pairs that it was estimated from.
    """

    matrix: np.ndarray
    ir_size: tuple[int, int] | None = None
    vis_size: tuple[int, int] | None = None
    quality: float = math.nan
    before: float = math.nan
    residual: float = math.nan
    pairs: int = 0

    def warp(
        self, ir: np.ndarray, vis_size: tuple[int, int], missing: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Infrared image in the visible frame.

        Args:
            ir: H x W (or H x W x 3), uint8, uint16 or float32.
            vis_size: (width, height) of the visible image.
            missing: H x W bool, True where the infrared image has no data.

        Returns:
            the warped image of `vis_size`, its border pixels repeated where it does not reach; and bool of the same
            size, True where the infrared image has data.

        Raises:
            InputError: the alignment was made for pictures of other sizes.
        """
        size = (ir.shape[1], ir.shape[0])
        for kind, made, given in (("infrared", self.ir_size, size), ("visible", self.vis_size, vis_size)):
            if made is not None and tuple(made) != tuple(given):
                was, this = (f"{width} x {height}" for width, height in (made, given))
                problem = f"the alignment is for {kind} images of {was}, this one has {this}"
                raise InputError(problem, "make one for this size with ivif align")
        inverse = np.linalg.inv(self.matrix)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        warped = cv2.warpPerspective(ir, inverse, vis_size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        data = np.full(ir.shape[:2], 255, np.uint8)
        if missing is not None:
            data[missing] = 0
        reached = cv2.warpPerspective(data, inverse, vis_size, flags=flags)
        return warped, reached == 255

    def place(self, ir: np.ndarray, visible_luma: np.ndarray, missing: np.ndarray | None = None) -> np.ndarray:
        """Infrared image in the visible frame, with the visible luma standing in where it does not reach.

        The two are blended over 4 % of the longer side, so that the fused picture shows no edge there.

        Args:
            ir: H x W, uint8 or uint16.
            visible_luma: H' x W' of the same dtype.
            missing: H x W bool, True where the infrared image has no data.

        Returns:
            H' x W' of that dtype.
        """
        height, width = visible_luma.shape
        warped, reached = self.warp(ir, (width, height), missing)
        if reached.all():
            return warped
        framed = cv2.copyMakeBorder(reached.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
        distance = cv2.distanceTransform(framed, cv2.DIST_L2, 3)[1:-1, 1:-1]
        weight = np.minimum(distance / (_FEATHER * max(height, width)), 1.0)
        blended = warped * weight + visible_luma * (1.0 - weight)
        return np.rint(blended).astype(ir.dtype)

    def warped(self, ir: np.ndarray, vis: np.ndarray, missing: np.ndarray | None = None) -> np.ndarray:
        """`place` with a visible image of any kind, H' x W' [x 3 BGR], uint8 or uint16."""
        return self.place(ir, to_bits(to_luma(vis), 8 * ir.dtype.itemsize), missing)

    def for_pair(self, ir: np.ndarray, vis: np.ndarray) -> "Alignment":
        """Itself: the rig of any pair, as `SourceOptions.align` asks for one."""
        return self

    def corner_shift(self) -> float:
        """Mean distance [visible px] by which the corners move, against scaling the infrared image to the frame."""
        if self.ir_size is None or self.vis_size is None:
            return math.nan
        corners = _corners(self.ir_size)
        sx, sy = self.vis_size[0] / self.ir_size[0], self.vis_size[1] / self.ir_size[1]
        plain = cv2.perspectiveTransform(corners, np.array([[sx, 0, sx / 2 - 0.5], [0, sy, sy / 2 - 0.5], [0, 0, 1]]))
        return float(np.linalg.norm(cv2.perspectiveTransform(corners, self.matrix) - plain, axis=-1).mean())

    def report(self) -> dict[str, object]:
        """What is known about it, as plain values for JSON; unknown numbers are None."""
        sizes = {"infrared_size": self.ir_size, "visible_size": self.vis_size}
        measured = {"quality": self.quality, "quality_before": self.before, "residual_px": self.residual}
        measured["corner_shift_px"] = self.corner_shift()
        known = {name: round(value, 4) if math.isfinite(value) else None for name, value in measured.items()}
        return {"infrared_to_visible": self.matrix.tolist(), **sizes, **known, "pairs": self.pairs}


def _corners(size: tuple[int, int]) -> np.ndarray:
    right, bottom = size[0] - 1, size[1] - 1
    return np.array([[[0, 0]], [[right, 0]], [[right, bottom]], [[0, bottom]]], np.float64)


def save_alignment(path: Path, alignment: Alignment) -> None:
    """Write an alignment as JSON, whole or not at all; raises OutputError where the file cannot be written."""
    record = {"ivif_alignment": _FORMAT, **alignment.report()}
    write_text(path, json.dumps(record, indent=2) + "\n")


def load_alignment(path: Path) -> Alignment:
    """Read an alignment: the JSON of `ivif align`, or nine numbers of a 3 x 3 matrix in a text file.

    Raises:
        InputError: missing, of another kind, or a matrix that is no homography of a picture.
    """
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read alignment {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise InputError(f"not an alignment file: {path}", "make one with ivif align") from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"not an alignment file: {path}: {error}", "make one with ivif align") from error


def _parsed(text: str) -> Alignment:
    plain = not text.lstrip().startswith(("{", "["))
    record = text.replace(",", " ").replace(";", " ").split() if plain else json.loads(text)
    if isinstance(record, list):
        return Alignment(_checked_matrix(record, None))
    if record.get("ivif_alignment") != _FORMAT:
        raise ValueError(f"ivif_alignment is {record.get('ivif_alignment')!r}, {_FORMAT} is known")
    ir_size, vis_size = (_size(record.get(key)) for key in ("infrared_size", "visible_size"))
    names = ("quality", "quality_before", "residual_px")
    quality, before, residual = (math.nan if record.get(name) is None else float(record[name]) for name in names)
    matrix = _checked_matrix(record["infrared_to_visible"], ir_size)
    return Alignment(matrix, ir_size, vis_size, quality, before, residual, int(record.get("pairs", 0)))


def _size(value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    if not (isinstance(value, list) and len(value) == 2 and all(isinstance(n, int) and n > 0 for n in value)):
        raise ValueError(f"a size is two whole numbers, not {value!r}")
    return value[0], value[1]


def _checked_matrix(values: object, size: tuple[int, int] | None) -> np.ndarray:
    matrix = np.array(values, np.float64)
    if matrix.size != 9 or not np.isfinite(matrix).all():
        raise ValueError("a 3 x 3 matrix of finite numbers is needed")
    matrix = matrix.reshape(3, 3)
    if np.abs(matrix).max() > _MAX_ENTRY:
        raise ValueError(f"entries of at most {_MAX_ENTRY:g} are expected")
    if abs(matrix[2, 2]) < 1e-12 or np.linalg.det(matrix / matrix[2, 2]) < 1e-6:
        raise ValueError("the matrix is singular or mirrors the picture")
    matrix = matrix / matrix[2, 2]
    corners = _corners(size)[:, 0] if size else np.zeros((1, 2))
    if (corners @ matrix[2, :2] + 1 <= 0).any():
        raise ValueError("the matrix sends a part of the picture beyond infinity")
    return matrix
