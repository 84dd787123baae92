"""What a student learns from a teacher's output, under whatever goal both were given."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TeacherSettings:
    """How a student learns from a teacher's output; without a teacher none of it counts.

    Attributes:
        intensity: weight of the mean absolute difference to the teacher's output.
        gradient: weight of the mean absolute difference of the differences between neighbours.
        change: weight of the mean absolute difference of what changes from one goal to the other.
        words, keeping: factors on the language-driven loss and on the keeping terms beside it.
    """

    intensity: float = 10.0
    gradient: float = 20.0
    change: float = 60.0
    words: float = 0.0
    keeping: float = 0.1


def teacher_parts(fused: Sequence[Tensor], taught: Sequence[Tensor]) -> dict[str, Tensor]:
    """How far a student's pictures are from the teacher's, N x 1 x H x W for each goal, as means of absolute values.

    What a word changes is small beside what a picture holds, so the step from one goal to the next is taught by itself.
    """
    gap = torch.stack(list(fused)) - torch.stack(list(taught))
    steps = torch.cat([gap.diff(dim=-1).abs().flatten(), gap.diff(dim=-2).abs().flatten()])
    change = gap.diff(dim=0).abs().mean() if len(gap) > 1 else gap.new_zeros(())
    return {"intensity": gap.abs().mean(), "gradient": steps.mean(), "change": change}
