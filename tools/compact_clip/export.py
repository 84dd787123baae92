"""The compact CLIP as one safetensors file: image tower (fp16), text tower (fp16), word table (int8)."""

import json
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from ivif_cli.core.language.text_tower import PREFIX, SPACE, TextTower
from ivif_cli.core.weights import write_weights
from tools.compact_clip.anchors import DIMENSIONS
from tools.compact_clip.image_tower import ImageRecipe
from tools.compact_clip.text_training import TextRecipe


def vision_config(recipe: ImageRecipe) -> dict[str, object]:
    """Arguments of open_clip's `ModifiedResNet`."""
    return {
        "layers": list(recipe.layers),
        "output_dim": DIMENSIONS,
        "heads": recipe.width // 2,
        "image_size": recipe.image_size,
        "width": recipe.width,
    }


def export(
    path: Path,
    visual: dict[str, Tensor],
    tower: TextTower,
    table: tuple[list[str], Tensor, Tensor],
    recipes: tuple[ImageRecipe, TextRecipe],
    trained_on: str,
    history: str = "One unbroken run from fresh weights.",
    space: str | None = None,
) -> str:
    """Write the file; returns its sha256.

    Args:
        path: where to.
        visual: state of the image tower.
        tower: the trained text tower.
        table: words, int8 vectors, fp16 scales.
        recipes: what both were trained with.
        trained_on: the pairs, in words.
        history: how the run went, one or two sentences for the card.
        space: sha256 of the first file with these axes and anchors, where only the towers are new.
    """
    words, vectors, scale = table
    tensors = {f"visual.{name}": _half(value) for name, value in visual.items()}
    tensors |= {f"{PREFIX}{name}": _half(value) for name, value in tower.state_dict().items()}
    encoded = torch.frombuffer(bytearray("\n".join(words).encode()), dtype=torch.uint8)
    tensors |= {f"{PREFIX}words": encoded, f"{PREFIX}vectors": vectors, f"{PREFIX}scale": scale}
    metadata = {
        "model": "compact_clip",
        "vision": json.dumps(vision_config(recipes[0])),
        "image_recipe": json.dumps(asdict(recipes[0])),
        "text_recipe": json.dumps(asdict(recipes[1])),
        "trained_on": trained_on,
        "history": history,
        "word_table": "all-MiniLM-L6-v2 (sentence-transformers, Apache-2.0), first 128 principal axes, int8",
    }
    if space:
        metadata[SPACE] = space
    return write_weights(path, tensors, metadata)


def _half(value: Tensor) -> Tensor:
    return value.half().contiguous() if value.is_floating_point() else value
