"""A goal: what is wanted of the fused picture, in words and in the space of one language-image encoder.

It flows beside `ir` and `vis`: an option becomes a goal, the goal conditions the network, and in training the same goal
says where the loss points. Named goals travel as tensors in the fusion weights; free text needs a text tower.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from ivif_cli.core.errors import EncoderError, UsageError, WeightsError

DEFAULT = "default"
PREFIX = "goal."
"""Tensors of a weights file that belong to its goals begin with it: goal.NAME, N x 3 x D each (ir, vis, fused)."""


@dataclass(frozen=True)
class Texts:
    """What the infrared source is, what the visible source is, what the fused picture should be.

    The defaults are the paper's texts (arXiv 2402.16267, 2025 version).
    """

    ir: str = "an infrared image"
    vis: str = "a visible gray image"
    fused: str = "a clear image with detailed background and salient objects"

    def __iter__(self) -> "Iterable[str]":  # type: ignore[override]
        return iter((self.ir, self.vis, self.fused))


NAMED: dict[str, str] = {
    DEFAULT: Texts.fused,
    "bright": "a bright image",
    "dark": "a dark image",
    "detailed": "an image with detailed background",
    "plain": "an image with plain background",
    "salient": "an image with salient objects",
    "dim": "an image with dim objects",
    "contrast": "an image with high contrast",
    "faded": "a faded image with low contrast",
    "infrared": "an infrared image with hot objects",
    "visible": "a visible gray image with natural light",
}
"""Goals that every bundled file carries: name -> what is wanted."""

DIALS: dict[str, tuple[str, str]] = {
    "bright": ("bright", "dark"),
    "detailed": ("detailed", "plain"),
    "salient": ("salient", "dim"),
    "contrast": ("contrast", "faded"),
    "infrared": ("infrared", "visible"),
}
"""Dial -> the named goals at its ends, +1 and -1."""


class TextEncoder(Protocol):
    """What a goal needs of an encoder."""

    name: str
    sha256: str

    def encode_texts(self, texts: Sequence[str]) -> Tensor: ...


@dataclass(frozen=True)
class Goal:
    """One goal. All tensors are float32 of length D and unit length.

    Attributes:
        name: of a named goal, or the text itself.
        texts: in words.
        ir, vis, fused: T_ir, T_vis and T_f.
        encoder, sha256: name of the encoder and hash of its weights.
        strength: how far `fused` went from the default goal (0) to the text (1), or beyond.
        dials: what was turned, for the record.
    """

    name: str
    texts: Texts
    ir: Tensor
    vis: Tensor
    fused: Tensor
    encoder: str
    sha256: str
    strength: float = 1.0
    dials: tuple[tuple[str, float], ...] = ()

    @property
    def ir_direction(self) -> Tensor:
        """Where the infrared source must travel: dT_ir = norm(T_f - T_ir)."""
        return F.normalize(self.fused - self.ir, dim=0)

    @property
    def vis_direction(self) -> Tensor:
        """Where the visible source must travel: dT_vis = norm(T_f - T_vis)."""
        return F.normalize(self.fused - self.vis, dim=0)

    @property
    def condition(self) -> Tensor:
        """What a network is given: 1 x 2D, both directions, scaled to a variance of about 1."""
        return condition_of(self.ir_direction[None], self.vis_direction[None])

    def at(self, strength: float, origin: "Goal") -> "Goal":
        """The goal on the way from `origin` (0) to itself (1), or beyond; at 1 it is unchanged to the bit."""
        if strength == 1.0:
            return self
        fused = F.normalize(origin.fused + strength * (self.fused - origin.fused), dim=0)
        return replace(self, fused=fused, strength=strength)

    def turned(self, dials: Mapping[str, float], goals: "Mapping[str, Goal]") -> "Goal":
        """The goal with dials turned: T_f moves along the axis between the ends of each dial.

        Args:
            dials: dial name -> -1 to 1 (further is taken as it is).
            goals: named goals, the dials' ends among them.

        Raises:
            UsageError: an unknown dial, or one whose ends the weights do not carry.
        """
        fused = self.fused
        for name, value in dials.items():
            plus, minus = (goals[end].fused for end in dial_ends(name, goals))
            fused = fused + value * (plus - minus)
        if not any(dials.values()):
            return self
        turned = tuple((name, value) for name, value in dials.items() if value)
        return replace(self, fused=F.normalize(fused, dim=0), dials=self.dials + turned)


def condition_of(ir_direction: Tensor, vis_direction: Tensor) -> Tensor:
    """N x D directions -> N x 2D, entries of about unit variance."""
    return torch.cat([ir_direction, vis_direction], dim=1) * (ir_direction.shape[1] ** 0.5 / 2)


def dial_ends(name: str, known: Iterable[str]) -> tuple[str, str]:
    """The named goals at the ends of a dial.

    Raises:
        UsageError: an unknown dial, or one whose ends are not among `known`.
    """
    ends = DIALS.get(name)
    if ends is None:
        raise UsageError(f"unknown dial: {name}", f"known: {', '.join(DIALS)}")
    if not set(ends) <= set(known):
        raise UsageError(f"these weights carry no goals for the dial {name}", "train them with named goals")
    return ends


def embed_texts(encoder: TextEncoder, texts: Texts, name: str = "", templates: Sequence[str] = ("{}",)) -> Goal:
    """The goal of three texts, each averaged over `templates` (texts with one "{}") and normalised again.

    Raises:
        UsageError: a template without exactly one "{}", or the fused text means the same as a source's.
    """
    for frame in templates:
        if frame.count("{}") != 1:
            raise UsageError(f"a template needs exactly one {{}}: {frame!r}")
    ir, vis, fused = (
        F.normalize(encoder.encode_texts([frame.replace("{}", text) for frame in templates]).float().mean(0), dim=0).cpu()
        for text in texts
    )
    for role, source in (("ir", ir), ("vis", vis)):
        if torch.linalg.vector_norm(fused - source) < 1e-3:
            raise UsageError(f"goal {name or texts.fused!r}: the {role} and the fused text mean the same to {encoder.name}")
    return Goal(name or texts.fused, texts, ir, vis, fused, encoder.name, encoder.sha256)


def named_goals(encoder: TextEncoder, named: Mapping[str, str] = NAMED, sources: Texts | None = None) -> dict[str, Goal]:
    """Goals by name, with the sources' texts of `sources`."""
    sources = sources or Texts()
    return {name: embed_texts(encoder, replace(sources, fused=text), name) for name, text in named.items()}


def pack(goals: Mapping[str, Goal]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Goals of one encoder as tensors and metadata of a weights file.

    Raises:
        UsageError: goals of different encoders.
    """
    if len({goal.sha256 for goal in goals.values()}) > 1:
        raise UsageError("goals of different encoders do not go into one file")
    tensors = {f"{PREFIX}{name}": torch.stack([goal.ir, goal.vis, goal.fused]) for name, goal in goals.items()}
    first = next(iter(goals.values()))
    texts = {name: asdict(goal.texts) for name, goal in goals.items()}
    facts = {"encoder": first.encoder, "encoder_sha256": first.sha256, "goals": json.dumps(texts, ensure_ascii=False)}
    return tensors, facts


def unpack(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, Goal]:
    """The goals of a weights file, the default first; empty where it carries none.

    Raises:
        WeightsError: texts and tensors do not fit.
    """
    packed = {key.removeprefix(PREFIX): value.float() for key, value in tensors.items() if key.startswith(PREFIX)}
    if not packed:
        return {}
    try:
        texts = {str(name): Texts(**entry) for name, entry in json.loads(metadata["goals"]).items()}
        encoder, sha256 = metadata["encoder"], metadata["encoder_sha256"]
        goals = {name: Goal(name, of, *packed[name].unbind(0), encoder, sha256) for name, of in texts.items()}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError("the goals of the weights are damaged") from error
    return goals


def check_encoder(goal: Goal, sha256: str) -> None:
    """Refuse a goal of another encoder than the weights were trained with.

    Raises:
        EncoderError: names both.
    """
    if goal.sha256 != sha256:
        raise EncoderError(
            f"the goal {goal.name!r} is of the encoder {goal.encoder} ({goal.sha256[:12]}), the weights were trained "
            f"with {sha256[:12]}",
            "embed its text with the encoder that the weights name",
        )
