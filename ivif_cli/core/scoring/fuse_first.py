"""Scoring a model: its fused pictures are made on the way and scored as a user would have saved them, in 8 bits."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ivif_cli.core.data.luma import to_bits
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.data.sources import SourceOptions, load_pair
from ivif_cli.core.errors import InputError, IvifError
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.scoring.pictures import ReadOptions
from ivif_cli.core.scoring.results import Failure
from ivif_cli.core.scoring.scorer import MODEL, Contender, Task

Keep = Callable[[str, np.ndarray], None]


def model_contender(fuser: Fuser) -> Contender:
    """The model as a method; the bundled `base` is called ivif."""
    name = "ivif" if fuser.name == "base" else f"ivif-{fuser.name}"
    return Contender(name, MODEL, weights_sha256=fuser.sha256)


def fusing_tasks(
    fuser: Fuser, pairs: Sequence[Pair], others: int, read: ReadOptions, keep: Keep = lambda name, fused: None
) -> Iterator[Task]:
    """One task a pair, fused while the tasks before it are scored.

    Args:
        others: methods after the model, all baselines.
        keep: called with the pair's name and the fused picture.
    """
    for pair in pairs:
        fused = _fuse(fuser, pair, read)
        if isinstance(fused, np.ndarray):
            keep(pair.name, fused)
        yield Task(pair, (fused, *(None for _ in range(others))))


def _fuse(fuser: Fuser, pair: Pair, read: ReadOptions) -> np.ndarray | Failure:
    try:
        loaded = load_pair(pair.ir, pair.vis, SourceOptions())
        ir, vis = loaded.ir, loaded.vis
        if not read.to_eight_bits and np.uint8 != max(ir.dtype, vis.dtype, key=lambda kind: kind.itemsize):
            raise InputError(
                f"{pair.name} has 16 bits, metrics are defined on 8-bit luma", "--bit-depth 8 maps it first"
            )
        return to_bits(fuser.fuse(ir, vis), 8)
    except IvifError as error:
        return Failure(pair.name, str(error))
