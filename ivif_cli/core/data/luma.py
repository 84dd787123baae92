"""BT.601 luma and the colour differences beside it, with an exact way back.

OpenCV's YCrCb in 8 bits rounds Cr and Cb, so that its way back misses by a level or two. Here the colour is kept as the
plain differences B - Y, G - Y, R - Y, of which Cr and Cb are scaled copies: putting unchanged CrCb beside a new luma
is the same as adding those differences to it, and with the old luma it gives the old picture back bit for bit.
"""

import cv2
import numpy as np


def to_luma(image: np.ndarray) -> np.ndarray:
    """BT.601 full-range luma Y = 0.299 R + 0.587 G + 0.114 B.

    Args:
        image: H x W (returned as it is) or H x W x 3 BGR; uint8, uint16 or float32.

    Returns:
        H x W of the same dtype and range.
    """
    if image.ndim == 2:
        return image
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def split(bgr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Luma and colour of a picture.

    Args:
        bgr: H x W x 3, uint8 or uint16.

    Returns:
        luma: H x W of the same dtype; crcb: H x W x 3 colour differences (B - Y, G - Y, R - Y), int16 for 8-bit and
        int32 for 16-bit pictures.
    """
    luma = to_luma(bgr)
    signed = cv2.CV_16S if bgr.dtype == np.uint8 else cv2.CV_32S
    return luma, cv2.subtract(bgr, cv2.merge([luma, luma, luma]), dtype=signed)


def merge(luma: np.ndarray, crcb: np.ndarray) -> np.ndarray:
    """Picture of a luma and the colour that `split` gave; values beyond the range are clipped.

    Args:
        luma: H x W, uint8 or uint16.
        crcb: H x W x 3 colour differences of the same depth, as from `split`.

    Returns:
        H x W x 3 BGR of the luma's dtype. `merge(*split(bgr))` is `bgr`, bit for bit.
    """
    depth = cv2.CV_8U if luma.dtype == np.uint8 else cv2.CV_16U
    return cv2.add(cv2.merge([luma, luma, luma]), crcb, dtype=depth)


def deepened(image: np.ndarray) -> np.ndarray:
    """8-bit grey levels on the 16-bit scale (times 257); 16-bit ones as they are."""
    return image.astype(np.uint16) * np.uint16(257) if image.dtype == np.uint8 else image


def to_bits(image: np.ndarray, bits: int | None) -> np.ndarray:
    """Picture with the bits that were asked for; 16 to 8 rounds to the nearest level."""
    if bits == 8 and image.dtype == np.uint16:
        return ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return deepened(image) if bits == 16 else image
