"""Where claims lie in the embedding space: axes of what can be measured, and a claim as a mixture of them.

A picture has a position on every axis, -1 to 1. Its embedding is the positions and, as last number, what is missing to
a fixed length; so brightness can change without any other axis changing, which no free embedding would promise.
A text has no last number: only the axes that it speaks of.
"""

import torch
from torch import Tensor

from ivif_cli.core.language.claims import CLAIMS

AXES = (
    "modality",
    "brightness",
    "contrast",
    "detail",
    "saliency",
    "sharpness",
    "noise",
    "veil",
    "clipping",
    "clearness",
    "daylight",
)
DIMENSIONS = len(AXES) + 1

MIXTURES: dict[str, dict[str, float]] = {
    "infrared": {"modality": 1},
    "visible": {"modality": -1},
    "clear": {"clearness": 0.8, "sharpness": 0.4, "noise": -0.4},
    "blurry": {"sharpness": -1},
    "noisy": {"noise": 1},
    "dark": {"brightness": -1},
    "bright": {"brightness": 1},
    "faded": {"contrast": -0.75, "veil": 0.65},
    "contrast": {"contrast": 0.95, "veil": -0.3},
    "over-exposed": {"clipping": 1},
    "detailed": {"detail": 1},
    "plain": {"detail": -1},
    "salient": {"saliency": 1},
    "dim": {"saliency": -1},
    "day": {"daylight": 1},
    "night": {"daylight": -1},
}
"""Claim -> shares of the axes."""


def anchors() -> Tensor:
    """Claims x dimensions, unit rows in the order of `CLAIMS`."""
    rows = torch.zeros(len(CLAIMS), DIMENSIONS)
    for row, claim in enumerate(CLAIMS):
        for axis, share in MIXTURES[claim].items():
            rows[row, AXES.index(axis)] = share
    return torch.nn.functional.normalize(rows, dim=1)


def positions_to_embedding(positions: Tensor) -> Tensor:
    """N x axes in [-1, 1] -> N x dimensions, unit rows."""
    rest = (len(AXES) - positions.square().sum(1, keepdim=True)).clamp(min=0).sqrt()
    return torch.cat((positions, rest), dim=1) / len(AXES) ** 0.5


def embedding_to_positions(embedding: Tensor) -> Tensor:
    """The axes' part of `positions_to_embedding` undone: N x dimensions -> N x axes."""
    return embedding[:, : len(AXES)] * len(AXES) ** 0.5
