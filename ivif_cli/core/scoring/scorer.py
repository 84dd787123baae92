"""Scoring scenes in this process, over several, or on a torch device: the maps of the sources are made once a scene.

Values do not depend on the number of processes: a task is computed whole, by one process, and results keep the order
of the tasks.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing import get_context

import cv2
import numpy as np

from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.errors import IvifError, UsageError
from ivif_cli.core.memory import reuse_memory
from ivif_cli.core.metrics import SIX, Scene
from ivif_cli.core.metrics.maps import Maps, check_sizes
from ivif_cli.core.metrics.scene import is_colour, reason
from ivif_cli.core.read_ahead import read_ahead
from ivif_cli.core.scoring.results import Failure, PictureScores
from ivif_cli.core.scoring.task import Outcome, Settings, Task

_SCENES, _BATCH = 16, 8
"""Scenes that are held for a device at a time, and pictures that go through it together."""


def score_task(task: Task, settings: Settings) -> list[Outcome]:
    """Outcomes of one scene, one a contender; errors of a picture become failures of that picture."""
    cv2.setNumThreads(1)
    reuse_memory()
    if all(isinstance(fused, Failure) for fused in task.fused):
        return [(fused, False) for fused in task.fused if isinstance(fused, Failure)]
    try:
        scene = Scene(task.ir, task.vis, settings.convention, task.people)
    except IvifError as error:
        return [(Failure(task.name, str(error)), False) for _ in task.fused]
    return [_score_picture(task, scene, fused, settings) for fused in task.fused]


def _score_picture(task: Task, scene: Scene, fused: np.ndarray | Failure, settings: Settings) -> Outcome:
    if isinstance(fused, Failure):
        return fused, False
    try:
        values, undefined = scene.explain_scores(fused, settings.metrics)
        for metric in settings.encoder_metrics:
            values[metric.name] = float(metric(*(to_luma(picture) for picture in (task.ir, task.vis, fused))))
    except IvifError as error:
        return Failure(task.name, str(error)), False
    return PictureScores(task.name, values, undefined), is_colour(fused)


def score_tasks(tasks: Iterable[Task], settings: Settings, workers: int = 1) -> Iterator[list[Outcome]]:
    """Score in this process, or, with the same bits, in several `workers`."""
    score = partial(score_task, settings=settings)
    if workers == 1:
        yield from map(score, tasks)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            for _, future in read_ahead(pool, score, tasks, lambda: 3 * workers):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


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
    """Outcomes as `score_task` gives them; values to 1e-9 of those on the CPU, VIF to 1e-7.

    Pictures of one size go through the device in one batch.
    """
    from ivif_cli.core.metrics.on_device import evaluate_on_device

    remaining = iter(tasks)
    while chunk := list(islice(remaining, _SCENES)):
        outcomes: dict[tuple[int, int], Outcome] = {}
        groups: dict[tuple[int, ...], list[tuple[tuple[int, int], np.ndarray, bool]]] = defaultdict(list)
        for row, task in enumerate(chunk):
            for column, fused in enumerate(task.fused):
                lumas, colour = _lumas(task, fused)
                if isinstance(lumas, Failure):
                    outcomes[row, column] = lumas, False
                else:
                    groups[lumas.shape].append(((row, column), lumas, colour))
        batches = (group[start : start + _BATCH] for group in groups.values() for start in range(0, len(group), _BATCH))
        for batch in batches:
            ir, vis, own = np.stack([lumas for _, lumas, _ in batch], axis=1)
            values = evaluate_on_device(ir, vis, own, settings.metrics, device=device)
            for index, (place, lumas, colour) in enumerate(batch):
                found = {name: float(values[name][index]) for name in settings.metrics}
                unknown = {name: value for name, value in found.items() if not math.isfinite(value)}
                reasons = {name: reason(name, value, *map(Maps, lumas)) for name, value in unknown.items()}
                outcomes[place] = PictureScores(chunk[place[0]].name, found, reasons), colour
        yield from ([outcomes[row, column] for column in range(len(task.fused))] for row, task in enumerate(chunk))


def _lumas(task: Task, fused: np.ndarray | Failure) -> tuple[np.ndarray | Failure, bool]:
    """The lumas of infrared, visible and fused picture, 3 x H x W uint8, and whether the last has colours."""
    if isinstance(fused, Failure):
        return fused, False
    lumas = [to_luma(picture) for picture in (task.ir, task.vis, fused)]
    try:
        check_sizes(*map(Maps, lumas))
    except IvifError as error:
        return Failure(task.name, str(error)), False
    return np.stack(lumas), is_colour(fused)
