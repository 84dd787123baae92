"""Prompt sets and their embeddings: the three texts of an objective, embedded once and kept in a safetensors file."""

import dataclasses
import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from ivif_cli.core.errors import EncoderError, UsageError
from ivif_cli.core.weights import read_weights, write_weights

FORMAT = "ivif-prompts-1"
ROLES = ("ir", "vis", "fused")
TEMPLATES: tuple[str, ...] = (
    "{}",
    "a photo of {}",
    "a picture of {}",
    "a photo of the {}",
    "a cropped photo of {}",
    "a close-up photo of {}",
    "a photo of one {}",
    "a photo of a large {}",
    "a photo of a small {}",
    "a nice photo of {}",
    "a black and white photo of {}",
    "this is {}",
    "there is {} in the scene",
    "it looks like {}",
    "we see {}",
)
"""Frames in the manner of the zero-shot ImageNet prompts; they claim nothing themselves."""


@dataclass(frozen=True)
class PromptSet:
    """An objective in words: what the infrared source is, what the visible source is, what the fused image should be.

    The defaults are the paper's texts (arXiv 2402.16267, 2025 version).
    """

    name: str = "default"
    ir: str = "an infrared image"
    vis: str = "a visible gray image"
    fused: str = "a clear image with detailed background and salient objects"

    def texts(self) -> tuple[str, str, str]:
        """(ir, vis, fused)."""
        return self.ir, self.vis, self.fused


@dataclass(frozen=True)
class PromptEmbeddings:
    """A prompt set in an encoder's space; every tensor is float32 of length D and unit length.

    Attributes:
        ir, vis, fused: the texts' embeddings.
        encoder, sha256: the encoder's name and the hash of its weights.
        texts: the prompt set itself.
        templates: what the texts were put into and averaged over ("{}" alone: nothing).
    """

    ir: Tensor
    vis: Tensor
    fused: Tensor
    encoder: str
    sha256: str
    texts: PromptSet
    templates: tuple[str, ...] = ("{}",)

    @property
    def ir_direction(self) -> Tensor:
        """Where the infrared source must travel: norm(T_f - T_ir)."""
        return F.normalize(self.fused - self.ir, dim=0)

    @property
    def vis_direction(self) -> Tensor:
        """Where the visible source must travel: norm(T_f - T_vis)."""
        return F.normalize(self.fused - self.vis, dim=0)


_FIELDS = dataclasses.fields(PromptSet)


class TextEncoder(Protocol):
    """What embedding needs of an encoder."""

    name: str
    sha256: str

    def encode_texts(self, texts: Sequence[str]) -> Tensor: ...


def embed(encoder: TextEncoder, prompts: PromptSet, templates: Sequence[str] | None = None) -> PromptEmbeddings:
    """Embed the three texts, each averaged over `templates` (texts with one "{}") and normalised again.

    Raises:
        UsageError: a template without exactly one "{}", or two of the texts mean the same to the encoder.
    """
    frames = tuple(templates or ("{}",))
    for frame in frames:
        if frame.count("{}") != 1:
            raise UsageError(f"a template needs exactly one {{}}: {frame!r}")
    averages = [
        F.normalize(encoder.encode_texts([frame.replace("{}", text) for frame in frames]).float().mean(0), dim=0).cpu()
        for text in prompts.texts()
    ]
    ir, vis, fused = averages
    for role, source in (("ir", ir), ("vis", vis)):
        if torch.linalg.vector_norm(fused - source) < 1e-3:
            raise UsageError(
                f"prompt set {prompts.name!r}: the {role} and the fused text mean the same to {encoder.name}"
            )
    return PromptEmbeddings(ir, vis, fused, encoder.name, encoder.sha256, prompts, frames)


def cosine_table(sets: Sequence[PromptEmbeddings]) -> list[tuple[str, float, float, float, float]]:
    """Per set: name, cos(T_f, T_ir), cos(T_f, T_vis), cos(T_ir, T_vis), cosine of the two directions."""
    return [
        (
            e.texts.name,
            float(e.fused @ e.ir),
            float(e.fused @ e.vis),
            float(e.ir @ e.vis),
            float(e.ir_direction @ e.vis_direction),
        )
        for e in sets
    ]


def save_embeddings(path: Path, sets: PromptEmbeddings | Sequence[PromptEmbeddings]) -> str:
    """Write one or more sets of the same encoder; returns the sha256 of the file, which is whole or absent.

    Raises:
        UsageError: no set, two sets of one name, or sets of different encoders.
        OutputError: the file cannot be written.
    """
    chosen = [sets] if isinstance(sets, PromptEmbeddings) else list(sets)
    names = [e.texts.name for e in chosen]
    if not chosen or len(set(names)) != len(names):
        raise UsageError("every prompt set needs a name of its own" if chosen else "no prompt set to save")
    if len({(e.encoder, e.sha256) for e in chosen}) > 1:
        raise UsageError("prompt sets of different encoders do not go into one file")
    tensors: dict[str, Tensor] = {}
    for e in chosen:
        vectors = {"ir": e.ir, "vis": e.vis, "fused": e.fused, "ir_direction": e.ir_direction}
        vectors["vis_direction"] = e.vis_direction
        tensors |= {f"{e.texts.name}/{role}": vector.contiguous().clone() for role, vector in vectors.items()}
    texts = [dataclasses.asdict(e.texts) | {"templates": list(e.templates)} for e in chosen]
    metadata = {"format": FORMAT, "encoder": chosen[0].encoder, "encoder_sha256": chosen[0].sha256}
    return write_weights(path, tensors, metadata | {"prompts": json.dumps(texts, ensure_ascii=False)})


def load_all_embeddings(path: Path, *, encoder: TextEncoder | None = None) -> list[PromptEmbeddings]:
    """Every set of a file, in its order.

    Args:
        path: a file of `save_embeddings`.
        encoder: the encoder they will be used with; another one than they were made with is refused.

    Raises:
        WeightsError: missing, damaged or pickled file.
        EncoderError: no prompt file, or made with another encoder.
    """
    tensors, metadata = read_weights(path)
    if metadata.get("format") != FORMAT:
        raise EncoderError(f"{path} holds no prompt embeddings", "make them with ivif embed-prompts")
    name, sha256 = metadata.get("encoder", "?"), metadata.get("encoder_sha256", "")
    if encoder is not None and sha256 != encoder.sha256:
        same = f" (weights {sha256[:12]} and {encoder.sha256[:12]})" if name == encoder.name else ""
        raise EncoderError(
            f"{path} was made with the encoder {name}, not with {encoder.name}{same}",
            "embed the prompts again with ivif embed-prompts, or choose that encoder with --clip",
        )
    try:
        entries = json.loads(metadata.get("prompts", "[]"))
        sets = [PromptSet(**{field.name: str(entry[field.name]) for field in _FIELDS}) for entry in entries]
        templates = [tuple(map(str, entry.get("templates", ("{}",)))) for entry in entries]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise EncoderError(f"{path}: its prompt texts are damaged", "make them with ivif embed-prompts") from error
    return [_unpacked(*of, tensors, name, sha256, path) for of in zip(sets, templates, strict=True)]


def _unpacked(
    texts: PromptSet, templates: tuple[str, ...], tensors: dict[str, Tensor], name: str, sha256: str, path: Path
) -> PromptEmbeddings:
    try:
        ir, vis, fused = (tensors[f"{texts.name}/{role}"].float() for role in ROLES)
    except KeyError as error:
        raise EncoderError(f"{path}: the prompt set {texts.name!r} is incomplete: {error} is missing") from error
    return PromptEmbeddings(ir, vis, fused, name, sha256, texts, templates)


def load_embeddings(path: Path, *, encoder: TextEncoder | None = None, name: str | None = None) -> PromptEmbeddings:
    """One set of a file: the named one, or the first.

    Raises:
        as `load_all_embeddings`; UsageError where the file has no set of that name.
    """
    sets = load_all_embeddings(path, encoder=encoder)
    chosen = [e for e in sets if name is None or e.texts.name == name]
    if not chosen:
        raise UsageError(f"{path} has no prompt set {name!r}", f"it has {_names(e.texts.name for e in sets)}")
    return chosen[0]


def read_prompt_file(path: Path) -> tuple[list[PromptSet], tuple[str, ...]]:
    """Prompt sets and templates of a TOML file.

    The file has one table a set, `[NAME]` with `ir`, `vis` and `fused` (missing ones keep the paper's text), and may
    have `templates = ["a photo of {}", ...]` on top.

    Raises:
        UsageError: unreadable, no TOML, or keys that are not known.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the prompt file {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no valid TOML: {error}") from error
    templates = document.pop("templates", [])
    if not isinstance(templates, list) or not all(isinstance(frame, str) for frame in templates):
        raise UsageError(f"{path}: templates must be a list of texts")
    sets = [_prompt_set(path, name, table) for name, table in document.items()]
    if not sets:
        raise UsageError(f"{path} holds no prompt set", 'write one as a table: [NAME] with ir = "...", vis, fused')
    return sets, tuple(templates)


def _prompt_set(path: Path, name: str, table: object) -> PromptSet:
    if not isinstance(table, dict) or not all(isinstance(text, str) for text in table.values()):
        raise UsageError(f"{path}: {name} must be a table of texts ({_names(ROLES)})")
    unknown = [key for key in table if key not in ROLES]
    if unknown:
        raise UsageError(f"{path}: [{name}] has unknown keys: {_names(unknown)}", f"known are {_names(ROLES)}")
    return PromptSet(name=name, **table)


def _names(names: Iterable[str]) -> str:
    return ", ".join(names)
