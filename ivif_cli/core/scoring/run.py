"""One evaluation from its pairs to its results: the methods are chosen, fused where needed, scored, gathered."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.errors import UsageError
from ivif_cli.core.metrics import Metric
from ivif_cli.core.processes import gather, own_share
from ivif_cli.core.scoring.pictures import ReadOptions
from ivif_cli.core.scoring.plan import baseline_contenders, fused_contenders
from ivif_cli.core.scoring.results import Evaluation, MethodScores, merge_methods
from ivif_cli.core.scoring.scorer import Contender, Settings, Task, folder_tasks, score_tasks


@dataclass(frozen=True)
class ModelOptions:
    """What a `Fuser` is made of: model, device, precision, tile, threads, as there."""

    model: str | Path = "base"
    device: str = "auto"
    precision: str = "auto"
    tile: int | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Run:
    """What is scored, with what, over how many processes.

    Attributes:
        dataset: its name, None for folders.
        metrics: chosen metrics of the convention, by name, in report order.
        encoder_metrics: metrics that need an encoder.
        specs: `--fused` values; without any, the model's pictures are made and scored.
        common: leave out pairs that not every one of `specs` has a picture of.
        workers: processes; None decides by the amount of work.
        score_device: auto, cpu, cuda or cuda:N: where the metrics are computed.
    """

    dataset: str | None
    pairs: tuple[Pair, ...]
    metrics: dict[str, Metric]
    convention: str = "ivif"
    encoder_metrics: tuple[Metric, ...] = ()
    specs: tuple[str, ...] = ()
    baselines: bool = False
    common: bool = False
    model: ModelOptions = field(default_factory=ModelOptions)
    read: ReadOptions = field(default_factory=ReadOptions)
    workers: int | None = None
    score_device: str = "cpu"

    @property
    def all_metrics(self) -> dict[str, Metric]:
        return self.metrics | {metric.name: metric for metric in self.encoder_metrics}


@dataclass
class Scored:
    """What a run gave: the evaluation, its methods, and what `keep` made of the pictures fused on the way."""

    evaluation: Evaluation
    contenders: list[Contender]
    kept: dict[str, str] = field(default_factory=dict)


Keep = Callable[[np.ndarray], str]


def score(run: Run, *, keep: Keep | None = None, on_done: Callable[[int], None] = lambda count: None) -> Scored | None:
    """Score a run; under torchrun each process scores its share, and all but the first get None.

    Args:
        keep: turns a picture that was fused on the way into what is kept of it, by pair name (a thumbnail).
        on_done: called with the number of scenes that were scored.

    Raises:
        IvifError: a folder, model or device that cannot be used. Single pictures that fail are part of the result.
    """
    kept: dict[str, str] = {}
    pairs, contenders = _folders(run)
    own = own_share(pairs)
    if run.specs:
        tasks = folder_tasks(own, contenders)
    else:
        contenders, tasks = _fuse_first(run, own, kept, keep)
    settings = _settings(run)
    methods = score_tasks(tasks, contenders, settings, workers=run.workers, total=len(own), on_done=on_done)
    parts = gather((methods, kept))
    if parts is None:
        return None
    for _, other in parts:
        kept.update(other)
    return Scored(_evaluation(run, pairs, [part for part, _ in parts]), contenders, kept)


def _settings(run: Run) -> Settings:
    if run.score_device == "cpu":
        return Settings(tuple(run.metrics), run.convention, run.read, run.encoder_metrics)
    from ivif_cli.core.device import choose_device
    from ivif_cli.core.scoring.device_scorer import check_device_settings

    device = str(choose_device(run.score_device))
    settings = Settings(tuple(run.metrics), run.convention, run.read, run.encoder_metrics, device)
    if device != "cpu":
        check_device_settings(settings)
    return settings


def _folders(run: Run) -> tuple[tuple[Pair, ...], list[Contender]]:
    """Pairs to score, and the methods that were fused elsewhere, with the baselines after them."""
    contenders = fused_contenders(run.specs, run.pairs)
    pairs = run.pairs
    if run.common:
        pairs = tuple(p for p in pairs if all(p.name in (contender.files or {}) for contender in contenders))
    if not pairs:
        raise UsageError("there is no pair to score", "the methods have no picture of one and the same pair")
    return pairs, contenders + (baseline_contenders(contenders) if run.baselines else [])


def _fuse_first(
    run: Run, own: Sequence[Pair], kept: dict[str, str], keep: Keep | None
) -> tuple[list[Contender], Iterator[Task]]:
    from ivif_cli.core.fusing.fuser import open_fuser
    from ivif_cli.core.scoring.fuse_first import fusing_tasks, model_contender

    options = run.model
    fuser = open_fuser(
        options.model,
        device=options.device,
        precision=options.precision,
        tile=options.tile,
        threads=options.threads,
    )
    contenders = [model_contender(fuser)]
    if run.baselines:
        contenders += baseline_contenders(contenders)

    def remember(name: str, fused: np.ndarray) -> None:
        if keep is not None:
            kept[name] = keep(fused)

    return contenders, fusing_tasks(fuser, own, len(contenders) - 1, run.read, remember)


def _evaluation(run: Run, pairs: Sequence[Pair], parts: Sequence[Sequence[MethodScores]]) -> Evaluation:
    names = tuple(pair.name for pair in pairs)
    return Evaluation(run.dataset, run.convention, tuple(run.all_metrics), names, merge_methods(parts, names))
