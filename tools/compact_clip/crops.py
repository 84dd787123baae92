"""Crops for the image tower: cut, varied, changed in one attribute at a time, degraded and measured.

Both modalities are varied alike and lend each other their grey levels, so that neither brightness nor sharpness gives
the modality away. Blends of both crops of a pair stand for "what both sources show"; no published fusion is used.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from tools.compact_clip import degradations as degrade
from tools.compact_clip.attributes import (
    Positions,
    Truth,
    clearness_position,
    measure,
    noise_position,
    place,
    sharpness_position,
)
from tools.compact_clip.old_looks import Look, old_look
from tools.compact_clip.scenes import Scene

Array = np.ndarray
FLAW_SHARES = (0.36, 0.32, 0.08, 0.14, 0.1)
"""How often each of `DEGRADATIONS` is drawn: blur, noise, too dark, faded, over-exposed."""


BLENDS = 0.5
"""Blends for every pair of crops."""

OLD = 0.3
"""Share of the crops of one source that are shown as an old or foreign camera would have taken them."""

SHARP, SOFT = (Look(inverted=0.08, softened=softened, grainy=0.0) for softened in (0.0, 1.0))
"""Old looks with a sharpness that is known, and with one that is not; noise is added at the end, where it is known."""


@dataclass
class Crop:
    """A crop on its way to a sample.

    Attributes:
        luma: float32 size x size in [0, 1].
        infrared: share of the infrared in it, 1 or 0, between for a blend.
        night: of the scene.
        blur: width of the Gaussian that it was blurred with, pixels; None where the recording itself is soft.
        noise: standard deviation of the added noise.
    """

    luma: Array
    infrared: float
    night: bool | None
    blur: float | None = 0.0
    noise: float = 0.0


@dataclass(frozen=True)
class Sample:
    """A finished crop, the truth of the claims about it, and its positions on the axes (absent: unknown)."""

    luma: Array
    truth: Truth
    positions: Positions


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


def vary(luma: Array, other: Array, infrared: bool, rng: np.random.Generator) -> Array:
    """Label-neutral variation of three crops in four; `other` lends its grey levels; infrared may be inverted."""
    if rng.random() < 0.25:
        return luma
    if infrared and rng.random() < 0.12:
        luma = 1.0 - luma
    kind = rng.random()
    if kind < 0.25:
        luma = degrade.match_histogram(luma, other)
    elif kind < 0.4:
        luma = degrade.equalise(luma, rng)
    elif kind < 0.75:
        luma = degrade.stretch(luma, rng)
    for chance, change in (
        (0.4, degrade.tone),
        (0.2, degrade.sharpen),
        (0.25, degrade.vignette),
        (0.12, degrade.narrow),
    ):
        if rng.random() < chance:
            luma = change(luma, rng)
    return luma


def blend(ir: Array, vis: Array, rng: np.random.Generator) -> Array:
    """What both sources show: the stronger or all fine structure on a mixed base, the maximum, or a plain average."""
    kind = rng.random()
    if kind < 0.2:
        return (ir + vis) / 2
    if kind < 0.3:
        return np.maximum(ir, vis)
    sigma = rng.uniform(1.5, 9.0)
    bases = cv2.GaussianBlur(ir, (0, 0), sigma), cv2.GaussianBlur(vis, (0, 0), sigma)
    first, second = ir - bases[0], vis - bases[1]
    strength = cv2.GaussianBlur(np.abs(first) - np.abs(second), (0, 0), rng.uniform(0.6, 1.6))
    base = np.maximum(*bases) if rng.random() < 0.3 else rng.uniform(0.2, 0.8) * (bases[0] - bases[1]) + bases[1]
    fine = np.where(strength > 0, first, second) if rng.random() < 0.7 else first + second
    return np.clip(base + rng.uniform(0.8, 1.3) * fine, 0, 1).astype(np.float32)


def _flaw(crop: Crop, rng: np.random.Generator) -> Crop:
    """One drawn degradation; noise and blur, which nothing else shows, most often."""
    name = str(rng.choice(list(degrade.DEGRADATIONS), p=FLAW_SHARES))
    if name == "noisy":
        return replace(crop, noise=float(rng.uniform(0.01, 0.2)))
    luma = degrade.DEGRADATIONS[name](crop.luma, rng)
    return replace(crop, luma=luma, blur=2.2 if name == "blurry" else crop.blur)


def _gradual_blur(crop: Crop, rng: np.random.Generator) -> Crop:
    sigma = float(rng.uniform(0.3, 2.8))
    before = crop.blur or 0.0
    return replace(crop, luma=cv2.GaussianBlur(crop.luma, (0, 0), sigma), blur=float(np.hypot(before, sigma)))


def changed(crop: Crop, rng: np.random.Generator) -> Crop:
    """The crop with one attribute changed by a random amount, and the others held as far as the range allows."""
    kind = rng.random()
    if kind < 0.5:
        change = degrade.CHANGES[int(rng.integers(len(degrade.CHANGES)))]
        return replace(crop, luma=change(crop.luma, rng))
    return _gradual_blur(crop, rng) if kind < 0.62 else _flaw(crop, rng)


def finish(crop: Crop, rng: np.random.Generator) -> Sample:
    """Measure, add the noise, and add the faint traces of real recordings: stripes, a little noise, JPEG."""
    luma, truth = crop.luma, measure(crop.luma)
    positions = place(luma)
    noise = max(crop.noise, float(rng.uniform(0.0, 0.012)) if rng.random() < 0.3 else 0.0)
    positions |= {"modality": 2 * crop.infrared - 1, "noise": noise_position(noise)}
    truth |= {"noisy": noise > 0.05}
    if crop.infrared in (0, 1):
        truth |= {"infrared": crop.infrared == 1, "visible": crop.infrared == 0}
    if crop.night is not None:
        positions["daylight"] = -0.9 if crop.night else 0.9
    if crop.blur is not None:
        positions["sharpness"] = sharpness_position(crop.blur)
        positions["clearness"] = clearness_position(positions, float(luma.mean()))
        truth["blurry"] = crop.blur > 1.4
        troubles = [truth[flaw] for flaw in ("blurry", "noisy", "dark", "faded", "over-exposed")]
        truth["clear"] = False if any(troubles) else (None if None in troubles else True)
    if noise:
        luma = degrade.grain(luma, noise, rng)
    if rng.random() < 0.12:
        luma = degrade.stripes(luma, rng)
    if rng.random() < 0.2:
        luma = degrade.jpeg(luma, rng)
    return Sample(luma.astype(np.float32), truth, positions)


def _family(
    luma: Array, other: Array, infrared: float, scene: Scene, soft: bool, rng: np.random.Generator
) -> list[Sample]:
    """Two samples of one crop: as varied, and with one or two further changes of single attributes."""
    if infrared in (0, 1) and rng.random() < OLD:
        soft = soft or rng.random() < 0.4
        varied = old_look(luma, infrared == 1, rng, SOFT if soft else SHARP)
    else:
        varied = vary(luma, other, infrared == 1, rng)
    first = Crop(varied, infrared, scene.night, None if soft else 0.0)
    if rng.random() < 0.35:
        first = changed(first, rng)
    second = changed(first, rng)
    return [finish(first, rng), finish(second, rng)]


def draw_samples(
    scenes: Sequence[Scene], chances: Array, count: int, size: int, rng: np.random.Generator
) -> list[Sample]:
    """`count` samples (even), neighbours are two versions of one crop; `chances` are the scenes' probabilities."""
    samples: list[Sample] = []
    while len(samples) < count:
        first, second = (scenes[int(index)] for index in rng.choice(len(scenes), size=2, p=chances))
        ir, vis, enlargement = cut_pair(first, size, rng)
        if min(ir.std(), vis.std()) < 0.01:  # nothing to see: warped borders, open sky
            continue
        other_ir, other_vis, _ = cut_pair(second, size, rng)
        soft = enlargement > 1.3
        samples += _family(ir, vis if rng.random() < 0.5 else other_vis, 1.0, first, soft, rng)
        samples += _family(vis, ir if rng.random() < 0.5 else other_ir, 0.0, first, soft, rng)
        if rng.random() < BLENDS:
            samples += _family(blend(ir, vis, rng), vis if rng.random() < 0.5 else ir, 0.5, first, soft, rng)
    return samples[:count]
