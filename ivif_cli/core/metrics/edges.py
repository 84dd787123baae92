"""What becomes of the sources' edges (Xydeas and Petrovic 2000): Qabf kept, L lost, N invented; X of one source alone.

The published Qabf takes its angles from a true convolution, which turns the sign of Sy/Sx but not the pi/2 of an
upright edge; L, N and X take atan(Sy/Sx) as it is written. Qabf + L + N is 1 up to about 0.001 for that reason alone.
"""

import numpy as np

from ivif_cli.core.metrics.maps import Maps, kept_while_both_live, strips

_STRENGTH = (0.9994, 15.0, 0.5)
_ANGLE = (0.9879, 22.0, 0.8)
"""Height, slope and centre of the two sigmoids, as published."""

_OWN_FACTOR, _OWN_STRENGTH = 2.0, 40.0
"""A source has an edge alone where its strength is above the other's by this factor and above this value."""


def _preservation(g_source: np.ndarray, a_source: np.ndarray, g_fused: np.ndarray, a_fused: np.ndarray) -> np.ndarray:
    """Edge preservation of one source in the fused picture, in [0, 0.9753], of strengths g and angles a [rad].

    The product of two sigmoids is one division: heights over (1 + e^u)(1 + e^v).
    """
    ratio, larger = np.minimum(g_source, g_fused), np.maximum(g_source, g_fused)
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


@kept_while_both_live
def preserved_edges(source: Maps, fused: Maps) -> np.ndarray:
    """Q of every pixel: how much of this source's edge the fused picture keeps, HxW in [0, 0.9753]."""
    quality = np.empty(fused.shape)
    for rows in strips(fused.shape):
        quality[rows] = _preservation(
            source.edges.strength[rows], source.edges.angle[rows], fused.edges.strength[rows], fused.edges.angle[rows]
        )
    return quality


def _share(part: float, ir: Maps, vis: Maps) -> float:
    """A part of both sources' edge strength; NaN where neither has a gradient (both black)."""
    total = float(ir.edges.strength.sum() + vis.edges.strength.sum())
    return part / total if total else float("nan")


def edge_preservation(ir: Maps, vis: Maps, fused: Maps) -> float:
    """Qabf: preservation of both sources' edges, weighted by their strength, in [0, 0.9753].

    Kept from the published code: where source and fused strengths are equal, their "ratio" is the fused strength.
    """
    kept = sum(float(np.vdot(preserved_edges(source, fused), source.edges.strength)) for source in (ir, vis))
    return _share(kept, ir, vis)


def _plainly_preserved(source: Maps, fused: Maps, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Strength and `preserved_edges` of a source's edges at some pixels of an HxW mask, with angles of plain sign.

    That is another value only where one of the two edges is upright.
    """
    quality = preserved_edges(source, fused)[where]
    edges = source.edges, fused.edges
    (g_source, a_source), (g_fused, a_fused) = ((edge.strength[where], edge.angle[where]) for edge in edges)
    one = (a_source == np.pi / 2) != (a_fused == np.pi / 2)
    quality[one] = _preservation(g_source[one], a_source[one], g_fused[one], -a_fused[one])
    return g_source, quality


def unkept_edges(ir: Maps, vis: Maps, fused: Maps, *, invented: bool) -> float:
    """Share of the sources' edges that is not kept (Petrovic 2005), in [0, 1].

    N where the fused edge is stronger than both sources' (`invented`), L where it is not.
    """
    where = (fused.edges.strength > np.maximum(ir.edges.strength, vis.edges.strength)) == invented
    missing = 0.0
    for source in (ir, vis):
        strength, quality = _plainly_preserved(source, fused, where)
        missing += float(strength.sum()) - float(np.vdot(strength, quality))
    return _share(missing, ir, vis)


@kept_while_both_live
def _own_edges(source: Maps, other: Maps) -> np.ndarray:
    """Where a source has an edge that the other lacks, HxW bool."""
    strength = source.edges.strength
    return (strength > _OWN_FACTOR * other.edges.strength) & (strength > _OWN_STRENGTH)


def preserved_own_edges(source: Maps, other: Maps, fused: Maps) -> float:
    """X of a source: preservation, weighted by strength, of the edges that it has alone, in [0, 0.9753].

    NaN where it has none.
    """
    own = _own_edges(source, other)
    if source.is_constant or not own.any():  # edges of a constant picture are those of the zero padding
        return float("nan")
    strength, quality = _plainly_preserved(source, fused, own)
    return float(np.vdot(quality, strength)) / float(strength.sum())
