"""Captioned crops for the compact CLIP: cut, varied, degraded and measured, infrared and visible apart (never fused).

The variation is the same for both modalities, and grey-level distributions are swapped between them, so that neither
brightness nor sharpness gives the modality away.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import cv2
import numpy as np

from ivif_cli.core.language import degradations as degrade
from ivif_cli.core.language.attributes import Truth, grade, measure

Array = np.ndarray
Modality = Literal["infrared", "visible"]


@dataclass(frozen=True)
class Scene:
    """A pair in memory: uint8 luma of both modalities, dataset, scene group, night or not (None: unknown)."""

    name: str
    source: str
    group: str
    night: bool | None
    ir: Array
    vis: Array


@dataclass(frozen=True)
class Sample:
    """A crop, float32 size x size in [0, 1], the truth of the claims about it, and the degree of the gradual ones."""

    luma: Array
    truth: Truth
    degrees: dict[str, float]


def cut_pair(scene: Scene, size: int, rng: np.random.Generator) -> tuple[Array, Array, float]:
    """The same window of both modalities, resized to size x size, float32 in [0, 1], and the enlargement (1: native).

    Two fifths of the windows are the whole picture, the rest have a side of 80 pixels up to the full height.
    """
    height, width = scene.ir.shape
    if rng.random() < 0.4:
        tall, wide = height, width
    else:
        side = np.exp(rng.uniform(np.log(80), np.log(min(height, width))))
        aspect = np.exp(rng.uniform(-0.25, 0.25))
        tall, wide = min(height, round(side / aspect)), min(width, round(side * aspect))
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    flip, enlargement = rng.random() < 0.5, size / min(tall, wide)

    def window(luma: Array) -> Array:
        crop: Array = luma[top : top + tall, left : left + wide].astype(np.float32) / 255.0
        way = cv2.INTER_AREA if enlargement < 1 else cv2.INTER_LINEAR
        crop = cv2.resize(crop, (size, size), interpolation=way)
        return np.ascontiguousarray(crop[:, ::-1]) if flip else crop

    return window(scene.ir), window(scene.vis), enlargement


def vary(luma: Array, lend: Callable[[], Array], rng: np.random.Generator) -> Array:
    """Label-neutral variation of a clean crop; `lend` gives a crop to take the grey-level distribution from."""
    kind = rng.random()
    if kind < 0.25:
        luma = degrade.match_histogram(luma, lend())
    elif kind < 0.4:
        luma = degrade.equalise(luma, rng)
    elif kind < 0.8:
        luma = degrade.stretch(luma, rng)
    for chance, change in ((0.5, degrade.tone), (0.25, degrade.sharpen), (0.25, degrade.vignette)):
        if rng.random() < chance:
            luma = change(luma, rng)
    if rng.random() < 0.3:
        luma = cv2.GaussianBlur(luma, (0, 0), rng.uniform(0.3, 0.75))
    return luma


def draw_flaws(rng: np.random.Generator) -> list[str]:
    """Degradations to apply: none for half of the crops, one for 43 %, two for 7 %."""
    number = int(np.searchsorted((0.5, 0.93), rng.random(), side="right"))
    return [str(flaw) for flaw in rng.choice(list(degrade.DEGRADATIONS), size=number, replace=False)]


def degraded(luma: Array, flaws: Sequence[str], rng: np.random.Generator) -> tuple[Array, Truth, dict[str, float]]:
    """Apply `flaws` (blur, then exposure, then noise); the truth about the result, and its degrees.

    Background and objects are measured before the noise, which is no detail.
    """
    for flaw in ("blurry", "faded", "over-exposed", "dark"):
        if flaw in flaws:
            luma = degrade.DEGRADATIONS[flaw](luma, rng)
    truth, degrees = measure(luma), grade(luma)
    truth |= {"blurry": "blurry" in flaws, "noisy": "noisy" in flaws}
    if "noisy" in flaws:
        luma = degrade.noise(luma, rng)
    troubles = [truth[flaw] for flaw in ("blurry", "noisy", "dark", "faded", "over-exposed")]
    truth["clear"] = False if any(troubles) else (None if None in troubles else True)
    return luma, truth, degrees


def finish(luma: Array, rng: np.random.Generator) -> Array:
    """Faint traces that every real recording has: stripes, a little noise, JPEG."""
    if rng.random() < 0.15:
        luma = degrade.stripes(luma, rng)
    if rng.random() < 0.3:
        grain = rng.standard_normal(luma.shape, dtype=np.float32)
        luma = np.clip(luma + rng.uniform(0.003, 0.02) * grain, 0, 1)
    return degrade.jpeg(luma, rng) if rng.random() < 0.3 else luma


def make_sample(
    luma: Array, modality: Modality, night: bool | None, flaws: Sequence[str], rng: np.random.Generator
) -> Sample:
    """Degrade a crop and gather every claim about it."""
    luma, truth, degrees = degraded(luma, flaws, rng)
    truth |= {"infrared": modality == "infrared", "visible": modality == "visible"}
    truth |= {"night": night, "day": None if night is None else not night}
    return Sample(finish(luma, rng).astype(np.float32), truth, degrees)


def draw_samples(
    scenes: Sequence[Scene], chances: Array, count: int, size: int, rng: np.random.Generator
) -> list[Sample]:
    """`count` samples, infrared and visible by turns; `chances` are the scenes' probabilities."""
    samples: list[Sample] = []
    while len(samples) < count:
        scene, lender = (scenes[int(index)] for index in rng.choice(len(scenes), size=2, p=chances))
        ir, vis, enlargement = cut_pair(scene, size, rng)
        crops: tuple[tuple[Array, Modality, int], ...] = ((ir, "infrared", 1), (vis, "visible", 0))
        for crop, modality, lent in crops:
            if crop.std() < 0.01:  # nothing to see: warped borders, open sky
                continue
            varied = vary(crop, partial(_lent_crop, lender, lent, size, rng), rng)
            sample = make_sample(varied, modality, scene.night, draw_flaws(rng), rng)
            if enlargement > 1.3 and sample.truth["clear"]:
                sample.truth["clear"] = None
            samples.append(sample)
    return samples[:count]


def _lent_crop(lender: Scene, which: int, size: int, rng: np.random.Generator) -> Array:
    ir, vis, _ = cut_pair(lender, size, rng)
    return vis if which else ir


def source_chances(scenes: Sequence[Scene], shares: dict[str, float]) -> Array:
    """Probability of each scene so that every source gets its share (sources without a share: 0.05)."""
    sizes = {source: sum(scene.source == source for scene in scenes) for source in {scene.source for scene in scenes}}
    chances = np.array([shares.get(scene.source, 0.05) / sizes[scene.source] for scene in scenes])
    return chances / chances.sum()
