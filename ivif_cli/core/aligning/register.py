"""Bringing an infrared image into the frame of its visible partner.

`align_ecc` estimates the map from the pictures themselves; `load_alignment` reads one that was saved for a fixed rig.
Both give an `Alignment`, whose `warp` does the work.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ivif_cli.core.aligning import ecc
from ivif_cli.core.aligning.alignment import Alignment, load_alignment, save_alignment
from ivif_cli.core.data.images import file_sha256
from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.data.sources import Align
from ivif_cli.core.errors import InputError, UsageError

MOTIONS = ("auto", *ecc.MOTIONS)
MIN_QUALITY = 0.35
MAX_RESIDUAL = 0.0035
_MIN_SIDE = 48
_FREEDOM_GAIN = 0.03
_ANGLES = (-4.0, 0.0, 4.0)
_NEAR_SCALES, _WIDE_SCALES = (0.92, 1.0, 1.08), (0.7, 0.78, 0.86, 0.93, 1.0, 1.08, 1.18, 1.3)

__all__ = ["MOTIONS", "Alignment", "align_ecc", "load_alignment", "save_alignment"]


def align_ecc(
    ir: np.ndarray | Sequence[np.ndarray],
    vis: np.ndarray | Sequence[np.ndarray],
    *,
    motion: str = "auto",
    min_quality: float = MIN_QUALITY,
) -> Alignment:
    """Estimate the alignment of one pair, or of several pairs of one fixed rig together.

    Args:
        ir: H x W or H x W x 3, uint8 or uint16 (or a sequence of such, all of one size).
        vis: likewise; the size may differ from the infrared one's.
        motion: "similarity", "affine", "homography"; "auto" starts with a similarity and takes each further freedom
            only where it raises the ECC by more than 0.03 (scenes have depth, and a free homography chases it).
        min_quality: least ECC that is accepted; -1 accepts anything. A residual above 0.35 % of the longer side is
            refused as well.

    Raises:
        InputError: the pictures are too small, flat, of different sizes, overlap too little, or the quality is below
            the bound.
        UsageError: an unknown motion.
    """
    if motion not in MOTIONS:
        raise UsageError(f"unknown motion: {motion}", f"known: {', '.join(MOTIONS)}")
    irs, viss = ([to_luma(x) for x in ([group] if isinstance(group, np.ndarray) else group)] for group in (ir, vis))
    ir_size, vis_size = _common_size(irs, "infrared"), _common_size(viss, "visible")
    if min(*ir_size, *vis_size) < _MIN_SIDE:
        small = f"pictures of {ir_size[0]} x {ir_size[1]} are too small to align"
        raise InputError(f"{small}; {_MIN_SIDE} pixels a side are needed")
    # From infrared to visible pixels: the infrared image fits into the frame, centred, its aspect kept.
    scale = min(vis_size[0] / ir_size[0], vis_size[1] / ir_size[1])
    shift = [(v - 1) / 2 - scale * (i - 1) / 2 for i, v in zip(ir_size, vis_size, strict=True)]
    frame = np.array([[scale, 0, shift[0]], [0, scale, shift[1]], [0, 0, 1]])
    framed = [_into_frame(image, frame, vis_size) for image in irs]
    images = [(a, v, valid) for (a, valid), v in zip(framed, viss, strict=True)]
    fit, before = _estimate(images, motion, ir_size == vis_size)
    hint = "make a fixed alignment from clearer pairs with ivif align, and give its file to --align"
    if not math.isfinite(fit.residual):
        raise InputError("alignment refused: the pictures overlap too little", hint)
    if not fit.ecc >= min_quality:
        found = f"edges correlate by {max(fit.ecc, 0.0):.2f}, at least {min_quality:.2f} is needed"
        raise InputError(f"alignment refused: {found}", hint)
    if fit.residual > MAX_RESIDUAL * max(vis_size) and min_quality > -1:
        raise InputError(f"alignment refused: parts of the picture are still {fit.residual:.1f} px apart", hint)
    matrix = np.linalg.inv(fit.matrix) @ frame
    return Alignment(matrix / matrix[2, 2], ir_size, vis_size, fit.ecc, before, fit.residual, len(irs))


def _common_size(images: Sequence[np.ndarray], kind: str) -> tuple[int, int]:
    sizes = {image.shape[::-1] for image in images}
    if len(sizes) != 1:
        named = ", ".join(f"{width} x {height}" for width, height in sorted(sizes)) or "none"
        raise InputError(f"{kind} images of one size are needed to align, got {named}")
    return sizes.pop()


def _into_frame(ir: np.ndarray, frame: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Infrared image at the visible size as float32, and 1.0 where it holds data.

    None is in the letterbox and in areas of the lowest value that touch the edge, as an earlier warp leaves them.
    """
    lowest = float(ir.min())
    dark = (ir <= lowest + 0.01 * (float(ir.max()) - lowest)).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(dark)
    edge = {*labels[0], *labels[-1], *labels[:, 0], *labels[:, -1]} - {0}
    border = [label for label in edge if stats[label, cv2.CC_STAT_AREA] > 0.002 * ir.size]
    data = np.where(np.isin(labels, border) & (dark > 0), 0.0, 1.0).astype(np.float32)
    ir = ir.astype(np.float32)
    if (ir.shape[1], ir.shape[0]) == size:
        return ir, data
    placed = cv2.warpPerspective(ir, frame, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return placed, cv2.warpPerspective(data, frame, size, flags=cv2.INTER_LINEAR)


def _estimate(
    images: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], motion: str, same_size: bool
) -> tuple[ecc.Fit, float]:
    """Fit over all levels in full pixels of the frame, visible -> infrared; and the ECC before it."""
    fit, before = ecc.Fit(np.eye(3), -1.0), math.nan
    for index, side in enumerate(ecc.LEVELS):
        levels = [ecc.features(ir, vis, valid, side) for ir, vis, valid in images]
        pairs, down = [level[0] for level in levels], levels[0][1]
        start = down @ fit.matrix @ np.linalg.inv(down)
        if index == 0:
            start = ecc.search(pairs, _NEAR_SCALES if same_size else _WIDE_SCALES, _ANGLES).matrix
        found = ecc.refine(pairs, start, "similarity")
        if index == len(ecc.LEVELS) - 1:
            before = ecc.score(pairs, np.eye(3))
            further = {"auto": ("affine", "homography"), "similarity": ()}.get(motion, (motion,))
            for freer in further:
                tried = ecc.refine(pairs, found.matrix, freer)
                if motion != "auto" or tried.ecc > found.ecc + _FREEDOM_GAIN:
                    found = tried
        full = np.linalg.inv(down) @ found.matrix @ down
        fit = ecc.Fit(full / full[2, 2], found.ecc, found.residual / down[0, 0])
    return fit, before


def choose_alignment(text: str) -> Align:
    """Rig for `--align`: "ecc" estimates one for every pair, anything else is a file of `ivif align`.

    Where the warped infrared image has no data, the visible luma stands in for it, blended in.

    Raises:
        InputError: the file is missing or not an alignment.
    """
    return align_ecc if text == "ecc" else load_alignment(Path(text)).for_pair


def alignment_record(text: str | None) -> str | None:
    """What `--align` decides, for the record of what made a picture: "ecc", or the hash of the file's bytes.

    Raises:
        InputError: the file cannot be read.
    """
    return text if text in (None, "ecc") else f"sha256:{file_sha256(Path(text))}"
