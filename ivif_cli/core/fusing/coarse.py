"""Large pictures whose infrared has nothing fine: fused on a coarser grid, with the visible fine structure put back.

A thermal camera of 160 x 120 pixels beside a visible one of 12 megapixels shows people as what is coarse there, which
the network leaves to the visible picture's tone. On a grid that suits the thermal camera they are objects again, and
the network has a fraction of the work.
"""

import cv2
import numpy as np

from ivif_cli.core.data.luma import to_luma

_LONG = 800
"""The longer side of the coarse grid is at least this [px]."""
_UNSEEN = 0.6 / 255
"""What a coarser grid may lose of the infrared, as root mean square; rounding to 8 bits alone is 0.3 levels."""
_LOST = 4 / 255
"""And nowhere more than this, but in one pixel of a thousand."""
_GAINS = 0.3, 1.6


def coarseness(ir: np.ndarray, vis: np.ndarray, most: int | None = None) -> int:
    """How many times coarser a grid may be that still holds all of an infrared picture: 1, 2, 4, ..., at most `most`.

    Where the infrared picture shows the visible one (it has no data there) it holds nothing of its own.
    """
    factor = 1
    if max(ir.shape[:2]) < 2 * _LONG:
        return factor
    luma = as_float(ir)
    own = (cv2.absdiff(luma, as_float(vis)) > 1 / 255).view(np.uint8)
    while max(ir.shape[:2]) >= 2 * factor * _LONG and (most is None or factor < most):
        alone = cv2.erode(own, np.ones((4 * factor + 1, 4 * factor + 1), np.uint8))  # beside it the two mix
        gone = enlarged(shrunk(luma, 2 * factor), luma.shape)
        cv2.absdiff(luma, gone, dst=gone)
        gone *= alone
        pixels = max(cv2.countNonZero(alone), 1)
        if cv2.norm(gone) > _UNSEEN * pixels**0.5 or np.count_nonzero(gone > _LOST) > 1e-3 * pixels:
            break
        factor *= 2
    return factor


def reduced(image: np.ndarray, factor: int) -> np.ndarray:
    """Luma of a picture on a grid that is `factor` times coarser, uint16."""
    return np.rint(shrunk(as_float(image), factor) * 65535).astype(np.uint16)


def restored(vis: np.ndarray, coarse_vis: np.ndarray, coarse_fused: np.ndarray) -> np.ndarray:
    """The visible picture with the change that fusing made on the coarse grid, float32, about [0, 1].

    What the coarse grid does not hold of it is lifted or damped as the finest structure that it does hold was.

    Args:
        vis: H x W [x 3], uint8 or uint16.
        coarse_vis, coarse_fused: h x w, uint16, as `reduced` gives the one, and what it became.
    """
    luma = as_float(vis)
    before, after = as_float(coarse_vis), as_float(coarse_fused)
    sizes = [float(np.mean(np.abs(one - cv2.GaussianBlur(one, (0, 0), 1)))) + 0.1 / 255 for one in (after, before)]
    gain = float(np.clip(sizes[0] / sizes[1], *_GAINS))
    luma -= enlarged(before, luma.shape)
    luma *= gain
    luma += enlarged(after, luma.shape)
    return luma


def as_float(image: np.ndarray) -> np.ndarray:
    """Luma in [0, 1], float32."""
    luma = to_luma(image)
    levels = luma.astype(np.float32)
    levels /= np.float32(np.iinfo(luma.dtype).max)
    return levels


def shrunk(luma: np.ndarray, factor: int) -> np.ndarray:
    """H x W -> ceil(H / factor) x ceil(W / factor), by area."""
    height, width = (-(-side // factor) for side in luma.shape)
    return cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA)


def enlarged(luma: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """h x w -> H x W, bilinear."""
    return cv2.resize(luma, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
