"""Reading scenes ahead of their scoring: each source is read once, for all methods, by a few threads."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.data.sources import load_pair
from ivif_cli.core.errors import IvifError
from ivif_cli.core.read_ahead import pool_of, read_ahead
from ivif_cli.core.scoring.results import Failure
from ivif_cli.core.scoring.task import Contender, ReadOptions, Task

_READERS = 4
_NOTHING = np.empty((0, 0), np.uint8)


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
        return Task(pair.name, _NOTHING, _NOTHING, tuple(Failure(pair.name, str(error)) for _ in contenders))


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
    fused = tuple(
        _picture(contender, pair, plain if contender.kind == "baseline" else ir, vis, options)
        for contender in contenders
    )
    return Task(pair.name, *shown, fused, options.people.get(pair.name, (None, None)))


def _picture(
    contender: Contender, pair: Pair, ir: np.ndarray, vis: np.ndarray, options: ReadOptions
) -> np.ndarray | Failure:
    try:
        return options.scored(contender.picture(pair, ir, vis), f"{pair.name} of {contender.name}")
    except IvifError as error:
        return Failure(pair.name, str(error))
