"""The language-driven loss: send the fused picture where the words point.

Symbols follow the paper (arXiv 2402.16267): T are text embeddings, I image embeddings, all of unit length;
dT = norm(T_f - T_source) is where a source must travel, dI = norm(I_f - I_source) where the network sent it.

    L_dir = 1/2 (1 - cos(dI_vis, dT_vis)) + 1/2 (1 - cos(dI_ir, dT_ir))
    L     = 2 L_dir(whole) + 10 L_dir(patches) + 6 Phi + 10 P
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ivif_cli.core.language.patches import PatchSettings, cut_patches, detailed, draw_patches

DIRECTION_EPS = 1e-4
"""Length below which a direction fades out instead of being blown up; distances of embeddings lie in 0 to 2."""


class ImageEncoder(Protocol):
    """What the loss needs of an encoder; `ivif_cli.core.language.encoder.Encoder` is one."""

    image_size: int

    def encode_images(self, luma: Tensor) -> Tensor: ...

    def image_features(self, luma: Tensor) -> list[Tensor]: ...


class TextEmbeddings(Protocol):
    """The three embedded texts, each of length D; `ivif_cli.core.language.prompts.PromptEmbeddings` is one."""

    @property
    def ir(self) -> Tensor: ...
    @property
    def vis(self) -> Tensor: ...
    @property
    def fused(self) -> Tensor: ...


@dataclass(frozen=True)
class LanguageSettings:
    """Weights of the parts; zero leaves a part out, and the work for it.

    Attributes:
        whole: weight of the direction loss of the whole image.
        patch: weight of the direction loss of the patches.
        phi: weight of the regulariser that ties the fused embedding to both sources.
        phi_ir, phi_vis: shares of the sources in it (the first version of the paper: 0.65 and 0.35).
        perceptual: weight of the deep-feature term.
        patches: number, distortion and filter of the patches.
        precision: "auto" (bf16 or fp16 autocast on CUDA, float32 elsewhere), "fp32", "bf16" or "fp16".
    """

    whole: float = 2.0
    patch: float = 10.0
    phi: float = 6.0
    phi_ir: float = 0.5
    phi_vis: float = 0.5
    perceptual: float = 10.0
    patches: PatchSettings = field(default_factory=PatchSettings)
    precision: str = "auto"


def unit(vectors: Tensor, eps: float = 1e-12) -> Tensor:
    """Scale vectors (... x D) to unit length; a vector shorter than `eps` shrinks to zero, with a finite gradient."""
    return vectors * torch.rsqrt(vectors.square().sum(-1, keepdim=True) + eps * eps)


def direction(end: Tensor, start: Tensor) -> Tensor:
    """Unit vector from `start` to `end` (... x D); zero, not NaN, where both are the same."""
    return unit(end - start, DIRECTION_EPS)


def direction_loss(fused: Tensor, ir: Tensor, vis: Tensor, ir_text: Tensor, vis_text: Tensor) -> Tensor:
    """L_dir of the paper.

    Args:
        fused, ir, vis: image embeddings, ... x D, unit length.
        ir_text, vis_text: language directions dT_ir and dT_vis, D, unit length.

    Returns:
        One value per embedding, 0 (as the words say) to 2 (the opposite way).
    """
    agreement = (direction(fused, ir) * ir_text).sum(-1) + (direction(fused, vis) * vis_text).sum(-1)
    return 1 - agreement / 2


def full_precision(tensor: Tensor) -> Tensor:
    """float32 at least: half-precision embeddings are too coarse to subtract."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def chosen_precision(device: torch.device, precision: str) -> str:
    """What "auto" means on a device: "bf16", or "fp16" on older CUDA devices, "fp32" elsewhere."""
    if precision != "auto":
        return precision
    if device.type != "cuda":
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """The autocast context of a precision name on a device; none where float32 is meant."""
    chosen = chosen_precision(device, precision)
    if chosen == "fp32":
        return nullcontext()
    return torch.autocast(device.type, dtype={"bf16": torch.bfloat16, "fp16": torch.float16}[chosen])


def fit(luma: Tensor, size: int) -> Tensor:
    """Resize N x 1 x H x W to the encoder's size, bilinear, with antialiasing where it shrinks."""
    if luma.shape[-2:] == (size, size):
        return luma
    return F.interpolate(luma, (size, size), mode="bilinear", align_corners=False, antialias=True)


class LanguageLoss(nn.Module):
    """The language-driven loss of a batch.

    All patches of all pairs and the whole fused images go through the image encoder in one forward; the sources'
    embeddings are computed once per batch, without gradient.

    Args:
        encoder: frozen image encoder.
        embeddings: the three embedded texts; their lengths do not matter.
        settings: weights of the parts.
    """

    ir_text: Tensor
    vis_text: Tensor

    def __init__(
        self, encoder: ImageEncoder, embeddings: TextEmbeddings, settings: LanguageSettings | None = None
    ) -> None:
        super().__init__()
        # Convolutional towers run half as fast again in this layout, on CPU and CUDA alike.
        self.encoder = encoder.to(memory_format=torch.channels_last) if isinstance(encoder, nn.Module) else encoder
        self.settings = settings or LanguageSettings()
        goal = unit(full_precision(embeddings.fused))
        for name, source in (("ir_text", embeddings.ir), ("vis_text", embeddings.vis)):
            self.register_buffer(name, unit(goal - unit(full_precision(source))).detach())

    def forward(
        self,
        fused: Tensor,
        ir: Tensor,
        vis: Tensor,
        generator: torch.Generator | None = None,
        *,
        patches: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Compute the parts of the loss.

        Args:
            fused, ir, vis: N x 1 x H x W in [0, 1]; the sources clean, without input noise.
            generator: draws the patches where `patches` is None.
            patches: N x P x 3 x 3, drawn beforehand by `draw_patches`.

        Returns:
            Scalars "global", "patch", "phi", "perceptual" (each unweighted, a mean over pairs), "kept" (share of
            patches that passed the filter) and "total", the weighted sum.
        """
        weights = self.settings
        if patches is None and weights.patch:
            patches = draw_patches(fused.shape[0], weights.patches, generator or torch.default_generator)
        with autocast(fused.device, weights.precision):
            source_ir, source_vis = self._embed_sources(ir, vis)
            whole, cut, owners = self._embed_fused(fused, ir, vis, patches if weights.patch else None)
            perceptual = self._perceptual(fused, ir, vis) if weights.perceptual else fused.new_zeros(())
        losses = direction_loss(whole, source_ir, source_vis, self.ir_text, self.vis_text)
        phi = weights.phi_ir * (1 - (whole * source_ir).sum(-1)) + weights.phi_vis * (1 - (whole * source_vis).sum(-1))
        patch, kept = self._patch_loss(cut, owners, source_ir, source_vis)
        parts = {"global": losses.mean(), "patch": patch, "phi": phi.mean(), "perceptual": perceptual}
        scale = {"global": weights.whole, "patch": weights.patch, "phi": weights.phi, "perceptual": weights.perceptual}
        total = torch.stack([scale[name] * part for name, part in parts.items() if scale[name]] or [phi.mean() * 0])
        return {**parts, "kept": kept, "total": total.sum()}

    def _embed(self, luma: Tensor) -> Tensor:
        return unit(full_precision(self.encoder.encode_images(luma)))

    @torch.no_grad()
    def _embed_sources(self, ir: Tensor, vis: Tensor) -> tuple[Tensor, Tensor]:
        first, second = self._embed(fit(torch.cat((ir, vis)), self.encoder.image_size)).chunk(2)
        return first, second

    def _embed_fused(
        self, fused: Tensor, ir: Tensor, vis: Tensor, patches: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Embed whole images and the patches that pass the entropy filter: N x D, M x D, and M owners' indices."""
        size, pairs = self.encoder.image_size, fused.shape[0]
        whole = fit(fused, size)
        if patches is None:
            return self._embed(whole), whole.new_zeros((0, self.ir_text.numel())), torch.empty(0, dtype=torch.long)
        patches = patches.to(fused.device)
        owners = torch.arange(pairs, device=fused.device).repeat_interleave(patches.shape[1])
        crops = cut_patches(fused, patches, size)
        if self.settings.patches.filter == "entropy":
            keep = detailed(ir, vis, patches, self.settings.patches.entropy_bits).flatten()
            crops, owners = crops[keep], owners[keep]
        embedded = self._embed(torch.cat((whole, crops)))
        return embedded[:pairs], embedded[pairs:], owners

    def _patch_loss(self, cut: Tensor, owners: Tensor, ir: Tensor, vis: Tensor) -> tuple[Tensor, Tensor]:
        """Mean over each pair's kept patches, then over all pairs; a pair without one counts as zero."""
        pairs, settings = ir.shape[0], self.settings.patches
        if not cut.shape[0]:
            return ir.new_zeros(()), ir.new_zeros(())
        losses = direction_loss(cut, ir[owners], vis[owners], self.ir_text, self.vis_text)
        keep = torch.ones_like(losses)
        if settings.filter == "loss":
            keep = (losses.detach() >= settings.loss_floor).to(losses)
        counts = losses.new_zeros(pairs).index_add(0, owners, keep)
        sums = losses.new_zeros(pairs).index_add(0, owners, losses * keep)
        return (sums / counts.clamp_min(1)).mean(), counts.sum() / (pairs * settings.count)

    def _perceptual(self, fused: Tensor, ir: Tensor, vis: Tensor) -> Tensor:
        """Mean over layers of the MSE to the element-wise maximum of the sources' features."""
        with torch.no_grad():
            sources = self.encoder.image_features(torch.cat((ir, vis)))
            targets = [torch.maximum(*full_precision(layer).chunk(2)) for layer in sources]
        layers = [full_precision(layer) for layer in self.encoder.image_features(fused)]
        return torch.stack([F.mse_loss(layer, target) for layer, target in zip(layers, targets, strict=True)]).mean()


@torch.no_grad()
def language_score(encoder: ImageEncoder, embeddings: TextEmbeddings, fused: Tensor, ir: Tensor, vis: Tensor) -> Tensor:
    """LDS: mean cosine between image and language directions of whole pictures, 1 - L_dir.

    Args:
        encoder: image encoder that the embeddings belong to.
        embeddings: the three embedded texts.
        fused, ir, vis: N x 1 x H x W in [0, 1].

    Returns:
        N values in [-1, 1]; higher: the fused picture went where the words point.
    """
    loss = LanguageLoss(encoder, embeddings).to(fused.device)
    whole = loss._embed(fit(fused, encoder.image_size))
    return 1 - direction_loss(whole, *loss._embed_sources(ir, vis), loss.ir_text, loss.vis_text)
