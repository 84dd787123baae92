"""Checkpoints: a run's whole state in one safetensors file, JSON in its metadata, nothing pickled.

Tensors are named `model.*`, `ema.*`, `optimiser.INDEX.*` and `rng.*`; the metadata holds the step, the recipe and
whatever else is plain. A checkpoint is written under a temporary name and renamed: a file that is there is whole.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ivif_cli.core.errors import TrainingError
from ivif_cli.core.weights import read_weights, write_weights

FORMAT = "ivif-checkpoint-1"
KEPT = 2


@dataclass
class RunState:
    """Everything that changes in a run.

    Attributes:
        network: what is trained.
        ema: name -> running mean of the network's tensors; empty where none is kept.
        optimiser: AdamW over the network's parameters.
        scaler: gradient scaler of fp16, disabled otherwise.
        step: steps done.
        typical: running mean of the loss's magnitude, which divergence is told by; NaN at the start.
        hours: time spent so far, over all resumed parts.
    """

    network: nn.Module
    ema: dict[str, Tensor]
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    step: int = 0
    typical: float = float("nan")
    hours: float = 0.0


def checkpoint_path(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step lies."""
    return folder / "checkpoints" / f"step-{step:08d}.safetensors"


def latest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint of the highest step in a run's folder, or None."""
    return max((folder / "checkpoints").glob("step-*.safetensors"), default=None)


def save_checkpoint(folder: Path, state: RunState, recipe: dict[str, Any], extra: dict[str, str]) -> Path:
    """Write the state of a run and drop all but the last `KEPT` checkpoints.

    Args:
        folder: the run's folder.
        state: what to save.
        recipe: the recipe as plain values.
        extra: further text that a resumed run is compared with (data hash, encoder).

    Raises:
        OutputError: the file cannot be written.
    """
    packed = state.optimiser.state_dict()
    tensors = {f"model.{name}": value for name, value in state.network.state_dict().items()}
    tensors |= {f"ema.{name}": value for name, value in state.ema.items()}
    for index, moments in packed["state"].items():
        tensors |= {f"optimiser.{index}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    tensors["rng.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["rng.cuda"] = torch.cuda.get_rng_state()
    plain = {"step": state.step, "typical": repr(state.typical), "hours": state.hours, "recipe": recipe}
    plain |= {"groups": packed["param_groups"], "scaler": state.scaler.state_dict()}
    path = checkpoint_path(folder, state.step)
    write_weights(path, tensors, {"format": FORMAT, "state": json.dumps(plain), **extra})
    for old in sorted(path.parent.glob("step-*.safetensors"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return path


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any], dict[str, str]]:
    """Tensors, plain state (step, recipe, ...) and metadata of a checkpoint.

    Raises:
        WeightsError: a damaged file.
        TrainingError: not a checkpoint of this kind.
    """
    tensors, metadata = read_weights(path)
    if metadata.get("format") != FORMAT:
        raise TrainingError(f"not a checkpoint of ivif train: {path}")
    try:
        plain = json.loads(metadata["state"])
    except (KeyError, ValueError, RecursionError) as error:
        raise TrainingError(f"the checkpoint's state is damaged: {path}") from error
    if not isinstance(plain, dict) or not {"step", "typical", "hours", "groups", "scaler", "recipe"} <= plain.keys():
        raise TrainingError(f"the checkpoint's state is incomplete: {path}")
    return tensors, plain, metadata


def restore(path: Path, state: RunState, recipe: dict[str, Any], extra: dict[str, str]) -> None:
    """Put a checkpoint's state into `state` and into torch's random generators.

    Args:
        path: the checkpoint.
        state: of the same network and optimiser.
        recipe, extra: of the run that goes on; they must be those of the checkpoint, the number of steps excepted.

    Raises:
        TrainingError: another recipe, other data or another encoder.
        WeightsError: a damaged file.
    """
    tensors, plain, metadata = read_checkpoint(path)
    saved = {**plain["recipe"], **metadata}
    # A resumed run may be made longer or shorter, and nothing else.
    changed = [name for name, value in {**recipe, **extra}.items() if name != "steps" and saved.get(name) != value]
    if changed:
        hint = "resume with the same recipe and data, or start a new run with --init"
        raise TrainingError(f"{path} was made with other settings: {', '.join(changed)}", hint)
    state.network.load_state_dict(_named(tensors, "model."))
    state.ema = {name: value.to(state.ema[name]) for name, value in _named(tensors, "ema.").items()}
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in _named(tensors, "optimiser.").items():
        index, _, moment = name.partition(".")
        moments.setdefault(int(index), {})[moment] = value
    state.optimiser.load_state_dict({"state": moments, "param_groups": plain["groups"]})
    if plain["scaler"]:
        state.scaler.load_state_dict(plain["scaler"])
    state.step, state.typical, state.hours = plain["step"], float(plain["typical"]), plain["hours"]
    torch.set_rng_state(tensors["rng.cpu"])
    if torch.cuda.is_available() and "rng.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["rng.cuda"])


def _named(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
