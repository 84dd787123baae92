"""What scoring passes on: methods, scenes that were read, and what became of each fused picture."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from ivif_cli.core.aligning.choice import choose_alignment
from ivif_cli.core.data.cropping import parse_crop
from ivif_cli.core.data.held_range import hold_range
from ivif_cli.core.data.luma import to_bits
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.data.sources import SourceOptions
from ivif_cli.core.data.thermal import parse_ir_range
from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.metrics import Metric
from ivif_cli.core.metrics.maps import People
from ivif_cli.core.scoring.people import Labels
from ivif_cli.core.scoring.results import Failure, PictureScores


class Contender(Protocol):
    """A method to score."""

    @property
    def name(self) -> str:
        """As reports call it."""

    @property
    def kind(self) -> str:
        """ "model" (fused here), "folder" (fused elsewhere) or "baseline"."""

    @property
    def weights_sha256(self) -> str | None:
        """Of a model."""

    def picture(self, pair: Pair, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """The fused picture of a pair, H x W or H x W x 3 BGR, uint8 or uint16; `ir` and `vis` as `load_pair` gives
        them.

        Raises:
            IvifError: there is none, or it cannot be read or made.
        """

    def has(self, pair: Pair) -> bool:
        """Whether there is a picture of this pair, as far as can be told without making it."""


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
    held = hold_range([pair.ir for pair in pairs], rule).ranges
    people = {} if labels is None else labels.people
    window = None if crop is None else parse_crop(crop)
    sources = SourceOptions(rule, held, resize=resize, align=warp, crop=window, polarity=polarity)
    return ReadOptions(bit_depth == 8, sources, people)


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

Way = Callable[[Iterable[Task]], Iterator[list[Outcome]]]
"""A way to score: outcomes of each task in order, one a contender."""
