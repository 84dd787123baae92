"""What scoring gives: values per picture, means per method, what has no value and why, and how gates were judged."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple


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


class Interval(NamedTuple):
    """Bounds of a confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Regression:
    """A metric against an earlier report, on the pairs where both have a value.

    Attributes:
        method: the earlier method.
        pairs: how many pairs were compared.
        bound: the old mean less what may be lost; `value`: the new mean.
        change: mean of (new - old); interval: its 95 % interval, None for a single pair.
        p: of Wilcoxon's signed-rank test.
        problem: why the metric cannot be compared, or nothing.
    """

    method: str
    metric: str
    higher_is_better: bool
    pairs: int = 0
    bound: float | None = None
    value: float | None = None
    change: float = 0.0
    interval: Interval | None = None
    p: float = 1.0
    slack: float = 0.0
    problem: str = ""

    @property
    def gain(self) -> Interval:
        """The interval of the change, turned so that more is better."""
        found = self.interval or Interval(self.change, self.change)
        return found if self.higher_is_better else Interval(-found.high, -found.low)

    @property
    def is_missed(self) -> bool:
        """True where the loss is larger than allowed beyond doubt: the whole interval is on the bad side."""
        return bool(self.problem) or self.gain.high < -self.slack

    def __str__(self) -> str:
        if self.problem:
            return self.problem
        text = f"change {self.change:+.3g} against {self.method} over {self.pairs} pair{'s' if self.pairs > 1 else ''}"
        if self.interval is not None:
            text += f", 95 % interval {self.interval.low:+.3g} to {self.interval.high:+.3g}, p = {self.p:.2g}"
        beyond = (self.change if self.higher_is_better else -self.change) < -self.slack
        return f"{text}; within noise" if beyond and not self.is_missed else text


@dataclass(frozen=True)
class GateResult:
    """A gate that was judged.

    Attributes:
        kind: "min", "max" or "baseline".
        bound: what `value` must not fall below (`is_lower`) or exceed; None where there is nothing to compare.
        value: what was found; None where the metric has no value.
        passed: whether the gate is kept.
        note: what else there is to say, or, without a bound, why nothing could be compared.
        regression: what a "baseline" gate was judged by.
    """

    metric: str
    kind: str
    statistic: str
    bound: float | None
    value: float | None
    is_lower: bool
    passed: bool
    note: str = ""
    regression: Regression | None = None

    @property
    def margin(self) -> float | None:
        """How far the value is on the good side of the bound; negative beyond it."""
        if self.value is None or self.bound is None:
            return None
        return self.value - self.bound if self.is_lower else self.bound - self.value

    @property
    def label(self) -> str:
        """The metric with its statistic, as `--min` takes it."""
        return self.metric if self.statistic == "mean" else f"{self.metric}:{self.statistic}"

    def __str__(self) -> str:
        if self.bound is None:
            return f"{self.label} {self.note}"
        found = "has no value" if self.value is None else f"is {self.value:.6g}"
        relation = "at least" if self.is_lower else "at most"
        text = f"{self.label} {found}, must be {relation} {self.bound:.6g}"
        if self.margin is not None:
            text += f" (margin {self.margin:+.3g})"
        return f"{text}; {self.note}" if self.note else text
