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


_CLOCK = re.compile(r"\b(\d{1,2})(?:[:.]\d\d)? ?([ap])\.?m\b\.?")
"""A time of the day: "3 am", "2:30 p.m."."""


def _part_of_day(time: re.Match[str]) -> str:
    hour = int(time[1]) % 12 + (12 if time[2] == "p" else 0)
    return " noon " if 9 <= hour < 17 else " midnight " if hour >= 21 or hour < 5 else " "


def words_of(text: str) -> list[str]:
    """The words of a text, lower case, punctuation and numbers dropped; hyphenated words stay whole.

    Apostrophes are made straight, contractions written out ("don't" -> "do not"), and times of the day, whose numbers
    say it all, become noon or midnight ("at 3 am").
    """
    lowered = text.lower().replace("\u2019", "'").replace("\u2010", "-").replace("\u2011", "-")
    for pattern, replacement in _CONTRACTIONS:
        lowered = pattern.sub(replacement, lowered)
    lowered = _CLOCK.sub(_part_of_day, lowered)
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
    acuity: sharpness, acutance: sharpness, aglow: glowing, airbrushed: smoothed, albedo: reflected light,
    ambience: atmosphere, amplify: increase, analyse: analyze, anemic: pale, annoy: trouble, annoys: troubles,
    anonymity: unknown, attenuate: reduce, austere: plain, autofocus: focus, autopilot: pilot, awning: roof,
    backlight: back light, banknote: money, bedtime: late evening, believable: realistic, benchmark: test,
    blackbody: heat radiation, bleach: fade, bleary: blurry, blob: spot, blobs: spots, bloodless: pale,
    blotchy: spotted, bodycam: camera, bokeh: blur, bolometer: thermal sensor, bolometers: thermal sensors,
    brochure: magazine, burglar: thief, burglars: thieves, burgling: stealing, bystander: person, bystanders: people,
    calibrate: adjust, calorific: heat, camcorder: camera, campfire: fire, candlelight: candle light,
    carriageway: road, cataracts: blurry eyes, ccd: camera, cctv: security camera, celluloid: film, chalkboard: board,
    chameleon: camouflage, chameleons: camouflage, characterise: describe, chiaroscuro: light and dark,
    clahe: contrast enhancement, clamp: limit, cleanliness: clean, climbers: people, cloudless: sunny, clump: group,
    clutter: mess, cmos: camera, cobble: stone, cobbles: stones, cobblestone: stone, cobblestones: stones,
    colorless: no color, colourist: color artist, compress: compressed, contour: outline, contours: outlines,
    contrastless: without contrast, convolve: blur, countable: distinct, crackle: static, crammed: full,
    crannies: corners, critter: animal, critters: animals, darkroom: dark room, dashcam: car camera, daybreak: sunrise,
    daylit: daylight, deblur: sharpen, decibels: volume, declutter: tidy, deconvolve: sharpen, delete: remove,
    deviate: differ, dictate: decide, dilute: weak, diminish: reduce, dioptres: glasses, disable: turn off,
    disappoints: is bad, discard: throw away, discern: recognize, discernible: visible, dishwater: dull gray,
    dismal: gloomy, distinguishable: distinct, dither: random dots, diurnal: day, douse: put out, downplay: play down,
    downsample: reduced resolution, drab: dull, dreaminess: dreams, dreary: gloomy, drizzle: rain, dslr: camera,
    effulgent: shining, embers: glowing coal, emissive: heat radiation, emissivity: heat radiation, emit: emitted,
    emulate: copy, emulsion: film, encode: save, enlarge: larger, enrich: richer, equalisation: balance,
    equalise: balance, equalization: balance, equalize: balance, exaggerate: too much, eyeglasses: glasses,
    eyepiece: lens, eyesight: vision, feeble: weak, fibrous: fiber, filament: thread, filigree: fine pattern,
    fireflies: glowing dots, fireman: firefighter, firemen: firefighters, fizz: static, fizzes: static,
    flashgun: flash, flecks: spots, floodlamp: lamp, floodlights: bright lamps, fluctuation: variation,
    foreground: front, forenoon: morning, forgo: leave out, frills: ornaments, furrow: line, fuzz: blur,
    fuzziness: blur, gaussian: random, gauzy: soft hazy, ghastly: awful, glimmer: glow, goggles: glasses,
    gradation: tones, granular: grainy, granularity: grain, granules: grain, grayscale: gray, greyscale: gray,
    gritty: grainy, groping: searching, hairline: thin line, halide: film, halve: half, haphazard: random,
    hdr: high dynamic range, headroom: room above, heatmap: heat map, hiker: walker, hikers: walkers, histogram: tones,
    hone: sharpen, honeycomb: pattern, huddle: group, huddling: group, illegibility: unclear, illegible: unclear,
    illuminance: brightness, illuminate: illuminated, imaginable: possible, imitate: copy, imitates: copies,
    imperceptible: invisible, impressionist: soft painting, incandescent: glowing, incisive: sharp, indistinct: vague,
    indistinguishable: alike, inject: add, insipid: dull, intensify: strengthen, intricacy: details, irks: troubles,
    irradiance: light, isotherm: temperature, jitter: shake, jittery: shaky, jogger: runner, jumble: mess,
    keypoints: details, lacework: fine pattern, lackluster: dull, lamplight: lamp light, lamppost: lamp,
    laundered: clean, legible: clear, lessen: reduce, lifelike: realistic, lightbox: bright screen, lightless: dark,
    limelight: spotlight, limpid: clear, loathe: hate, lorries: trucks, lorry: truck, lucid: clear, lukewarm: warm,
    luma: brightness, lumens: brightness, luminosity: brightness, lunchtime: noon, lurk: hide, lurks: hides,
    magnifier: lens, matinee: afternoon, matte: dull, mellow: soft, meticulous: careful,
    microbolometer: thermal sensor, microbolometers: thermal sensors, microstructure: fine structure,
    microtexture: fine texture, midpoint: middle, migraine: headache, millimetre: tiny, minimalism: minimalist,
    minutiae: details, mirrorless: camera, misadjusted: wrong, mislead: wrong, monochrome: gray, monocular: scope,
    monotonous: uniform, monotony: uniform, moonless: dark night, moonlit: moonlight, moped: motorcycle,
    motorbike: motorcycle, motorbikes: motorcycles, mottled: spotted, multiplicative: random, murk: gloom, mush: blur,
    mushy: blurry, myopic: blurry, naturalistic: realistic, nebulous: vague, netd: thermal sensitivity,
    newsreel: old film, newsreels: old films, nil: zero, nocturne: night, nooks: corners, noonday: noon,
    noontide: noon, normalisation: balance, normalise: balance, normalization: balance, normalize: balance,
    nuance: detail, nuances: details, nuisance: trouble, numberplate: number plate, nyquist: sampling, oatmeal: bland,
    obtrusive: distracting, omit: leave out, oncoming: coming, oomph: punch, ornament: decoration,
    outshine: brighter than, outvote: beat, overdid: too much, overdo: too much, overlit: too bright, pallid: pale,
    panchromatic: visible, paramedic: doctor, passers: walkers, pastel: pale, pebble: stone, pellucid: clear,
    percentile: percent, perceptible: visible, perturbation: random noise, photocopied: copied, photocopy: copy,
    photorealistic: realistic, pictogram: simple symbol, pinhole: camera, pinpoint: exact, pitiful: poor, placid: calm,
    ploughed: field, poacher: hunter, polarity: sign, postcard: photo, posterised: few tones, posterized: few tones,
    postman: man, practise: practice, prevail: dominate, prevails: dominates, prioritise: prefer, prioritize: prefer,
    projector: screen, pyrometer: temperature sensor, quadcopter: drone, quench: put out, radiance: radiant,
    radiate: glow, radiologist: doctor, radiometric: temperature, readable: clear, readout: electronic signal,
    recede: fade, recedes: fades, recognisable: clear, recoverable: found, rectangle: square,
    reflectance: reflected light, rescuer: rescue worker, rescuers: rescue workers, restful: calm, revert: return,
    rgb: color, rivets: metal details, sandpaper: rough grain, sandstorm: dust storm, saturate: saturated,
    saturation: saturated, scalpel: sharp knife, scorch: burn, scorched: burnt, seamless: smooth, seared: burnt,
    segmentation: separate objects, sentry: guard, sepia: brown, shimmer: shine, shingle: roof, shingles: roofs,
    siesta: afternoon, signpost: sign, simplification: simple, simplify: simplified, sizzle: static, sizzling: hot,
    skimp: save, skylight: daylight, smear: blur, smidge: bit, smidgen: bit, smog: haze, smother: cover, smudge: blur,
    smudged: blurred, snappy: punchy, snapshot: photo, snowbank: snow, snowfield: snow, snowstorm: snow, snr: signal,
    snuff: put out, softboxes: lamps, soot: black, sooty: black, speck: dot, speckless: clean, specks: dots,
    spooky: scary, spotless: clean, squint: narrow eyes, stakeout: watch, stargazing: stars at night,
    starless: dark night, starlight: light of stars, starlit: stars, stipple: dots, stippled: dotted, stonework: stone,
    stygian: dark, subtlety: fine, subtract: remove, sunbeams: sunlight, sundial: sun, sundown: sunset, sunlit: sunny,
    sunup: sunrise, tablecloth: cloth, tactile: touch, tarmac: asphalt, teatime: afternoon, teeming: full,
    tenebrous: dark, thermographer: thermal camera, thermometer: temperature, timid: shy, toddler: child, tonal: tone,
    tonality: tones, tranquil: calm, tripod: steady camera, truncate: clipped, trustworthy: trusted, tweak: adjust,
    twig: branch, umbra: shadow, uncalibrated: wrong, unclutter: tidy, underlit: dark, unlit: not lit,
    unmissable: obvious, unobstructed: clear, unreadable: unclear, unrecognisable: unclear, upsample: larger,
    vaporous: hazy, vaseline: soft blur, vehement: strong, videographer: camera man, viewfinder: camera,
    wallflower: shy person, wallflowers: shy people, wallpaper: pattern wall, watchman: guard, watercolor: painting,
    watercolour: painting, waveform: signal, wavelet: detail, wavelets: details, webcam: camera, welder: worker,
    whiff: hint, whisker: bit, whiteout: white, whitewashed: white, windscreen: window, wisps: thin lines,
    withhold: hold back, wobble: shake, wobbly: shaky, woodcut: print, woodwork: wood, wrinkle: fine line,
    wrinkles: fine lines, zing: punch
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
