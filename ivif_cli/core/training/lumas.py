"""Pairs for training, held in memory as luma."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from ivif_cli.core.data.flir_jpeg import is_flir
from ivif_cli.core.data.images import picture_size
from ivif_cli.core.data.luma import to_bits, to_luma
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.data.sources import read_infrared, read_visible
from ivif_cli.core.errors import InputError, PairingError
from ivif_cli.core.read_ahead import pool_of

Thumbnail = Callable[[Tensor], Tensor]
_READERS = 8
_ONE_SIZE = "training needs whole, aligned pairs of one size"


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


def check_pairs(pairs: Sequence[Pair]) -> None:
    """Look at the headers of all files, so that no pair stops a run hours after it began; nothing is decoded.

    Raises:
        PairingError: it names every pair with two sizes or with a file that is no whole picture.
    """
    with pool_of(_READERS, "headers") as pool:
        problems = [problem for problem in pool.map(_problem, pairs) if problem]
    if problems:
        counted = f"{len(problems)} of {len(pairs)} pairs cannot be trained on: " if len(problems) > 1 else ""
        raise PairingError(counted + "; ".join(problems), _ONE_SIZE)


def _problem(pair: Pair) -> str:
    """Why a pair cannot be trained on, as far as headers say; "" where nothing is wrong."""
    try:
        if is_flir(pair.ir):  # its temperatures have another size than the picture in its header
            height, width = read_infrared(pair.ir).values.shape
            ir = width, height
        else:
            ir = picture_size(pair.ir)
        vis = picture_size(pair.vis)
    except InputError as error:
        return str(error)
    return "" if ir == vis else _two_sizes(pair, ir, vis)


def _two_sizes(pair: Pair, ir: tuple[int, int], vis: tuple[int, int]) -> str:
    sizes = " and ".join(f"{width} x {height}" for width, height in (ir, vis))
    return f"pair {pair.name} has two sizes: {sizes}"


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
            raise PairingError(_two_sizes(pair, ir.shape[::-1], vis.shape[::-1]), _ONE_SIZE)
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
