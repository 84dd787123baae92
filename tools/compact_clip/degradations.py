"""Real degradations of a luma crop, each with a random strength that is clearly visible, and label-neutral variation.

Every function takes a float32 crop HxW in [0, 1] and a random generator and gives a float32 crop HxW in [0, 1].
"""

from collections.abc import Callable

import cv2
import numpy as np

Array = np.ndarray
Degradation = Callable[[Array, np.random.Generator], Array]


def _clip(luma: Array) -> Array:
    return np.clip(luma, 0.0, 1.0).astype(np.float32)


def blur(luma: Array, rng: np.random.Generator) -> Array:
    """Defocus (Gaussian, sigma 1.6 to 3.5 pixels), motion (a line of 7 to 15 pixels) or a small picture blown up."""
    kind = rng.random()
    if kind < 0.6:
        return _clip(cv2.GaussianBlur(luma, (0, 0), rng.uniform(1.6, 3.5)))
    height, width = luma.shape
    if kind < 0.8:
        factor = rng.uniform(3.5, 6.0)
        small = cv2.resize(
            luma, (max(1, int(width / factor)), max(1, int(height / factor))), interpolation=cv2.INTER_AREA
        )
        return _clip(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))
    length, angle = int(rng.integers(7, 16)), rng.uniform(0, np.pi)
    kernel = np.zeros((length, length), np.float32)
    centre, reach = (length - 1) / 2, (length - 1) / 2
    for step in np.linspace(-reach, reach, 4 * length):
        kernel[round(centre + step * np.sin(angle)), round(centre + step * np.cos(angle))] = 1.0
    return _clip(cv2.filter2D(cv2.GaussianBlur(luma, (0, 0), 0.8), -1, kernel / kernel.sum()))


def noise(luma: Array, rng: np.random.Generator) -> Array:
    """Sensor noise of standard deviation 0.06 to 0.20."""
    return grain(luma, rng.uniform(0.06, 0.20), rng)


def grain(luma: Array, sigma: float, rng: np.random.Generator) -> Array:
    """Noise of standard deviation `sigma`: white, of two-pixel grain, or growing with the signal."""
    kind = rng.random()
    speckle: Array = rng.standard_normal(luma.shape, dtype=np.float32)
    if kind < 0.3:
        speckle = cv2.GaussianBlur(speckle, (0, 0), 0.7)
        speckle = speckle / (speckle.std() + 1e-6)
    elif kind < 0.5:
        speckle = speckle * (np.sqrt(luma + 0.1) * 1.4)
    return _clip(luma + sigma * speckle)


def darken(luma: Array, rng: np.random.Generator) -> Array:
    """Underexposure: gamma 1 to 2 and a gain that leaves a mean of 0.03 to 0.12."""
    dark = luma ** rng.uniform(1.0, 2.0)
    return _clip(dark * min(1.0, rng.uniform(0.03, 0.12) / (float(dark.mean()) + 1e-3)))


def fade(luma: Array, rng: np.random.Generator) -> Array:
    """Low contrast: the range squeezed to 0.06 to 0.22 around a veil of 0.35 to 0.7."""
    low, high = np.percentile(luma, (2, 98))
    level, width = rng.uniform(0.35, 0.7), rng.uniform(0.06, 0.22)
    return _clip(level + (luma - (low + high) / 2) * width / max(float(high - low), 0.1))


def overexpose(luma: Array, rng: np.random.Generator) -> Array:
    """Overexposure: a gain and a lift that clip a share of 0.35 to 0.75 of the crop."""
    threshold = float(np.quantile(luma, 1 - rng.uniform(0.35, 0.75)))
    lift = rng.uniform(0.0, 0.25)
    return _clip(lift + luma * (1.0 - lift) / max(threshold, 0.05))


DEGRADATIONS: dict[str, Degradation] = {
    "blurry": blur,
    "noisy": noise,
    "dark": darken,
    "faded": fade,
    "over-exposed": overexpose,
}


def stretch(luma: Array, rng: np.random.Generator) -> Array:
    """Contrast stretch to a random range at least 0.6 wide (what a display or an automatic gain does)."""
    low, high = np.percentile(luma, (rng.uniform(0, 2), rng.uniform(98, 100)))
    bottom = rng.uniform(0.0, 0.25)
    top = rng.uniform(bottom + 0.6, 1.05)
    return _clip(bottom + (luma - low) / max(float(high - low), 0.04) * (top - bottom))


def tone(luma: Array, rng: np.random.Generator) -> Array:
    """Random gamma (0.5 to 2), contrast (0.7 to 1.4 about the mean) and brightness (+-0.1)."""
    curved = _clip(luma) ** np.exp(rng.uniform(-0.7, 0.7))
    mean = float(curved.mean())
    return _clip(mean + (curved - mean) * rng.uniform(0.7, 1.4) + rng.uniform(-0.1, 0.1))


def narrow(luma: Array, rng: np.random.Generator) -> Array:
    """A quarter to two thirds of the contrast about a new middle, as old recordings have it."""
    mean, middle = float(luma.mean()), rng.uniform(0.15, 0.7)
    return _clip(middle + (luma - mean) * rng.uniform(0.25, 0.67))


def match_histogram(luma: Array, other: Array) -> Array:
    """`luma` with the grey-level distribution of `other` (same number of pixels)."""
    matched = np.empty(luma.size, np.float32)
    matched[np.argsort(luma, axis=None, kind="stable")] = np.sort(other, axis=None)
    return matched.reshape(luma.shape)


def equalise(luma: Array, rng: np.random.Generator) -> Array:
    """Adaptive histogram equalisation (clip limit 1 to 4, 2x2 to 4x4 tiles)."""
    tiles = int(rng.integers(2, 5))
    levels = cv2.createCLAHE(rng.uniform(1.0, 4.0), (tiles, tiles)).apply((luma * 255).astype(np.uint8))
    return (levels / 255.0).astype(np.float32)


def sharpen(luma: Array, rng: np.random.Generator) -> Array:
    """Unsharp mask of radius 0.8 to 3 pixels, as cameras do it (leaves halos)."""
    soft = cv2.GaussianBlur(luma, (0, 0), rng.uniform(0.8, 3.0))
    return _clip(luma + rng.uniform(0.2, 1.0) * (luma - soft))


def vignette(luma: Array, rng: np.random.Generator) -> Array:
    """Brightness falling off, or rising, from a point of the picture: lens shading, uneven detectors."""
    height, width = luma.shape
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None] - rng.uniform(-0.4, 0.4)
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None] - rng.uniform(-0.4, 0.4)
    return _clip(luma * (1 - rng.uniform(-0.15, 0.35) * (rows**2 + columns**2) / 2))


def stripes(luma: Array, rng: np.random.Generator) -> Array:
    """Faint line noise along rows or columns, as old scanners and line detectors show it."""
    height, width = luma.shape
    shape = (height, 1) if rng.random() < 0.5 else (1, width)
    return _clip(luma + rng.uniform(0.005, 0.035) * rng.standard_normal(shape, dtype=np.float32))


def jpeg(luma: Array, rng: np.random.Generator) -> Array:
    """JPEG compression at quality 35 to 95."""
    levels = np.round(luma * 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 96))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.float32) / 255.0


def change_brightness(luma: Array, rng: np.random.Generator) -> Array:
    """A new mean (0.04 to 0.92): a shift, or a gamma that leaves black and white where they are."""
    target, mean = rng.uniform(0.04, 0.92), min(max(float(luma.mean()), 0.01), 0.99)
    if rng.random() < 0.6:
        return _clip(luma + target - mean)
    return _clip(luma ** np.clip(np.log(target) / np.log(mean), 0.3, 3.5))


def change_contrast(luma: Array, rng: np.random.Generator) -> Array:
    """All structure about the mean, or the coarse structure alone, times 0.15 to 3."""
    gain, mean = np.exp(rng.uniform(np.log(0.15), np.log(3.0))), float(luma.mean())
    if rng.random() < 0.5:
        return _clip(mean + gain * (luma - mean))
    coarse = cv2.GaussianBlur(luma, (0, 0), 3.0)
    return _clip(luma + (gain - 1) * (coarse - mean))


def change_detail(luma: Array, rng: np.random.Generator) -> Array:
    """The fine structure (above a Gaussian of sigma 1.5 to 4) times 0.1 to 4."""
    fine = luma - cv2.GaussianBlur(luma, (0, 0), rng.uniform(1.5, 4.0))
    return _clip(luma + (np.exp(rng.uniform(np.log(0.1), np.log(4.0))) - 1) * fine)


def change_saliency(luma: Array, rng: np.random.Generator) -> Array:
    """Bright compact spots raised or lowered; now and then a new warm spot is put somewhere."""
    sigma = rng.uniform(1.5, 4.0)
    spots = np.maximum(cv2.GaussianBlur(luma, (0, 0), sigma) - cv2.GaussianBlur(luma, (0, 0), 4 * sigma), 0)
    if rng.random() < 0.65:
        return _clip(luma + rng.uniform(-1.2, 3.0) * spots)
    height, width = luma.shape
    rows = (np.arange(height, dtype=np.float32)[:, None] - rng.uniform(8, height - 8)) / rng.uniform(2, 7)
    columns = (np.arange(width, dtype=np.float32)[None] - rng.uniform(8, width - 8)) / rng.uniform(1.5, 5)
    spot = 1 / (1 + np.exp(np.minimum(4 * (rows**2 + columns**2 - 1), 30)))
    return _clip(luma + spot * (rng.uniform(0.4, 1.0) - luma) * rng.uniform(0.2, 1.0))


CHANGES: tuple[Degradation, ...] = (change_brightness, change_contrast, change_detail, change_saliency)
"""Changes of one attribute over a wide range; the others are held as far as the range of luma allows."""
