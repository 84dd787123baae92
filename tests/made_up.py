"""Goals and networks that need no trained weights."""

import zlib
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ivif_cli.core.language.goal import DEFAULT, Goal, named_goals
from ivif_cli.core.network import FusionNetwork, LoadedNetwork, build_network

LENGTH = 8


class SeededEncoder:
    """Gives every text its own random unit vector."""

    def __init__(self, name: str = "seeded", sha256: str = "ab" * 32) -> None:
        self.name, self.sha256 = name, sha256

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """N x 8."""
        rows = [torch.randn(LENGTH, generator=torch.Generator().manual_seed(zlib.crc32(t.encode()))) for t in texts]
        return F.normalize(torch.stack(rows), dim=1)

    def claim_strengths(self, text: str) -> dict[str, float]:
        """Every text says something."""
        return {"bright": 1.0}

    def unknown_words(self, text: str) -> list[str]:
        """It knows every word."""
        return []

    def too_long(self, text: str) -> bool:
        """It reads texts of any length."""
        return False


def goals() -> dict[str, Goal]:
    """The named goals of the seeded encoder."""
    return named_goals(SeededEncoder())


def enlivened(network: FusionNetwork, seed: int = 5) -> FusionNetwork:
    """Random weights where fresh ones are nearly zero, so that every path counts."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in (network.modulate, network.tone, network.base, *network.maps):
            weight = layer.get_parameter("weight")
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.6 / weight.shape[1] ** 0.5)
        network.ways.copy_(torch.eye(*network.ways.shape))
        network.trim.copy_(torch.randn(network.trim.shape, generator=generator) * 0.1)
    return network.eval()


def lively_network(name: str = "base", **changes: int | str) -> LoadedNetwork:
    """A small network whose output depends strongly on neighbours, on both sources, on the thumbnails and the goal."""
    torch.manual_seed(5)
    network = enlivened(build_network(name, **{"channels": 4, "goal": 2 * LENGTH, **changes}))
    named = goals()
    network.origin.copy_(torch.from_numpy(named[DEFAULT].condition[0]))
    return LoadedNetwork(network, "lively", "0" * 64, {}, named)


def small_network(name: str = "fast") -> tuple[FusionNetwork, dict[str, str], dict[str, Goal]]:
    """What `save_network` takes for a small file that `ivif fuse -m FILE` fuses with."""
    made = lively_network(name)
    return made.network, made.metadata, made.goals
