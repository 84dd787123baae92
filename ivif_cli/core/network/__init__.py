"""The network room: the fusion network, its shapes by name, and its weights files."""

from ivif_cli.core.network.fusion import FusionConfig, FusionNetwork
from ivif_cli.core.network.registry import NETWORKS, LoadedNetwork, build_network, load_network, save_network

__all__ = [
    "NETWORKS",
    "FusionConfig",
    "FusionNetwork",
    "LoadedNetwork",
    "build_network",
    "load_network",
    "save_network",
]
