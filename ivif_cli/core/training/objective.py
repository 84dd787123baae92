"""The objective of a step: the words, the fidelity terms, and the teacher's output where there is one."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ivif_cli.core.language.loss import LanguageLoss
from ivif_cli.core.network import FusionNetwork
from ivif_cli.core.training.crops import Batch
from ivif_cli.core.training.fidelity import derivatives, fidelity_parts, stretch_tones
from ivif_cli.core.training.recipe import Recipe


class FuseStep(nn.Module):
    """The network with its global descriptors as one forward, which is what DDP needs to see."""

    def __init__(self, network: FusionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, ir: Tensor, vis: Tensor, ir_thumb: Tensor, vis_thumb: Tensor) -> Tensor:
        """Fuse crops with the descriptors of their whole images; all N x 1 x size x size."""
        return self.network(ir, vis, self.network.describe(ir_thumb, vis_thumb))


def distill_parts(fused: Tensor, taught: Tensor) -> dict[str, Tensor]:
    """Mean absolute difference of a student's output and of its `derivatives` to the teacher's, two scalars."""
    gap = fused - taught
    return {"intensity": gap.abs().mean(), "gradient": derivatives(gap).abs().mean()}


def objective(
    recipe: Recipe,
    fused: Tensor,
    batch: Batch,
    *,
    language: LanguageLoss | None = None,
    patches: Tensor | None = None,
    taught: Tensor | None = None,
    progress: float = 1.0,
) -> dict[str, Tensor]:
    """All parts of the objective.

    Args:
        recipe: the weights.
        fused: the network's output in training mode, N x 1 x H x W, not yet limited to [0, 1].
        batch: the sources it came from.
        language: the language-driven loss, None to leave it out.
        patches: N x P x 3 x 3, its patches.
        taught: a teacher's output for the same batch.
        progress: share of the run that is done, for `language_from`.

    Returns:
        Unweighted scalars named "language.PART", "fidelity.PART", "distill.PART", and "total", the weighted sum.
    """
    student = taught is not None
    parts: dict[str, Tensor] = {}
    total = fused.new_zeros(())
    factor = recipe.language * recipe.language_every * (recipe.distill.language if student else 1.0)
    if language is not None and factor and progress >= recipe.language_from:
        words = language(fused.clamp(0, 1), batch.ir, batch.vis, patches=patches)
        total = total + factor * words.pop("total")
        parts |= {f"language.{name}": value for name, value in words.items()}
    factor = recipe.distill.fidelity if student else 1.0
    if factor:
        tones = None
        if recipe.fidelity.stretch > 1:
            tones = stretch_tones(batch.ir_thumb, batch.vis_thumb, recipe.fidelity.stretch)
        terms = fidelity_parts(fused, batch.ir, batch.vis, recipe.fidelity, tones)
        total = total + factor * weigh(terms, vars(recipe.fidelity), total)
        parts |= {f"fidelity.{name}": value for name, value in terms.items()}
    if taught is not None:
        terms = distill_parts(fused, taught)
        total = total + weigh(terms, vars(recipe.distill), total)
        parts |= {f"distill.{name}": value for name, value in terms.items()}
    return {**parts, "total": total}


def weigh(terms: Mapping[str, Tensor], weights: Mapping[str, object], like: Tensor) -> Tensor:
    """Sum of the terms times the weights of the same names."""
    return sum((float(weights[name]) * term for name, term in terms.items()), torch.zeros_like(like))  # type: ignore[arg-type]
