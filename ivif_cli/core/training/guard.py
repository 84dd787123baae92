"""What ends a run early: a NaN or a runaway loss, told with step, part and pairs before weights are spoilt."""

import math
from pathlib import Path

from ivif_cli.core.errors import TrainingError
from ivif_cli.core.training.checkpoint import latest_checkpoint


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
