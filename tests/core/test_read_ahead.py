"""Results come in order, a bounded number of them ahead."""

from collections.abc import Iterator

import pytest

from ivif_cli.core.read_ahead import pool_of, read_ahead


def test_results_keep_the_order_and_items_are_taken_only_as_far_as_the_depth_goes() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(10):
            taken.append(item)
            yield item

    with pool_of(3, "test") as pool:
        for place, (item, future) in enumerate(read_ahead(pool, lambda item: item**2, items(), lambda: 4)):
            assert (item, future.result()) == (place, place**2)
            assert len(taken) <= place + 4


def test_the_depth_may_change_on_the_way() -> None:
    depth, taken = 5, []
    with pool_of(1, "test") as pool:
        results = read_ahead(pool, lambda item: item, (taken.append(item) or item for item in range(20)), lambda: depth)
        next(results)
        depth = 1
        for _ in range(4):
            next(results)
        assert taken == [0, 1, 2, 3, 4]
        assert [item for item, _ in results] == list(range(5, 20))


def test_an_error_waits_for_its_turn() -> None:
    with pool_of(2, "test") as pool:
        results = read_ahead(pool, lambda item: 1 / item, [1, 0, 2], lambda: 3)
        assert next(results)[1].result() == 1
        with pytest.raises(ZeroDivisionError):
            next(results)[1].result()
        assert next(results)[1].result() == 0.5
