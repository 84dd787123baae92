"""Fusion metrics on 8-bit luma, exact and shared: pure functions over pictures, no files, no command line.

`evaluate_pair` scores one fused picture; `Scene` keeps the maps of two sources while several fused pictures are scored.
"""

from ivif_cli.core.metrics.conventions import CONVENTIONS, Convention
from ivif_cli.core.metrics.metric import Metric
from ivif_cli.core.metrics.registry import GROUPS, METRICS, SIX
from ivif_cli.core.metrics.scene import Scene, evaluate_batch, evaluate_pair
from ivif_cli.core.metrics.selection import find_convention, find_metrics

__all__ = [
    "CONVENTIONS",
    "GROUPS",
    "METRICS",
    "SIX",
    "Convention",
    "Metric",
    "Scene",
    "evaluate_batch",
    "evaluate_pair",
    "find_convention",
    "find_metrics",
]
