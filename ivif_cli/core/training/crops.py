"""Training crops: samples drawn from (seed, step, index).

A sample is a pure function of those three numbers, so that a resumed run, or several processes, see the same crops as
one unbroken process. Each comes with thumbnails of its whole images under the same tone changes, because a fusion
network takes what is global from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np
import torch
from torch import Tensor

from ivif_cli.core.training.lumas import LumaPair, LumaStore

LEAST_BLUR = 0.4
"""Smallest sigma of a blur [px]."""
_REDRAWS = 20


@dataclass(frozen=True)
class CropSettings:
    """How crops are cut and changed. Lengths in pixels, tones in [0, 1], probabilities per sample.

    Attributes:
        size: side of the crop the network sees.
        min_side, max_side: range of the square that is cut and resized to `size`.
        native: share of crops cut at exactly `size`, without resampling.
        min_deviation: a crop where both standard deviations are smaller is drawn again.
        max_black: a crop with a larger share of exactly black infrared pixels (a warp's border) is drawn again.
        flip, upside_down: probability of a horizontal and of a vertical flip.
        affine: probability of a small rotation and shear, up to `angle` degrees each.
        blur: probability, for each source by itself, of a Gaussian blur, sigma 0.4 to `max_blur`.
        grain: probability, for each source by itself, of sensor noise that the loss sees too, sigma up to `max_grain`.
        tones: probability, for each source by itself, of a random tone curve.
        gamma: largest |log gamma| of that curve.
        min_contrast, max_contrast: range of its slope about the crop's mean.
        brightness: largest shift.
        balance: see `LumaStore`.
        scene: probability that a random part of the picture, `min_scene` to all of each side, stands for the whole
            one: the thumbnails show that part. Few pictures become many scenes, which what is global is learnt from.
        noise: sigma of Gaussian noise on the network's input only; the loss sees clean sources.
    """

    size: int = 128
    min_side: int = 96
    max_side: int = 256
    native: float = 0.25
    min_deviation: float = 0.05
    max_black: float = 0.05
    flip: float = 0.5
    upside_down: float = 0.15
    affine: float = 0.0
    angle: float = 5.0
    blur: float = 0.3
    max_blur: float = 1.5
    grain: float = 0.3
    max_grain: float = 0.03
    tones: float = 0.5
    gamma: float = 0.45
    min_contrast: float = 0.55
    max_contrast: float = 1.1
    brightness: float = 0.08
    noise: float = 0.03
    balance: float = 0.5
    scene: float = 0.75
    min_scene: float = 0.35


@dataclass(frozen=True)
class Batch:
    """N samples; images N x 1 x size x size and thumbnails N x 1 x t x t, float32 in [0, 1].

    `ir_input` and `vis_input` are `ir` and `vis` with noise (which may leave [0, 1] slightly).
    """

    names: tuple[str, ...]
    ir: Tensor
    vis: Tensor
    ir_input: Tensor
    vis_input: Tensor
    ir_thumb: Tensor
    vis_thumb: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same batch on a device."""
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self) if f.name != "names"}
        return Batch(names=self.names, **moved)


def _window(pair: LumaPair, settings: CropSettings, rng: np.random.Generator) -> tuple[slice, slice]:
    """Where to cut: redrawn while flat or black, the last draw is taken as it is."""
    height, width = pair.ir.shape
    limit = min(height, width)
    for _ in range(_REDRAWS):
        side = settings.size
        if rng.random() >= settings.native:
            side = int(rng.integers(settings.min_side, settings.max_side + 1))
        side = min(side, limit)
        top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
        window = slice(top, top + side), slice(left, left + side)
        ir, vis = pair.ir[window], pair.vis[window]
        flat = max(ir.std(), vis.std()) < settings.min_deviation * 255
        if not flat and float((ir == 0).mean()) <= settings.max_black:
            break
    return window


def _toned(crop: np.ndarray, thumb: np.ndarray, settings: CropSettings, rng: np.random.Generator) -> list[np.ndarray]:
    """One random tone curve for a source's crop and thumbnail alike."""
    if rng.random() >= settings.tones:
        return [crop, thumb]
    gamma = float(np.exp(rng.uniform(-settings.gamma, settings.gamma)))
    slope = float(rng.uniform(settings.min_contrast, settings.max_contrast))
    shift = float(rng.uniform(-settings.brightness, settings.brightness))
    centre = float((crop**gamma).mean())
    return [np.clip((x**gamma - centre) * slope + centre + shift, 0, 1) for x in (crop, thumb)]


def _grained(crop: np.ndarray, settings: CropSettings, rng: np.random.Generator) -> np.ndarray:
    """Sensor noise on one source's crop, at random; half of the time it is as soft as an analogue camera's."""
    if rng.random() >= settings.grain:
        return crop
    noise = rng.standard_normal(crop.shape, np.float32)
    if rng.random() < 0.5:
        noise = cv2.GaussianBlur(noise, (0, 0), 0.7) * 2.2
    return np.clip(crop + float(rng.uniform(0, settings.max_grain)) * noise, 0, 1)


def _scene(pair: LumaPair, window: tuple[slice, slice], settings: CropSettings, rng: np.random.Generator) -> list:
    """Thumbnails of the whole pair, or of a random part of it that holds the crop."""
    if rng.random() >= settings.scene:
        return [pair.ir_thumb, pair.vis_thumb]
    part = []
    for length, cut in zip(pair.ir.shape, window, strict=True):
        side = max(int(length * rng.uniform(settings.min_scene, 1)), cut.stop - cut.start)
        start = int(rng.integers(max(0, cut.stop - side), min(cut.start, length - side) + 1))
        part.append(slice(start, start + side))
    parts = [x[tuple(part)].astype(np.float32) / 255 for x in (pair.ir, pair.vis)]
    return [cv2.resize(x, pair.ir_thumb.shape[::-1], interpolation=cv2.INTER_LINEAR) for x in parts]


def _warp(size: int, angle: float, rng: np.random.Generator) -> np.ndarray:
    """2 x 3 matrix of a small rotation and shear about the crop's centre, magnified so that no border shows."""
    turn, shear = np.deg2rad(rng.uniform(-angle, angle, 2))
    zoom = 1 / (abs(np.cos(turn)) + abs(np.sin(turn)) + abs(np.tan(shear)))
    linear = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = linear @ np.array([[1, np.tan(shear)], [0, 1]])
    centre = (size - 1) / 2
    return np.column_stack((linear, centre - linear @ np.full(2, centre)))


def draw_sample(pair: LumaPair, settings: CropSettings, rng: np.random.Generator) -> list[np.ndarray]:
    """One sample: ir, vis, their noisy copies (size x size), both thumbnails (t x t); float32."""
    window, size = _window(pair, settings, rng), settings.size
    kind = cv2.INTER_AREA if window[0].stop - window[0].start > size else cv2.INTER_LINEAR
    cut = [x[window].astype(np.float32) / 255 for x in (pair.ir, pair.vis)]
    crops = [cv2.resize(x, (size, size), interpolation=kind) for x in cut]
    thumbs = _scene(pair, window, settings, rng)
    (crops[0], thumbs[0]), (crops[1], thumbs[1]) = (
        _toned(c, t, settings, rng) for c, t in zip(crops, thumbs, strict=True)
    )
    if rng.random() < settings.affine:
        matrix, flags = _warp(size, settings.angle, rng), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        crops = [cv2.warpAffine(x, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REFLECT_101) for x in crops]
    for at, crop in enumerate(crops):
        if rng.random() < settings.blur:  # one source less sharp than the other, as cameras of two bands are
            crops[at] = cv2.GaussianBlur(crop, (0, 0), float(rng.uniform(LEAST_BLUR, settings.max_blur)))
    crops = [_grained(x, settings, rng) for x in crops]
    images = [*crops, *thumbs]
    if rng.random() < settings.flip:
        images = [x[:, ::-1] for x in images]
    if rng.random() < settings.upside_down:
        images = [x[::-1] for x in images]
    noisy = [x + settings.noise * rng.standard_normal(x.shape, np.float32) for x in images[:2]]
    return [np.ascontiguousarray(x, np.float32) for x in (*images[:2], *noisy, *images[2:])]


def draw_batch(store: LumaStore, settings: CropSettings, seed: int, step: int, indices: Sequence[int]) -> Batch:
    """The samples `indices` of a step.

    Args:
        store: pairs to draw from.
        settings: how crops are cut and changed.
        seed, step: with the sample's index they decide everything.
        indices: which of the step's samples; a process of several takes its share.
    """
    names, samples = [], []
    for index in indices:
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, step, index))))
        chosen = store.choose(rng)
        names.append(store.pairs[chosen].name)
        samples.append(draw_sample(store[chosen], settings, rng))
    stacked = (torch.from_numpy(np.stack(images))[:, None] for images in zip(*samples, strict=True))
    return Batch(tuple(names), *stacked)
