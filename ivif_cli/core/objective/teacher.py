"""What a student learns from a teacher's output, under whatever goal both were given."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TeacherSettings:
    """How a student learns from a teacher's output; without a teacher none of it counts.

    Attributes:
        intensity: weight of the mean absolute difference to the teacher's output.
        gradient: weight of the mean absolute difference of the differences between neighbours.
        words, keeping: factors on the language-driven loss and on the keeping terms beside it.
    """

    intensity: float = 10.0
    gradient: float = 20.0
    words: float = 0.0
    keeping: float = 0.1


def teacher_parts(fused: Tensor, taught: Tensor) -> dict[str, Tensor]:
    """Mean absolute difference of a student's output to the teacher's, and of their neighbours' differences."""
    gap = fused - taught
    steps = torch.cat([gap.diff(dim=-1).abs().flatten(), gap.diff(dim=-2).abs().flatten()])
    return {"intensity": gap.abs().mean(), "gradient": steps.mean()}
