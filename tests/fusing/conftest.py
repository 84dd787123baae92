"""A network with lively made-up weights, so that the engine's tests do not hang on the bundled ones."""

import pytest
import torch

from ivif_cli.core.network import LoadedNetwork, build_network


@pytest.fixture(scope="session")
def lively() -> LoadedNetwork:
    """A small network whose output depends strongly on neighbours, on both sources and on the descriptors."""
    torch.manual_seed(5)
    network = build_network("base", channels=4)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.startswith(("head", "tone_out")) and parameter.dim() > 1:
                parameter.copy_(torch.randn_like(parameter) * 0.15)
    return LoadedNetwork(network.eval(), "lively", "0" * 64, {})
