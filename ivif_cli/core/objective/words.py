"""The language-driven loss: send the fused picture where the words point.

Symbols follow the paper (arXiv 2402.16267): T are text embeddings, I image embeddings, all of unit length;
dT = norm(T_f - T_source) is where a source must travel, dI = norm(I_f - I_source) where the network sent it.

    L_dir = 1/2 (1 - cos(dI_vis, dT_vis)) + 1/2 (1 - cos(dI_ir, dT_ir))
    L     = 2 L_dir(whole) + 10 L_dir(patches) + 6 Phi + 10 P

Every sample has directions of its own, since each is fused for a goal of its own. Beyond the paper, two goals of one
pair are compared: the step from one fused picture to the other has to be the step from one text to the other.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ivif_cli.core.language.directions import ImageEncoder, direction, direction_loss, fit, unit
from ivif_cli.core.objective.patches import PatchSettings, cut_patches, detailed

DEEP_SIDE = 64
"""Side at which the deep features of the perceptual term are compared [px]."""


@dataclass(frozen=True)
class WordsSettings:
    """Weights of the parts; zero leaves a part out, and the work for it.

    Attributes:
        whole: weight of the direction loss of the whole picture.
        patch: weight of the direction loss of the patches.
        phi: weight of the regulariser that ties the fused embedding to both sources.
        perceptual: weight of the deep-feature term.
        step: weight of the comparison of two goals of one pair: which way the picture moves between them.
        reach: weight of how far it moves that way, up to half of the distance of the texts.
        against: what a patch's direction starts from: "patch", the same patch of the sources, or "whole", the whole
            sources (as in the paper).
        patches: number, distortion and filter of the patches.
        precision: "auto" (bf16 or fp16 autocast on CUDA, float32 elsewhere), "fp32", "bf16" or "fp16".
    """

    whole: float = 2.0
    patch: float = 10.0
    phi: float = 6.0
    perceptual: float = 10.0
    step: float = 12.0
    reach: float = 2.0
    against: str = "patch"
    patches: PatchSettings = field(default_factory=PatchSettings)
    precision: str = "auto"


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


def mean_of(parts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each of several scalars, over the goals."""
    return {name: torch.stack([part[name] for part in parts]).mean() for name in parts[0]}


@dataclass(frozen=True)
class Directions:
    """Where the words point, a row a sample, all of unit length.

    Attributes:
        ir, vis: dT_ir and dT_vis, N x D.
        fused: T_f, N x D.
    """

    ir: Tensor
    vis: Tensor
    fused: Tensor


@dataclass(frozen=True)
class Embedded:
    """Image embeddings of a batch: whole pictures N x D, patches that passed the filter M x D with their owners M."""

    whole: Tensor
    cut: Tensor
    owners: Tensor


class LanguageLoss(nn.Module):
    """The language-driven loss of a batch in which every pair is fused for `goals` goals.

    All patches of all pictures and the whole pictures go through the image encoder in one forward; the sources'
    embeddings are computed once per batch, without gradient, and shared by the goals.

    Args:
        encoder: frozen image encoder.
        settings: weights of the parts.
    """

    def __init__(self, encoder: ImageEncoder, settings: WordsSettings | None = None) -> None:
        super().__init__()
        # Convolutional towers run half as fast again in this layout, on CPU and CUDA alike.
        self.encoder = encoder.to(memory_format=torch.channels_last) if isinstance(encoder, nn.Module) else encoder
        self.settings = settings or WordsSettings()

    def forward(
        self, fused: list[Tensor], ir: Tensor, vis: Tensor, goals: list[Directions], patches: Tensor | None
    ) -> dict[str, Tensor]:
        """Compute the parts of the loss.

        Args:
            fused: for each goal the fused luma of all pairs, N x 1 x H x W in [0, 1].
            ir, vis: N x 1 x H x W in [0, 1]; clean, without input noise.
            goals: for each goal the directions of all pairs.
            patches: N x P x 3 x 3, from `draw_patches`; None leaves the patches out.

        Returns:
            Scalars "whole", "patch", "phi", "perceptual", "step" and "reach" (each unweighted, a mean over pairs and
            goals), "kept" (share of patches that passed the filter) and "total", the weighted sum.
        """
        weights = self.settings
        with autocast(ir.device, weights.precision):
            keep = self._filter(ir, vis, patches)
            pictures = self._embed([*fused], patches, keep)
            with torch.no_grad():
                source_ir, source_vis = self._embed([ir, vis], patches, keep)
            perceptual = self._perceptual(fused, ir, vis) if weights.perceptual else ir.new_zeros(())
        wanted = zip(pictures, goals, strict=True)
        means = mean_of([self._parts(picture, source_ir, source_vis, goal) for picture, goal in wanted])
        step, reach = self._step(pictures, goals)
        values = {**means, "perceptual": perceptual, "step": step, "reach": reach}
        total = sum((float(getattr(weights, name)) * value for name, value in values.items()), ir.new_zeros(()))
        kept = ir.new_tensor(float(keep.float().mean()) if keep is not None else 0.0)
        return {**values, "kept": kept, "total": total}

    def _filter(self, ir: Tensor, vis: Tensor, patches: Tensor | None) -> Tensor | None:
        """Which patches count, N x P; None where there are none at all."""
        if patches is None or not self.settings.patch:
            return None
        if self.settings.patches.filter == "entropy":
            return detailed(ir, vis, patches.to(ir.device), self.settings.patches.entropy_bits)
        return torch.ones(patches.shape[:2], dtype=torch.bool, device=ir.device)

    def _embed(self, pictures: list[Tensor], patches: Tensor | None, keep: Tensor | None) -> list[Embedded]:
        """Embed whole pictures and their patches, all in one forward."""
        size, count = self.encoder.image_size, len(pictures[0])
        whole = torch.cat([fit(picture, size) for picture in pictures])
        if patches is None or keep is None:
            owners = torch.empty(0, dtype=torch.long, device=whole.device)
            return [Embedded(v, v[:0], owners) for v in self._vectors(whole).split(count)]
        owners = torch.arange(count, device=whole.device).repeat_interleave(patches.shape[1])[keep.flatten()]
        cuts = torch.cat([cut_patches(picture, patches.to(whole.device), size)[keep.flatten()] for picture in pictures])
        vectors = self._vectors(torch.cat([whole, cuts]))
        wholes = vectors[: len(whole)].split(count)
        cut = vectors[len(whole) :].split(len(owners)) if len(owners) else [vectors[:0]] * len(pictures)
        return [Embedded(w, c, owners) for w, c in zip(wholes, cut, strict=True)]

    def _vectors(self, luma: Tensor) -> Tensor:
        return unit(full_precision(self.encoder.encode_images(luma)))

    def _parts(self, fused: Embedded, ir: Embedded, vis: Embedded, goal: Directions) -> dict[str, Tensor]:
        whole = direction_loss(fused.whole, ir.whole, vis.whole, goal.ir, goal.vis)
        phi = 1 - ((fused.whole * ir.whole).sum(-1) + (fused.whole * vis.whole).sum(-1)) / 2
        parts = {"whole": whole.mean(), "patch": fused.whole.new_zeros(()), "phi": phi.mean()}
        owners, pairs = fused.owners, len(fused.whole)
        if not len(owners):
            return parts
        # Mean over each pair's kept patches, then over all pairs; a pair without one counts as zero.
        starts = (ir.cut, vis.cut) if self.settings.against == "patch" else (ir.whole[owners], vis.whole[owners])
        losses = direction_loss(fused.cut, *starts, goal.ir[owners], goal.vis[owners])
        counts = losses.new_zeros(pairs).index_add(0, owners, torch.ones_like(losses))
        sums = losses.new_zeros(pairs).index_add(0, owners, losses)
        return {**parts, "patch": (sums / counts.clamp_min(1)).mean()}

    def _step(self, pictures: list[Embedded], goals: list[Directions]) -> tuple[Tensor, Tensor]:
        """From the picture of one goal to that of another, whole and patches, against the step between their texts.

        Returns:
            1 - cos of the two steps, and the share that is missing of half of the texts' step.
        """
        if len(pictures) < 2 or not (self.settings.step or self.settings.reach):
            return pictures[0].whole.new_zeros(()), pictures[0].whole.new_zeros(())
        (first, second), (here, there) = pictures[:2], goals[:2]
        gap = (there.fused - here.fused).norm(dim=-1)
        wanted, apart = direction(there.fused, here.fused), (gap > 1e-2).float()
        ways, lengths = [], []
        for start, end, owners in ((first.whole, second.whole, slice(None)), (first.cut, second.cut, first.owners)):
            if len(start):
                ways.append((1 - (direction(end, start) * wanted[owners]).sum(-1)) * apart[owners])
                gone = ((end - start) * wanted[owners]).sum(-1) / (gap[owners] / 2).clamp_min(1e-3)
                lengths.append(F.relu(1 - gone) * apart[owners])
        return torch.stack([x.mean() for x in ways]).mean(), torch.stack([x.mean() for x in lengths]).mean()

    def _perceptual(self, fused: list[Tensor], ir: Tensor, vis: Tensor) -> Tensor:
        """Mean over layers and goals of the MSE to the element-wise maximum of the sources' features."""
        with torch.no_grad():
            sources = self.encoder.image_features(fit(torch.cat((ir, vis)), DEEP_SIDE))
            targets = [torch.maximum(*full_precision(layer).chunk(2)).repeat(len(fused), 1, 1, 1) for layer in sources]
        layers = [full_precision(layer) for layer in self.encoder.image_features(fit(torch.cat(fused), DEEP_SIDE))]
        return torch.stack([F.mse_loss(layer, target) for layer, target in zip(layers, targets, strict=True)]).mean()
