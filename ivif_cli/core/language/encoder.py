"""Language-image encoders: the bundled compact CLIP, any open_clip model, or a local weights file.

This is the only module that touches open_clip (and, through it, torchvision); it does so when an encoder is loaded.
"""

import contextlib
import hashlib
import json
import logging
import socket
import urllib.parse
import urllib.request
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ivif_cli.core.errors import EncoderError, IvifError, UsageError, WeightsError
from ivif_cli.core.language.text_tower import COMPACT_WEIGHTS, SPACE, TextEncoder, text_tower_from
from ivif_cli.core.nearest import nearest
from ivif_cli.core.weights import bundled, file_sha256, read_weights

COMPACT = "compact"
TWO_WAYS_OUT = "give a local file with --clip-weights FILE, or use the bundled model with --clip compact"
_ELSEWHERE = ("hf-hub:", "local-dir:")


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
        name: what it was loaded as ("compact", "ViT-B-32/openai", ...).
        sha256: hash of its weights file, or of its tensors where they came from a hub; a compact CLIP's space.
        image_size: side of its square input, pixels.
        embed_dim: length D of its embeddings.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: Any, tokenizer: Any, *, name: str, sha256: str) -> None:
        """`tokenizer`: of an open_clip model, or the whole text side of a compact CLIP."""
        super().__init__()
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.text = tokenizer if isinstance(tokenizer, TextEncoder) else None
        self.name = name
        self.sha256 = sha256
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
        resized = self.resized(luma)
        return F.normalize(self.model.encode_image(self._normalised(resized)), dim=-1)

    @torch.no_grad()
    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Texts -> M x D, L2-normalised."""
        if self.text:
            return self.text.encode_texts(texts)
        tokens = self.tokenizer(list(texts)).to(self.device)
        return F.normalize(self.model.encode_text(tokens).float(), dim=-1)

    def image_features(self, luma: Tensor) -> list[Tensor]:
        """Early feature maps of the image tower, (N, C, h, w) each, finest first, differentiable.

        A convolutional tower reads the luma at its own size (strides 2, 4 and 8); a transformer or any other tower
        reads it at the model's input size and gives the maps of its first blocks.

        Args:
            luma: N1HW in [0, 1].
        """
        visual = self.model.visual
        if hasattr(visual, "stem") and hasattr(visual, "layer1"):
            return _convolutional_features(visual, self._normalised(luma))
        blocks = len(visual.transformer.resblocks) if hasattr(visual, "transformer") else 3
        indices = sorted({blocks // 6, blocks // 4, blocks // 3})
        output = visual.forward_intermediates(
            self._normalised(self.resized(luma)), indices=indices, intermediates_only=True, output_fmt="NCHW"
        )
        return list(output["image_intermediates"])

    def unknown_words(self, text: str) -> list[str]:
        """Words of a text that the model does not know; always empty for models with a sub-word tokenizer."""
        return self.text.unknown_words(text) if self.text else []

    def too_long(self, text: str) -> bool:
        """Whether the model reads only the beginning of a text; not asked of models with a sub-word tokenizer."""
        return self.text is not None and self.text.too_long(text)

    def resized(self, luma: Tensor) -> Tensor:
        """N1HW -> N1SS at the model's input size S, bilinear, antialiased where it shrinks."""
        side = (self.image_size, self.image_size)
        if luma.shape[-2:] == side:
            return luma
        return F.interpolate(luma, side, mode="bilinear", align_corners=False, antialias=True)

    def _normalised(self, luma: Tensor) -> Tensor:
        return (luma.expand(-1, 3, -1, -1) - self.mean) / self.std


def _convolutional_features(visual: Any, pixels: Tensor) -> list[Tensor]:
    """Stem before its pooling (stride 2), first stage (4), second stage (8)."""
    stem = visual.act1(visual.bn1(visual.conv1(pixels)))
    stem = visual.act2(visual.bn2(visual.conv2(stem)))
    stem = visual.act3(visual.bn3(visual.conv3(stem)))
    first = visual.layer1(visual.avgpool(stem))
    return [stem, first, visual.layer2(first)]


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
    with _quiet():
        if clip == COMPACT:
            encoder = _compact(weights or bundled(COMPACT_WEIGHTS), own=weights is not None)
        elif weights is not None:
            encoder = _from_file(open_clip, clip, weights)
        else:
            encoder = _from_hub(open_clip, clip, pretrained)
    return encoder.to(device)


def import_open_clip() -> ModuleType:
    """open_clip, or EncoderError in one line that says what to install."""
    try:
        with _quiet():
            import open_clip
    except (ImportError, RuntimeError, AttributeError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EncoderError(
            f"open_clip cannot be imported: {reason}",
            "install torch and torchvision that match, from one index: pip install --upgrade torch torchvision "
            "open_clip_torch",
        ) from error
    return open_clip


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """open_clip's and the hub's chatter off: what matters comes as an error."""
    previous = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(previous)


def _compact(path: Path, *, own: bool) -> Encoder:
    """The compact CLIP of a weights file (`own`: the user's, else the bundled one)."""
    from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
    from open_clip.modified_resnet import ModifiedResNet

    if not path.is_file():
        raise EncoderError(f"no such weights file: {path}", "check --clip-weights")
    try:
        tensors, metadata = read_weights(path)
        vision = json.loads(metadata["vision"])
        visual = ModifiedResNet(**vision)
        own_part = {n.removeprefix("visual."): value for n, value in tensors.items() if n.startswith("visual.")}
        visual.load_state_dict(own_part)
        text = TextEncoder(text_tower_from(tensors), name=COMPACT, sha256=metadata.get(SPACE, file_sha256(path)))
    except WeightsError as error:
        raise EncoderError(error.message, error.hint) from error
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise EncoderError(
            f"{path} does not hold a compact CLIP: {_first_line(error)}", "name its model with --clip NAME"
        ) from error
    visual.preprocess_cfg = {"mean": OPENAI_DATASET_MEAN, "std": OPENAI_DATASET_STD}
    return Encoder(CompactClip(visual), text, name=f"{COMPACT}/{path.name}" if own else COMPACT, sha256=text.sha256)


def _from_file(open_clip: ModuleType, clip: str, path: Path) -> Encoder:
    """The open_clip model `clip` with the weights of a local file."""
    name = _register_config(open_clip, clip)
    if not path.is_file():
        raise EncoderError(f"no such weights file: {path}", "check --clip-weights")
    model = open_clip.create_model(name, load_weights=False, pretrained_text=False)
    try:
        if path.suffix == ".safetensors":
            read_weights(path)
        open_clip.load_checkpoint(model, str(path), weights_only=True)
    except WeightsError as error:
        raise EncoderError(error.message, error.hint) from error
    except Exception as error:  # a foreign file can fail in any way; each becomes one line
        raise EncoderError(
            f"{path} does not hold weights of {clip}: {_first_line(error)}",
            "name the model it was made for with --clip NAME (or --clip CONFIG.json)",
        ) from error
    return Encoder(model, open_clip.get_tokenizer(name), name=f"{name}/{path.name}", sha256=file_sha256(path))


def _from_hub(open_clip: ModuleType, clip: str, pretrained: str | None) -> Encoder:
    """A model whose weights open_clip fetches, or finds in its cache."""
    tag = _tag(open_clip, clip, pretrained)
    try:
        with _offline_where_unreachable():
            model = open_clip.create_model(clip, pretrained=tag, require_pretrained=True)
            tokenizer = open_clip.get_tokenizer(clip)
    except IvifError:
        raise
    except Exception as error:  # hub clients fail in many ways; each becomes one line
        asked = f"{clip}/{tag}" if tag else clip
        raise EncoderError(f"the weights of {asked} cannot be fetched: {_reason(error)}", TWO_WAYS_OUT) from error
    return Encoder(model, tokenizer, name=f"{clip}/{tag}" if tag else clip, sha256=_tensor_sha256(model))


@contextlib.contextmanager
def _offline_where_unreachable() -> Iterator[None]:
    """Let the hub client look into its cache only where the hub does not answer: its own retries take a minute."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or not _reachable(constants.ENDPOINT)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _reachable(endpoint: str) -> bool:
    """Whether the host of a URL takes a connection within three seconds; behind a proxy that is not for us to ask."""
    url = urllib.parse.urlsplit(endpoint)
    if urllib.request.getproxies().get(url.scheme):
        return True
    try:
        with socket.create_connection((url.hostname or "", url.port or 443), timeout=3.0):
            return True
    except OSError:
        return False


def _tag(open_clip: ModuleType, clip: str, pretrained: str | None) -> str | None:
    """The weights' tag of a named model; models from elsewhere have none."""
    if clip.startswith(_ELSEWHERE):
        return None
    if clip not in open_clip.list_models():
        raise _unknown_model(open_clip, clip)
    tags = open_clip.list_pretrained_tags_by_model(clip)
    tag = pretrained or ("openai" if "openai" in tags else None)
    if tag is None or tag not in tags:
        problem = f"unknown tag {tag!r}" if tag else "no --clip-pretrained given"
        raise UsageError(f"{problem} for {clip}", f"known are {', '.join(tags) or 'none; use --clip-weights FILE'}")
    return tag


def _register_config(open_clip: ModuleType, clip: str) -> str:
    """open_clip's name of `clip`; a configuration file is registered first, under its stem."""
    path = Path(clip)
    if path.suffix != ".json":
        if clip not in open_clip.list_models():
            raise _unknown_model(open_clip, clip)
        return clip
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"cannot read the model configuration {path}: {_first_line(error)}") from error
    if not {"embed_dim", "vision_cfg", "text_cfg"} <= set(config):
        raise EncoderError(f"{path} is no open_clip configuration: embed_dim, vision_cfg or text_cfg is missing")
    open_clip.add_model_config(path)
    return path.stem


def _unknown_model(open_clip: ModuleType, clip: str) -> UsageError:
    return UsageError(f"unknown model {clip!r}", nearest(clip, [COMPACT, *open_clip.list_models()]))


def _tensor_sha256(model: nn.Module) -> str:
    """sha256 over the names and bytes of all tensors."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def _reason(error: BaseException) -> str:
    """What a hub client means, without its prose."""
    text = str(error)
    offline = any(word in text for word in ("Hub", "offline", "connection"))
    return "the model hub cannot be reached" if offline else _first_line(error)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
