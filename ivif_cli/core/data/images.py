"""Reading and writing pictures: 8- and 16-bit, grey and colour PNG, TIFF, JPEG and BMP; others are read only.

Nothing loses bits on the way: files are decoded as they are stored. A colour JPEG is decoded to colour (decoding it
straight to grey moves up to 13 grey levels), and alpha is dropped.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from ivif_cli.core.data.array_file import read_array
from ivif_cli.core.data.image_header import ImageHeader, read_header
from ivif_cli.core.data.labels import labelled
from ivif_cli.core.data.metadata import Metadata, read_metadata, turned_upright
from ivif_cli.core.data.tiff_tags import Meaning, meaning
from ivif_cli.core.errors import InputError, OutputError, UsageError
from ivif_cli.core.files import write_bytes

IMAGE_SUFFIXES = frozenset({".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp"})
READ_SUFFIXES = IMAGE_SUFFIXES | {".webp", ".gif", ".pgm", ".ppm", ".pnm", ".jp2", ".npy"}
DEEP_SUFFIXES = frozenset({".png", ".tif", ".tiff"})
MAX_PIXELS = 400_000_000
_BELIEVED_PIXELS = 1 << 22
_PIXELS_PER_BYTE = {"PNG": 8_500}
"""Most pixels a byte can stand for: deflate gives 1032 bytes of 8 pixels each; blank fax-coded TIFFs give more."""
_MAPPED_BYTES = 64 << 20
_ENCODING = {
    ".png": (cv2.IMWRITE_PNG_COMPRESSION, 1),
    **dict.fromkeys((".jpg", ".jpeg"), (cv2.IMWRITE_JPEG_QUALITY, 95)),
}


# OpenCV's own diagnostics stay off stderr: errors are told once, in this package's words.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def is_image_name(path: Path) -> bool:
    """True where the suffix is one of the picture kinds that are read here."""
    return path.suffix.lower() in READ_SUFFIXES


@dataclass(frozen=True)
class Picture:
    """A file that was decoded.

    Attributes:
        pixels: H x W or H x W x 3 (BGR), uint8, uint16 or float32, upright.
        metadata: what else the file says.
        sha256: of the bytes of the file, in hexadecimal.
        notes: what was done on the way that a viewer of the file may wonder about.
        no_data: the value that stands for none in a file that declares one.
        inverted: floating-point values of which the smallest is meant to be white.
    """

    pixels: np.ndarray
    metadata: Metadata
    sha256: str
    notes: tuple[str, ...] = ()
    no_data: float | None = None
    inverted: bool = False

    def levels(self, name: str) -> np.ndarray:
        """Grey or colour levels, uint8 or uint16, bright where the file means bright; `read_image` says how."""
        found = as_levels(self.pixels, name)
        return ~found if self.inverted else found


def read_image(path: Path, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Pixels of a file, with the bits it is stored with; a floating-point picture becomes uint16.

    Values in [0, 1] are scaled by 65535; any others are refused, since they do not say what is black and what white.

    Args:
        path: a file of `READ_SUFFIXES`, told by its contents; any characters may stand in its name.
        max_pixels: larger pictures are refused from their header, before anything is allocated.

    Returns:
        H x W or H x W x 3 (BGR), uint8 or uint16, upright.

    Raises:
        InputError: the file is missing, empty, truncated, not a picture, too large, or holds NaN, infinity
            or floating-point values beyond [0, 1].
    """
    return read_picture(path, max_pixels=max_pixels).levels(str(path))


def as_levels(pixels: np.ndarray, name: str) -> np.ndarray:
    """Pixels of uint8 or uint16; floating-point ones as uint16, as `read_image` says, which refuses those of `name`."""
    if pixels.dtype != np.float32:
        return pixels
    if not np.isfinite(pixels).all():
        raise InputError(f"{name} holds NaN or infinite values")
    low, high = float(pixels.min()), float(pixels.max())
    if low < 0.0 or high > 1.0:
        rule = "floating-point visible and fused pictures are read in [0, 1]"
        raise InputError(f"{name} holds values from {low:g} to {high:g}; {rule}", "save it with 8 or 16 bits")
    return np.rint(pixels.astype(np.float64) * 65535).astype(np.uint16)


def read_picture(path: Path, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """A file with all that it says, its floating-point values in their own unit; as `read_image` otherwise."""
    path = Path(path)
    data = _file_bytes(path)
    kind = _check_header(path, read_header(data.data), len(data), max_pixels).kind
    metadata = read_metadata(kind, data)
    means = meaning(data.data) if kind == "TIFF" else Meaning()
    if means.planar:
        raise InputError(f"{path} holds its colours in planes of more than 8 bits", "save it with interleaved colours")
    pixels, notes = (read_array(str(path), data), []) if kind == "NPY" else _as_supported(path, _decode(path, data))
    inverted = means.inverted and pixels.dtype == np.float32
    if means.inverted and not inverted:  # OpenCV turns those of 8 bits itself
        pixels = ~pixels
        notes.append("turned round, since its 0 is white")
    if metadata.orientation != 1:
        if kind != "TIFF":  # OpenCV turns those itself
            pixels = turned_upright(pixels, metadata.orientation)
        notes.append(f"turned upright by its EXIF orientation {metadata.orientation}")
    if metadata.pages > 1:
        notes.append(f"the first of its {metadata.pages} pages")
    return Picture(pixels, metadata, hashlib.sha256(data.data).hexdigest(), tuple(notes), means.no_data, inverted)


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height of a file as it is read, upright, without decoding it; raises InputError as `read_image`."""
    path = Path(path)
    data = _file_bytes(path)
    found = _check_header(path, read_header(data.data), len(data), MAX_PIXELS)
    turned = read_metadata(found.kind, data).orientation >= 5
    return (found.height, found.width) if turned else (found.width, found.height)


def file_sha256(path: Path) -> str:
    """sha256 of the bytes of a file, in hexadecimal; raises InputError where it cannot be read."""
    return hashlib.sha256(_file_bytes(Path(path)).data).hexdigest()


def _file_bytes(path: Path) -> np.ndarray:
    """Bytes of a file; a large one is mapped, so that it does not stand in memory beside its picture."""
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise InputError(f"{path} is a folder, not a picture")
        if size == 0:
            raise InputError(f"{path} is empty (0 bytes)")
        if size > _MAPPED_BYTES:
            return np.memmap(path, dtype=np.uint8, mode="r")
        return np.fromfile(path, dtype=np.uint8)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"no file can be called {str(path)!r}: {error}") from error


def _check_header(path: Path, header: ImageHeader | None, size: int, max_pixels: int) -> ImageHeader:
    if header is None:
        raise InputError(f"{path} is not a PNG, TIFF, JPEG, BMP, WebP, GIF, PGM, PPM, JPEG 2000 or NPY picture")
    if header.pixels > max_pixels:
        claim = f"{header.width} x {header.height} pixels"
        raise InputError(f"{path} claims {claim}, more than the limit of {max_pixels}")
    if header.pixels > max(_BELIEVED_PIXELS, size * _PIXELS_PER_BYTE.get(header.kind, 100_000)):
        raise InputError(f"{path} claims {header.width} x {header.height} pixels, more than {size} bytes can hold")
    if header.damage:
        raise InputError(f"{path} is {header.damage}: a {header.kind} file of {size} bytes")
    if header.pixels == 0:
        raise InputError(f"{path} holds no pixels ({header.width} x {header.height})")
    return header


def _decode(path: Path, data: np.ndarray) -> np.ndarray:
    try:
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except (cv2.error, MemoryError) as error:
        raise InputError(f"{path} cannot be decoded: {str(error).strip().splitlines()[-1]}") from error
    if image is None or image.size == 0:
        raise InputError(f"{path} cannot be decoded: damaged, or of a kind OpenCV does not know")
    return image


def _as_supported(path: Path, image: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """The picture without alpha, in a kind of value that is fused, and what is to say of that."""
    notes = []
    if image.ndim == 3 and image.shape[2] != 3:
        channels = image.shape[2]
        if channels > 4:
            raise InputError(f"{path} has {channels} channels; grey, colour and alpha can be read")
        if channels != 1 and image.dtype.kind == "u" and (image[..., -1] != np.iinfo(image.dtype).max).any():
            notes.append("its transparency is left out")
        image = np.ascontiguousarray(image[..., :3] if channels == 4 else image[..., 0])
    if image.dtype in (np.uint8, np.uint16):
        return image, notes
    with np.errstate(over="ignore"):  # beyond float32 lies no data
        return image.astype(np.float32), notes


def write_image(
    path: Path, image: np.ndarray, *, overwrite: bool = False, label: str = "", metadata: Metadata | None = None
) -> None:
    """Write a picture, whole or not at all (see `core/files.py`).

    Args:
        path: the suffix chooses the kind: .png, .tif, .tiff, .jpg, .jpeg, .bmp.
        image: H x W or H x W x 3 (BGR), uint8, or uint16 for PNG and TIFF, or float32 for TIFF.
        overwrite: replace a file that is there.
        label: ASCII text to write beside the pixels (see `core/data/labels.py`).
        metadata: of the picture this one was made from, to be kept.

    Raises:
        OutputError: the file exists and may not be replaced, or cannot be written.
        UsageError: a suffix that is not known, or that cannot hold the picture's bits.
    """
    path = Path(path)
    check_writable_kind(path, image.dtype)
    if not overwrite and path.exists():
        raise OutputError(f"{path} exists already", "--overwrite replaces it")
    write_bytes(path, encode_image(path.suffix, image, label=label, metadata=metadata), overwrite=overwrite)


def encode_image(suffix: str, image: np.ndarray, *, label: str = "", metadata: Metadata | None = None) -> memoryview:
    """Bytes of a picture's file; arguments as for `write_image`.

    Raises:
        OutputError: the picture cannot be encoded.
    """
    suffix = suffix.lower()
    try:
        done, encoded = cv2.imencode(suffix, image, _ENCODING.get(suffix, ()))
    except cv2.error as error:
        raise OutputError(f"cannot encode picture{suffix}: {str(error).strip().splitlines()[-1]}") from error
    if not done:
        raise OutputError(f"cannot encode picture{suffix}: {image.shape} {image.dtype}")
    if not label:
        return encoded.data
    kept = metadata or Metadata()
    if kept.icc[16:20] != (b"GRAY" if image.ndim == 2 else b"RGB "):
        kept = replace(kept, icc=b"")  # a profile of other channels than these
    return memoryview(labelled(encoded.tobytes(), suffix, label, kept))


def check_writable_kind(path: Path, dtype: np.dtype | type) -> None:
    """Raise `UsageError` where a file of this suffix cannot hold samples of this kind."""
    suffix = path.suffix.lower()
    if suffix not in IMAGE_SUFFIXES:
        known = ", ".join(sorted(IMAGE_SUFFIXES))
        hint = "" if suffix else f"name it {path}.png, or make the folder {path} first"
        raise UsageError(f"{path}: pictures are written as {known}, not as {suffix or 'a name without suffix'!r}", hint)
    if np.dtype(dtype) == np.uint16 and suffix not in DEEP_SUFFIXES:
        raise UsageError(f"{path}: {suffix} holds 8 bits, the picture has 16", "use .png or .tif, or --bit-depth 8")
    if np.dtype(dtype) not in (np.uint8, np.uint16) and not (np.dtype(dtype) == np.float32 and suffix[:4] == ".tif"):
        raise UsageError(f"{path}: a picture of {np.dtype(dtype)} values cannot be written")
