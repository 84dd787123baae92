"""Scenes to score: how they are read, a few ahead of their scoring and each source once, and what becomes of them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from ivif_cli.core.aligning.register import choose_alignment
from ivif_cli.core.data.cropping import parse_crop
from ivif_cli.core.data.held_range import hold_range
from ivif_cli.core.data.ir_range import parse_ir_range
from ivif_cli.core.data.luma import to_bits, to_luma
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.data.sources import SourceOptions, load_pair
from ivif_cli.core.errors import InputError, IvifError, UsageError
from ivif_cli.core.metrics import Metric
from ivif_cli.core.metrics.maps import People
from ivif_cli.core.read_ahead import pool_of, read_ahead
from ivif_cli.core.scoring.people import Labels
from ivif_cli.core.scoring.results import Failure, PictureScores

_READERS = 4


class Contender(ABC):
    """A method to score.

    Attributes:
        name: as reports call it.
        kind: "model" (fused here), "folder" (fused elsewhere) or "baseline".
        weights_sha256: of a model.
        files: of pictures that were fused elsewhere, by pair name.
    """

    name: str
    kind: str
    weights_sha256: str | None = None
    files: Mapping[str, Path] = {}

    @abstractmethod
    def picture(self, pair: Pair, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """The fused picture of a pair, H x W or H x W x 3 BGR, uint8 or uint16; `ir` and `vis` as `load_pair` gives
        them.

        Raises:
            IvifError: there is none, or it cannot be read or made.
        """

    def has(self, pair: Pair) -> bool:
        """Whether there is a picture of this pair, as far as can be told without making it."""
        return True


@dataclass(frozen=True)
class ReadOptions:
    """How pictures are brought to 8 bits.

    Attributes:
        to_eight_bits: map pictures of more bits to the nearest of 256 levels; otherwise they are refused.
        sources: how a pair is prepared, exactly as `ivif fuse` does.
        people: labelled in the two sources, by pair name.
    """

    to_eight_bits: bool = False
    sources: SourceOptions = field(default_factory=SourceOptions)
    people: Mapping[str, People] = field(default_factory=dict)

    def scored(self, picture: np.ndarray, what: str | Path) -> np.ndarray:
        """A picture with 8 bits; raises InputError, naming `what`, for a deeper one that may not be mapped."""
        if picture.dtype != np.uint8 and not self.to_eight_bits:
            raise InputError(f"{what} has 16 bits, metrics are defined on 8-bit luma", "--bit-depth 8 maps it first")
        return to_bits(picture, 8)


def read_options(
    bit_depth: int | None,
    pairs: Sequence[Pair],
    *,
    ir_range: str,
    polarity: str,
    resize: bool,
    align: str | None,
    crop: str | None = None,
    labels: Labels | None = None,
) -> ReadOptions:
    """Options as they are given to `ivif evaluate`; a range is held over all pairs, as in a run of `ivif fuse`.

    Raises:
        UsageError: another bit depth than 8, or a range or crop that cannot be read.
        InputError: a file for `align` that cannot be used.
    """
    if bit_depth not in (None, 8):
        raise UsageError(f"a bit depth of {bit_depth} cannot be scored", "metrics are defined on 8 bits")
    warp = None if align is None else choose_alignment(align)
    rule = parse_ir_range(ir_range)
    held = hold_range([pair.ir for pair in pairs], rule)
    window = None if crop is None else parse_crop(crop)
    sources = SourceOptions(rule, held, resize=resize, align=warp, crop=window, polarity=polarity)
    return ReadOptions(bit_depth == 8, sources, {} if labels is None else labels.people)


@dataclass(frozen=True)
class Settings:
    """What is computed: metrics of a convention, and metrics that need an encoder."""

    metrics: tuple[str, ...]
    convention: str = "ivif"
    encoder_metrics: tuple[Metric, ...] = ()


@dataclass(frozen=True)
class Task:
    """One scene that was read.

    Attributes:
        name: of its pair.
        ir, vis: uint8, H x W and H x W [x 3 BGR]; of size 0 where the sources could not be read.
        fused: for each contender its picture (uint8), or why there is none.
        people: labelled in the two sources.
    """

    name: str
    ir: np.ndarray
    vis: np.ndarray
    fused: tuple[np.ndarray | Failure, ...]
    people: People = (None, None)


Outcome = tuple[PictureScores | Failure, bool]
"""What became of one fused picture, and whether it was in colour."""


def read_tasks(pairs: Sequence[Pair], contenders: Sequence[Contender], options: ReadOptions) -> Iterator[Task]:
    """One task a pair, in order, a few ahead of the taker."""
    with pool_of(_READERS, "read") as pool:
        work = partial(read_task, contenders=contenders, options=options)
        for _, future in read_ahead(pool, work, pairs, lambda: 2 * _READERS):
            yield future.result()


def read_task(pair: Pair, contenders: Sequence[Contender], options: ReadOptions) -> Task:
    """A pair with the picture of every contender; errors become failures of that picture."""
    try:
        loaded = load_pair(pair.ir, pair.vis, options.sources)
        return as_task(pair, loaded.ir, loaded.vis, contenders, options, scored=loaded.scored)
    except IvifError as error:
        nothing = np.empty((0, 0), np.uint8)
        return Task(pair.name, nothing, nothing, tuple(Failure(pair.name, str(error)) for _ in contenders))


def as_task(
    pair: Pair,
    ir: np.ndarray,
    vis: np.ndarray,
    contenders: Sequence[Contender],
    options: ReadOptions,
    scored: np.ndarray | None = None,
) -> Task:
    """A pair that was read, with the picture of every contender; raises InputError for sources of too many bits.

    `scored` is the infrared picture that metrics and baselines take, where it is another than models fuse.
    """
    plain = ir if scored is None else scored
    shown = options.scored(to_luma(plain), pair.ir), options.scored(vis, pair.vis)
    fused: list[np.ndarray | Failure] = []
    for contender in contenders:
        try:
            picture = contender.picture(pair, plain if contender.kind == "baseline" else ir, vis)
            fused.append(options.scored(picture, f"{pair.name} of {contender.name}"))
        except IvifError as error:
            fused.append(Failure(pair.name, str(error)))
    return Task(pair.name, *shown, tuple(fused), options.people.get(pair.name, (None, None)))
