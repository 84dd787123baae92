"""Models of open_clip: named ones, whose weights its hub client fetches, and local weights files.

Together with `encoder`, which calls it, the only module that touches open_clip (and, through it, torchvision).
"""

import contextlib
import hashlib
import json
import logging
import socket
import urllib.parse
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from ivif_cli.core.errors import EncoderError, IvifError, UsageError, WeightsError
from ivif_cli.core.nearest import nearest
from ivif_cli.core.weights import file_sha256, read_weights

COMPACT = "compact"
TWO_WAYS_OUT = "give a local file with --clip-weights FILE, or use the bundled model with --clip compact"
_ELSEWHERE = ("hf-hub:", "local-dir:")

Loaded = tuple[nn.Module, Any, str, str]
"""A model, its tokenizer, its name and the sha256 of its weights."""


def import_open_clip() -> ModuleType:
    """open_clip, or EncoderError in one line that says what to install."""
    try:
        with quiet():
            import open_clip
    except (ImportError, RuntimeError, AttributeError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        install = "pip install --upgrade torch torchvision open_clip_torch"
        hint = f"install torch and torchvision that match, from one index: {install}"
        raise EncoderError(f"open_clip cannot be imported: {reason}", hint) from error
    return open_clip


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """open_clip's and the hub's chatter off: what matters comes as an error."""
    previous = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(previous)


def from_file(open_clip: ModuleType, clip: str, path: Path) -> Loaded:
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
        hint = "name the model it was made for with --clip NAME (or --clip CONFIG.json)"
        raise EncoderError(f"{path} does not hold weights of {clip}: {first_line(error)}", hint) from error
    return model, open_clip.get_tokenizer(name), f"{name}/{path.name}", file_sha256(path)


def from_hub(open_clip: ModuleType, clip: str, pretrained: str | None) -> Loaded:
    """A model whose weights open_clip fetches, or finds in its cache; the hash is over its tensors' names and bytes."""
    tag = _tag(open_clip, clip, pretrained)
    asked = f"{clip}/{tag}" if tag else clip
    try:
        with _offline_where_unreachable():
            model = open_clip.create_model(clip, pretrained=tag, require_pretrained=True)
            tokenizer = open_clip.get_tokenizer(clip)
    except IvifError:
        raise
    except Exception as error:  # hub clients fail in many ways; each becomes one line
        offline = any(word in str(error) for word in ("Hub", "offline", "connection"))
        reason = "the model hub cannot be reached" if offline else first_line(error)
        raise EncoderError(f"the weights of {asked} cannot be fetched: {reason}", TWO_WAYS_OUT) from error
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return model, tokenizer, asked, digest.hexdigest()


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
        raise EncoderError(f"cannot read the model configuration {path}: {first_line(error)}") from error
    if not {"embed_dim", "vision_cfg", "text_cfg"} <= set(config):
        raise EncoderError(f"{path} is no open_clip configuration: embed_dim, vision_cfg or text_cfg is missing")
    open_clip.add_model_config(path)
    return path.stem


def _unknown_model(open_clip: ModuleType, clip: str) -> UsageError:
    return UsageError(f"unknown model {clip!r}", nearest(clip, [COMPACT, *open_clip.list_models()]))


def first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
