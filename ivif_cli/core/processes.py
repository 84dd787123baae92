"""One run over several processes started by torchrun: which share is whose, and how the parts come together."""

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

T = TypeVar("T")


def world() -> tuple[int, int]:
    """(rank, processes) as torchrun sets them; (0, 1) in an ordinary run. Rank 0 speaks for all of them."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def own_share(items: Sequence[T]) -> list[T]:
    """Every n-th item, from this process's rank on."""
    rank, size = world()
    return list(items[rank::size])


def gather(part: T) -> list[T] | None:
    """Parts of all processes, by rank, in the first one; None in the others."""
    rank, size = world()
    if size == 1:
        return [part]
    import torch.distributed as dist

    # The first process may be done long before the last; one that dies is told by the launcher, not by a timeout.
    dist.init_process_group("gloo", timeout=timedelta(days=7))
    try:
        parts: list[T | None] | None = [None] * size if rank == 0 else None
        dist.gather_object(part, parts, dst=0)
    finally:
        dist.destroy_process_group()
    return None if parts is None else [found for found in parts if found is not None]
