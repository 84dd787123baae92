"""Qabf: how much of the sources' edges the fused picture keeps (Xydeas and Petrovic 2000)."""

import numpy as np

from ivif_cli.core.metrics.maps import Edges, Maps

_STRENGTH = (0.9994, 15.0, 0.5)
_ANGLE = (0.9879, 22.0, 0.8)
"""Height, slope and centre of the two sigmoids, as published."""


def _preservation(source: Edges, fused: Edges) -> np.ndarray:
    """Edge preservation of one source in the fused picture, HxW in [0, 0.9873].

    The product of two sigmoids is one division: heights over (1 + e^u)(1 + e^v).
    """
    ratio = np.minimum(source.strength, fused.strength)
    larger = np.maximum(source.strength, fused.strength)
    equal = ratio == larger
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio /= larger
    np.copyto(ratio, fused.strength, where=equal)
    ratio -= _STRENGTH[2]
    ratio *= -_STRENGTH[1]
    np.exp(ratio, out=ratio)
    ratio += 1.0
    turn = np.subtract(source.angle, fused.angle, out=larger)
    np.abs(turn, out=turn)
    turn *= _ANGLE[1] / (np.pi / 2)
    turn -= _ANGLE[1] * (1 - _ANGLE[2])
    np.exp(turn, out=turn)
    turn += 1.0
    ratio *= turn
    return np.divide(_STRENGTH[0] * _ANGLE[0], ratio, out=ratio)


def edge_preservation(ir: Maps, vis: Maps, fused: Maps) -> float:
    """Qabf: preservation of both sources' edges, weighted by their strength, in [0, 0.9873].

    Kept from the published code: where source and fused strengths are equal, their "ratio" is the fused strength.
    NaN where neither source has a gradient (both black).
    """
    kept = total = 0.0
    for source in (ir, vis):
        strength = source.edges.strength
        kept += float(np.vdot(_preservation(source.edges, fused.edges), strength))
        total += float(strength.sum())
    return kept / total if total else float("nan")
