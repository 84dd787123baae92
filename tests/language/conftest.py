"""A tiny open_clip model with random weights, as a configuration file and a weights file."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file


@dataclass(frozen=True)
class TinyClip:
    """Files of the tiny model."""

    config: Path
    weights: Path


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> TinyClip:
    """A ViT of two blocks on 32 pixels and a text tower of one block, with open_clip's own tokenizer."""
    open_clip = pytest.importorskip("open_clip")
    folder = tmp_path_factory.mktemp("tiny")
    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
        "text_cfg": {
            "context_length": 77,
            "vocab_size": 49408,
            "width": 32,
            "heads": 2,
            "layers": 1,
        },
    }
    torch.manual_seed(0)
    model = open_clip.CLIP(**config)
    files = TinyClip(folder / "tiny_clip.json", folder / "tiny.safetensors")
    files.config.write_text(json.dumps(config))
    save_file(model.state_dict(), files.weights)
    return files
