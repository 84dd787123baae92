"""What ends a run early: a NaN or a runaway loss, told with step, part and pairs before weights are spoilt; signals.

Ctrl-C and SIGTERM ask for an end with a checkpoint; asked again a while later, it ends at once. A launcher such as
torchrun passes a Ctrl-C on that the process has had already, so repeats count only after a pause.
"""

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from ivif_cli.core.errors import TrainingError
from ivif_cli.core.training.checkpoint import latest_checkpoint

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PAUSE = 3.0


def check_loss(
    values: dict[str, float], typical: float, limit: float, step: int, names: tuple[str, ...], out: Path
) -> float:
    """Check the parts of a step's loss.

    Args:
        values: parts of the objective, "total" among them.
        typical: running mean of the total's magnitude, NaN before the first step.
        limit: largest magnitude, in units of `typical`.
        step: number of the step, from 1.
        names: the batch's pairs.
        out: the run's folder, to name the checkpoint that is left.

    Returns:
        The running mean with this step in it.

    Raises:
        TrainingError: a part is not finite, or the total runs away.
    """
    broken = [part for part, value in values.items() if not math.isfinite(value)]
    if broken:
        parts = [part for part in broken if part != "total"] or broken
        raise stopped(f"{', '.join(parts)} is not finite", step, names, out)
    size = abs(values["total"])
    if size > limit * max(typical, 1e-2):
        raise stopped(f"the loss runs away: {values['total']:.4g}, typically {typical:.4g}", step, names, out)
    return size if math.isnan(typical) else 0.98 * typical + 0.02 * size


def stopped(what: str, step: int, names: tuple[str, ...], out: Path) -> TrainingError:
    """The error that stops a run at a step (from 1), with the batch's pairs and the checkpoint that is left."""
    path = latest_checkpoint(out)
    left = f"the last good checkpoint is {path}" if path else "no checkpoint was written yet"
    return TrainingError(f"step {step}: {what}; pairs of the batch: {', '.join(names)}", left)


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Catch SIGINT and SIGTERM while the context lasts (main thread only); yields whether one came."""
    came: float | None = None

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came is not None and time.monotonic() - came > _PAUSE:
            raise KeyboardInterrupt
        came = time.monotonic() if came is None else came

    previous = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield lambda: came is not None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
