"""Directions in an encoder's space: where a source must travel, where it went, and how well the two agree (LDS)."""

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ivif_cli.core.language.goal import Goal

DIRECTION_EPS = 1e-4
"""Length below which a direction fades out instead of being blown up; distances of embeddings lie in 0 to 2."""


class ImageEncoder(Protocol):
    """What the loss and the score need of an encoder; `ivif_cli.core.language.encoder.Encoder` is one."""

    image_size: int

    def encode_images(self, luma: Tensor) -> Tensor: ...

    def image_features(self, luma: Tensor) -> list[Tensor]: ...


def unit(vectors: Tensor, eps: float = 1e-12) -> Tensor:
    """Scale vectors (... x D) to unit length; a vector shorter than `eps` shrinks to zero, with a finite gradient."""
    return vectors * torch.rsqrt(vectors.square().sum(-1, keepdim=True) + eps * eps)


def direction(end: Tensor, start: Tensor) -> Tensor:
    """Unit vector from `start` to `end` (... x D); zero, not NaN, where both are the same."""
    return unit(end - start, DIRECTION_EPS)


def direction_loss(fused: Tensor, ir: Tensor, vis: Tensor, ir_text: Tensor, vis_text: Tensor) -> Tensor:
    """L_dir of arXiv 2402.16267.

    Args:
        fused, ir, vis: image embeddings, ... x D, unit length.
        ir_text, vis_text: language directions dT_ir and dT_vis, ... x D, unit length.

    Returns:
        One value per embedding, 0 (as the words say) to 2 (the opposite way).
    """
    agreement = (direction(fused, ir) * ir_text).sum(-1) + (direction(fused, vis) * vis_text).sum(-1)
    return 1 - agreement / 2


def fit(luma: Tensor, size: int) -> Tensor:
    """Resize N x 1 x H x W to an encoder's size, bilinear, with antialiasing where it shrinks."""
    if luma.shape[-2:] == (size, size):
        return luma
    return F.interpolate(luma, (size, size), mode="bilinear", align_corners=False, antialias=True)


@torch.no_grad()
def language_score(encoder: ImageEncoder, goal: Goal, fused: Tensor, ir: Tensor, vis: Tensor) -> Tensor:
    """LDS: mean cosine between image and language directions of whole pictures, 1 - L_dir.

    LDS = 1/2 cos(I_f - I_ir, T_f - T_ir) + 1/2 cos(I_f - I_vis, T_f - T_vis)

    Args:
        encoder: image encoder that the goal belongs to.
        goal: what was asked.
        fused, ir, vis: N x 1 x H x W in [0, 1].

    Returns:
        N values in [-1, 1]; higher: the fused picture went where the words point. A fused picture that equals a source
        went nowhere: 0 for that half.
    """
    fused_at, ir_at, vis_at = (
        unit(encoder.encode_images(fit(luma, encoder.image_size)).float()) for luma in (fused, ir, vis)
    )
    ir_text, vis_text = (torch.from_numpy(x).to(fused.device) for x in (goal.ir_direction, goal.vis_direction))
    return 1 - direction_loss(fused_at, ir_at, vis_at, ir_text, vis_text)
