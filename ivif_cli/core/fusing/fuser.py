"""`Fuser`: the one object between pictures and the network. Arrays in, arrays out, same size and kind."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.errors import DeviceError, InputError, UsageError
from ivif_cli.core.fusing.device import (
    POOLED_BYTES,
    available_memory,
    choose_device,
    choose_precision,
    reuse_memory,
)
from ivif_cli.core.fusing.pictures import check_pair, deeper, with_colour
from ivif_cli.core.fusing.tiling import MIN_TILE, Tile, choose_tile, plan_tiles, sample_thumbnail
from ivif_cli.core.network import LoadedNetwork, load_network

_SHARE_OF_MEMORY = 0.5


class Fuser:
    """Fuses pictures with one loaded network on one device.

    Args:
        model: "base", "fast", the path of a safetensors file, or a network that is loaded already.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: auto, fp32, bf16 or fp16.
        tile: side of the tiles [px]; None lets memory decide, 0 forbids tiling.
        threads: CPU threads of the network; None leaves torch's own choice.
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
        if threads is not None:
            torch.set_num_threads(max(1, threads))
        torch.set_flush_denormal(True)
        reuse_memory()
        self.device = choose_device(device)
        self.dtype = choose_precision(precision, self.device)
        loaded = model if isinstance(model, LoadedNetwork) else load_network(model)
        self.name, self.sha256, self.metadata = loaded.name, loaded.sha256, loaded.metadata
        self.network = loaded.network.eval().to(self.device).to(memory_format=torch.channels_last)
        self._compiled = compile
        if compile:
            self.network.fuse_padded = torch.compile(self.network.fuse_padded)  # type: ignore[method-assign]
        self.tile = tile

    def __repr__(self) -> str:
        return f"Fuser({self.name!r}, device={str(self.device)!r}, sha256={self.sha256[:12]!r})"

    def fuse(
        self,
        ir: np.ndarray,
        vis: np.ndarray,
        *,
        out: np.ndarray | None = None,
        descriptors: Tensor | None = None,
    ) -> np.ndarray:
        """Fuse one pair.

        Args:
            ir: H x W, uint8 or uint16 (H x W x 3 is taken as its luma).
            vis: H x W, or H x W x 3 in BGR order, uint8 or uint16.
            out: array for the result, to save memory; `vis` itself may be given.
            descriptors: 1 x K, as `describe` gives them; a video hands in their mean over time.

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
        check_pair(ir, vis)
        depth = deeper(ir, vis)
        fused = self._fuse_luma(ir, vis, depth, descriptors)
        return with_colour(vis, fused, out)

    def fuse_tensor(self, ir: Tensor, vis: Tensor) -> Tensor:
        """Fuse luma tensors, N x 1 x H x W floating point in [0, 1]; the same shape, type and device come back.

        Large images are not tiled here: the caller has them in memory already.

        Raises:
            InputError: other shapes, or integers.
        """
        if ir.shape != vis.shape or ir.ndim != 4 or ir.shape[1] != 1 or ir.numel() == 0:
            raise InputError(f"tensors of {tuple(ir.shape)} and {tuple(vis.shape)} cannot be fused", "N x 1 x H x W")
        if not (ir.is_floating_point() and vis.is_floating_point()):
            raise InputError(f"tensors of {ir.dtype} and {vis.dtype} cannot be fused", "floating point in [0, 1]")
        inputs = [luma.to(self.device, torch.float32) for luma in (ir, vis)]
        with torch.inference_mode():
            descriptors = self.network.describe(*(self.network.thumbnail(luma) for luma in inputs))
        with self._inference():
            fused = self.network(*inputs, descriptors)
        return fused.to(vis.device, vis.dtype)

    def fuse_luma(self, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """Fused luma of one pair: H x W with the bits of the deeper of the two; arguments as for `fuse`."""
        check_pair(ir, vis)
        return self._fuse_luma(ir, vis, deeper(ir, vis))

    def fuse_batch(self, irs: Sequence[np.ndarray], vises: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Fuse pairs that all have one size in one pass of the network; arguments and results as for `fuse`.

        Pairs of different sizes, and pairs that need tiles, are fused one after the other.
        """
        for ir, vis in zip(irs, vises, strict=True):
            check_pair(ir, vis)
        shapes = {vis.shape[:2] for vis in vises}
        if len(irs) < 2 or len(shapes) > 1 or self._needs_tiles(vises[0], len(irs)):
            return [self.fuse(ir, vis) for ir, vis in zip(irs, vises, strict=True)]
        descriptors = self._describe(irs, vises)
        with self._inference():
            inputs = [torch.cat([self._tensor(image) for image in images]) for images in (irs, vises)]
            fused = self.network(*inputs, descriptors).float()
        depths = [deeper(ir, vis) for ir, vis in zip(irs, vises, strict=True)]
        return [
            with_colour(vis, _quantised(luma[0], depth), None)
            for luma, vis, depth in zip(fused, vises, depths, strict=True)
        ]

    def describe(self, ir: np.ndarray, vis: np.ndarray) -> Tensor:
        """Global descriptors (1 x K) of a pair, from thumbnails of the whole images."""
        return self._describe([ir], [vis])

    def _describe(self, irs: Sequence[np.ndarray], vises: Sequence[np.ndarray]) -> Tensor:
        """Descriptors of several pairs, N x K, always in fp32: cheap, and everything hangs on them."""
        thumbs = [torch.cat([self._thumbnail(image) for image in images]) for images in (irs, vises)]
        with torch.inference_mode():
            return self.network.describe(*thumbs)

    def _fuse_luma(
        self, ir: np.ndarray, vis: np.ndarray, depth: np.dtype, descriptors: Tensor | None = None
    ) -> np.ndarray:
        height, width = vis.shape[:2]
        descriptors = self.describe(ir, vis) if descriptors is None else descriptors
        side = self._tile_side(height, width)
        fused = np.empty((height, width), depth)
        while True:
            try:
                for tile in self._tiles(height, width, side):
                    fused[tile.core] = self._fuse_tile(ir, vis, tile, descriptors, depth)
                return fused
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                side = self._smaller(side, height, width, error)

    def _tiles(self, height: int, width: int, side: int | None) -> Iterator[Tile]:
        side = max(height, width) if side is None else side
        return plan_tiles(height, width, side, halo=self.network.halo, stride=self.network.stride)

    def _fuse_tile(
        self, ir: np.ndarray, vis: np.ndarray, tile: Tile, descriptors: Tensor, depth: np.dtype
    ) -> np.ndarray:
        with self._inference():
            fused = self.network(self._tensor(ir[tile.window]), self._tensor(vis[tile.window]), descriptors)
            return _quantised(fused[0, 0][tile.inner].float(), depth)

    def _smaller(self, side: int | None, height: int, width: int, error: Exception) -> int:
        """Half the tile after an out-of-memory error; any other error goes on as it is."""
        if not _is_out_of_memory(error):
            raise error
        half = (max(height, width) if side is None else side) // 2
        if half < MIN_TILE:
            raise DeviceError(f"out of memory on {self.device} even with tiles of {2 * half} pixels") from error
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return half

    def _needs_tiles(self, image: np.ndarray, count: int) -> bool:
        height, width = image.shape[:2]
        return self._tile_side(height, width, count) is not None

    def _tile_side(self, height: int, width: int, images: int = 1) -> int | None:
        if self.tile is not None:
            return None if self.tile == 0 or self.tile >= max(height, width) else self.tile
        network = self.network
        per_pixel = images * working_bytes(network.config.channels, network.config.fold)
        budget = _SHARE_OF_MEMORY * available_memory(self.device)
        if self.device.type == "cpu":
            budget = min(budget, _pooled_budget(network.config.channels, network.config.fold))
        return choose_tile(
            height, width, halo=network.halo, stride=network.stride, bytes_per_pixel=per_pixel, budget=budget
        )

    def _tensor(self, image: np.ndarray) -> Tensor:
        """Luma of an image or a part of it: 1 x 1 x H x W float32 in [0, 1] on the device."""
        luma = np.ascontiguousarray(to_luma(image))
        scale = 1.0 / float(np.iinfo(luma.dtype).max)
        if luma.dtype == np.uint16 or not luma.flags.writeable:
            luma = luma.astype(np.float32)
        return torch.from_numpy(luma).to(self.device).to(torch.float32).mul_(scale)[None, None]

    def _thumbnail(self, image: np.ndarray) -> Tensor:
        return torch.from_numpy(sample_thumbnail(image)).to(self.device)[None, None]

    @contextlib.contextmanager
    def _inference(self) -> Iterator[None]:
        reduced = self.dtype != torch.float32
        try:
            with torch.inference_mode(), torch.autocast(self.device.type, dtype=self.dtype, enabled=reduced):
                yield
        except RuntimeError as error:
            if not self._compiled or not isinstance(error, torch._dynamo.exc.TorchDynamoException):
                raise
            reason = " ".join(str(error).split())[:160]
            raise DeviceError(f"torch.compile does not work here: {reason}", "go on without --compile") from error


def working_bytes(channels: int, fold: int) -> float:
    """Memory that the network needs while it runs [byte/px], from its first level: about 20 feature maps of it."""
    return 4.0 * 20 * channels / fold**2


def _pooled_budget(channels: int, fold: int) -> float:
    """Working memory at which the largest buffer (both modalities' first level) is still one that is reused."""
    largest_per_pixel = 4.0 * 2 * channels / fold**2
    return POOLED_BYTES / largest_per_pixel * working_bytes(channels, fold)


def _quantised(luma: Tensor, depth: np.dtype) -> np.ndarray:
    """H x W float in [0, 1] as grey levels, rounded to the nearest."""
    levels = luma.mul(float(np.iinfo(depth).max)).round_().clamp_(0, float(np.iinfo(depth).max))
    return levels.to(torch.uint8 if depth == np.uint8 else torch.int32).cpu().numpy().astype(depth, copy=False)


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return any(words in str(error).lower() for words in ("out of memory", "can't allocate memory", "alloc failed"))
