"""What a folder run is to do, and what became of it."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.data.sources import Facts
from ivif_cli.core.errors import UsageError
from ivif_cli.core.files import file_identity
from ivif_cli.core.language.goal import Goal


@dataclass(frozen=True)
class Job:
    """One pair, the file its fused picture goes to, and the goal it is fused for (None: the default)."""

    pair: Pair
    output: Path
    goal: Goal | None = None


@dataclass(frozen=True)
class Fused:
    """One picture that was written: its size [px], bits per sample, and what it was read from."""

    job: Job
    width: int
    height: int
    bits: int
    facts: Facts


@dataclass
class Report:
    """What became of the jobs, and where the time went [s].

    Attributes:
        skipped: pictures that exist already; `unsigned` are those of them that do not say what made them.
        remade: pictures that other settings or sources had made, with what was other.
        network: time in the network.
        starved: time the network waited for a decoded pair (the first one included).
        blocked: time the network waited for a writer.
    """

    fused: list[Fused] = field(default_factory=list)
    skipped: list[Job] = field(default_factory=list)
    failed: list[tuple[Job, str]] = field(default_factory=list)
    unsigned: list[Job] = field(default_factory=list)
    remade: list[tuple[Job, list[str]]] = field(default_factory=list)
    total: float = 0.0
    network: float = 0.0
    starved: float = 0.0
    blocked: float = 0.0


def plan_jobs(
    pairs: Iterable[Pair], output: Path, suffix: str = ".png", named: Mapping[str, str] | None = None
) -> list[Job]:
    """One job a pair; the outputs mirror the tree of the inputs, or are `named` by the pair's name.

    Raises:
        UsageError: a pair's name leads outside the output folder, or two pairs have one output.
    """
    jobs = [Job(pair, output / (named or {}).get(pair.name, f"{pair.name}{suffix}")) for pair in pairs]
    for job in jobs:
        if not job.output.is_relative_to(output) or ".." in job.output.relative_to(output).parts:
            raise UsageError(f"the pair name {job.pair.name!r} leads outside {output}", "rename its files")
    twice = [path for path, count in Counter(os.path.normpath(job.output) for job in jobs).items() if count > 1]
    if twice:
        raise UsageError(f"two pairs are written to {twice[0]}", "give each an output of its own")
    return jobs


def refuse_output_inside(output: Path, inputs: Sequence[Path]) -> None:
    """Raise `UsageError` where results would be written into a folder that is read."""
    real = output.resolve()
    for folder in inputs:
        if folder.resolve() in (real, *real.parents):
            raise UsageError(f"the output {output} lies inside the input folder {folder}", "choose another folder")


def refuse_replacing(jobs: Sequence[Job]) -> None:
    """Raise `UsageError` where a result would replace a file that is read, by whatever name."""
    results = {file: job.output for job in jobs if (file := file_identity(job.output))}
    for source in (path for job in jobs for path in (job.pair.ir, job.pair.vis) if results):
        if (file := file_identity(source)) in results:
            raise UsageError(f"the output {results[file]} is an input", "choose another name")


def refuse_aligned_among(folder: Path, files: Iterable[Path]) -> None:
    """Raise `UsageError` where the folder holds inputs or results: their files could be replaced."""
    taken = {path.resolve().parent for path in files}
    if folder.resolve() in {place for path in taken for place in (path, *path.parents)}:
        raise UsageError(f"--save-aligned {folder} holds inputs or results", "name a folder of its own")


def merge_reports(parts: Sequence[Report]) -> Report:
    """One report of several processes' reports: pictures by name, the longest time, the other times in sum."""

    def by_name(jobs: Iterable[Job]) -> list[Job]:
        return sorted(jobs, key=lambda job: job.pair.name)

    return Report(
        sorted((item for part in parts for item in part.fused), key=lambda item: item.job.pair.name),
        by_name(job for part in parts for job in part.skipped),
        sorted((failed for part in parts for failed in part.failed), key=lambda failed: failed[0].pair.name),
        by_name(job for part in parts for job in part.unsigned),
        sorted((again for part in parts for again in part.remade), key=lambda again: again[0].pair.name),
        max(part.total for part in parts),
        *(sum(getattr(part, name) for part in parts) for name in ("network", "starved", "blocked")),
    )
