"""Captions as people speak: phrases of `phrases.toml` put into wishes, orders, descriptions, comparisons, negations,
and whole sentences of `spoken.tsv`.

A caption makes *claims*; its claims are what it asks for, so "do not highlight the people" claims "dim".
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ivif_cli.core.language.claims import CLAIMS, GROUPS

PHRASES = Path(__file__).with_name("phrases.toml")
SPOKEN = Path(__file__).with_name("spoken.tsv")
WAYS = ("adjective", "feature", "do", "say")
WHOLE = 0.25
"""Share of clauses that are a complete sentence of the file, used as it stands."""
AS_SPOKEN = 0.45
"""Share of captions that are a sentence of `spoken.tsv`."""
ASIDE = 0.15
"""Share of captions with something beside them that no picture shows: who speaks, what it is for."""

MENTION = {
    "modality": 0.22,
    "quality": 0.5,
    "background": 0.42,
    "objects": 0.45,
    "time": 0.1,
    "brightness": 0.2,
    "contrast": 0.18,
}


@dataclass(frozen=True)
class Caption:
    """A text and the claims it makes (names from `CLAIMS`)."""

    text: str
    claims: frozenset[str]


@dataclass(frozen=True)
class Phrases:
    """The phrases of one claim, by way of saying, and the claim that its negation asks for.

    Attributes:
        whole, whole_not: complete sentences that ask for the claim, and that refuse it or complain of it.
    """

    opposite: str
    ways: dict[str, tuple[str, ...]]
    whole: tuple[str, ...] = ()
    whole_not: tuple[str, ...] = ()


@cache
def phrases() -> tuple[dict[str, Phrases], list[Caption], dict[str, tuple[str, ...]]]:
    """The phrases of every claim, sentences of several or no claims, and the words for the slots."""
    table = tomllib.loads(PHRASES.read_text(encoding="utf-8"))
    words = {slot: tuple(choices) for slot, choices in table["words"].items()}
    together = [Caption(text, frozenset(row["claims"])) for row in table["together"] for text in row["say"]]
    single = {
        claim: Phrases(
            row["opposite"],
            {way: tuple(row.get(way, ())) for way in WAYS},
            tuple(row.get("whole", ())),
            tuple(row.get("whole_not", ())),
        )
        for claim, row in ((claim, table[claim]) for claim in CLAIMS)
    }
    return single, together, words


@cache
def spoken() -> list[Caption]:
    """The sentences of `spoken.tsv`, a line each: its claims (commas between, or none), and the sentence."""
    rows = (line.split("\t") for line in SPOKEN.read_text(encoding="utf-8").splitlines())
    return [Caption(text, frozenset(claims.split(",")) - {""}) for claims, text in rows]


@cache
def frames(kind: str) -> tuple[str, ...]:
    """What phrases are put into, by kind."""
    return tuple(tomllib.loads(PHRASES.read_text(encoding="utf-8"))["frames"][kind])


def with_article(phrase: str) -> str:
    """`phrase` with "a" or "an" before it."""
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def gerund(phrase: str) -> str:
    """The imperative `phrase` with its verb in -ing: "blur it" -> "blurring it"."""
    verb, _, rest = phrase.partition(" ")
    if verb.endswith("e") and not verb.endswith("ee"):
        verb = verb[:-1]
    elif re.fullmatch(r"[^aeiou]+[aeiou][bdgmnprt]", verb) or verb in ("deblur", "prefer"):
        verb += verb[-1]
    return f"{verb}ing {rest}".strip()


def _pick(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _filled(text: str, rng: np.random.Generator) -> str:
    for slot, choices in phrases()[2].items():
        while f"{{{slot}}}" in text:
            text = text.replace(f"{{{slot}}}", _pick(choices, rng), 1)
    return text


def _said(claim: str, way: str, negated: bool, rng: np.random.Generator) -> str:
    """One claim in one way of saying it, or a negation of it."""
    phrase = _filled(_pick(phrases()[0][claim].ways[way], rng), rng)
    if way == "do" and negated and rng.random() < 0.25 and not phrase.startswith(("de ", "never ")):
        return _pick(frames("not_doing"), rng).format(gerund(phrase))
    if way == "adjective" and not negated and rng.random() < 0.5:
        noun = _pick(frames("noun"), rng)
        return _pick(frames("wish"), rng).format(with_article(f"{phrase} {noun}"))
    around = {
        "adjective": (frames("is"), frames("is_not")),
        "feature": (frames("has"), frames("has_not")),
        "do": (frames("order"), frames("not_order")),
        "say": (frames("say"), frames("not_say")),
    }
    return _pick(around[way][negated], rng).format(phrase)


@cache
def alone(claim: str) -> tuple[str, ...]:
    """The sentences of `spoken.tsv` that ask for `claim` and nothing else."""
    return tuple(caption.text for caption in spoken() if caption.claims == {claim})


def sentences(claim: str) -> tuple[str, ...]:
    """The complete sentences that ask for `claim` alone: its own, and refusals of the claims whose opposite it is."""
    rows = phrases()[0]
    refusals = (text for row in rows.values() if row.opposite == claim for text in row.whole_not)
    return (*rows[claim].whole, *refusals, *alone(claim))


def express(claim: str, rng: np.random.Generator) -> str:
    """A clause that asks for `claim`: a whole sentence, a phrase, or (three in ten) a refusal of its opposite."""
    single, whole = phrases()[0], sentences(claim)
    if whole and rng.random() < WHOLE:
        return _filled(_pick(whole, rng), rng)
    refused = [other for other, row in single.items() if row.opposite == claim]
    negated = bool(refused) and rng.random() < 0.32
    spoken = _pick(refused, rng) if negated else claim
    ways = [way for way in WAYS if single[spoken].ways[way]]
    shares = {"adjective": 1.0, "feature": 1.0, "do": 1.6, "say": 0.25 if negated else 0.9}
    weights = np.array([shares[way] for way in ways])
    way = str(rng.choice(ways, p=weights / weights.sum()))
    first = single[spoken].ways[way]
    if negated and any(part.startswith(("do not", "never", "no ", "nobody", "nothing", "without")) for part in first):
        return _negated_plainly(spoken, way, rng)
    return _said(spoken, way, negated, rng)


def _negated_plainly(claim: str, way: str, rng: np.random.Generator) -> str:
    """A refusal of a phrase that carries no negation of its own."""
    while True:
        text = _said(claim, way, True, rng)
        if len(re.findall(r"\b(not|never|no|nobody|nothing|without|free|lost?|rid|hardly|barely)\b", text)) <= 1:
            return text


def compound(claims: Sequence[str], rng: np.random.Generator) -> str:
    """Claims in one noun phrase: "a sharp thermal image with bright people and a quiet background"."""
    single = phrases()[0]
    before = [claim for claim in claims if claim not in ("detailed", "plain", "salient", "dim")]
    after = [claim for claim in claims if claim not in before]
    moved = [claim for claim in before if rng.random() < 0.2][:1]
    before = [claim for claim in before if claim not in moved]
    adjectives = [_pick(single[claim].ways["adjective"], rng) for claim in before]
    text = with_article(" ".join([*adjectives, _pick(frames("noun"), rng)]))
    features = [_filled(_pick(single[claim].ways["feature"], rng), rng) for claim in [*after, *moved]]
    rng.shuffle(features)
    text += f" with {' and '.join(features)}" if features else ""
    return _pick(frames("wish"), rng).format(text)


def render(claims: Sequence[str], rng: np.random.Generator) -> Caption:
    """Claims in words: one noun phrase, or a clause each, joined."""
    chosen = list(claims)
    rng.shuffle(chosen)
    if len(chosen) >= 2 and rng.random() < 0.35:
        return Caption(compound(chosen, rng), frozenset(chosen))
    clauses = [express(claim, rng) for claim in chosen]
    text = clauses[0]
    for clause in clauses[1:]:
        text += _pick(frames("joint"), rng) + clause
    return Caption(text, frozenset(chosen))


def _contrary(rng: np.random.Generator) -> Caption:
    """Something wanted instead of its opposite: "bright rather than dark"."""
    single = phrases()[0]
    claim = _pick(CLAIMS, rng)
    other = single[claim].opposite
    way = "feature" if rng.random() < 0.5 else "adjective"
    wanted, refused = (_filled(_pick(single[name].ways[way], rng), rng) for name in (claim, other))
    frame = _pick(frames("rather"), rng)
    return Caption(frame.format(wanted, refused), frozenset({claim}))


def imagine(rng: np.random.Generator) -> Caption:
    """A caption drawn at random: one to three claims of different groups, a contrast, or a fixed sentence."""
    caption = _drawn(rng)
    if rng.random() < ASIDE:
        return Caption(_pick(frames("aside"), rng).format(caption.text), caption.claims)
    return caption


def _drawn(rng: np.random.Generator) -> Caption:
    if rng.random() < AS_SPOKEN:
        return spoken()[int(rng.integers(len(spoken())))]
    kind = rng.random()
    if kind < 0.13:
        caption = phrases()[1][int(rng.integers(len(phrases()[1])))]
        return Caption(_filled(caption.text, rng), caption.claims)
    if kind < 0.2:
        return _contrary(rng)
    if kind < 0.62:
        claim = (
            _pick(CLAIMS, rng)
            if rng.random() < 0.6
            else _pick(("salient", "dim", "detailed", "plain", "bright", "dark"), rng)
        )
        return Caption(express(claim, rng), frozenset({claim}))
    chosen = [_pick(claims, rng) for group, claims in GROUPS.items() if rng.random() < MENTION[group]]
    rng.shuffle(chosen)
    chosen = [claim for row, claim in enumerate(chosen) if phrases()[0][claim].opposite not in chosen[:row]]
    return render(chosen[:3] or [_pick(CLAIMS, rng)], rng)
