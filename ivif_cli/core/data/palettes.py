"""False colour: infrared pictures that their camera or its software rendered in a palette, and the way back to grey."""

import functools

import cv2
import numpy as np

from ivif_cli.core.errors import InputError

_TINTED_LEVELS = 2
_COLOURED_LEVELS, _COLOURED_SHARE = 48, 0.1
_STEP = 4
_SAMPLES = 2000
_CLOSE = 12.0
"""Mean distance [grey levels] of a picture's colours from a palette that still counts as the same (JPEG moves them)."""
_OPENCV = (
    *("AUTUMN", "JET", "WINTER", "RAINBOW", "OCEAN", "SUMMER", "SPRING", "COOL", "HOT", "PINK", "PARULA", "MAGMA"),
    *("INFERNO", "PLASMA", "VIRIDIS", "CIVIDIS", "TURBO"),
)


@functools.cache
def palettes() -> dict[str, np.ndarray]:
    """Known palettes: name -> 256 x 3 BGR uint8, cold to hot.

    Those of OpenCV that no two temperatures share a colour in, and "ironbow" as R = sqrt(t), G = t^3, B = sin(2 pi t)
    (gnuplot's rgbformulae 7, 5, 15, the black-blue-red-yellow of most cameras).
    """
    ramp = np.arange(256, dtype=np.uint8)[:, None]
    found = {name.lower(): cv2.applyColorMap(ramp, getattr(cv2, f"COLORMAP_{name}"))[:, 0] for name in _OPENCV}
    t = np.linspace(0, 1, 256)
    iron = np.stack([np.clip(np.sin(2 * np.pi * t), 0, 1), t**3, np.sqrt(t)], axis=1)
    return {**found, "ironbow": np.rint(iron * 255).astype(np.uint8)}


def is_false_colour(image: np.ndarray) -> bool:
    """True where more than a tenth of a BGR picture is clearly coloured; logos and cross-hairs on grey are not.

    Args:
        image: H x W x 3, uint8 or uint16.
    """
    return bool((_colour(image) > _COLOURED_LEVELS).mean() > _COLOURED_SHARE)


def is_tinted(image: np.ndarray) -> bool:
    """True where a BGR picture, H x W x 3 of uint8 or uint16, is in colour at all, beyond what compression leaves."""
    return bool(_colour(image).mean() > _TINTED_LEVELS)


def _colour(image: np.ndarray) -> np.ndarray:
    """How far the channels are apart, in 8-bit levels, on a coarse grid."""
    shown = image[::_STEP, ::_STEP].astype(np.int32) >> (8 * (image.dtype.itemsize - 1))
    return np.ptp(shown, axis=2)


def unmapped(image: np.ndarray, name: str) -> tuple[np.ndarray, str]:
    """Grey levels of a false-colour picture, which is called `name`, and the name of its palette.

    Args:
        image: H x W x 3 BGR, uint8 or uint16.

    Returns:
        H x W uint8, 0 for the coldest colour of the palette and 255 for the hottest.

    Raises:
        InputError: it is of no palette that is known, or of 16 bits.
    """
    pixels = image.reshape(-1, 3)
    sample = pixels[:: max(1, len(pixels) // _SAMPLES)].astype(np.float32)
    distances = {key: float(np.sqrt(_squared(sample, table).min(axis=1)).mean()) for key, table in palettes().items()}
    nearest = min(distances, key=lambda key: distances[key])
    if image.dtype != np.uint8 or distances[nearest] > _CLOSE:
        raise InputError(
            f"{name} is in colour, of no thermal palette that is known (are --ir and --vis swapped?)",
            "export it in grey, or --ir-range full takes its luma as it is",
        )
    table = palettes()[nearest]
    coarse = (pixels >> 2).astype(np.int32)
    code = coarse[:, 0] << 12 | coarse[:, 1] << 6 | coarse[:, 2]
    used = np.flatnonzero(np.bincount(code, minlength=1 << 18))
    middles = np.stack([used >> 12, used >> 6 & 63, used & 63], axis=1).astype(np.float32) * 4 + 1.5
    levels = np.zeros(1 << 18, np.uint8)
    for start in range(0, len(used), 4096):
        part = slice(start, start + 4096)
        levels[used[part]] = _squared(middles[part], table).argmin(axis=1)
    packed, known = (colours.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32) for colours in (pixels, table))
    order = np.argsort(known, kind="stable")
    at = np.searchsorted(known, packed, sorter=order).clip(max=255)
    grey = np.where(known[order[at]] == packed, order[at].astype(np.uint8), levels[code])  # colours of it to the bit
    return grey.reshape(image.shape[:2]), nearest


def _squared(colours: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Squared distances of N colours from the 256 of a palette, N x 256 float32."""
    wanted = table.astype(np.float32)
    return (colours**2).sum(1)[:, None] - 2 * colours @ wanted.T + (wanted**2).sum(1)[None]
