"""Entropy and mutual information on exact 256-bin histograms, in bits (Shannon 1948; MI for fusion: Qu et al. 2002)."""

import numpy as np

from ivif_cli.core.metrics.maps import Maps, count_levels


def entropy_of_counts(counts: np.ndarray) -> float:
    """Shannon entropy of a histogram of integer counts [bit]; empty bins count nothing."""
    occupied = counts[counts > 0].astype(np.float64)
    total = occupied.sum()
    return float(np.log2(total) - (occupied * np.log2(occupied)).sum() / total)


def joint_histogram(source: Maps, fused: Maps) -> np.ndarray:
    """256 x 256 counts of (fused level, source level), int64."""
    return count_levels([fused.pixels, source.pixels])


def mutual_information_of_counts(joint: np.ndarray) -> float:
    """I(X;Y) = H(X) + H(Y) - H(X,Y) of joint counts [bit]."""
    marginals = entropy_of_counts(joint.sum(axis=0)) + entropy_of_counts(joint.sum(axis=1))
    return marginals - entropy_of_counts(joint.ravel())


def entropy(fused: Maps) -> float:
    """EN: Shannon entropy of the fused picture's histogram [bit], in [0, 8]."""
    return max(0.0, entropy_of_counts(fused.histogram))


def mutual_information(ir: Maps, vis: Maps, fused: Maps) -> float:
    """MI: I(ir;fused) + I(vis;fused) [bit], in [0, 16]."""
    return max(0.0, sum(mutual_information_of_counts(joint_histogram(source, fused)) for source in (ir, vis)))
