"""Scoring on a torch device: pictures of one size go through it in one batch."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.errors import IvifError, UsageError
from ivif_cli.core.metrics import SIX
from ivif_cli.core.metrics.maps import Maps, check_sizes
from ivif_cli.core.metrics.on_device import evaluate_on_device
from ivif_cli.core.metrics.scene import is_colour
from ivif_cli.core.metrics.undefined import reason
from ivif_cli.core.scoring.results import Failure, PictureScores
from ivif_cli.core.scoring.task import Outcome, Settings, Task

_SCENES, _BATCH = 16, 8


@dataclass(frozen=True)
class _Entry:
    """One fused picture with its sources, uint8 luma of one size."""

    ir: np.ndarray
    vis: np.ndarray
    fused: np.ndarray
    colour: bool


def check_device_settings(settings: Settings) -> None:
    """Raises UsageError where something is asked for that devices do not compute."""
    others = [name for name in settings.metrics if name not in SIX]
    others += [metric.name for metric in settings.encoder_metrics]
    if settings.convention != "ivif" or others:
        what = others[0] if others else f"convention {settings.convention}"
        raise UsageError(
            f"{what} is not computed on devices", f"{', '.join(SIX)} of ivif are; leave --score-device out"
        )


def score_on_device(tasks: Iterable[Task], settings: Settings, device: str) -> Iterator[list[Outcome]]:
    """Outcomes of each scene in order, as `score_task` gives them; values to 1e-9 of those on the CPU, VIF to 1e-7."""
    remaining = iter(tasks)
    while chunk := list(islice(remaining, _SCENES)):
        read = [[_entry(task, fused) for fused in task.fused] for task in chunk]
        scores = _score(read, settings, device)
        for row, (task, entries) in enumerate(zip(chunk, read, strict=True)):
            yield [_outcome(task, entry, scores.get((row, column))) for column, entry in enumerate(entries)]


def _entry(task: Task, fused: np.ndarray | Failure) -> _Entry | Failure:
    if isinstance(fused, Failure):
        return fused
    entry = _Entry(to_luma(task.ir), to_luma(task.vis), to_luma(fused), is_colour(fused))
    try:
        check_sizes(Maps(entry.ir), Maps(entry.vis), Maps(entry.fused))
    except IvifError as error:
        return Failure(task.name, str(error))
    return entry


def _score(
    read: Sequence[Sequence[_Entry | Failure]], settings: Settings, device: str
) -> dict[tuple[int, int], dict[str, float]]:
    """(scene, contender) -> values, in batches of pictures of one size."""
    groups: dict[tuple[int, ...], list[tuple[int, int, _Entry]]] = defaultdict(list)
    for row, entries in enumerate(read):
        for column, entry in enumerate(entries):
            if isinstance(entry, _Entry):
                groups[entry.fused.shape].append((row, column, entry))
    scores = {}
    for group in groups.values():
        for start in range(0, len(group), _BATCH):
            batch = group[start : start + _BATCH]
            values = evaluate_on_device(
                np.stack([entry.ir for _, _, entry in batch]),
                np.stack([entry.vis for _, _, entry in batch]),
                np.stack([entry.fused for _, _, entry in batch]),
                settings.metrics,
                device=device,
            )
            for index, (row, column, _) in enumerate(batch):
                scores[row, column] = {name: float(values[name][index]) for name in settings.metrics}
    return scores


def _outcome(task: Task, entry: _Entry | Failure, values: dict[str, float] | None) -> Outcome:
    if isinstance(entry, Failure) or values is None:
        return (entry if isinstance(entry, Failure) else Failure(task.name, "not scored")), False
    maps = Maps(entry.ir), Maps(entry.vis), Maps(entry.fused)
    undefined = {name: reason(name, value, *maps) for name, value in values.items() if not math.isfinite(value)}
    return PictureScores(task.name, values, undefined), entry.colour
