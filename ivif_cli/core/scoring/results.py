"""What scoring gives: values per picture, means per method, and what has no value and why."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ivif_cli.core.metrics import Metric


@dataclass(frozen=True)
class Facts:
    """What readers of a report have to know about a metric; fields as in `Metric`."""

    name: str
    higher_is_better: bool
    convention: str
    formula: str
    source: str
    range: str

    @classmethod
    def of(cls, metric: Metric) -> "Facts":
        """The facts of a metric that can be computed."""
        better, convention = metric.higher_is_better, metric.convention
        return cls(metric.name, better, convention, metric.formula, metric.source, metric.range)


@dataclass(frozen=True)
class PictureScores:
    """Values of one fused picture; those in `undefined` are NaN or infinite, with the reason in words."""

    name: str
    values: dict[str, float]
    undefined: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """A pair that could not be scored, and why."""

    name: str
    error: str


@dataclass(frozen=True)
class FusedFile:
    """A fused picture that was scored: where it lay, as it was named, and its sha256 [hex]."""

    path: str
    sha256: str


@dataclass(frozen=True)
class MethodScores:
    """All values of one method.

    `kind` is "model" (fused here), "folder" (fused elsewhere) or "baseline"; `weights_sha256` belongs to a model,
    `files`, by pair name, to a folder.
    """

    name: str
    kind: str
    pictures: tuple[PictureScores, ...]
    failed: tuple[Failure, ...] = ()
    weights_sha256: str | None = None
    colour: int = 0
    files: dict[str, FusedFile] = field(default_factory=dict)

    def values(self, metric: str) -> dict[str, float]:
        """Picture name -> value, defined values only."""
        return {p.name: p.values[metric] for p in self.pictures if math.isfinite(p.values[metric])}

    def undefined(self, metric: str) -> dict[str, str]:
        """Picture name -> why this metric has no value there."""
        return {p.name: p.undefined[metric] for p in self.pictures if metric in p.undefined}

    def mean(self, metric: str) -> float | None:
        """Mean over the pictures where the metric is defined; None where there are none."""
        values = self.values(metric).values()
        return math.fsum(values) / len(values) if values else None


@dataclass(frozen=True)
class VideoFacts:
    """The two videos that were scored: frames/s, and flicker as measured by `core/video/flicker.py`.

    `flicker` and `relative_flicker` are those of "ir", "vis" and, by "fused: NAME", of the methods; None below three
    frames.
    """

    ir: str
    vis: str
    rate: float | None
    flicker: dict[str, float | None]
    relative_flicker: dict[str, float | None]


@dataclass(frozen=True)
class Evaluation:
    """A whole run: `metrics` in report order, methods in the order given.

    `data` holds a hash of each pair's files, `files` the names of the two, as they were given. The pairs are frames
    where there is a `video`.
    """

    dataset: str | None
    convention: str
    metrics: tuple[str, ...]
    pairs: tuple[str, ...]
    methods: tuple[MethodScores, ...]
    data: dict[str, str] = field(default_factory=dict)
    video: VideoFacts | None = None
    files: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def first(self) -> MethodScores:
        """The method under test: gates and comparisons are about it."""
        return self.methods[0]


def merge_methods(parts: Sequence[Sequence[MethodScores]], order: Sequence[str]) -> tuple[MethodScores, ...]:
    """Methods whose pictures were scored in several places, put together in the order of the pair names."""
    place = {name: index for index, name in enumerate(order)}
    merged = []
    for same in zip(*parts, strict=True):
        pictures = sorted((p for part in same for p in part.pictures), key=lambda p: place[p.name])
        failed = sorted((f for part in same for f in part.failed), key=lambda f: place[f.name])
        colour = sum(part.colour for part in same)
        files = {name: file for part in same for name, file in part.files.items()}
        merged.append(replace(same[0], pictures=tuple(pictures), failed=tuple(failed), colour=colour, files=files))
    return tuple(merged)
