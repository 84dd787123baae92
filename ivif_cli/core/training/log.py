"""metrics.jsonl, and TensorBoard where it is asked for."""

import json
import math
from pathlib import Path
from typing import Any

from ivif_cli.core.errors import OutputError
from ivif_cli.core.files import append_text, write_text


class MetricsLog:
    """One line of JSON a step or validation: `step`, `kind` ("train" or "validation") and the values.

    Args:
        folder: the run's folder.
        step: step to continue after; lines beyond it are dropped.
        active: whether this process writes.
        tensorboard: write event files under `folder/tensorboard` too.

    Raises:
        OutputError: the file cannot be written.
        ImportError: TensorBoard is wanted and not installed.
    """

    def __init__(self, folder: Path, step: int, *, active: bool = True, tensorboard: bool = False) -> None:
        self._path = folder / "metrics.jsonl" if active else None
        self._board: Any = None
        if self._path is None:
            return
        try:
            lines = self._path.read_text().splitlines() if step and self._path.exists() else []
            kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= step]
            write_text(self._path, "".join(f"{line}\n" for line in kept))
        except OSError as error:
            raise OutputError(f"cannot read {self._path}: {error.strerror}") from error
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def close(self) -> None:
        """Write what TensorBoard still holds back."""
        if self._board is not None:
            self._board.close()

    def write(self, step: int, kind: str, values: dict[str, float]) -> None:
        """Append one line; a value that is not finite becomes null.

        Raises:
            OutputError: the file cannot be written.
        """
        if self._path is None:
            return
        plain = {name: round(value, 6) if math.isfinite(value) else None for name, value in values.items()}
        append_text(self._path, json.dumps({"step": step, "kind": kind, **plain}) + "\n")
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{kind}/{name}", value, step)
