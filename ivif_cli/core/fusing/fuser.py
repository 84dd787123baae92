"""`Fuser`: the one object between pictures and the network. Arrays in, arrays out, same size and kind."""

import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ivif_cli.core.data.arrays import in_order
from ivif_cli.core.data.ir_range import IrRange
from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.data.sources import pair_from
from ivif_cli.core.errors import DeviceError, InputError, UsageError
from ivif_cli.core.fusing.coarse import coarseness, reduced, restored
from ivif_cli.core.fusing.engine import open_engine
from ivif_cli.core.fusing.pictures import check_pair, deeper, quantised, with_colour
from ivif_cli.core.fusing.tiling import MIN_TILE, choose_tile, plan_tiles, sample_thumbnail
from ivif_cli.core.language.goal import Goal
from ivif_cli.core.language.wanted import Wish, goal_of
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
        tile: side of the tiles [px]; None lets memory decide, 0 tiles only what has run out of it.
        threads: CPU threads, of torch in this process; None leaves the engine's own choice.
        compile: let torch.compile rewrite the network for this machine: a minute or two at the first picture and again
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

    @property
    def goals(self) -> tuple[str, ...]:
        """Names of the goals that the weights carry."""
        return tuple(self.engine.goals)

    def goal(self, wanted: Wish = None, *, strength: float = 1.0, dials: Mapping[str, float] | None = None) -> Goal:
        """What is wanted, as a goal: a name of `goals`, any text, None for the default; see `language.wanted`."""
        return goal_of(wanted, self.engine.goals, strength=strength, dials=dials)

    def fuse(
        self,
        ir: Any,
        vis: Any,
        *,
        goal: Wish = None,
        ir_range: IrRange | None = "auto",
        order: str = "BGR",
        out: np.ndarray | None = None,
        descriptors: Any = None,
        coarse: int | None = None,
    ) -> np.ndarray:
        """Fuse one pair.

        Args:
            ir: H x W, uint8, uint16 or float32 (H x W x 3 is taken as its luma); or a path, a PIL image, a tensor, or
                another array: see `data.arrays.as_picture`.
            vis: H x W, or H x W x 3, uint8 or uint16; or any of the others.
            goal: what is wanted: a name of `goals`, a text, or a `Goal`; the default where None.
            ir_range: values of `ir` that become black and white, by the rules of `ivif fuse --ir-range`: under "auto"
                those of more than 8 bits are stretched; "full" takes grey levels as they are (a black border that a
                warp left shows `vis`, as ever); None: the pair was made ready by `sources.load_pair` or `prepare_pair`.
            order: BGR or RGB: of the channels of arrays that are given, and of the result.
            out: array for the result, to save memory; `vis` itself may be given (and is left where the result has
                more bits than it).
            descriptors: as `describe` gives them (the goal is in them); a video hands in their mean over time.
            coarse: how many times coarser than the pictures the network's grid is; None for as coarse as holds all of
                the infrared picture (`coarse.coarseness`), which is 1 below 1600 pixels.

        Returns:
            the fused picture in the size and channels of `vis`, with the bits of the deeper of the two. A colour
            picture keeps its CrCb.

        Raises:
            InputError: different sizes, empty arrays, or arrays of another kind; `out` is not as the result is.
            UsageError: a goal that says nothing, or a range that is none.
            DeviceError: not even the smallest tile fits into memory.

        >>> ir, vis = np.full((5, 7), 200, np.uint8), np.full((5, 7, 3), 90, np.uint8)
        >>> fused = Fuser("base", device="cpu").fuse(ir, vis, goal="bright")
        >>> fused.shape, fused.dtype
        ((5, 7, 3), dtype('uint8'))
        """
        given, (ir, vis) = vis, pair_from(ir, vis, ir_range, order)
        if out is not None and out is not given and (out.shape, out.dtype) != (vis.shape, deeper(ir, vis)):
            raise InputError(f"out is {out.dtype} {out.shape}, the result {deeper(ir, vis)} {vis.shape}")
        target = None if out is None else in_order(out, order)
        return in_order(with_colour(vis, self.fuse_luma(ir, vis, goal, descriptors, coarse), target), order)

    def look(self, ir: Any, vis: Any, *, ir_range: IrRange | None = "auto", order: str = "BGR") -> "Look":
        """Look at a pair once, to fuse it for many goals; arguments as for `fuse`.

        >>> look = Fuser("base", device="cpu").look(np.full((9, 9), 200, np.uint8), np.full((9, 9), 90, np.uint8))
        >>> [look.fuse(goal).shape for goal in ("bright", "dark")]
        [(9, 9), (9, 9)]
        """
        ir, vis = pair_from(ir, vis, ir_range, order)
        check_pair(ir, vis)
        return Look(self, ir, vis, order)

    def fuse_luma(
        self, ir: np.ndarray, vis: np.ndarray, goal: Wish = None, descriptors: Any = None, coarse: int | None = None
    ) -> np.ndarray:
        """Fused luma of one pair: H x W with the bits of the deeper of the two; arguments as for `fuse`."""
        check_pair(ir, vis)
        descriptors = self.describe(ir, vis, goal) if descriptors is None else descriptors
        coarse = coarseness(ir, vis) if coarse is None else coarse
        if coarse > 1:
            small = reduced(vis, coarse)
            fused = self.fuse_luma(reduced(ir, coarse), small, goal, descriptors, 1)
            return quantised(restored(vis, small, fused), deeper(ir, vis))
        height, width = vis.shape[:2]
        fused = np.empty((height, width), deeper(ir, vis))
        side = self._tile_side(vis) or max(height, width)
        while True:
            try:
                for tile in plan_tiles(height, width, side, halo=self.engine.halo, stride=self.engine.stride):
                    window = tile.window
                    encoded = self.engine.encode([to_luma(ir[window])], [to_luma(vis[window])])
                    luma = self.engine.decode(encoded, descriptors)[0]
                    fused[tile.core] = quantised(luma[tile.inner], fused.dtype)
                return fused
            except MemoryError as error:
                side //= 2
                if side < MIN_TILE:
                    raise DeviceError(f"out of memory on {self.device} even with tiles of {2 * side} pixels") from error

    def fuse_batch(
        self,
        irs: Sequence[Any],
        vises: Sequence[Any],
        goal: Wish = None,
        *,
        ir_range: IrRange | None = "auto",
        order: str = "BGR",
    ) -> list[np.ndarray]:
        """Fuse pairs that all have one size in one pass of the network; arguments and results as for `fuse`.

        Pairs of different sizes, and pairs that need tiles or do not fit into memory together, are fused one after the
        other.
        """
        if len(irs) != len(vises):
            raise InputError(f"{len(irs)} infrared and {len(vises)} visible pictures are no pairs")
        pairs = [pair_from(ir, vis, ir_range, order) for ir, vis in zip(irs, vises, strict=True)]
        irs, vises = [ir for ir, _ in pairs], [vis for _, vis in pairs]
        for ir, vis in pairs:
            check_pair(ir, vis)
        goal = self.goal(goal)
        shapes = {vis.shape[:2] for vis in vises}
        grids = [coarseness(ir, vis) for ir, vis in pairs]
        if len(irs) > 1 and len(shapes) == 1 and max(grids) == 1 and self._tile_side(vises[0], len(irs)) is None:
            with contextlib.suppress(MemoryError):
                descriptors = self._describe(irs, vises, goal)
                encoded = self.engine.encode([to_luma(ir) for ir in irs], [to_luma(vis) for vis in vises])
                fused = zip(self.engine.decode(encoded, descriptors), irs, vises, strict=True)
                done = [with_colour(vis, quantised(luma, deeper(ir, vis)), None) for luma, ir, vis in fused]
                return [in_order(picture, order) for picture in done]
        alone = zip(irs, vises, grids, strict=True)
        done = [self.fuse(ir, vis, goal=goal, ir_range=None, coarse=grid) for ir, vis, grid in alone]
        return [in_order(picture, order) for picture in done]

    def describe(self, ir: np.ndarray, vis: np.ndarray, goal: Wish = None) -> Any:
        """Global descriptors of a pair and a goal, from thumbnails of the whole: what every tile is fused with."""
        return self._describe([ir], [vis], self.goal(goal))

    def _describe(self, irs: Sequence[np.ndarray], vises: Sequence[np.ndarray], goal: Goal) -> Any:
        side = self.engine.thumbnail
        ir, vis = (np.stack([sample_thumbnail(image, side) for image in images]) for images in (irs, vises))
        return self.engine.describe(ir, vis, goal.condition)

    def _tile_side(self, image: np.ndarray, images: int = 1) -> int | None:
        height, width = image.shape[:2]
        if self.tile is not None:
            return None if self.tile == 0 or self.tile >= max(height, width) else self.tile
        engine, needed = self.engine, images * self.engine.bytes_per_pixel
        sides = {"halo": engine.halo, "stride": engine.stride}
        return choose_tile(height, width, **sides, bytes_per_pixel=needed, budget=engine.memory())


class Look:
    """A pair that was looked at, to be fused for one goal after the other: what no goal changes is computed once.

    A picture that needs tiles is encoded anew for each goal.
    """

    def __init__(self, fuser: Fuser, ir: np.ndarray, vis: np.ndarray, order: str = "BGR") -> None:
        self._fuser, self._ir, self._vis, self._order = fuser, ir, vis, order
        self._coarse = coarseness(ir, vis)
        self._pair = (ir, vis) if self._coarse == 1 else (reduced(ir, self._coarse), reduced(vis, self._coarse))
        self._whole = fuser._tile_side(self._pair[1]) is None
        self._encoded: Any = None

    def fuse(self, goal: Wish = None) -> np.ndarray:
        """The fused picture for a goal, as `Fuser.fuse` gives it."""
        fuser, (ir, vis) = self._fuser, self._pair
        descriptors = fuser.describe(self._ir, self._vis, goal)
        luma = self._decoded(descriptors) if self._whole else fuser.fuse_luma(ir, vis, None, descriptors, 1)
        if self._coarse > 1:
            luma = quantised(restored(self._vis, vis, luma), deeper(self._ir, self._vis))
        return in_order(with_colour(self._vis, luma, None), self._order)

    def _decoded(self, descriptors: Any) -> np.ndarray:
        """Luma of the pair on the network's grid, encoded once; in tiles from when on the memory is too small."""
        fuser, (ir, vis) = self._fuser, self._pair
        try:
            if self._encoded is None:
                self._encoded = fuser.engine.encode([to_luma(ir)], [to_luma(vis)])
            return quantised(fuser.engine.decode(self._encoded, descriptors)[0], deeper(ir, vis))
        except MemoryError:
            self._whole, self._encoded = False, None
            return fuser.fuse_luma(ir, vis, None, descriptors, 1)


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
