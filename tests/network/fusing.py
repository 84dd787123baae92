"""Made-up pairs and goals, and what a network makes of them."""

import torch

from ivif_cli.core.network import build_network

GOAL = 12


def random_pair(height, width, seed=0):
    """Infrared and visible noise, 1 x 1 x H x W each."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(1, 1, height, width, generator=generator) for _ in range(2)]


def random_goal(seed=0, count=1):
    """Conditions of made-up goals, count x GOAL."""
    return torch.randn(count, GOAL, generator=torch.Generator().manual_seed(seed))


def described(network, ir, vis, goal=None):
    """What the network knows of a whole pair under a goal."""
    return network.describe(network.thumbnail(ir), network.thumbnail(vis), random_goal() if goal is None else goal)


@torch.no_grad()
def fused_by(network, ir, vis, goal=None):
    """The fused luma of a pair under a goal."""
    return network(ir, vis, described(network, ir, vis, goal))


def fresh(name="base"):
    """A network with fresh weights, in eval mode."""
    torch.manual_seed(0)
    return build_network(name, channels=6, goal=GOAL).eval()
