"""Infrared pictures as they lie on the visible ones, written beside a folder run: `--save-aligned`."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ivif_cli.core.data.images import encode_image
from ivif_cli.core.errors import OutputError, UsageError
from ivif_cli.core.files import write_bytes

_SUFFIXES = (".png", ".tif")


def refuse_aligned_among(folder: Path, files: Iterable[Path]) -> None:
    """Raise `UsageError` where the folder holds inputs or results: their files could be replaced."""
    taken = {path.resolve().parent for path in files}
    if folder.resolve() in {place for path in taken for place in (path, *path.parents)}:
        raise UsageError(f"--save-aligned {folder} holds inputs or results", "name a folder of its own")


def has_aligned(folder: Path, name: str) -> bool:
    """Whether the infrared picture of a pair is there."""
    return any((folder / f"{name}{suffix}").exists() for suffix in _SUFFIXES)


def write_aligned(folder: Path, name: str, values: np.ndarray, *, overwrite: bool) -> None:
    """Write an infrared picture: PNG for whole numbers, TIFF for others. One that is there and the same is left.

    Args:
        values: H x W, uint8, uint16 or float32.

    Raises:
        OutputError: another file has its name, or it cannot be written.
    """
    path = folder / f"{name}{_SUFFIXES[values.dtype.kind == 'f']}"
    data = encode_image(path.suffix, values)
    if path.exists() and path.read_bytes() == bytes(data):
        return
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already and is another picture", "--overwrite replaces it")
    write_bytes(path, data, overwrite=True)
