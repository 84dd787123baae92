"""Pairs for training, held in memory as luma."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from ivif_cli.core.data.luma import to_bits, to_luma
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.data.sources import read_infrared, read_visible
from ivif_cli.core.errors import PairingError

Thumbnail = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class LumaPair:
    """Both lumas of a pair, H x W uint8, and their thumbnails, t x t float32 in [0, 1]."""

    ir: np.ndarray
    vis: np.ndarray
    ir_thumb: np.ndarray
    vis_thumb: np.ndarray


def read_lumas(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Infrared and visible luma of a pair, H x W uint8 each, mapped as `fuse` maps them.

    Raises:
        InputError: a file cannot be read.
    """
    return to_bits(read_infrared(pair.ir).grey(), 8), to_bits(to_luma(read_visible(pair.vis)), 8)


class LumaStore:
    """Pairs as luma in memory: read on first use, the least recently used dropped beyond a budget.

    Args:
        pairs: the pairs.
        thumbnail: N x 1 x H x W -> N x 1 x t x t, the network's own.
        balance: a folder of n pairs is drawn from in proportion to n ** balance: 1 makes all pairs alike, 0 all
            folders.
        budget: bytes of luma to keep.
    """

    def __init__(
        self, pairs: Sequence[Pair], thumbnail: Thumbnail, *, balance: float = 1.0, budget: int = 4 << 30
    ) -> None:
        self.pairs = tuple(pairs)
        counts = Counter(pair.ir.parent for pair in self.pairs)
        odds = np.array([counts[pair.ir.parent] ** (balance - 1) for pair in self.pairs])
        self._cumulative = np.cumsum(odds / odds.sum())
        self._thumbnail = thumbnail
        self._budget = budget
        self._kept: OrderedDict[int, LumaPair] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self.pairs)

    def choose(self, rng: np.random.Generator) -> int:
        """Index of a random pair."""
        return min(int(np.searchsorted(self._cumulative, rng.random(), side="right")), len(self) - 1)

    def __getitem__(self, index: int) -> LumaPair:
        """Pair `index`.

        Raises:
            InputError: a file cannot be read.
            PairingError: the two pictures differ in size.
        """
        with self._lock:
            if index in self._kept:
                self._kept.move_to_end(index)
                return self._kept[index]
        pair = self.pairs[index]
        ir, vis = read_lumas(pair)
        if ir.shape != vis.shape:
            sizes = " and ".join(f"{x.shape[1]} x {x.shape[0]}" for x in (ir, vis))
            raise PairingError(f"pair {pair.name} has two sizes: {sizes}", "training needs aligned pairs of one size")
        images = [torch.from_numpy(x)[None, None].float() / 255 for x in (ir, vis)]
        loaded = LumaPair(ir, vis, *(self._thumbnail(x)[0, 0].numpy() for x in images))
        with self._lock:
            if index not in self._kept:
                self._kept[index] = loaded
                self._bytes += loaded.ir.nbytes + loaded.vis.nbytes
            while self._bytes > self._budget and len(self._kept) > 1:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= dropped.ir.nbytes + dropped.vis.nbytes
        return loaded
