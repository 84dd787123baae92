"""Networks by name, and their way from and to safetensors files."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch

from ivif_cli.core.errors import UsageError, WeightsError
from ivif_cli.core.nearest import nearest
from ivif_cli.core.network.fusion import FusionConfig, FusionNetwork
from ivif_cli.core.weights import bundled, file_sha256, read_weights, write_weights

NETWORKS: dict[str, FusionConfig] = {
    "base": FusionConfig(fold=2, channels=24, levels=3, blocks=2, gate="tanh"),
    "fast": FusionConfig(fold=4, channels=32, levels=1, blocks=1, head=1, gate="tanh"),
}
"""Network name -> its shape. A name that is bundled has its weights in `weights/NAME.safetensors`."""


@dataclass(frozen=True)
class LoadedNetwork:
    """A network in eval mode with where it came from."""

    network: FusionNetwork
    name: str
    sha256: str
    metadata: dict[str, str]


def build_network(name: str = "base", **changes: int | str) -> FusionNetwork:
    """A network with fresh weights.

    Args:
        name: a key of `NETWORKS`.
        changes: fields of `FusionConfig` that differ from the named shape, e.g. `mixer="concat"`.

    Raises:
        UsageError: an unknown name or field.
    """
    if name not in NETWORKS:
        raise UsageError(f"unknown network: {name}", nearest(name, NETWORKS))
    return _build({**vars(NETWORKS[name]), **changes})


def _build(fields: dict[str, int | str]) -> FusionNetwork:
    try:
        return FusionNetwork(FusionConfig(**fields))  # type: ignore[arg-type]
    except (TypeError, KeyError, ValueError, RuntimeError) as error:
        raise UsageError(f"no such network shape: {fields}: {error}") from error


def load_network(model: str | Path) -> LoadedNetwork:
    """A trained network: a bundled name, or the path of a safetensors file made by `save_network`.

    Raises:
        UsageError: neither a known name nor a file.
        WeightsError: damaged or foreign weights.
    """
    if str(model) in NETWORKS:
        path, name = bundled(f"{model}.safetensors"), str(model)
    else:
        path = Path(model)
        name = path.stem
        if not path.exists() and not path.suffix:
            raise UsageError(f"unknown model: {model}", f"{nearest(str(model), NETWORKS)} Or give a .safetensors file")
    tensors, metadata = read_weights(path)
    network = _network_of(path, metadata)
    _load_strictly(path, network, tensors)
    return LoadedNetwork(network.eval(), name, file_sha256(path), metadata)


def _network_of(path: Path, metadata: dict[str, str]) -> FusionNetwork:
    if "network" not in metadata:
        raise WeightsError(f"not weights of a fusion network: {path}", "give a file that `ivif train` made")
    try:
        fields = json.loads(metadata["network"])
        return _build(_bounded(fields))
    except (ValueError, TypeError, UsageError) as error:
        raise WeightsError(f"weights of an unknown network: {path}: {error}") from error


def _bounded(fields: dict[str, int | str]) -> dict[str, int | str]:
    """Refuse shapes that no file of ours has, before memory is spent on them."""
    limits = {"fold": 8, "channels": 256, "levels": 6, "blocks": 16, "tone": 1024, "head": 7}
    for key, limit in limits.items():
        if not 1 <= int(fields.get(key, 1)) <= limit:
            raise ValueError(f"{key} = {fields[key]}")
    return fields


def _load_strictly(path: Path, network: FusionNetwork, tensors: dict[str, torch.Tensor]) -> None:
    try:
        network.load_state_dict({key: value.float() for key, value in tensors.items()}, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"weights do not fit their network: {path}: {reason}") from error
    if not all(torch.isfinite(value).all() for value in tensors.values()):
        raise WeightsError(f"weights hold NaN or infinite values: {path}")


def save_network(path: Path, network: FusionNetwork, metadata: dict[str, str]) -> str:
    """Write a network's weights with its shape and `metadata`; returns the file's sha256.

    Raises:
        OutputError: the file cannot be written.
    """
    shape = json.dumps(network.config_dict(), sort_keys=True)
    return write_weights(path, network.state_dict(), {**metadata, "network": shape})
