"""The language score (LDS): whether a fused image lies where the words point, seen from its sources."""

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ivif_cli.core.language.loss import direction_loss
from ivif_cli.core.language.prompts import PromptEmbeddings


class ImageEncoder(Protocol):
    """What the score needs of an encoder."""

    @property
    def device(self) -> torch.device: ...

    def encode_images(self, luma: Tensor) -> Tensor: ...


def embedding_score(ir: Tensor, vis: Tensor, fused: Tensor, prompts: PromptEmbeddings) -> Tensor:
    """Mean cosine between image and text directions, of the whole images.

    LDS = 1/2 cos(I_f - I_ir, T_f - T_ir) + 1/2 cos(I_f - I_vis, T_f - T_vis); 1 - L_dir of arXiv 2402.16267.

    Args:
        ir, vis, fused: image embeddings, N x D, unit length.
        prompts: embeddings of the same encoder.

    Returns:
        N values in [-1, 1], higher is better. A fused image that equals a source went nowhere: 0 for that half.
    """
    ir_text, vis_text = prompts.ir_direction.to(ir), prompts.vis_direction.to(vis)
    return 1 - direction_loss(fused, ir, vis, ir_text, vis_text)


@torch.no_grad()
def score_pair(
    encoder: ImageEncoder, prompts: PromptEmbeddings, ir: np.ndarray, vis: np.ndarray, fused: np.ndarray
) -> float:
    """LDS of one pair; the pictures are uint8 luma HxW."""
    at_ir, at_vis, at_fused = (encoder.encode_images(to_tensor(luma).to(encoder.device)) for luma in (ir, vis, fused))
    return float(embedding_score(at_ir, at_vis, at_fused, prompts))


def to_tensor(luma: np.ndarray) -> Tensor:
    """uint8 luma HxW -> float32 tensor 1x1HW in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(luma)).float().div_(255.0)[None, None]
