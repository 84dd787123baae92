"""Alignment by learned matches: LoFTR from kornia (extra `align`), where its weights are on this machine."""

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ivif_cli.core.aligning.register import MIN_QUALITY, Alignment, measured
from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.errors import InputError, UsageError, WeightsError

WEIGHTS_VARIABLE = "IVIF_LOFTR_WEIGHTS"
_SIDE = 640
_MIN_MATCHES = 20
_REPROJECTION_PX = 3.0


def align_loftr(
    ir: np.ndarray | Sequence[np.ndarray],
    vis: np.ndarray | Sequence[np.ndarray],
    *,
    motion: str = "auto",
    min_quality: float = MIN_QUALITY,
) -> Alignment:
    """Homography or affine map from LoFTR matches by RANSAC; quality and residual as `align_ecc` measures them.

    The weights are those kornia calls "outdoor": a file that `IVIF_LOFTR_WEIGHTS` names, else kornia's own download.
    Arguments, result and refusals as for `align_ecc` ("auto" is a homography here).

    Raises:
        WeightsError: kornia is not installed, or the weights cannot be had.
        InputError: too few matches, or a quality below the bound.
    """
    if motion not in ("auto", "similarity", "affine", "homography"):
        raise UsageError(f"unknown motion: {motion}", "known: auto, similarity, affine, homography")
    irs, viss = ([to_luma(x) for x in ([group] if isinstance(group, np.ndarray) else group)] for group in (ir, vis))
    matcher = _matcher()
    found = [_matches(matcher, a, v) for a, v in zip(irs, viss, strict=True)]
    points_ir, points_vis = (np.concatenate(points) for points in zip(*found, strict=True))
    if len(points_ir) < _MIN_MATCHES:
        raise InputError(f"alignment refused: {len(points_ir)} matches, {_MIN_MATCHES} are needed")
    return measured(irs, viss, _fitted(points_ir, points_vis, motion), min_quality)


def _matcher():  # type: ignore[no-untyped-def]
    try:
        from kornia.feature import LoFTR
    except ImportError as error:
        raise WeightsError("LoFTR needs kornia", "pip install 'ivif-cli[align]'") from error
    import torch

    path = os.environ.get(WEIGHTS_VARIABLE)
    try:
        if not path:
            return LoFTR(pretrained="outdoor").eval()
        model = LoFTR(pretrained=None)
        model.load_state_dict(torch.load(Path(path), map_location="cpu", weights_only=True)["state_dict"])
        return model.eval()
    except Exception as error:
        reason = " ".join(str(error).split())[:120]
        hint = f"name a file in {WEIGHTS_VARIABLE}, or use --align ecc"
        raise WeightsError(f"the weights of LoFTR cannot be had: {reason}", hint) from error


def _matches(matcher, ir: np.ndarray, vis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[no-untyped-def]
    """Matched points (M x 2 each) in full pixels of the infrared and the visible image."""
    import torch

    tensors, scales = [], []
    for image in (ir, vis):
        scale = min(1.0, _SIDE / max(image.shape))
        size = [max(8, round(n * scale) // 8 * 8) for n in image.shape[::-1]]
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        tensors.append(torch.from_numpy(small / max(float(small.max()), 1.0))[None, None])
        scales.append(np.array(image.shape[::-1]) / np.array(size))
    with torch.inference_mode():
        out = matcher({"image0": tensors[0], "image1": tensors[1]})
    keep = out["confidence"].numpy() > 0.5
    points = [out[key].numpy()[keep] for key in ("keypoints0", "keypoints1")]
    return (points[0] + 0.5) * scales[0] - 0.5, (points[1] + 0.5) * scales[1] - 0.5


def _fitted(points_ir: np.ndarray, points_vis: np.ndarray, motion: str) -> np.ndarray:
    """3 x 3 from infrared to visible pixels by RANSAC."""
    matrix: np.ndarray | None
    if motion in ("auto", "homography"):
        matrix, _ = cv2.findHomography(points_ir, points_vis, cv2.RANSAC, _REPROJECTION_PX)
    else:
        estimate = cv2.estimateAffine2D if motion == "affine" else cv2.estimateAffinePartial2D
        found, _ = estimate(points_ir, points_vis, method=cv2.RANSAC, ransacReprojThreshold=_REPROJECTION_PX)
        matrix = None if found is None else np.vstack([found, [0, 0, 1]])
    if matrix is None:
        raise InputError("alignment refused: the matches agree on no common map")
    return matrix
