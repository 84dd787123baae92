"""Fusion metrics on 8-bit luma, exact and shared: pure functions over pictures, no files, no command line.

`evaluate_pair` scores one fused picture; `Scene` keeps the maps of two sources while several fused pictures are scored.
"""

from ivif_cli.core.metrics.conventions import CONVENTIONS, Convention, find_convention, find_metrics
from ivif_cli.core.metrics.metric import Facts, Metric
from ivif_cli.core.metrics.registry import GROUPS, METRICS, SIX
from ivif_cli.core.metrics.scene import Scene, evaluate_batch, evaluate_pair

__all__ = [
    "CONVENTIONS",
    "GROUPS",
    "METRICS",
    "SIX",
    "Convention",
    "Facts",
    "Metric",
    "Scene",
    "evaluate_batch",
    "evaluate_pair",
    "find_convention",
    "find_metrics",
]
