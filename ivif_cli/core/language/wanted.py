"""From what a user says to a goal: a name, a text, dials, a strength."""

import math
import numbers
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ivif_cli.core.errors import UsageError
from ivif_cli.core.language.goal import DEFAULT, Goal, Texts, check_encoder, embed_texts
from ivif_cli.core.names import STRONGEST
from ivif_cli.core.nearest import nearest_of_all

if TYPE_CHECKING:
    from ivif_cli.core.language.text_tower import TextEncoder as ClaimEncoder


Wish = str | Goal | None
"""What a user may hand in as a goal: a name, a text, a goal, or nothing."""

_SAME = 0.1
"""Distance of two texts' embeddings, of unit length, below which they mean the same."""


def goal_of(
    wanted: Wish, goals: Mapping[str, Goal], *, strength: float = 1.0, dials: Mapping[str, float] | None = None
) -> Goal:
    """The goal that is meant.

    Args:
        wanted: a goal, the name of one that the weights carry, any text, or None for the default. A text that is one of
            a named goal's is that goal, bit for bit; one that says nothing that the encoder can see is the default; one
            that says no more than "infrared" or "visible" is the goal of that name.
        goals: the goals that the weights carry.
        strength: 0 is the default goal, 1 what was said, up to `STRONGEST` is beyond it.
        dials: dial -> -1 to 1, turned from there.

    Raises:
        UsageError: an empty text, an unknown dial, a text with no word that the encoder knows, weights that carry
            no goals, something that is no wish, or a strength or dial that is no number or beyond its end.
        EncoderError: a goal of another encoder, or free text for weights that were trained with another encoder than
            the bundled compact CLIP.
    """
    if not (_is_number(strength) and 0 <= strength <= STRONGEST):
        raise UsageError(f"a strength of {strength!r} is not possible", f"0 to {STRONGEST:g}")
    for name, value in (dials or {}).items():
        if not (_is_number(value) and -1 <= value <= 1):
            raise UsageError(f"the dial {name} cannot be turned to {value!r}", "dials go from -1 to 1")
    if not isinstance(wanted, Goal | str | None):
        raise UsageError(f"a goal of the type {type(wanted).__name__} says nothing", "give a name, a text or a Goal")
    origin = goals.get(DEFAULT)
    if origin is None:
        raise UsageError("this network takes no goal", "use weights that were trained with goals")
    if isinstance(wanted, Goal):
        check_encoder(wanted, origin.sha256)
    else:
        wanted = origin if wanted is None else _said(wanted, goals, origin)
    goal = wanted.at(strength, origin)
    return goal.turned(dials, goals) if dials else goal


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and math.isfinite(value)


def check_names(names: Sequence[str], carried: Collection[str]) -> None:
    """Refuse, all at once, names of goals that the weights do not carry.

    Raises:
        UsageError: names them, and the nearest that there are.
    """
    unknown = [name for name in names if name not in carried]
    if unknown:
        hint = nearest_of_all(unknown, carried) if carried else "these weights carry none"
        raise UsageError(f"unknown goal: {', '.join(unknown)}", f"{hint}; or say it: --prompt")


def _said(text: str, goals: Mapping[str, Goal], origin: Goal) -> Goal:
    plain = _plain(text)
    if not plain:
        raise UsageError("the prompt is empty", 'say what is wanted, for example "a bright image"')
    for name, goal in goals.items():
        if plain in (name, _plain(goal.texts.fused)):
            return goal
    from ivif_cli.core.language.explain import explain

    encoder = _text_encoder()
    texts = Texts(origin.texts.ir, origin.texts.vis, text.strip())
    if explain(text, encoder).empty:
        return replace(origin, name=text.strip(), texts=texts)
    said = encoder.encode_texts([texts.fused])[0].float().numpy()
    for end, source in (("infrared", origin.ir), ("visible", origin.vis)):
        # From a source to a text that says no more than what it is there is no direction but noise.
        if end in goals and np.linalg.norm(said / np.linalg.norm(said) - source) < _SAME:
            return replace(goals[end], name=texts.fused, texts=texts)
    goal = embed_texts(encoder, texts)
    check_encoder(goal, origin.sha256)
    return goal


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".!")


def _text_encoder() -> "ClaimEncoder":
    """The text tower of the bundled compact CLIP."""
    from ivif_cli.core.language.explain import bundled_encoder

    return bundled_encoder()
