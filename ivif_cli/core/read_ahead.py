"""Working ahead: the next items of a sequence are computed by a pool while the present one is used."""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import cv2

T = TypeVar("T")
R = TypeVar("R")


@contextmanager
def pool_of(threads: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """A pool of threads; on an error or an interrupt, what has not begun is dropped."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def read_ahead(
    pool: Executor, work: Callable[[T], R], items: Iterable[T], depth: Callable[[], int]
) -> Iterator[tuple[T, Future[R]]]:
    """Each item with its result, in order, while at most `depth()` results are computed or wait to be taken.

    Args:
        pool: where `work` runs.
        work: what is done to an item; its errors are raised by the future's `result()`.
        items: consumed only as far as the depth goes.
        depth: asked again before every result.
    """
    remaining = iter(items)
    waiting: deque[tuple[T, Future[R]]] = deque()
    while True:
        for item in itertools.islice(remaining, max(depth() - len(waiting), 0)):
            waiting.append((item, pool.submit(work, item)))
        if not waiting:
            return
        yield waiting.popleft()


@contextmanager
def single_threaded_opencv() -> Iterator[None]:
    """The pool is the parallelism: OpenCV's own threads would only fight with the network for the cores."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
