"""Qabf: how much of the sources' edges the fused picture keeps (Xydeas and Petrovic 2000)."""

import numpy as np

from ivif_cli.core.metrics.buffers import strips, take
from ivif_cli.core.metrics.maps import Maps

_STRENGTH = (0.9994, 15.0, 0.5)
_ANGLE = (0.9879, 22.0, 0.8)
"""Height, slope and centre of the two sigmoids, as published."""


def _preservation(g_source: np.ndarray, a_source: np.ndarray, g_fused: np.ndarray, a_fused: np.ndarray) -> np.ndarray:
    """Edge preservation of one source in the fused picture, in [0, 0.9753], of strengths g and angles a [rad].

    The product of two sigmoids is one division: heights over (1 + e^u)(1 + e^v).
    """
    ratio, larger = take(g_source.shape), take(g_source.shape)
    np.minimum(g_source, g_fused, out=ratio)
    np.maximum(g_source, g_fused, out=larger)
    equal = ratio == larger
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio /= larger
    np.copyto(ratio, g_fused, where=equal)
    ratio -= _STRENGTH[2]
    ratio *= -_STRENGTH[1]
    np.exp(ratio, out=ratio)
    ratio += 1.0
    turn = np.subtract(a_source, a_fused, out=larger)
    np.abs(turn, out=turn)
    turn *= _ANGLE[1] / (np.pi / 2)
    turn -= _ANGLE[1] * (1 - _ANGLE[2])
    np.exp(turn, out=turn)
    turn += 1.0
    ratio *= turn
    return np.divide(_STRENGTH[0] * _ANGLE[0], ratio, out=ratio)


def edge_preservation(ir: Maps, vis: Maps, fused: Maps) -> float:
    """Qabf: preservation of both sources' edges, weighted by their strength, in [0, 0.9753].

    Kept from the published code: where source and fused strengths are equal, their "ratio" is the fused strength.
    NaN where neither source has a gradient (both black).
    """
    kept = total = 0.0
    for source in (ir.edges, vis.edges):
        for rows in strips(fused.pixels.shape):
            strength = source.strength[rows]
            quality = _preservation(strength, source.angle[rows], fused.edges.strength[rows], fused.edges.angle[rows])
            quality *= strength
            kept += float(quality.sum())
        total += float(source.strength.sum())
    return kept / total if total else float("nan")
