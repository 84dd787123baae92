"""Networks by name, and their way from and to safetensors files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ivif_cli.core.errors import UsageError, WeightsError
from ivif_cli.core.language.goal import DEFAULT, PREFIX, Goal, facts_of, goals_from, vectors_of
from ivif_cli.core.nearest import nearest
from ivif_cli.core.network.fusion import FusionConfig, FusionNetwork
from ivif_cli.core.weights import bundled, read_hashed_weights, write_weights

NETWORKS: dict[str, FusionConfig] = {
    "base": FusionConfig(fold=2, channels=16),
    "fast": FusionConfig(fold=4, channels=8),
}
"""Network name -> its shape. A name that is bundled has its weights in `weights/NAME.safetensors`."""
RULES = "3"
"""Of how a picture is put together (`composition`, `pyramid`); weights trained under others give other pictures."""


@dataclass(frozen=True)
class LoadedNetwork:
    """A network in eval mode with where it came from."""

    network: FusionNetwork
    name: str
    sha256: str
    metadata: dict[str, str]
    goals: dict[str, Goal] = field(default_factory=dict)


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
    path = bundled(f"{model}.safetensors") if str(model) in NETWORKS else Path(model)
    if not path.exists() and not path.suffix:
        raise UsageError(f"unknown model: {model}", f"{nearest(str(model), NETWORKS)}; or give a file")
    tensors, metadata, sha256 = read_hashed_weights(path)
    if "network" not in metadata:
        raise WeightsError(f"not weights of a fusion network: {path}", "give a file that `ivif train` made")
    try:
        network = _build(_bounded(json.loads(metadata["network"])))
    except (ValueError, TypeError, UsageError) as error:
        raise WeightsError(f"weights of an unknown network: {path}: {error}") from error
    vectors = {key: tensors.pop(key).float().numpy() for key in list(tensors) if key.startswith(PREFIX)}
    try:
        network.load_state_dict({key: value.float() for key, value in tensors.items()}, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"weights do not fit their network: {path}: {reason}") from error
    if not all(torch.isfinite(value).all() for value in tensors.values()):
        raise WeightsError(f"weights hold NaN or infinite values: {path}")
    if metadata.get("rules", "1") != RULES:
        hint = "train it anew, or use the release that made it"
        raise WeightsError(f"trained under other rules of how a picture is put together: {path}", hint)
    goals = goals_from(vectors, metadata)
    if network.config.goal and DEFAULT not in goals:
        raise WeightsError(f"the weights carry no default goal: {path}", "give a file that `ivif train` made")
    if any(2 * len(goal.fused) != network.config.goal for goal in goals.values()):
        raise WeightsError(f"the goals of the weights do not fit their network: {path}")
    return LoadedNetwork(network.eval(), path.stem, sha256, metadata, goals)


def _bounded(fields: dict[str, int | str]) -> dict[str, int | str]:
    """Refuse shapes that no file of ours has, before memory is spent on them."""
    if not isinstance(fields, dict):
        raise ValueError("its shape is no table")
    limits = {"channels": (1, 256), "blocks": (1, 16), "hidden": (1, 1024), "goal": (0, 8192)}
    for key, (least, most) in limits.items():
        if not least <= int(fields.get(key, 1)) <= most:
            raise ValueError(f"{key} = {fields[key]}")
    if fields.get("fold", 2) not in (2, 4):
        raise ValueError(f"fold = {fields['fold']}")
    return fields


def save_network(path: Path, network: FusionNetwork, metadata: dict[str, str], goals: Mapping[str, Goal]) -> str:
    """Write a network's weights with its shape, its named goals and `metadata`; returns the file's sha256.

    Raises:
        OutputError: the file cannot be written.
    """
    shape = json.dumps(network.config_dict(), sort_keys=True)
    vectors = {key: torch.from_numpy(value) for key, value in vectors_of(goals).items()}
    return write_weights(
        path, network.state_dict() | vectors, {**metadata, **facts_of(goals), "network": shape, "rules": RULES}
    )
