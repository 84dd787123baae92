"""Pictures as old or foreign cameras would have taken them: hard cases for telling infrared from visible.

Grey levels, sharpness and noise say nothing of the modality here; only what is bright against what does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tools.compact_clip import degradations as degrade
from tools.compact_clip.scenes import Scene

Array = np.ndarray


@dataclass(frozen=True)
class Look:
    """How much of everything a look may bring: chances, and the widest range of what is drawn."""

    inverted: float = 0.2
    curved: float = 0.6
    softened: float = 0.6
    equalised: float = 0.3
    sharpened: float = 0.3
    narrowed: float = 0.5
    shaded: float = 0.4
    grainy: float = 0.5
    noise: float = 0.05


OLD = Look()


def monotone(luma: Array, rng: np.random.Generator) -> Array:
    """A random rising curve over the grey levels: three to six steps of random height, straight between."""
    steps = int(rng.integers(3, 7))
    heights = np.concatenate(([0.0], np.cumsum(rng.gamma(0.7, size=steps) + 0.03)))
    levels = np.quantile(luma, np.linspace(0, 1, steps + 1)) if rng.random() < 0.5 else np.linspace(0, 1, steps + 1)
    bottom = rng.uniform(0.0, 0.2)
    curve = bottom + heights / heights[-1] * (rng.uniform(0.6, 1.0) - bottom)
    return np.interp(luma, np.maximum.accumulate(levels), curve).astype(np.float32)


def soften(luma: Array, rng: np.random.Generator) -> Array:
    """A weak lens, or a camera of a third to nine tenths of the pixels."""
    if rng.random() < 0.5:
        return cv2.GaussianBlur(luma, (0, 0), rng.uniform(0.4, 1.4))
    height, width = luma.shape
    share = rng.uniform(0.33, 0.9)
    small = cv2.resize(luma, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def old_look(luma: Array, infrared: bool, rng: np.random.Generator, look: Look = OLD) -> Array:
    """A crop HxW in [0, 1] as an old camera would have it.

    Infrared may be inverted (hot is black); everything else is drawn alike for both modalities.
    """
    if infrared and rng.random() < look.inverted:
        luma = 1.0 - luma
    changes = (
        (look.softened, soften),
        (look.curved, monotone),
        (look.equalised, degrade.equalise),
        (look.sharpened, degrade.sharpen),
        (look.narrowed, degrade.narrow),
        (look.shaded, degrade.vignette),
    )
    for chance, change in changes:
        if rng.random() < chance:
            luma = np.clip(change(luma, rng), 0, 1).astype(np.float32)
    noise = float(rng.uniform(0.005, look.noise)) if rng.random() < look.grainy else 0.0
    return degrade.grain(luma, noise, rng) if noise else luma


def hard_window(scene: Scene, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Both modalities of the whole picture (half), a large window (a quarter) or a narrow field of view (the rest)."""
    height, width = scene.ir.shape
    kind = rng.random()
    share = 1.0 if kind < 0.5 else rng.uniform(0.6, 0.95) if kind < 0.75 else rng.uniform(0.35, 0.6)
    tall, wide = round(height * share), round(width * share)
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    flip = rng.random() < 0.5

    def cut(luma: Array) -> Array:
        window = luma[top : top + tall, left : left + wide].astype(np.float32) / 255.0
        window = cv2.resize(window, (size, size), interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(window[:, ::-1]) if flip else window

    return cut(scene.ir), cut(scene.vis)


def hard_pictures(scenes: Sequence[Scene], size: int, looks: int = 12, seed: int = 77) -> tuple[Array, Array]:
    """Every scene in `looks` looks, both modalities, always the same: N x size x size in [0, 1], True for infrared."""
    rng = np.random.default_rng(seed)
    lumas, infrared = [], []
    for scene in scenes:
        for _ in range(looks):
            for luma, hot in zip(hard_window(scene, size, rng), (True, False), strict=True):
                lumas.append(old_look(luma, hot, rng))
                infrared.append(hot)
    return np.stack(lumas), np.array(infrared)
