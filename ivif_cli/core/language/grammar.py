"""The caption grammar: what the compact CLIP can be told, and in which words.

A caption makes *claims* about a picture. Each claim is one of `CLAIMS`; the phrases for it are its paraphrases.
Claims of one group exclude each other ("infrared" or "visible"), except that a picture may show several flaws.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

GROUPS: dict[str, tuple[str, ...]] = {
    "modality": ("infrared", "visible"),
    "quality": ("clear", "blurry", "noisy", "dark", "faded", "over-exposed"),
    "background": ("detailed", "plain"),
    "objects": ("salient", "dim"),
    "time": ("day", "night"),
    "brightness": ("bright",),
}
CLAIMS: tuple[str, ...] = tuple(claim for group in GROUPS.values() for claim in group)

NOUNS = ("image", "image", "image", "image", "picture", "photo", "photograph", "frame", "shot", "view")
TARGETS = ("objects", "objects", "targets", "people", "pedestrians", "persons", "cars", "vehicles", "things")

# Adjectives that stand before the noun: "a blurry infrared image".
ADJECTIVES: dict[str, tuple[str, ...]] = {
    "infrared": ("infrared", "infrared", "infrared", "thermal", "thermal infrared", "heat", "long-wave infrared"),
    "visible": ("visible gray", "visible gray", "visible light gray", "visible", "visible light", "gray visible"),
    "clear": ("clear", "clear", "clear", "sharp", "crisp", "vivid", "high quality", "good", "clean", "natural"),
    "blurry": ("blurry", "blurry", "blurred", "out-of-focus", "unsharp", "defocused", "smeared"),
    "noisy": ("noisy", "noisy", "grainy", "very noisy"),
    "dark": ("dark", "dark", "underexposed", "under-exposed", "dimly lit", "black"),
    "faded": ("faded", "faded", "low contrast", "washed-out", "hazy", "foggy", "dull"),
    "over-exposed": ("over-exposed", "overexposed", "too bright", "blown-out", "saturated"),
    "night": ("night", "nighttime"),
    "day": ("day", "daylight", "daytime"),
    "bright": ("bright", "bright", "light"),
}
# Phrases that stand behind it: "an image with salient objects".
BACKGROUNDS: dict[str, tuple[str, ...]] = {
    "detailed": (
        "detailed background",
        "detailed background",
        "detailed background",
        "clear background",
        "rich background",
        "textured background",
        "rich texture",
        "fine details",
        "many details",
        "background full of detail",
    ),
    "plain": (
        "plain background",
        "plain background",
        "smooth background",
        "empty background",
        "uniform background",
        "featureless background",
        "no details",
        "background without detail",
    ),
}
SALIENCES: dict[str, tuple[str, ...]] = {
    "salient": (
        "salient {}",
        "salient {}",
        "salient {}",
        "obvious {}",
        "prominent {}",
        "conspicuous {}",
        "bright {}",
        "glowing {}",
        "hot {}",
        "thermal {}",
        "highlighted {}",
        "clearly visible {}",
        "visible {}",
    ),
    "dim": (
        "dim {}",
        "dim {}",
        "faint {}",
        "weak {}",
        "inconspicuous {}",
        "hidden {}",
        "hardly visible {}",
        "no salient {}",
    ),
}
TAILS: dict[str, tuple[str, ...]] = {
    "night": ("at night", "in the dark of night"),
    "day": ("by day", "in daylight"),
    "noisy": ("with noise", "corrupted by noise"),
    "blurry": ("with blur", "out of focus"),
    "dark": ("with too little light", "in low light"),
    "over-exposed": ("with too much light",),
    "faded": ("with low contrast",),
    "clear": ("with high contrast", "in high quality"),
}

# The objective's own wording (arXiv 2402.16267, both versions) and what each text claims.
PAPER_TEXTS: dict[str, tuple[str, ...]] = {
    "an infrared image": ("infrared",),
    "a visible gray image": ("visible",),
    "a visible light gray image": ("visible",),
    "a clear image with detailed background and salient objects": ("clear", "detailed", "salient"),
    "a vivid image with clear background and obvious objects": ("clear", "detailed", "salient"),
}
# Templates in the manner of the zero-shot ImageNet prompts; they claim nothing themselves.
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
NEUTRAL = ("", "", "", "gray", "grayscale", "small", "large", "single", "outdoor", "street")

_WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True)
class Caption:
    """A text and the claims it makes (names from `CLAIMS`)."""

    text: str
    claims: frozenset[str]


def words_of(text: str) -> list[str]:
    """The words of a text, lower case, punctuation dropped; hyphenated words stay whole ("over-exposed")."""
    return _WORD.findall(text.lower())


def with_article(phrase: str) -> str:
    """`phrase` with "a" or "an" before it."""
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def paper_captions() -> list[Caption]:
    """The paper's texts as captions."""
    return [Caption(text, frozenset(claims)) for text, claims in PAPER_TEXTS.items()]


def _pick(phrases: Sequence[str], rng: np.random.Generator) -> str:
    return phrases[int(rng.integers(len(phrases)))]


def _tail(claims: Sequence[str], rng: np.random.Generator) -> str:
    """The part behind the noun for background and objects, in either order."""
    parts = [_pick(BACKGROUNDS[claim], rng) for claim in claims if claim in BACKGROUNDS]
    parts += [_pick(SALIENCES[claim], rng).format(_pick(TARGETS, rng)) for claim in claims if claim in SALIENCES]
    if len(parts) == 2 and rng.random() < 0.3:
        parts.reverse()
    return f" with {' and '.join(parts)}" if parts else ""


def render(claims: Iterable[str], rng: np.random.Generator) -> Caption:
    """Put claims into words: adjectives before the noun, the rest behind it, now and then inside a template."""
    chosen = list(claims)
    rng.shuffle(chosen)
    before = [claim for claim in chosen if claim in ADJECTIVES]
    tail = _tail(chosen, rng)
    moved = [claim for claim in before if claim in TAILS and rng.random() < 0.2][:1]
    before = [claim for claim in before if claim not in moved]
    before.sort(key=lambda claim: claim in GROUPS["modality"])
    adjectives = [_pick(ADJECTIVES[claim], rng) for claim in before] or [_pick(NEUTRAL, rng)]
    phrase = " ".join([*filter(None, adjectives), _pick(NOUNS, rng)])
    text = with_article(phrase) + "".join(f" {_pick(TAILS[claim], rng)}" for claim in moved) + tail
    if rng.random() < 0.15:
        text = _pick(TEMPLATES, rng).format(text)
    return Caption(text, frozenset(chosen))


# How often a caption speaks of each group, where the picture allows it.
MENTION = {"modality": 0.45, "quality": 0.6, "background": 0.5, "objects": 0.5, "time": 0.1, "brightness": 0.1}


def describe(truth: Mapping[str, bool | None], rng: np.random.Generator) -> Caption:
    """A caption of a picture whose claims are known to hold (True), to fail (False) or are unclear (None or absent)."""
    chosen: list[str] = []
    for group, claims in GROUPS.items():
        true = [claim for claim in claims if truth.get(claim)]
        if true and rng.random() < MENTION[group]:
            chosen.append(_pick(true, rng))
    return render(chosen, rng)


def imagine(rng: np.random.Generator) -> Caption:
    """A caption of no picture in particular: a random claim from a random choice of groups."""
    chosen = [_pick(claims, rng) for group, claims in GROUPS.items() if rng.random() < MENTION[group]]
    return render(chosen, rng)


def vocabulary() -> tuple[str, ...]:
    """Every word that the grammar can say, sorted."""
    phrases = [*NOUNS, *TARGETS, *NEUTRAL, *TEMPLATES, *PAPER_TEXTS, "a an with and"]
    for table in (ADJECTIVES, BACKGROUNDS, SALIENCES, TAILS):
        phrases += [phrase for choices in table.values() for phrase in choices]
    return tuple(sorted({word for phrase in phrases for word in words_of(phrase)}))


def unknown_words(text: str, known: Iterable[str]) -> list[str]:
    """The words of `text` that are not in `known`, in order, each once."""
    vocabulary_set = set(known)
    return list(dict.fromkeys(word for word in words_of(text) if word not in vocabulary_set))
