"""Captions as people speak: phrases of `phrases.toml` put into wishes, orders, descriptions, comparisons, negations.

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
WAYS = ("adjective", "feature", "do", "say")

NOUNS = ("image", "image", "image", "picture", "picture", "photo", "photograph", "frame", "shot", "view", "result", "fusion", "scene")
ORDERS = (
    "{}", "{}", "{}", "{}", "{}", "please {}", "{} please", "{}, please", "can you {}", "could you {}", "could you please {}",
    "i want you to {}", "i would like you to {}", "try to {}", "you should {}", "we need to {}", "let us {}", "i want to {}",
    "the fusion should {}", "the result should {}", "we would like to {}", "it should {}", "i need you to {}", "be sure to {}",
    "your task is to {}", "just {}", "now {}", "{} in the fused image", "{} in this picture", "{} a bit", "{} a little",
    "{} strongly", "{} as much as possible", "{} somewhat", "make sure to {}", "the goal is to {}", "fuse them and {}", "{} more",
)  # fmt: skip
NOT_ORDERS = (
    "do not {}", "do not {}", "do not {}", "do not {}", "do not {}", "never {}", "please do not {}", "you should not {}", "it should not {}",
    "the fusion should not {}", "do not try to {}", "i do not want you to {}", "you must not {}", "there is no need to {}",
    "under no circumstances {}", "please never {}", "by no means {}", "no need to {}", "we do not want to {}",
)  # fmt: skip
NOT_DOING = ("avoid {}", "without {}", "instead of {}", "refrain from {}", "stop {}", "no {}", "rather than {}")
WISHES = (
    "{}", "{}", "{}", "i want {}", "i would like {}", "give me {}", "show me {}", "produce {}", "we need {}", "i prefer {}",
    "create {}", "make {}", "the result should be {}", "it should be {}", "turn it into {}", "let it be {}", "this is {}",
    "there is {}", "it looks like {}", "we see {}", "a fusion that is {}", "get {}", "please make it {}", "{} please",
)  # fmt: skip
IS = (
    "make it {}", "make it {}", "make the image {}", "make the picture {}", "it should be {}", "the image should be {}",
    "the result should look {}", "let it look {}", "i want it {}", "i like it {}", "keep it {}", "it is {}", "the picture is {}",
    "something {}", "make everything {}", "more {}", "much more {}", "as {} as possible", "very {}", "really {}", "a bit {}",
    "slightly more {}", "{}", "rather {}", "extremely {}", "i need it {}", "turn it {}", "so {}", "quite {}", "the scene should be {}",
)  # fmt: skip
IS_NOT = (
    "not {}", "not too {}", "not so {}", "less {}", "make it less {}", "it should not be {}", "the image should not be {}",
    "do not make it {}", "do not make it too {}", "never {}", "it is not {}", "i do not want it {}", "i do not like it {}",
    "an image that is not {}", "a picture that is not {}", "it must not be {}", "much less {}", "anything but {}", "it must not look {}",
    "it is too {}", "this is too {}", "far too {}", "the picture is too {}",
)  # fmt: skip
HAS = (
    "an image with {}", "an image with {}", "a picture with {}", "with {}", "{}", "{}", "more {}", "i want {}", "i would like to see {}", "give it {}",
    "show {}", "there should be {}", "the picture should have {}", "the result should have {}", "a photo showing {}", "we need {}",
    "we see {}", "i like {}", "{} please", "an image full of {}", "a lot of {}", "let there be {}", "an image that has {}", "it has {}",
    "the fused image should have {}", "give me {}", "a scene with {}", "a view with {}",
)  # fmt: skip
HAS_NOT = (
    "an image without {}", "a picture without {}", "without {}", "without any {}", "no {}", "less {}", "not so much {}", "avoid {}",
    "do not show {}", "there should be no {}", "the picture should not have {}", "i do not want {}", "i do not want to see {}",
    "a picture that has no {}", "get rid of {}", "remove {}", "an image with no {}", "there is too much {}", "do not give me {}",
    "an image lacking {}", "free of {}", "free from {}", "fewer {}",
)  # fmt: skip
SAYS = (
    "{}", "{}", "{}", "{}", "an image where {}", "a picture in which {}", "i want that {}", "so that {}", "make sure that {}", "it should look as if {}",
    "a scene where {}", "see to it that {}", "we see that {}", "i want a picture where {}", "the fusion should be such that {}",
)  # fmt: skip
SAYS_NOT = (
    "it is not the case that {}", "i do not want that {}", "make sure that it is not so that {}", "do not let it happen that {}",
    "not a picture where {}", "it must not be that {}",
)  # fmt: skip
JOINTS = (" and ", " and ", ", ", ", ", ", and ", " but ", " while ", "; ", " yet ", " but also ", ", also ", ". ", " with ", " and also ")
MENTION = {"modality": 0.22, "quality": 0.5, "background": 0.42, "objects": 0.45, "time": 0.1, "brightness": 0.2, "contrast": 0.18}
NUMBERS = ("one", "two", "three", "1", "2", "50", "some", "all", "several")


@dataclass(frozen=True)
class Caption:
    """A text and the claims it makes (names from `CLAIMS`)."""

    text: str
    claims: frozenset[str]


@dataclass(frozen=True)
class Phrases:
    """The phrases of one claim, by way of saying, and the claim that its negation asks for."""

    opposite: str
    ways: dict[str, tuple[str, ...]]


@cache
def phrases() -> tuple[dict[str, Phrases], list[Caption], dict[str, tuple[str, ...]]]:
    """The phrases of every claim, sentences of several or no claims, and the words for the slots."""
    table = tomllib.loads(PHRASES.read_text(encoding="utf-8"))
    words = {slot: tuple(choices) for slot, choices in table["words"].items()}
    together = [Caption(text, frozenset(row["claims"])) for row in table["together"] for text in row["say"]]
    single = {
        claim: Phrases(table[claim]["opposite"], {way: tuple(table[claim].get(way, ())) for way in WAYS})
        for claim in CLAIMS
    }
    return single, together, words


def with_article(phrase: str) -> str:
    """`phrase` with "a" or "an" before it."""
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def gerund(phrase: str) -> str:
    """The imperative `phrase` with its verb in -ing: "blur it" -> "blurring it"."""
    verb, _, rest = phrase.partition(" ")
    if verb.endswith("e") and not verb.endswith("ee"):
        verb = verb[:-1]
    elif re.search(r"[^aeiou][aeiou][bdgmnprt]$", verb) and len(verb) <= 4:
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
    if way == "do" and negated and rng.random() < 0.25:
        return _pick(NOT_DOING, rng).format(gerund(phrase))
    if way == "adjective" and not negated and rng.random() < 0.5:
        noun = _pick(NOUNS, rng)
        return _pick(WISHES, rng).format(with_article(f"{phrase} {noun}"))
    frames = {
        "adjective": (IS, IS_NOT),
        "feature": (HAS, HAS_NOT),
        "do": (ORDERS, NOT_ORDERS),
        "say": (SAYS, SAYS_NOT),
    }
    return _pick(frames[way][negated], rng).format(phrase)


def express(claim: str, rng: np.random.Generator) -> str:
    """A clause that asks for `claim`: directly, or (three in ten) by refusing a claim whose opposite it is."""
    single = phrases()[0]
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
    text = with_article(" ".join([*adjectives, _pick(NOUNS, rng)]))
    features = [_filled(_pick(single[claim].ways["feature"], rng), rng) for claim in [*after, *moved]]
    rng.shuffle(features)
    text += f" with {' and '.join(features)}" if features else ""
    return _pick(WISHES, rng).format(text)


def render(claims: Sequence[str], rng: np.random.Generator) -> Caption:
    """Claims in words: one noun phrase, or a clause each, joined."""
    chosen = list(claims)
    rng.shuffle(chosen)
    if len(chosen) >= 2 and rng.random() < 0.35:
        return Caption(compound(chosen, rng), frozenset(chosen))
    clauses = [express(claim, rng) for claim in chosen]
    text = clauses[0]
    for clause in clauses[1:]:
        text += _pick(JOINTS, rng) + clause
    return Caption(text, frozenset(chosen))


def _contrary(rng: np.random.Generator) -> Caption:
    """Something wanted instead of its opposite: "bright rather than dark"."""
    single = phrases()[0]
    claim = _pick(CLAIMS, rng)
    other = single[claim].opposite
    way = "feature" if rng.random() < 0.5 else "adjective"
    wanted, refused = (_filled(_pick(single[name].ways[way], rng), rng) for name in (claim, other))
    frame = _pick(("{} rather than {}", "{} instead of {}", "{}, not {}", "{} and not {}", "not {1} but {0}", "{} over {}", "{}, no {}",
                   "i prefer {} to {}", "from {1} to {0}", "less {1} and more {0}", "more {0} and less {1}"), rng)  # fmt: skip
    return Caption(frame.format(wanted, refused), frozenset({claim}))


def imagine(rng: np.random.Generator) -> Caption:
    """A caption drawn at random: one to three claims of different groups, a contrast, or a fixed sentence."""
    kind = rng.random()
    if kind < 0.13:
        caption = phrases()[1][int(rng.integers(len(phrases()[1])))]
        return Caption(_filled(caption.text, rng), caption.claims)
    if kind < 0.2:
        return _contrary(rng)
    if kind < 0.62:
        claim = _pick(CLAIMS, rng) if rng.random() < 0.6 else _pick(("salient", "dim", "detailed", "plain", "bright", "dark"), rng)
        return Caption(express(claim, rng), frozenset({claim}))
    chosen = [_pick(claims, rng) for group, claims in GROUPS.items() if rng.random() < MENTION[group]]
    rng.shuffle(chosen)
    return render(chosen[:3] or [_pick(CLAIMS, rng)], rng)
