"""Nabf: edges that the fusion invented (Petrovic and Xydeas 2005, as modified by Shreyamsha Kumar 2013)."""

import cv2
import numpy as np

from ivif_cli.core.metrics.maps import Maps

_STRENGTH = (0.9999, 19.0, 0.5)
_ANGLE = (0.9995, 22.0, 0.5)
"""Height, slope and centre of the two sigmoids, as published."""

_STRONG = 2.0
_WEAK_WEIGHT = 0.001
_WEIGHT_POWER = 1.5


def _edges(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Strength and angle [rad] of Sobel edges over 8, mirrored border, of an HxW picture."""
    down = cv2.Sobel(picture, cv2.CV_64F, 0, 1, scale=0.125, borderType=cv2.BORDER_REFLECT_101)
    across = cv2.Sobel(picture, cv2.CV_64F, 1, 0, scale=0.125, borderType=cv2.BORDER_REFLECT_101)
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = np.arctan(across / down)
    angle[(across == 0) & (down == 0)] = 0
    return np.sqrt(down * down + across * across), angle


def _sigmoid(values: np.ndarray, parameters: tuple[float, float, float]) -> np.ndarray:
    height, slope, centre = parameters
    return height / (1 + np.exp(-slope * (values - centre)))


def _preservation(source: tuple[np.ndarray, np.ndarray], fused: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    (g_source, a_source), (g_fused, a_fused) = source, fused
    larger = np.maximum(g_source, g_fused)
    ratio = np.divide(np.minimum(g_source, g_fused), larger, out=np.zeros_like(larger), where=larger > 0)
    agreement = np.abs(np.abs(a_source - a_fused) - np.pi / 2) * (2 / np.pi)
    return np.sqrt(_sigmoid(ratio, _STRENGTH) * _sigmoid(agreement, _ANGLE))


def _weight(strength: np.ndarray, weak: float) -> np.ndarray:
    return np.where(strength >= _STRONG, strength**_WEIGHT_POWER, weak)


def artefacts(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray, weak: float = _WEAK_WEIGHT) -> float:
    """Nabf of three HxW float64 pictures; `weak` is the weight of edges below strength 2."""
    edges = [_edges(picture) for picture in (ir, vis, fused)]
    g_ir, g_vis, g_fused = (strength for strength, _ in edges)
    invented = (g_fused > g_ir) & (g_fused > g_vis)
    lost = total = 0.0
    for source, strength in zip(edges[:2], (g_ir, g_vis), strict=True):
        weight = _weight(strength, weak)
        total += float(weight.sum())
        lost += float((invented * (1 - _preservation(source, edges[2])) * weight).sum())
    return lost / total if total else float("nan")


def fusion_artefacts(ir: Maps, vis: Maps, fused: Maps) -> float:
    """Nabf on grey levels 0..255, in [0, 1]; lower is better."""
    return artefacts(ir.real, vis.real, fused.real)
