"""What a picture's file says beside its pixels: EXIF, colour profile, which way up, how many pages. Read by Pillow."""

import io
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

_ORIENTATION = 0x0112
_READERS: dict[str, Any] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}
"""By the kind that `image_header` names. `Image.open` would refuse large pictures, of which nothing is decoded here."""


@dataclass(frozen=True)
class Metadata:
    """What stands beside the pixels.

    Attributes:
        orientation: EXIF orientation, 1 (upright) to 8.
        exif: EXIF block (from its TIFF header on) of the picture as turned upright, empty where there is none.
        icc: colour profile, empty where there is none.
        pages: of a TIFF, or pictures of an animation; what a JPEG or PNG holds beside its picture does not count.
    """

    orientation: int = 1
    exif: bytes = b""
    icc: bytes = b""
    pages: int = 1


def read_metadata(kind: str, data: np.ndarray) -> Metadata:
    """What a file says beside its pixels; nothing where its metadata cannot be read.

    Args:
        kind: as `image_header.read_header` names it.
        data: the bytes of the file, uint8.
    """
    if kind not in _READERS:
        return Metadata()
    try:
        with _READERS[kind](io.BytesIO(data.data)) as picture:
            whole = kind != "PNG" or _speaks_behind_its_pixels(data)
            exif = picture.getexif() if whole else Image.Image.getexif(picture)
            orientation = exif.get(_ORIENTATION, 1)
            if _ORIENTATION in exif:
                exif[_ORIENTATION] = 1
            exif.bigtiff = False  # which no EXIF block is, whatever its file
            block = exif.tobytes().removeprefix(b"Exif\0\0") if exif else b""  # without the thumbnail as it was
            pages = int(getattr(picture, "n_frames", 1)) if kind in ("TIFF", "GIF", "WebP") else 1
            known = orientation if orientation in range(1, 9) else 1
            return Metadata(known, block, picture.info.get("icc_profile") or b"", pages)
    except Exception:  # noqa: BLE001 - Pillow raises whatever damaged metadata leads to; the pixels may be fine
        return Metadata()


def _speaks_behind_its_pixels(png: np.ndarray) -> bool:
    """Whether a chunk besides the end follows the pixels of a PNG: Pillow decodes them to come to it."""
    position, kinds = 8, []
    while position + 8 <= len(png):
        length, kind = struct.unpack_from(">I4s", png.data, position)
        kinds.append(kind)
        position += 12 + length
    return not {b"IDAT", b"IEND"}.issuperset(kinds[kinds.index(b"IDAT") :]) if b"IDAT" in kinds else False


def turned_upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """H x W [x 3] picture as its EXIF orientation wants it shown; the sides change places for 5 to 8."""
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)
