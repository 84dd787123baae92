"""What the cases start from."""

from pathlib import Path

import pytest
import torch

from ivif_cli.core.data.images import write_image
from ivif_cli.core.network import save_network
from tests.cases.runs import GREY, VIS
from tests.made_up import small_network


@pytest.fixture
def yard(tmp_path: Path) -> Path:
    """Weights of two networks, and two pairs of 8 bits in `ir` and `vi`."""
    network, metadata, goals = small_network()
    for name in ("first", "second"):
        save_network(tmp_path / f"{name}.safetensors", network, metadata, goals)
        with torch.no_grad():
            network.tone.bias += 0.1
    for name in ("1", "2"):
        write_image(tmp_path / "ir" / f"{name}.png", GREY)
        write_image(tmp_path / "vi" / f"{name}.png", VIS)
    return tmp_path
