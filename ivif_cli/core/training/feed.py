"""Batches of a run, drawn in the background while the network works."""

from collections.abc import Iterator
from contextlib import contextmanager

from ivif_cli.core.read_ahead import pool_of, read_ahead
from ivif_cli.core.training.crops import Batch, draw_batch
from ivif_cli.core.training.lumas import LumaStore
from ivif_cli.core.training.recipe import Recipe


@contextmanager
def prefetched(
    recipe: Recipe, store: LumaStore, samples: range, first: int, *, ahead: int = 2
) -> Iterator[Iterator[Batch]]:
    """Iterate over the batches of the steps from `first` on, with `ahead` of them being drawn.

    Args:
        recipe: seed, number of steps and kind of crops.
        store: pairs to draw from.
        samples: which samples of a step are this process's.
        first: step to begin with, 0 for a fresh run.
        ahead: batches drawn beforehand.
    """

    def draw(step: int) -> Batch:
        return draw_batch(store, recipe.crops, recipe.seed, step, samples)

    with pool_of(1, "crops") as pool:
        drawn = read_ahead(pool, draw, range(first, recipe.steps), lambda: ahead)
        yield (future.result() for _, future in drawn)
