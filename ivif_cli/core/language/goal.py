"""A goal: what is wanted of the fused picture, in words and in the space of one language-image encoder.

It flows beside `ir` and `vis`: an option becomes a goal, the goal conditions the network, and in training the same goal
says where the loss points. Named goals travel as tensors in the fusion weights; free text needs a text tower.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ivif_cli.core.errors import EncoderError, UsageError, WeightsError
from ivif_cli.core.nearest import nearest

if TYPE_CHECKING:
    from torch import Tensor

DEFAULT = "default"
PREFIX = "goal."
"""Tensors of a weights file that belong to its goals begin with it: goal.NAME, 3 x D each (ir, vis, fused)."""


@dataclass(frozen=True)
class Texts:
    """What the infrared source is, what the visible source is, what the fused picture should be.

    The defaults are the paper's texts (arXiv 2402.16267, 2025 version).
    """

    ir: str = "an infrared image"
    vis: str = "a visible gray image"
    fused: str = "a clear image with detailed background and salient objects"

    def __iter__(self) -> Iterator[str]:
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
    "infrared": "a clear infrared image with detailed background and salient objects",
    "visible": "a clear visible gray image with detailed background and salient objects",
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

    def encode_texts(self, texts: Sequence[str]) -> "Tensor": ...


@dataclass(frozen=True)
class Goal:
    """One goal. All vectors are float32 of length D and unit length.

    Attributes:
        name: of a named goal, or the text itself.
        texts: in words.
        ir, vis, fused: T_ir, T_vis and T_f.
        encoder, sha256: name of the encoder and hash of its weights.
        strength: how far `fused` went from the default goal (0) to the text (1), or beyond.
        dials: what was turned, for the record.
        beyond: what a strength above 1 adds to the condition, 1 x 2D.
    """

    name: str
    texts: Texts
    ir: np.ndarray
    vis: np.ndarray
    fused: np.ndarray
    encoder: str
    sha256: str
    strength: float = 1.0
    dials: tuple[tuple[str, float], ...] = ()
    beyond: np.ndarray | None = None

    @property
    def ir_direction(self) -> np.ndarray:
        """Where the infrared source must travel: dT_ir = norm(T_f - T_ir)."""
        return _unit(self.fused - self.ir)

    @property
    def vis_direction(self) -> np.ndarray:
        """Where the visible source must travel: dT_vis = norm(T_f - T_vis)."""
        return _unit(self.fused - self.vis)

    @property
    def condition(self) -> np.ndarray:
        """What a network is given: 1 x 2D, both directions, entries of about unit variance.

        Texts have unit length, so what lies beyond one is no text: a strength above 1 goes on here, where it is linear.
        """
        said = np.concatenate([self.ir_direction, self.vis_direction])[None] * condition_scale(len(self.fused))
        return said if self.beyond is None else said + self.beyond

    def at(self, strength: float, origin: "Goal") -> "Goal":
        """The goal on the way from `origin` (0) to itself (1), or beyond; at 1 it is unchanged to the bit."""
        if strength == 1.0:
            return self
        if strength > 1.0:
            further = np.float32(strength - 1) * (self.condition - origin.condition)
            return replace(self, strength=strength, beyond=further)
        fused = _unit(origin.fused + np.float32(strength) * (self.fused - origin.fused))
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
            if name not in DIALS:
                raise UsageError(f"unknown dial: {name}", nearest(name, DIALS))
            if not set(DIALS[name]) <= set(goals):
                raise UsageError(f"these weights carry no goals for the dial {name}", "train them with named goals")
            plus, minus = (goals[end].fused for end in DIALS[name])
            fused = fused + np.float32(value) * (plus - minus)
        if not any(dials.values()):
            return self
        turned = tuple((name, value) for name, value in dials.items() if value)
        return replace(self, fused=_unit(fused), dials=self.dials + turned)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def condition_scale(length: int) -> np.float32:
    """What directions of `length` numbers are multiplied by to become a condition."""
    return np.float32(length**0.5 / 2)


def embed_texts(encoder: TextEncoder, texts: Texts, name: str = "", templates: Sequence[str] = ("{}",)) -> Goal:
    """The goal of three texts, each averaged over `templates` (texts with one "{}") and normalised again.

    Raises:
        UsageError: a template without exactly one "{}", or the fused text means the same as a source's.
    """
    for frame in templates:
        if frame.count("{}") != 1:
            raise UsageError(f"a template needs exactly one {{}}: {frame!r}")
    ir, vis, fused = (
        _unit(encoder.encode_texts([frame.replace("{}", text) for frame in templates]).float().mean(0).cpu().numpy())
        for text in texts
    )
    name = name or texts.fused
    for role, source in (("ir", ir), ("vis", vis)):
        if np.linalg.norm(fused - source) < 1e-3:
            raise UsageError(f"goal {name!r}: the {role} and the fused text mean the same to {encoder.name}")
    return Goal(name, texts, ir, vis, fused, encoder.name, encoder.sha256)


def named_goals(
    encoder: TextEncoder, named: Mapping[str, str] = NAMED, sources: Texts | None = None
) -> dict[str, Goal]:
    """Goals by name, with the sources' texts of `sources`."""
    sources = sources or Texts()
    return {name: embed_texts(encoder, replace(sources, fused=text), name) for name, text in named.items()}


def facts_of(goals: Mapping[str, Goal]) -> dict[str, str]:
    """Texts and encoder of goals, as metadata; raises UsageError for goals of different encoders."""
    if not goals:
        return {}
    if len({goal.sha256 for goal in goals.values()}) > 1:
        raise UsageError("goals of different encoders do not go into one file")
    first = next(iter(goals.values()))
    texts = {name: asdict(goal.texts) for name, goal in goals.items()}
    return {"encoder": first.encoder, "encoder_sha256": first.sha256, "goals": json.dumps(texts, ensure_ascii=False)}


def vectors_of(goals: Mapping[str, Goal]) -> dict[str, np.ndarray]:
    """Goals as arrays of a weights file: goal.NAME -> 3 x D."""
    return {f"{PREFIX}{name}": np.stack([goal.ir, goal.vis, goal.fused]) for name, goal in goals.items()}


def goals_from(vectors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> dict[str, Goal]:
    """The goals of a file, the default first; empty where it carries none. The inverse of `vectors_of` and `facts_of`.

    Raises:
        WeightsError: texts and vectors do not fit.
    """
    if not any(key.startswith(PREFIX) for key in vectors):
        return {}
    try:
        texts = {str(name): Texts(**entry) for name, entry in json.loads(metadata["goals"]).items()}
        encoder, sha256 = metadata["encoder"], metadata["encoder_sha256"]
        goals = {}
        for name, of in texts.items():
            rows = vectors[f"{PREFIX}{name}"]
            if rows.ndim != 2 or not rows.size or not np.isfinite(rows).all():
                raise ValueError(f"vectors of shape {rows.shape}")
            ir, vis, fused = (np.asarray(row, np.float32) for row in rows)
            goals[name] = Goal(name, of, ir, vis, fused, encoder, sha256)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError("the goals of the weights are damaged") from error
    return goals


def as_text(vectors: Mapping[str, np.ndarray]) -> str:
    """Float32 arrays as JSON text (base64), for a file whose metadata can only hold text."""
    packed = {key: base64.b64encode(value.astype("<f4").tobytes()).decode() for key, value in vectors.items()}
    return json.dumps({key: [*value.shape, packed[key]] for key, value in vectors.items()})


def from_text(text: str) -> dict[str, np.ndarray]:
    """The inverse of `as_text`; raises WeightsError where the text is damaged."""
    try:
        return {
            key: np.frombuffer(base64.b64decode(data), "<f4").reshape(rows, columns).copy()
            for key, (rows, columns, data) in json.loads(text).items()
        }
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError("the goals of the network are damaged") from error


def check_encoder(goal: Goal, sha256: str) -> None:
    """Raise EncoderError for a goal of another encoder than the weights were trained with; it names both."""
    if goal.sha256 != sha256:
        other = f"the goal {goal.name!r} is of the encoder {goal.encoder} ({goal.sha256[:12]})"
        hint = "embed its text with the encoder that the weights name"
        raise EncoderError(f"{other}, the weights were trained with {sha256[:12]}", hint)
