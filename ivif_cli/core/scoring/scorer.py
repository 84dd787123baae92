"""Scoring scenes in this process or over several: the maps of the sources are made once for all methods of a scene.

Values do not depend on the number of processes: a task is computed whole, by one process, and results keep the order
of the tasks.
"""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import cv2
import numpy as np

from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.errors import IvifError
from ivif_cli.core.memory import reuse_memory
from ivif_cli.core.metrics import Scene
from ivif_cli.core.metrics.scene import is_colour
from ivif_cli.core.read_ahead import read_ahead
from ivif_cli.core.scoring.results import Failure, PictureScores
from ivif_cli.core.scoring.task import Outcome, Settings, Task

_PICTURES_PER_PROCESS = 8


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


def score_here(tasks: Iterable[Task], settings: Settings) -> Iterator[list[Outcome]]:
    """Score in this process."""
    return (score_task(task, settings) for task in tasks)


def score_over_processes(tasks: Iterable[Task], settings: Settings, workers: int) -> Iterator[list[Outcome]]:
    """Score in `workers` processes; the same bits as `score_here`."""
    score = partial(score_task, settings=settings)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            for _, future in read_ahead(pool, score, tasks, lambda: 3 * workers):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def wanted_workers(pictures: int) -> int:
    """Processes that pay for a number of pictures, at most the CPUs that this process may use."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cpus, pictures // _PICTURES_PER_PROCESS))
