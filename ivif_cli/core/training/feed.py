"""Batches of a run, drawn in the background while the network works."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from ivif_cli.core.training.crops import Batch, LumaStore, draw_batch
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
    pool = ThreadPoolExecutor(1, thread_name_prefix="crops")

    def submit(step: int) -> Future[Batch]:
        return pool.submit(draw_batch, store, recipe.crops, recipe.seed, step, samples)

    def batches() -> Iterator[Batch]:
        steps = range(first, recipe.steps)
        waiting = [submit(step) for step in steps[:ahead]]
        for step in steps:
            batch = waiting.pop(0).result()
            if step + ahead < recipe.steps:
                waiting.append(submit(step + ahead))
            yield batch

    try:
        yield batches()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
