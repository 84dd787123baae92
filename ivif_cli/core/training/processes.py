"""One process of several: what torchrun's environment says, and the few things processes have to agree on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from ivif_cli.core.device import choose_device
from ivif_cli.core.errors import UsageError
from ivif_cli.core.processes import world


@dataclass(frozen=True)
class Processes:
    """Place of this process: its number, how many there are, and its device."""

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def share(self, batch_size: int) -> range:
        """Which samples of a step are this process's; raises UsageError where the batch does not divide evenly."""
        if batch_size % self.world:
            raise UsageError(f"batch_size {batch_size} cannot be shared by {self.world} processes evenly")
        each = batch_size // self.world
        return range(self.rank * each, (self.rank + 1) * each)

    def mean(self, values: Tensor) -> Tensor:
        """Mean of a tensor over all processes."""
        if self.world > 1:
            dist.all_reduce(values)
            values = values / self.world
        return values

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process, so that all stop at the same step."""
        return flag if self.world == 1 else bool(self.mean(torch.tensor(float(flag), device=self.device)) > 0)

    def wait(self) -> None:
        """Wait for the others."""
        if self.world > 1:
            dist.barrier()


@contextmanager
def joined(device: str) -> Iterator[Processes]:
    """Join the processes that torchrun started; alone, without it.

    NCCL between CUDA devices, gloo otherwise.
    """
    rank, size = world()
    chosen = choose_device(device)
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    if size > 1:
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Processes(rank, size, chosen)
    finally:
        if size > 1:
            dist.destroy_process_group()
