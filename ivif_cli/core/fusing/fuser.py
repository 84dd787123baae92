"""`Fuser`: the one object between pictures and the network. Arrays in, arrays out, same size and kind."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.errors import DeviceError, UsageError
from ivif_cli.core.fusing.engine import open_engine
from ivif_cli.core.fusing.pictures import check_pair, deeper, quantised, with_colour
from ivif_cli.core.fusing.tiling import MIN_TILE, Tile, choose_tile, plan_tiles, sample_thumbnail
from ivif_cli.core.memory import reuse_memory

if TYPE_CHECKING:
    from ivif_cli.core.network import LoadedNetwork


class Fuser:
    """Fuses pictures with one loaded network on one device.

    Args:
        model: "base", "fast", the path of a safetensors file or of a network that was exported to ONNX, or a network
            that is loaded already.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: auto, fp32, bf16 or fp16.
        tile: side of the tiles [px]; None lets memory decide, 0 forbids tiling.
        threads: CPU threads, of torch in this process; None leaves the engine's own choice.
        compile: let torch.compile rewrite the network for this machine: up to a minute at the first picture and again
            at the first one of another size, about a sixth to a quarter faster from then on. Needs a C++ compiler on
            the CPU.

    Raises:
        UsageError: an unknown model, device or precision.
        DeviceError: a device that is not there.
        WeightsError: weights that cannot be trusted.
    """

    def __init__(
        self,
        model: "str | Path | LoadedNetwork" = "base",
        *,
        device: str = "auto",
        precision: str = "auto",
        tile: int | None = None,
        threads: int | None = None,
        compile: bool = False,
    ) -> None:
        if tile is not None and tile != 0 and tile < MIN_TILE:
            raise UsageError(f"a tile of {tile} pixels is too small", f"{MIN_TILE} or more, or 0 for no tiles")
        self.engine = open_engine(model, device=device, precision=precision, threads=threads, compile=compile)
        self.name, self.sha256, self.device = self.engine.name, self.engine.sha256, self.engine.device
        self.tile = tile

    def __repr__(self) -> str:
        return f"Fuser({self.name!r}, device={self.device!r}, sha256={self.sha256[:12]!r})"

    def fuse(
        self, ir: np.ndarray, vis: np.ndarray, *, out: np.ndarray | None = None, descriptors: Any = None
    ) -> np.ndarray:
        """Fuse one pair.

        Args:
            ir: H x W, uint8 or uint16 (H x W x 3 is taken as its luma).
            vis: H x W, or H x W x 3 in BGR order, uint8 or uint16.
            out: array for the result, to save memory; `vis` itself may be given.
            descriptors: as `describe` gives them; a video hands in their mean over time.

        Returns:
            the fused picture in the size and channels of `vis`, with the bits of the deeper of the two. A colour
            picture keeps its CrCb.

        Raises:
            InputError: different sizes, empty arrays, or arrays of another kind.
            DeviceError: not even the smallest tile fits into memory.

        >>> ir, vis = np.full((5, 7), 200, np.uint8), np.full((5, 7, 3), 90, np.uint8)
        >>> fused = Fuser("base", device="cpu").fuse(ir, vis)
        >>> fused.shape, fused.dtype
        ((5, 7, 3), dtype('uint8'))
        """
        return with_colour(vis, self.fuse_luma(ir, vis, descriptors), out)

    def fuse_luma(self, ir: np.ndarray, vis: np.ndarray, descriptors: Any = None) -> np.ndarray:
        """Fused luma of one pair: H x W with the bits of the deeper of the two; arguments as for `fuse`."""
        check_pair(ir, vis)
        height, width = vis.shape[:2]
        descriptors = self.describe(ir, vis) if descriptors is None else descriptors
        fused = np.empty((height, width), deeper(ir, vis))
        side = self._tile_side(vis) or max(height, width)
        while True:
            try:
                for tile in plan_tiles(height, width, side, halo=self.engine.halo, stride=self.engine.stride):
                    fused[tile.core] = self._fuse_tile(ir, vis, tile, descriptors, fused.dtype)
                return fused
            except MemoryError as error:
                side //= 2
                if side < MIN_TILE:
                    raise DeviceError(f"out of memory on {self.device} even with tiles of {2 * side} pixels") from error

    def fuse_batch(self, irs: Sequence[np.ndarray], vises: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Fuse pairs that all have one size in one pass of the network; arguments and results as for `fuse`.

        Pairs of different sizes, and pairs that need tiles or do not fit into memory together, are fused one after the
        other.
        """
        for ir, vis in zip(irs, vises, strict=True):
            check_pair(ir, vis)
        shapes = {vis.shape[:2] for vis in vises}
        if len(irs) < 2 or len(shapes) > 1 or self._tile_side(vises[0], len(irs)) is not None:
            return [self.fuse(ir, vis) for ir, vis in zip(irs, vises, strict=True)]
        descriptors = self._describe(irs, vises)
        try:
            fused = self.engine.run([to_luma(ir) for ir in irs], [to_luma(vis) for vis in vises], descriptors)
        except MemoryError:
            return [self.fuse(ir, vis) for ir, vis in zip(irs, vises, strict=True)]
        return [
            with_colour(vis, quantised(luma, deeper(ir, vis)), None)
            for luma, ir, vis in zip(fused, irs, vises, strict=True)
        ]

    def describe(self, ir: np.ndarray, vis: np.ndarray) -> Any:
        """Global descriptors of a pair, from thumbnails of the whole images: what every tile of them is fused with."""
        return self._describe([ir], [vis])

    def _describe(self, irs: Sequence[np.ndarray], vises: Sequence[np.ndarray]) -> Any:
        ir, vis = (np.stack([sample_thumbnail(image) for image in images]) for images in (irs, vises))
        return self.engine.describe(ir, vis)

    def _fuse_tile(self, ir: np.ndarray, vis: np.ndarray, tile: Tile, descriptors: Any, depth: np.dtype) -> np.ndarray:
        window = tile.window
        fused = self.engine.run([to_luma(ir[window])], [to_luma(vis[window])], descriptors)
        return quantised(fused[0][tile.inner], depth)

    def _tile_side(self, image: np.ndarray, images: int = 1) -> int | None:
        height, width = image.shape[:2]
        if self.tile is not None:
            return None if self.tile == 0 or self.tile >= max(height, width) else self.tile
        return choose_tile(
            height,
            width,
            halo=self.engine.halo,
            stride=self.engine.stride,
            bytes_per_pixel=images * self.engine.bytes_per_pixel,
            budget=self.engine.memory(),
        )


def open_fuser(model: str | Path, **options: Any) -> Fuser:
    """`Fuser(model, **options)` in a process that is there to fuse: its allocator keeps what the network frees, and
    numbers too small for full speed count as zero.
    """
    reuse_memory()
    fuser = Fuser(model, **options)
    # With an ONNX network torch is not loaded; onnxruntime sets denormals to zero itself.
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_flush_denormal(True)
    return fuser
