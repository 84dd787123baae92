"""One evaluation from its pairs to its results: methods are opened, pictures read or made, scored, gathered."""

import functools
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ivif_cli.core.data.images import file_sha256
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.errors import UsageError
from ivif_cli.core.metrics import Facts, Metric
from ivif_cli.core.processes import gather, own_share
from ivif_cli.core.scoring.contenders import Models, baseline_contenders, folder_contenders
from ivif_cli.core.scoring.footage import FLICKER, Footage, FrameTasks, VideoModel, clip_contenders
from ivif_cli.core.scoring.results import Evaluation, Failure, FusedFile, MethodScores, PictureScores, merge_methods
from ivif_cli.core.scoring.scorer import check_device_settings, score_on_device, score_tasks
from ivif_cli.core.scoring.task import Contender, Outcome, ReadOptions, Settings, Task, read_tasks

_PICTURES_PER_PROCESS = 8


@dataclass(frozen=True)
class Run:
    """What is scored, with what, over how many processes.

    Attributes:
        dataset: its name, None for folders.
        metrics: chosen metrics of the convention, by name, in report order.
        encoder_metrics: metrics that need an encoder.
        specs: `--fused` values; without any, and without a model, `base` fuses.
        common: leave out pairs that not every one of `specs` has a picture of.
        workers: processes; None decides by the amount of work.
        score_device: auto, cpu, cuda or cuda:N: where the metrics are computed.
        footage: the video whose frames `pairs` are.
        flicker: whether its flicker is among the metrics.
    """

    dataset: str | None
    pairs: tuple[Pair, ...]
    metrics: dict[str, Metric]
    convention: str = "ivif"
    encoder_metrics: tuple[Metric, ...] = ()
    specs: tuple[str, ...] = ()
    baselines: bool = False
    common: bool = False
    model: Models = field(default_factory=Models)
    read: ReadOptions = field(default_factory=ReadOptions)
    workers: int | None = None
    score_device: str = "cpu"
    footage: Footage | None = None
    flicker: bool = False

    @property
    def facts(self) -> dict[str, Facts]:
        """Every metric of the run as reports describe it."""
        facts = {metric.name: metric.facts for metric in (*self.metrics.values(), *self.encoder_metrics)}
        return facts | ({FLICKER.name: FLICKER} if self.flicker else {})

    def tasks(self, pairs: Sequence[Pair], contenders: Sequence[Contender]) -> Iterable[Task]:
        """Pairs with the picture of every contender, read in order."""
        if self.footage is None:
            return read_tasks(pairs, contenders, self.read)
        return FrameTasks(self.footage, pairs, contenders, self.read)


def open_contenders(run: Run) -> tuple[tuple[Pair, ...], tuple[Contender, ...]]:
    """Pairs to score, and the methods: models, then folders, then baselines.

    Raises:
        IvifError: a folder or model that cannot be used, two methods of one name, no pair left.
    """
    folders = clip_contenders(run.specs, run.footage) if run.footage else folder_contenders(run.specs, run.pairs)
    pairs = run.pairs
    if run.common:
        pairs = tuple(pair for pair in pairs if all(folder.has(pair) for folder in folders))
    if not pairs:
        raise UsageError("there is no pair to score", "the methods have no picture of one and the same pair")
    models, footage = run.model.contenders(), run.footage
    methods: list[Contender] = [one if footage is None else VideoModel(one, footage) for one in models]
    methods += folders
    methods += baseline_contenders(methods) if run.baselines else []
    for name, count in Counter(method.name for method in methods).items():
        if count > 1:
            raise UsageError(f"two methods are called {name}", "name them, as in --fused NAME=DIR")
    return pairs, tuple(methods)


def data_hashes(pairs: Sequence[Pair]) -> dict[str, str]:
    """sha256 [hex] over the two files of each pair, by its name; pairs that cannot be read are left out."""

    @functools.cache
    def digest(path: Path) -> bytes:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()

    hashes = {}
    for pair in pairs:
        try:
            hashes[pair.name] = hashlib.sha256(digest(pair.ir) + digest(pair.vis)).hexdigest()
        except OSError:
            continue
    return hashes


def score(
    run: Run,
    pairs: Sequence[Pair],
    contenders: Sequence[Contender],
    data: dict[str, str],
    *,
    on_done: Callable[[int], None] = lambda count: None,
) -> Evaluation | None:
    """Score a run; under torchrun each process scores its share, and all but the first get None.

    Args:
        pairs, contenders: of `open_contenders`; data: of `data_hashes`.
        on_done: called with the number of scenes that were scored.

    Raises:
        IvifError: a device that cannot be used. Single pictures that fail are part of the result.
    """
    own = own_share(pairs)
    if run.footage is not None and len(own) < len(pairs):
        raise UsageError("the frames of a video are scored in one run", "start it without torchrun; --workers N")
    columns: list[list[Outcome]] = [[] for _ in contenders]
    tasks = run.tasks(own, contenders)
    for scene in choose_way(run, len(own) * len(contenders))(tasks):
        for column, outcome in zip(columns, scene, strict=True):
            column.append(outcome)
        on_done(1)
    methods = tuple(_method(*entry) for entry in zip(contenders, columns, strict=True))
    video = None
    if isinstance(tasks, FrameTasks):
        video, methods = tasks.facts, tuple(tasks.with_flicker(method) for method in methods)
    parts = gather(methods)
    if parts is None:
        return None
    names = tuple(pair.name for pair in pairs)
    files = {pair.name: (str(pair.ir), str(pair.vis)) for pair in pairs if video is None}
    methods = merge_methods(parts, names)
    return Evaluation(run.dataset, run.convention, tuple(run.facts), names, methods, data, video, files)


def choose_way(run: Run, pictures: int) -> Callable[[Iterable[Task]], Iterator[list[Outcome]]]:
    """How the tasks of a run are scored: on a device, over processes, or in this one.

    There are as many processes as pay for a number of pictures, at most the CPUs that this process may use.

    Raises:
        UsageError: metrics that the chosen way does not compute.
        DeviceError: a device that is not there.
    """
    settings = Settings(tuple(run.metrics), run.convention, run.encoder_metrics)
    if run.score_device != "cpu":
        from ivif_cli.core.device import choose_device

        device = str(choose_device(run.score_device))
        if device != "cpu":
            check_device_settings(settings)
            return functools.partial(score_on_device, settings=settings, device=device)
    if run.encoder_metrics and (run.workers or 1) > 1:
        raise UsageError(f"{run.encoder_metrics[0].name} is computed in one process", "leave --workers out")
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = run.workers or max(1, min(cpus, pictures // _PICTURES_PER_PROCESS))
    workers = 1 if run.encoder_metrics else wanted
    return functools.partial(score_tasks, settings=settings, workers=workers)


def _method(contender: Contender, outcomes: Sequence[Outcome]) -> MethodScores:
    pictures = tuple(found for found, _ in outcomes if isinstance(found, PictureScores))
    files = contender.files
    return MethodScores(
        contender.name,
        contender.kind,
        pictures,
        tuple(found for found, _ in outcomes if isinstance(found, Failure)),
        contender.weights_sha256,
        sum(colour for _, colour in outcomes),
        {one.name: FusedFile(str(files[one.name]), file_sha256(files[one.name])) for one in pictures if files},
    )
