"""Checkpoint files."""

from pathlib import Path

import torch

from ivif_cli.core.weights import read_weights, write_weights


def test_header_of_any_length_is_read(tmp_path: Path) -> None:
    """A safetensors file begins with its header's length; one that ends in 0x80 looked like a pickle once."""
    for length in range(0, 512, 8):
        path = tmp_path / "weights.safetensors"
        write_weights(path, {"a": torch.zeros(1)}, {"note": "x" * length})
        assert read_weights(path)[1] == {"note": "x" * length}
