"""Language-image encoders: the bundled compact CLIP, any open_clip model, or a local weights file.

open_clip (and, through it, torchvision) is touched when an encoder is loaded, here and in `open_clip_models` alone.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ivif_cli.core.errors import EncoderError, UsageError, WeightsError
from ivif_cli.core.language.directions import fit
from ivif_cli.core.language.open_clip_models import COMPACT, first_line, from_file, from_hub, import_open_clip, quiet
from ivif_cli.core.language.text_tower import COMPACT_WEIGHTS, SPACE, TextEncoder, text_tower_from
from ivif_cli.core.weights import bundled, read_hashed_weights


class CompactClip(nn.Module):
    """The compact CLIP's image tower, as a model of open_clip is used."""

    def __init__(self, visual: Any) -> None:
        super().__init__()
        self.visual = visual

    def encode_image(self, pixels: Tensor) -> Tensor:
        """N,3,S,S -> N x D."""
        return self.visual(pixels)


class Encoder(nn.Module):
    """A frozen language-image model that speaks luma and text: the compact CLIP, or any of open_clip.

    Attributes:
        text: the text side of a compact CLIP, which knows what it cannot read; None for other models.
        name: what it was loaded as ("compact", "ViT-B-32/openai", ...).
        sha256: hash of its weights file, or of its tensors where they came from a hub; a compact CLIP's space.
        weights_sha256: the same, but of a compact CLIP the hash of its file: two files may share a space.
        image_size: side of its square input, pixels.
        embed_dim: length D of its embeddings.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: Any, tokenizer: Any, name: str, sha256: str, weights_sha256: str | None = None) -> None:
        """`tokenizer`: of an open_clip model, or the whole text side of a compact CLIP."""
        super().__init__()
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.text = tokenizer if isinstance(tokenizer, TextEncoder) else None
        self.name, self.sha256, self.weights_sha256 = name, sha256, weights_sha256 or sha256
        size = self.model.visual.image_size
        self.image_size = int(size[0] if isinstance(size, tuple | list) else size)
        self.register_buffer("mean", torch.tensor(_image_statistic(model, "image_mean")).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(_image_statistic(model, "image_std")).view(1, 3, 1, 1))
        self.embed_dim = int(self.encode_texts(["a"]).shape[1])

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.mean.device

    def train(self, mode: bool = True) -> "Encoder":
        """An encoder stays in evaluation mode."""
        return super().train(False)

    def encode_images(self, luma: Tensor) -> Tensor:
        """Image embeddings, differentiable.

        Args:
            luma: N1HW in [0, 1]; resized (bilinear, antialiased) to the model's input, grey repeated to three channels.

        Returns:
            N x D, L2-normalised.
        """
        return F.normalize(self.model.encode_image(self._normalised(self.resized(luma))), dim=-1)

    @torch.no_grad()
    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Texts -> M x D, L2-normalised."""
        if self.text:
            return self.text.encode_texts(texts)
        tokens = self.tokenizer(list(texts)).to(self.device)
        return F.normalize(self.model.encode_text(tokens).float(), dim=-1)

    def image_features(self, luma: Tensor) -> list[Tensor]:
        """Early feature maps of the image tower, (N, C, h, w) each, finest first, differentiable.

        A convolutional tower reads the luma at its own size (stem before its pooling, first and second stage: strides
        2, 4 and 8); a transformer or any other tower reads it at the model's input size and gives its first blocks.

        Args:
            luma: N1HW in [0, 1].
        """
        visual = self.model.visual
        if hasattr(visual, "stem") and hasattr(visual, "layer1"):
            stem = visual.act1(visual.bn1(visual.conv1(self._normalised(luma))))
            stem = visual.act2(visual.bn2(visual.conv2(stem)))
            stem = visual.act3(visual.bn3(visual.conv3(stem)))
            first = visual.layer1(visual.avgpool(stem))
            return [stem, first, visual.layer2(first)]
        blocks = len(visual.transformer.resblocks) if hasattr(visual, "transformer") else 3
        indices = sorted({blocks // 6, blocks // 4, blocks // 3})
        output = visual.forward_intermediates(
            self._normalised(self.resized(luma)), indices=indices, intermediates_only=True, output_fmt="NCHW"
        )
        return list(output["image_intermediates"])

    def resized(self, luma: Tensor) -> Tensor:
        """N1HW -> N1SS at the model's input size S, bilinear, antialiased where it shrinks."""
        return fit(luma, self.image_size)

    def _normalised(self, luma: Tensor) -> Tensor:
        return (luma.expand(-1, 3, -1, -1) - self.mean) / self.std


def _image_statistic(model: nn.Module, key: str) -> tuple[float, float, float]:
    """Mean or std of the model's own preprocessing; open_clip writes it on the image tower."""
    config = getattr(model.visual, "preprocess_cfg", None) or {}
    value = config.get(key.removeprefix("image_")) or getattr(model.visual, key, None)
    if value is None:
        raise EncoderError(f"the model does not say its {key.replace('_', ' ')}")
    return tuple(value)


def load_encoder(
    clip: str = COMPACT,
    *,
    pretrained: str | None = None,
    weights: Path | None = None,
    device: str | torch.device = "cpu",
) -> Encoder:
    """An encoder, frozen and in evaluation mode.

    Args:
        clip: "compact", an open_clip model name, or the path of an open_clip configuration (JSON).
        pretrained: open_clip's tag of the weights to fetch (`openai` where the model has it and nothing is said).
        weights: a local weights file for the model `clip`, instead of fetching any.
        device: where to put it.

    Raises:
        UsageError: unknown model name or tag, or options that do not fit.
        EncoderError: open_clip cannot be imported, or the weights cannot be had or do not fit.
    """
    if pretrained is not None and (weights is not None or clip == COMPACT):
        raise UsageError("--clip-pretrained does not go with --clip-weights or --clip compact", "leave one of them out")
    open_clip = import_open_clip()
    with quiet():
        if clip == COMPACT:
            encoder = _compact(weights or bundled(COMPACT_WEIGHTS), own=weights is not None)
        elif weights is not None:
            encoder = Encoder(*from_file(open_clip, clip, weights))
        else:
            encoder = Encoder(*from_hub(open_clip, clip, pretrained))
    return encoder.to(device)


def _compact(path: Path, *, own: bool) -> Encoder:
    """The compact CLIP of a weights file (`own`: the user's, else the bundled one)."""
    from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
    from open_clip.modified_resnet import ModifiedResNet

    if not path.is_file():
        raise EncoderError(f"no such weights file: {path}", "check --clip-weights")
    try:
        tensors, metadata, sha256 = read_hashed_weights(path)
        visual = ModifiedResNet(**json.loads(metadata["vision"]))
        names = [name for name in tensors if name.startswith("visual.")]
        visual.load_state_dict({name.removeprefix("visual."): tensors[name] for name in names})
        text = TextEncoder(text_tower_from(tensors), name=COMPACT, sha256=metadata.get(SPACE, sha256))
    except WeightsError as error:
        raise EncoderError(error.message, error.hint) from error
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        problem = f"{path} does not hold a compact CLIP: {first_line(error)}"
        raise EncoderError(problem, "name its model with --clip NAME") from error
    visual.preprocess_cfg = {"mean": OPENAI_DATASET_MEAN, "std": OPENAI_DATASET_STD}
    name = f"{COMPACT}/{path.name}" if own else COMPACT
    return Encoder(CompactClip(visual), text, name=name, sha256=text.sha256, weights_sha256=sha256)
