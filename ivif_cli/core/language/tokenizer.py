"""Words of a text: split, inflections undone, looked up in a table of words."""

import re
from collections.abc import Iterable, Iterator, Mapping

from ivif_cli.core.nearest import near

_TOKEN = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*|\d+(?:[.,]\d+)*%?")
_MOST_NEAREST = 4
_CONTRACTIONS = (
    (re.compile(r"\b(can)(?:'?t|not)\b"), r"\1 not"),
    (re.compile(r"\b(wo)n't\b"), "will not"),
    (re.compile(r"\b(do|does|did|is|are|was|were|should|would|could|must|need|have|has|had)n'?t\b"), r"\1 not"),
    (re.compile(r"\bain'?t\b"), "is not"),
    (re.compile(r"\blet's\b"), "let us"),
    (re.compile(r"'(?:s|re|ve|ll|d|m)\b"), " "),
)
_ENDINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("iest ier ies ied ily", ("y",)),
    ("ingly", ("", "e", "ing")),
    ("edly", ("ed", "e", "")),
    ("ness", ("",)),
    ("ish ing est ed en ens ening ened er", ("", "e")),
    ("ly", ("", "le")),
    ("es", ("e", "")),
    ("s", ("",)),
    ("y", ("", "e")),
    ("ise", ("ize",)),
    ("ised", ("ized", "ize")),
    ("ising", ("izing", "ize")),
    ("our", ("or",)),
    ("re", ("er",)),
)
"""Endings of inflected words -> what stands in their place in simpler forms."""
_DOUBLING = ("ing", "ed", "er", "est", "en", "ens", "ening", "ened")
"""Endings before which a consonant is doubled: "dimming"."""


def words_of(text: str) -> list[str]:
    """The words of a text, lower case, punctuation and numbers dropped; hyphenated words stay whole.

    Apostrophes are made straight and contractions written out ("don't" -> "do not").
    """
    lowered = text.lower().replace("\u2019", "'").replace("\u2010", "-").replace("\u2011", "-")
    for pattern, replacement in _CONTRACTIONS:
        lowered = pattern.sub(replacement, lowered)
    return [word for word in _TOKEN.findall(lowered) if not word[0].isdigit()]


def lemmas(word: str) -> Iterator[str]:
    """Simpler forms that an inflected word may stand for, the likeliest first: "brightened" -> "brighten"."""
    for ending, replacements in ((ending, to) for endings, to in _ENDINGS for ending in endings.split()):
        stem = word.removesuffix(ending)
        if word != stem and len(stem) >= 2:
            yield from (stem + replacement for replacement in replacements)
            if ending in _DOUBLING and len(stem) > 2 and stem[-1] == stem[-2]:
                yield stem[:-1]


_ALIASES = """
    airbrushed: smoothed, amplify: increase, annoys: troubles, attenuate: reduce, austere: plain,
    believable: realistic, bleach: fade, blob: spot, blobs: spots, blotchy: spotted, bodycam: camera, bokeh: blur,
    cctv: security camera, cloudless: sunny, clutter: mess, cobblestone: stone, cobblestones: stones,
    colorless: no color, compress: compressed, contour: outline, contours: outlines, contrastless: without contrast,
    crackle: static, critter: animal, critters: animals, dashcam: car camera, deblur: sharpen, declutter: tidy,
    deconvolve: sharpen, discern: recognize, discernible: visible, dismal: gloomy, distinguishable: distinct,
    downplay: play down, drab: dull, dreary: gloomy, drizzle: rain, dslr: camera, emissivity: heat radiation,
    equalise: balance, equalization: balance, equalize: balance, exaggerate: too much, floodlights: bright lamps,
    foreground: front, forgo: leave out, frills: ornaments, fuzz: blur, gaussian: random, glimmer: glow,
    goggles: glasses, granular: grainy, granularity: grain, grayscale: gray, greyscale: gray, gritty: grainy,
    halve: half, heatmap: heat map, hiker: walker, hikers: walkers, histogram: tones, illegible: unclear,
    illuminate: illuminated, imperceptible: invisible, indistinct: vague, indistinguishable: alike,
    intensify: strengthen, isotherm: temperature, jitter: shake, jittery: shaky, jogger: runner, lackluster: dull,
    lamppost: lamp, legible: clear, lessen: reduce, lifelike: realistic, lucid: clear, lurk: hide, lurks: hides,
    meticulous: careful, minimalism: minimalist, minutiae: details, monochrome: gray, monotonous: uniform,
    monotony: uniform, moonlit: moonlight, mush: blur, mushy: blurry, naturalistic: realistic, normalise: balance,
    normalize: balance, nuance: detail, nuances: details, numberplate: number plate, obtrusive: distracting,
    omit: leave out, oomph: punch, overdo: too much, pallid: pale, panchromatic: visible, pastel: pale, pebble: stone,
    perceptible: visible, photorealistic: realistic, poacher: hunter, prevail: dominate, prevails: dominates,
    prioritise: prefer, prioritize: prefer, quadcopter: drone, radiance: radiant, radiate: glow, readable: clear,
    recognisable: clear, rescuer: rescue worker, rescuers: rescue workers, rgb: color, saturate: saturated,
    saturation: saturated, sentry: guard, shimmer: shine, signpost: sign, simplify: simplified, smear: blur,
    smidge: bit, smidgen: bit, smog: haze, smudge: blur, smudged: blurred, snappy: punchy, snapshot: photo,
    sooty: black, speck: dot, specks: dots, starlit: stars, sunlit: sunny, tarmac: asphalt, toddler: child,
    tonal: tone, tonality: tones, tweak: adjust, twig: branch, unclutter: tidy, unlit: not lit, unmissable: obvious,
    unobstructed: clear, unreadable: unclear, unrecognisable: unclear, webcam: camera, whisker: bit,
    windscreen: window, withhold: hold back, wobble: shake, wobbly: shaky
"""
ALIASES: dict[str, str] = dict(entry.strip().split(": ") for entry in _ALIASES.split(","))
"""Words of the field that the table lacks -> words that it has."""


def look_up(word: str, table: Mapping[str, int]) -> list[int]:
    """Rows of a word in the table: its own, that of a simpler form, or those of its hyphenated parts; [] where none."""
    if word in table:
        return [table[word]]
    forms = (word, *lemmas(word))
    for form in forms:
        if form in ALIASES:
            return [table[part] for part in ALIASES[form].split() if part in table]
    for form in (word.replace("-", ""), *forms):
        if form in table:
            return [table[form]]
    if "-" in word:
        parts = [look_up(part, table) for part in word.split("-")]
        return [row for part in parts for row in part] if any(parts) else []
    for prefix in ("un", "non", "over", "under", "re", "de"):
        rest = word.removeprefix(prefix)
        if rest != word and len(rest) > 3 and prefix in table and rest in table:
            return [table[prefix], table[rest]]
    return []


def with_nearest(words: Iterable[str], table: Mapping[str, int]) -> str:
    """Unknown words as a list in words, the first few with the nearest known one: "brigt (bright?), zzyzx"."""
    told: list[str] = []
    for word in words:
        like = [known for known in table if known.startswith(word[0])] if len(told) < _MOST_NEAREST else []
        found = near(word, like, cutoff=0.75)
        told.append(f"{word} ({found}?)" if found else word)
    return ", ".join(told)


def unknown_words(text: str, table: Mapping[str, int]) -> list[str]:
    """The words of `text` that the table lacks in any form, in order, each once."""
    return list(dict.fromkeys(word for word in words_of(text) if not look_up(word, table)))
