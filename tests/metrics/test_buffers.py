"""Working memory: used again when nobody holds it, never while somebody does."""

import numpy as np

from ivif_cli.core.metrics import buffers
from ivif_cli.core.metrics.buffers import strips, take


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def test_a_dropped_array_is_used_again() -> None:
    first = _address(take((50, 60)))
    assert _address(take((50, 60))) == first


def test_a_held_view_keeps_its_memory() -> None:
    corner = take((50, 60))[:5, :5]
    corner[...] = 7
    others = [take((50, 60)) for _ in range(4)]
    for other in others:
        other[...] = 0
    assert (corner == 7).all()


def test_free_memory_is_dropped_beyond_the_limit(monkeypatch) -> None:
    monkeypatch.setattr(buffers, "_LIMIT", 1 << 20)
    before = buffers._pool.size
    kept = take((100, 100))
    kept[...] = 3
    for side in range(200, 400, 20):
        take((side, side))
    assert buffers._pool.size <= 1 << 20 or buffers._pool.size <= before
    assert (kept == 3).all()


def test_strips_cover_every_row_once() -> None:
    for shape in ((1, 1), (480, 640), (3, 100_000), (977, 13)):
        rows = [row for part in strips(shape) for row in range(shape[0])[part]]
        assert rows == list(range(shape[0]))
