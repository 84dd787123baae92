"""The whole objective: total = words(goal) + keeping (+ teacher, for a student)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ivif_cli.core.objective.keeping import KeepingSettings, held, keeping_parts, wanted
from ivif_cli.core.objective.teacher import TeacherSettings, teacher_parts
from ivif_cli.core.objective.words import Directions, LanguageLoss, mean_of


@dataclass(frozen=True)
class Asked:
    """What one fused picture of a batch was asked for.

    Attributes:
        directions: of every pair.
        default: N, 1 for the default goal and 0 for another.
        lean: N, -1 (visible) to 1 (infrared): towards which source the goal's words lean.
        claims: N x 4, -1 to 1: how much they say of each of `NAMED_DIALS`, and which way.
    """

    directions: Directions
    default: Tensor
    lean: Tensor
    claims: Tensor


def objective(
    fused: Sequence[Tensor],
    ir: Tensor,
    vis: Tensor,
    scenes: tuple[Tensor, Tensor],
    asked: Sequence[Asked],
    *,
    words: LanguageLoss | None,
    factor: float,
    keeping: KeepingSettings,
    patches: Tensor | None = None,
    taught: Sequence[Tensor] | None = None,
    teacher: TeacherSettings | None = None,
) -> dict[str, Tensor]:
    """All parts of the objective.

    Args:
        fused: for each goal the network's output in training mode, N x 1 x H x W, not yet limited to [0, 1].
        ir, vis: the clean sources.
        scenes: thumbnails of their whole scenes, infrared and visible.
        asked: for each goal what was asked.
        words: the language-driven loss, None to leave it out.
        factor: on the language-driven loss.
        keeping: weights of the keeping terms.
        patches: N x P x 3 x 3, the loss's patches.
        taught: for each goal the teacher's output, for a student.
        teacher: how a student learns.

    Returns:
        Unweighted scalars "words.PART", "keeping.PART", "teacher.PART", and "total", the weighted sum.
    """
    teacher = teacher or TeacherSettings()
    factor = factor * (teacher.words if taught is not None else 1.0)
    parts: dict[str, Tensor] = {}
    total = ir.new_zeros(())
    if words is not None and factor:
        said = words([f.clamp(0, 1) for f in fused], ir, vis, [a.directions for a in asked], patches)
        total = total + factor * said.pop("total")
        parts |= {f"words.{name}": value for name, value in said.items()}
    share = teacher.keeping if taught is not None else 1.0
    sources = wanted(ir, vis, scenes, keeping)
    both = zip(fused, asked, strict=True)
    kept = mean_of([keeping_parts(f, sources, a.default, keeping, a.lean, a.claims) for f, a in both])
    if len(fused) > 1:
        # What changes between the first two goals of each pair though neither names it.
        apart = (asked[1].claims - asked[0].claims).abs().clamp(max=1)
        lean = (asked[1].lean - asked[0].lean).abs().clamp(max=1)
        kept["hold"] = held(fused[0], fused[1], apart, lean)
    total = total + share * weigh(kept, vars(keeping), total)
    parts |= {f"keeping.{name}": value for name, value in kept.items()}
    if taught is not None:
        learnt = teacher_parts(fused, taught)
        total = total + weigh(learnt, vars(teacher), total)
        parts |= {f"teacher.{name}": value for name, value in learnt.items()}
    return {**parts, "total": total}


def weigh(terms: Mapping[str, Tensor], weights: Mapping[str, object], like: Tensor) -> Tensor:
    """Sum of the terms times the weights of the same names."""
    return sum((float(weights[name]) * term for name, term in terms.items()), torch.zeros_like(like))  # type: ignore[arg-type]
