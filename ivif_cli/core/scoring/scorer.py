"""Scoring scenes: one task a pair, so that its sources are read and prepared once for all methods, over processes.

Values do not depend on the number of processes: a task is computed whole, by one process, and results keep the order
of the tasks.
"""

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.errors import IvifError
from ivif_cli.core.memory import reuse_memory
from ivif_cli.core.metrics import Metric, Scene
from ivif_cli.core.metrics.scene import is_colour
from ivif_cli.core.read_ahead import read_ahead
from ivif_cli.core.scoring.baselines import BASELINES
from ivif_cli.core.scoring.pictures import ReadOptions, read_infrared, read_scored
from ivif_cli.core.scoring.results import Failure, MethodScores, PictureScores

MODEL, FOLDER, BASELINE = "model", "folder", "baseline"
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Contender:
    """A method to score: its kind, and for "folder" the fused file of each pair name."""

    name: str
    kind: str
    files: dict[str, Path] | None = None
    weights_sha256: str | None = None


@dataclass(frozen=True)
class Settings:
    """What is computed: metrics of a convention, how pictures are read, metrics that need an encoder.

    `device` other than "cpu" scores whole batches there (`device_scorer.py`).
    """

    metrics: tuple[str, ...]
    convention: str = "ivif"
    read: ReadOptions = field(default_factory=ReadOptions)
    encoder_metrics: tuple[Metric, ...] = ()
    device: str = "cpu"


@dataclass(frozen=True)
class Task:
    """One scene: its pair and, for each contender, a file, a fused array, or None for a baseline or a missing file."""

    pair: Pair
    fused: tuple[Path | np.ndarray | Failure | None, ...]


Outcome = tuple[PictureScores | Failure, bool]
"""What became of one fused picture, and whether it was in colour."""


def score_scene(task: Task, contenders: Sequence[Contender], settings: Settings) -> list[Outcome]:
    """Outcomes of one scene, one a contender; errors of a picture become failures of that picture."""
    cv2.setNumThreads(1)
    reuse_memory()
    try:
        ir = read_infrared(task.pair.ir, settings.read)
        vis = read_scored(task.pair.vis, settings.read)
        scene = Scene(ir, vis, settings.convention)
    except IvifError as error:
        return [(Failure(task.pair.name, str(error)), False) for _ in contenders]
    return [
        _score_picture(task, scene, (ir, vis), contender, given, settings)
        for contender, given in zip(contenders, task.fused, strict=True)
    ]


def _score_picture(
    task: Task,
    scene: Scene,
    sources: tuple[np.ndarray, np.ndarray],
    contender: Contender,
    given: Path | np.ndarray | Failure | None,
    settings: Settings,
) -> Outcome:
    if isinstance(given, Failure):
        return given, False
    try:
        fused = fused_picture(sources, contender, given, settings.read)
        values, undefined = scene.explain_scores(fused, settings.metrics)
        for metric in settings.encoder_metrics:
            value = metric(*(to_luma(picture) for picture in (*sources, fused)))
            values[metric.name] = float(value)
    except IvifError as error:
        return Failure(task.pair.name, str(error)), False
    return PictureScores(task.pair.name, values, undefined), is_colour(fused)


def fused_picture(
    sources: tuple[np.ndarray, np.ndarray], contender: Contender, given: Path | np.ndarray | None, read: ReadOptions
) -> np.ndarray:
    """The picture to score: given, read from its file, or made by a baseline."""
    if isinstance(given, np.ndarray):
        return given
    if isinstance(given, Path):
        return read_scored(given, read)
    return BASELINES[contender.name](sources[0], to_luma(sources[1]))


def folder_tasks(pairs: Sequence[Pair], contenders: Sequence[Contender]) -> Iterator[Task]:
    """Tasks whose fused pictures are files or baselines."""
    for pair in pairs:
        yield Task(pair, tuple(_given(pair, contender) for contender in contenders))


def _given(pair: Pair, contender: Contender) -> Path | Failure | None:
    if contender.files is None:
        return None
    return contender.files.get(pair.name) or Failure(pair.name, f"no fused picture of this pair in {contender.name}")


def score_tasks(
    tasks: Iterable[Task],
    contenders: Sequence[Contender],
    settings: Settings,
    *,
    workers: int | None = None,
    total: int = 0,
    on_done: Progress = lambda count: None,
) -> tuple[MethodScores, ...]:
    """Score every task.

    Args:
        tasks: one a scene; consumed only a little ahead of the workers, so that arrays do not pile up.
        workers: processes; None takes one for every 8 pictures of `total` scenes, at most the number of CPUs.
        on_done: called with the number of scenes that were scored.

    Returns:
        one entry a contender, pictures in the order of the tasks.
    """
    if workers is None:
        workers = min(usable_cpus(), total * len(contenders) // 8)
    outcomes: Iterable[list[Outcome]]
    if settings.device != "cpu" and not settings.encoder_metrics:
        from ivif_cli.core.scoring.device_scorer import score_on_device

        outcomes = score_on_device(tasks, contenders, settings, settings.device)
    elif workers <= 1 or settings.encoder_metrics:
        outcomes = (score_scene(task, contenders, settings) for task in tasks)
    else:
        outcomes = _over_processes(tasks, contenders, settings, workers)
    columns: list[list[Outcome]] = [[] for _ in contenders]
    for scene in outcomes:
        for column, outcome in zip(columns, scene, strict=True):
            column.append(outcome)
        on_done(1)
    return tuple(_method(contender, column) for contender, column in zip(contenders, columns, strict=True))


def usable_cpus() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _over_processes(
    tasks: Iterable[Task], contenders: Sequence[Contender], settings: Settings, workers: int
) -> Iterator[list[Outcome]]:
    score = functools.partial(score_scene, contenders=contenders, settings=settings)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            for _, future in read_ahead(pool, score, tasks, lambda: 3 * workers):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _method(contender: Contender, outcomes: Sequence[Outcome]) -> MethodScores:
    return MethodScores(
        contender.name,
        contender.kind,
        tuple(found for found, _ in outcomes if isinstance(found, PictureScores)),
        tuple(found for found, _ in outcomes if isinstance(found, Failure)),
        contender.weights_sha256,
        sum(colour for _, colour in outcomes),
    )
