"""Working memory that is used again: fresh pages cost more than the arithmetic that fills them.

`take` hands out an array that nobody holds any more. An array, or any view of it, that is still referenced is never
handed out a second time, so maps may be kept as long as they are needed.
"""

import math
import sys
import threading
from collections.abc import Iterator

import numpy as np

_LIMIT = 1 << 28
"""Bytes kept for later use in one thread; beyond that, free buffers are dropped and new ones are not kept."""

_STRIP = 24_000
"""Samples of a strip: a handful of float64 strips fit a core's second-level cache."""


class _Pool(threading.local):
    def __init__(self) -> None:
        self.blocks: dict[int, list[np.ndarray]] = {}
        self.size = 0


_pool = _Pool()


def _least_held(blocks: list[np.ndarray], references: int) -> np.ndarray | None:
    """The first block with at most so many references, this loop's own ones included."""
    for block in blocks:
        if sys.getrefcount(block) <= references:
            return block
    return None


_FREE = next(count for count in range(1, 16) if _least_held([np.empty(1)], count) is not None)
"""References that this module itself holds on a free block; it differs between interpreters."""


def _capacity(count: int) -> int:
    """`count` rounded up by at most a quarter, so that pictures of similar sizes share blocks."""
    step = 1 << max(count.bit_length() - 3, 6)
    return -(-count // step) * step


def take(shape: tuple[int, ...], dtype: type[np.generic] = np.float64) -> np.ndarray:
    """An uninitialised C-ordered array of this shape, private to the caller while it holds it."""
    count = math.prod(shape)
    capacity = _capacity(-(-count * np.dtype(dtype).itemsize // 8))
    blocks = _pool.blocks.setdefault(capacity, [])
    block = _least_held(blocks, _FREE)
    if block is None:
        block = np.empty(capacity)
        if _pool.size + 8 * capacity > _LIMIT:
            _drop_free()
        if _pool.size + 8 * capacity <= _LIMIT:
            blocks.append(block)
            _pool.size += 8 * capacity
    return block.view(dtype)[:count].reshape(shape)


def _drop_free() -> None:
    for capacity, blocks in _pool.blocks.items():
        while (block := _least_held(blocks, _FREE)) is not None:
            blocks[:] = [other for other in blocks if other is not block]
            _pool.size -= 8 * capacity


def strips(shape: tuple[int, ...], samples: int = _STRIP) -> Iterator[slice]:
    """Slices of rows that cover an H x W map in pieces of about `samples`, small enough for the cache."""
    height, width = shape
    rows = max(1, samples // max(width, 1))
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))
