"""Fusing many pairs: reading, the network and writing overlap, with bounded queues between them.

A pool of threads reads ahead and writes behind (decoders and encoders release the interpreter); the calling thread
runs the network. One bad pair does not stop the others.
"""

import errno
import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ivif_cli.core.data.images import encode_image, write_image
from ivif_cli.core.data.luma import to_bits
from ivif_cli.core.data.sources import Facts, LoadedPair, SourceOptions, load_pair
from ivif_cli.core.errors import IvifError, OutputError
from ivif_cli.core.files import sweep, write_bytes
from ivif_cli.core.fusing.jobs import Fused, Job, Report
from ivif_cli.core.fusing.provenance import as_label, is_current, picture_record, settings_record
from ivif_cli.core.fusing.views import View, overlay, side_by_side
from ivif_cli.core.read_ahead import pool_of, read_ahead, single_threaded_opencv

if TYPE_CHECKING:
    from ivif_cli.core.fusing.fuser import Fuser, Look

_LARGE_PIXELS = 32_000_000
_ALIGNED = (".png", ".tif")
"""Of infrared pictures as they lie on the visible ones: whole numbers, others."""
Progress = Callable[[int], None]


def fuse_jobs(
    fuser: "Fuser",
    jobs: Sequence[Job],
    options: SourceOptions,
    *,
    overwrite: bool = False,
    batch_size: int | None = None,
    workers: int | None = None,
    view: View | None = None,
    save_aligned: Path | None = None,
    on_done: Progress = lambda count: None,
) -> Report:
    """Fuse pairs into files; what killed runs left beside them is removed.

    Args:
        options: how the sources are prepared.
        overwrite: replace outputs that exist. Otherwise they are skipped and counted where the same settings on the
            same sources made them or where they do not say what did, and made again where others did.
        batch_size: pairs of one size that go through the network together; default 1 on the CPU, 8 on a GPU.
        workers: threads that decode and encode; default the number of CPUs, 2 to 8.
        view: what is written in the place of the fused pictures.
        save_aligned: folder for the infrared pictures as they lie on the visible ones; `options.keep_aligned` is set.
        on_done: called with the number of pairs that were fused, skipped or failed.

    Raises:
        OutputError: the disk is full; pictures already written stay whole.
    """
    batch_size = batch_size or (1 if fuser.device == "cpu" else 8)
    workers = workers or min(8, max(2, os.cpu_count() or 2))
    run = _Run(fuser, options, overwrite, on_done, view, save_aligned)
    started = time.perf_counter()
    for place in {job.output.parent for job in jobs}:
        sweep(place)
    with single_threaded_opencv(), pool_of(workers, "ivif-io") as pool:
        for batch in _batches(run.loaded(jobs, pool, workers + batch_size), batch_size):
            run.fuse(batch, pool, workers + batch_size)
        run.drain(0)
    run.report.total = time.perf_counter() - started
    return run.report


_Loaded = tuple[list[Job], np.ndarray, np.ndarray, Facts]
"""The jobs of one pair, one for each goal, and the pair."""


@dataclass
class _Run:
    """State of one folder run: its report and the writes that are under way."""

    fuser: "Fuser"
    options: SourceOptions
    overwrite: bool
    on_done: Progress
    view: View | None
    save_aligned: Path | None
    report: Report = field(default_factory=Report)
    _writes: deque[tuple[Job, np.ndarray, Facts, Future[None]]] = field(default_factory=deque)
    _stale: set[Path] = field(default_factory=set)

    def loaded(self, jobs: Sequence[Job], pool: Executor, ahead: int) -> Iterator[_Loaded]:
        """Decoded pairs in order, read `ahead` at a time (one at a time where they are very large)."""
        self._depth = ahead

        def load(of_pair: list[Job]) -> LoadedPair:
            pair = of_pair[0].pair
            loaded = load_pair(pair.ir, pair.vis, self.options)
            if self.save_aligned is not None and loaded.aligned is not None:
                renew = self.overwrite or any(job.output in self._stale for job in of_pair)
                _write_aligned(self.save_aligned, pair.name, loaded.aligned, overwrite=renew)
            return loaded

        pairs = (list(of_pair) for _, of_pair in itertools.groupby(self._wanted(jobs), lambda job: job.pair))
        for of_pair, future in read_ahead(pool, load, pairs, lambda: self._depth):
            ready = self._finished(of_pair, future)
            del future
            if ready:
                self._depth = 1 if ready[0][1].size > _LARGE_PIXELS else ahead
                yield ready.pop()

    def _finished(self, jobs: list[Job], future: Future[LoadedPair]) -> list[_Loaded]:
        """The decoded pair, alone in a list so that its taker holds the only reference; empty where it failed."""
        started = time.perf_counter()
        try:
            loaded = future.result()
            return [(jobs, loaded.ir, loaded.vis, loaded.facts)]
        except (IvifError, OSError, MemoryError, cv2.error) as error:
            for job in jobs:
                self._fail(job, error)
            return []
        finally:
            self.report.starved += time.perf_counter() - started

    def _wanted(self, jobs: Sequence[Job]) -> Iterator[Job]:
        for job in jobs:
            if self.overwrite or not job.output.exists():
                yield job
                continue
            other = is_current(job.output, self._settings(job), (job.pair.ir, job.pair.vis))
            beside = [] if self.save_aligned is None else [self.save_aligned / f"{job.pair.name}{e}" for e in _ALIGNED]
            if other == [] and beside and not any(path.exists() for path in beside):
                other = ["aligned infrared"]
            if other:
                self.report.remade.append((job, other))
                self._stale.add(job.output)
                yield job
                continue
            if other is None:
                self.report.unsigned.append(job)
            self.report.skipped.append(job)
            self.on_done(1)

    def _settings(self, job: Job) -> dict[str, Any]:
        return settings_record(self.fuser, self.options, job.goal, self.view)

    def fuse(self, batch: list[_Loaded], pool: Executor, behind: int) -> None:
        """Fuse a batch and hand its pictures to the writers, waiting while more than `behind` are unwritten."""
        if len(batch[0][0]) > 1:
            self._fuse_goals(batch, pool, behind)
            return
        jobs = [(job, facts) for (job,), _, _, facts in batch]
        started = time.perf_counter()
        try:
            pictures = self._network(batch)
        except (IvifError, MemoryError) as error:
            for job, _ in jobs:
                self._fail(job, error)
            return
        finally:
            self.report.network += time.perf_counter() - started
            batch.clear()
        for (job, facts), picture in zip(jobs, pictures, strict=True):
            self._hand_on(job, picture, facts, pool)
        self.drain(0 if pictures[0].size > _LARGE_PIXELS else behind)

    def _fuse_goals(self, batch: list[_Loaded], pool: Executor, behind: int) -> None:
        """Fuse one pair for several goals: what no goal changes is computed once."""
        jobs, ir, vis, facts = batch.pop()
        look: Look | None = None
        for job in jobs:
            started = time.perf_counter()
            try:
                if self.view is not None and self.view.kind == "overlay":
                    picture = overlay(ir, vis, self.view.level(ir, facts.kind, facts.thermal_range))
                else:
                    look = look or self.fuser.look(ir, vis, ir_range=None)
                    picture = look.fuse(job.goal)
                    picture = picture if self.view is None else side_by_side(ir, vis, picture)
            except (IvifError, MemoryError) as error:
                self._fail(job, error)
                continue
            finally:
                self.report.network += time.perf_counter() - started
            self._hand_on(job, picture, facts, pool)
            self.drain(0 if picture.size > _LARGE_PIXELS else behind)

    def _hand_on(self, job: Job, picture: np.ndarray, facts: Facts, pool: Executor) -> None:
        self._writes.append((job, picture, facts, pool.submit(self._write, job, picture, facts)))

    def _network(self, batch: list[_Loaded]) -> list[np.ndarray]:
        view, goal = self.view, batch[0][0][0].goal
        if view is not None and view.kind == "overlay":
            return [overlay(ir, vis, view.level(ir, facts.kind, facts.thermal_range)) for _, ir, vis, facts in batch]
        if view is not None:
            return [side_by_side(a, b, self.fuser.fuse(a, b, goal=goal, ir_range=None)) for _, a, b, _ in batch]
        if len(batch) == 1:
            _, ir, vis, _ = batch[0]
            return [self.fuser.fuse(ir, vis, goal=goal, ir_range=None, out=vis)]
        return self.fuser.fuse_batch([item[1] for item in batch], [item[2] for item in batch], goal, ir_range=None)

    def _write(self, job: Job, picture: np.ndarray, facts: Facts) -> None:
        record = picture_record(self._settings(job), (job.pair.ir, job.pair.vis), facts)
        picture = to_bits(picture, self.options.bits)
        again = self.overwrite or job.output in self._stale
        write_image(job.output, picture, overwrite=again, label=as_label(record), metadata=facts.metadata)

    def drain(self, allowed: int) -> None:
        """Wait until at most `allowed` pictures are unwritten."""
        started = time.perf_counter()
        while self._writes and (len(self._writes) > allowed or self._writes[0][3].done()):
            job, picture, facts, future = self._writes.popleft()
            try:
                future.result()
            except (IvifError, OSError, MemoryError, cv2.error) as error:
                self._fail(job, error)
                continue
            bits = self.options.bits or 8 * picture.dtype.itemsize
            self.report.fused.append(Fused(job, picture.shape[1], picture.shape[0], bits, facts))
            self.on_done(1)
        self.report.blocked += time.perf_counter() - started

    def _fail(self, job: Job, error: BaseException) -> None:
        cause = error.__cause__ if isinstance(error, OutputError) else error
        if isinstance(cause, OSError) and cause.errno == errno.ENOSPC:
            raise error
        self.report.failed.append((job, " ".join(str(error).split()) or type(error).__name__))
        self.on_done(1)


def _batches(loaded: Iterator[_Loaded], size: int) -> Iterator[list[_Loaded]]:
    """Consecutive pairs of one size and goal, at most `size` of them together; a pair of several goals is alone."""
    batch: list[_Loaded] = []
    for item in loaded:
        alone = max(len(jobs) for jobs, *_ in (*batch, item)) > 1
        if batch and (alone or batch[0][1].shape != item[1].shape or batch[0][0][0].goal is not item[0][0].goal):
            yield batch
            batch = []
        batch.append(item)
        del item
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _write_aligned(folder: Path, name: str, values: np.ndarray, *, overwrite: bool) -> None:
    """Write an infrared picture, H x W: PNG for uint8 and uint16, TIFF for float32. The same one is left as it is.

    Raises OutputError where another file has its name, or it cannot be written.
    """
    path = folder / f"{name}{_ALIGNED[values.dtype.kind == 'f']}"
    data = encode_image(path.suffix, values)
    if path.exists() and path.read_bytes() == bytes(data):
        return
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already and is another picture", "--overwrite replaces it")
    write_bytes(path, data, overwrite=True)
