"""Bundled and foreign weights files: found, hashed, checked, read. Safetensors only; nothing is ever unpickled.

A bundled file is pinned by its sha256 in `SHA256`; a changed, truncated or foreign file is refused with the reason.
"""

import hashlib
import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from ivif_cli.core.errors import WeightsError
from ivif_cli.core.files import write_bytes
from ivif_cli.core.packaged import packaged_folder

if TYPE_CHECKING:
    from torch import Tensor

SHA256: dict[str, str] = {
    "base.safetensors": "562dd10dd0c1706cb8d74b8bab392fdc1f14694e7d0b51748ee2c1f9ff55ea77",
    "fast.safetensors": "a68671bcfc6a3ba9806ad448a498667a3fc5777cccf3b883de2ce621967f35f9",
    "compact-clip.safetensors": "e9242b67443e544511b9f45ec310a63652446b8dd5435823b7d1e519273c137f",
}
"""File name in `weights/` -> sha256 of its bytes, hex."""

_HEADER_LIMIT = 1 << 20


def weights_folder() -> Path:
    """The folder of the bundled weights."""
    return packaged_folder("weights")


def bundled(file_name: str) -> Path:
    """Path of the bundled file `file_name`; raises WeightsError where it is not part of this installation."""
    path = weights_folder() / file_name
    if not path.is_file():
        raise WeightsError(f"bundled weights are missing: {path}", "reinstall ivif, or give a file by its path")
    return path


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes, hex; raises WeightsError where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"cannot read weights: {path}: {error.strerror}") from error


def read_header(path: Path) -> dict[str, dict]:
    """The JSON header of a safetensors file: tensor name -> dtype, shape, data_offsets (and `__metadata__`).

    The header is bounded (1 MiB) and its offsets are checked against the file's size before any tensor is touched.

    Raises:
        WeightsError: missing, truncated, pickled or any other kind of file.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            start = stream.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            fits = 2 <= length <= min(_HEADER_LIMIT, size - 8)
            if not fits and (start[:4] == b"PK\x03\x04" or start[:1] == b"\x80"):
                raise WeightsError(f"pickled weights are refused: {path}", "convert them to safetensors first")
            if not fits:
                raise WeightsError(f"not a safetensors file, or truncated: {path}")
            header = json.loads(stream.read(length))
    except OSError as error:
        hint = f"name the file in it, as {path / 'model.safetensors'}" if path.is_dir() else "check the path"
        raise WeightsError(f"cannot read weights: {path}: {error.strerror}", hint) from error
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"not a safetensors file: {path}") from error
    _check_offsets(path, header, size - 8 - length)
    return header


def _check_offsets(path: Path, header: object, data_size: int) -> None:
    if not isinstance(header, dict):
        raise WeightsError(f"not a safetensors file: {path}")
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
        if not (isinstance(offsets, list) and len(offsets) == 2 and all(isinstance(n, int) for n in offsets)):
            raise WeightsError(f"damaged safetensors header: {path}: tensor {name!r}")
        if not 0 <= offsets[0] <= offsets[1] <= data_size:
            raise WeightsError(f"truncated weights: {path}: tensor {name!r} ends at byte {offsets[1]} of {data_size}")


def read_weights(path: Path) -> tuple[dict[str, "Tensor"], dict[str, str]]:
    """Tensors and metadata of a safetensors file; errors as for `read_hashed_weights`."""
    return read_hashed_weights(path)[:2]


def read_hashed_weights(path: Path) -> tuple[dict[str, "Tensor"], dict[str, str], str]:
    """Tensors and metadata of a safetensors file, and the sha256 of the very bytes they came from.

    Returns:
        (name -> CPU tensor, metadata as text -> text, sha256 in hex)

    Raises:
        WeightsError: missing, truncated, pickled, damaged, or not the pinned bytes of a bundled file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    header = read_header(path)
    try:
        data = path.read_bytes()
        tensors = load(data)
    except OSError as error:
        raise WeightsError(f"cannot read weights: {path}: {error.strerror}") from error
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise WeightsError(f"damaged weights: {path}: {error}") from error
    actual = _check_pinned(path, hashlib.sha256(data).hexdigest())
    metadata = header.get("__metadata__", {})
    return tensors, {str(key): str(value) for key, value in metadata.items()}, actual


def read_some_weights(path: Path, prefix: str) -> tuple[dict[str, "Tensor"], dict[str, str], str]:
    """The tensors of a safetensors file whose names begin with `prefix`, its metadata, the sha256 of the whole file.

    Raises:
        WeightsError: missing, truncated, pickled, damaged, or not the pinned bytes.
    """
    from safetensors import SafetensorError, safe_open

    read_header(path)
    actual = _check_pinned(path, file_sha256(path))
    try:
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}, actual
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"damaged weights: {path}: {error}") from error


def _check_pinned(path: Path, actual: str) -> str:
    """`actual`, the sha256 of a file; WeightsError where it is not the pinned one of a bundled file."""
    expected = SHA256.get(path.name, actual) if path.resolve().parent == weights_folder().resolve() else actual
    if actual != expected:
        hashes = f"sha256 {actual[:12]}..., expected {expected[:12]}..."
        hint = "reinstall ivif, or give your own file under another name"
        raise WeightsError(f"weights are not the pinned ones: {path}: {hashes}", hint)
    return actual


def write_weights(path: Path, tensors: dict[str, "Tensor"], metadata: dict[str, str]) -> str:
    """Write tensors and metadata as safetensors, whole or not at all; returns the sha256 of the file.

    Raises:
        OutputError: the file cannot be written.
    """
    from safetensors.torch import save

    data = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, metadata=metadata)
    write_bytes(path, data)
    return hashlib.sha256(data).hexdigest()
