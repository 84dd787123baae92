"""The one reader of a pair: from files or arrays to two pictures of one size that can be fused, scored or cut.

Every door reads through here (fuse, evaluate, train, align, frames of sequences, Python), so that one infrared file
means the same everywhere: what kind of values it holds, which way up it stands, and which of its values are white.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ivif_cli.core.data.arrays import as_picture
from ivif_cli.core.data.images import file_sha256, float_to_uint16, read_picture
from ivif_cli.core.data.luma import deepened, to_luma
from ivif_cli.core.data.metadata import Metadata
from ivif_cli.core.data.palettes import is_false_colour, unmapped
from ivif_cli.core.data.placing import differs_in_shape, one_size, warp_border, without_holes
from ivif_cli.core.data.radiometric import is_radiometric, read_radiometric
from ivif_cli.core.data.thermal import IrRange, ThermalRange, apply_range, parse_ir_range, resolve_range
from ivif_cli.core.errors import InputError, UsageError

Align = Callable[[np.ndarray, np.ndarray, np.ndarray | None], np.ndarray]
"""(ir H x W, vis H' x W' [x 3], where ir has no data) -> ir warped onto the visible grid, H' x W', same dtype."""


@dataclass(frozen=True)
class SourceOptions:
    """How a pair is prepared.

    Attributes:
        ir_range: rule for thermal values (see `core/data/thermal.py`).
        held: ranges that are held over a run, by the kind of infrared picture (see `core/data/held_range.py`).
        gray: give the visible luma only.
        resize: resample the infrared image to the visible image's size where they differ.
        bits: 8 or 16 for the result; None for the deeper of the two sources.
        align: warps the infrared image onto the visible one.
        align_name: what `align` was made from, for the record of what made a picture.
        cover: show the visible image in the black border that an earlier warp left in the infrared one.
        polarity: "white" where hot is bright, "black" where hot is dark.
        dark_holes: leave what the infrared picture does not show black instead of showing the visible one there.
    """

    ir_range: IrRange = "auto"
    held: Mapping[str, ThermalRange] = field(default_factory=dict)
    gray: bool = False
    resize: bool = False
    bits: int | None = None
    align: Align | None = None
    align_name: str | None = None
    cover: bool = False
    polarity: str = "white"
    dark_holes: bool = False

    def __post_init__(self) -> None:
        if self.bits not in (None, 8, 16):
            raise UsageError(f"a bit depth of {self.bits} is not known", "8 or 16")
        if self.polarity not in ("white", "black"):
            raise UsageError(f"unknown polarity: {self.polarity}", "white (hot is bright) or black (hot is dark)")


@dataclass(frozen=True)
class Infrared:
    """An infrared picture as its camera gave it.

    Attributes:
        values: H x W, uint8, uint16 or float32 in its own unit; NaN where there is no data.
        kind: "8-bit", "counts", "celsius" or "float" (of a unit that the file does not say).
        sha256, notes: of the file, as `images.Picture` has them.
    """

    values: np.ndarray
    kind: str
    sha256: str = ""
    notes: tuple[str, ...] = ()

    @property
    def missing(self) -> np.ndarray | None:
        """H x W bool, True where there is no data; None where there is data everywhere."""
        if self.values.dtype != np.float32:
            return None
        missing = ~np.isfinite(self.values)
        return missing if missing.any() else None

    def grey(self, ir_range: IrRange = "auto") -> np.ndarray:
        """Grey levels, H x W uint8 or uint16, by a rule or range (see `core/data/thermal.py`)."""
        return apply_range(self.values, self.range(ir_range))

    def range(self, ir_range: IrRange = "auto") -> ThermalRange:
        """The values that become black and white under a rule, in the picture's own unit."""
        return resolve_range(self.values, ir_range, celsius=self.kind == "celsius")


@dataclass(frozen=True)
class Facts:
    """What a pair was read from.

    Attributes:
        kind: of the infrared picture, as in `Infrared`.
        thermal_range: the values that became black and white.
        ir_sha256, vis_sha256: of the two files.
        metadata: of the visible file.
        notes: what a viewer of the files may wonder about.
    """

    kind: str
    thermal_range: ThermalRange
    ir_sha256: str
    vis_sha256: str
    metadata: Metadata
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoadedPair:
    """A pair that can be fused: ir H x W and vis H x W [x 3] BGR of one size, uint8 or uint16 each."""

    ir: np.ndarray
    vis: np.ndarray
    facts: Facts


def load_pair(ir: Path, vis: Path, options: SourceOptions) -> LoadedPair:
    """The two files of a pair, ready for `Fuser.fuse`.

    Raises:
        InputError: a file that cannot be used, or two sizes without `resize` or `align`.
    """
    visible, infrared = read_picture(vis), read_infrared(ir, options.ir_range)
    shown = visible_pixels(visible.pixels, str(vis))
    used = infrared.range(options.held.get(infrared.kind, options.ir_range))
    thermal, shown = prepare_pair(infrared, shown, replace(options, ir_range=used), (str(ir), str(vis)))
    notes = [f"{path}: {note}" for path, found in ((ir, infrared), (vis, visible)) for note in found.notes]
    if infrared.sha256 == visible.sha256:
        notes.append(f"{ir}: the infrared and the visible picture are the same file")
    if options.resize and differs_in_shape(infrared.values.shape, visible.pixels.shape):
        notes.append(f"{ir}: stretched by --resize to another ratio of its sides (--crop keeps the ratio)")
    facts = Facts(infrared.kind, used, infrared.sha256, visible.sha256, visible.metadata, tuple(notes))
    return LoadedPair(thermal, shown, facts)


def load_sources(ir: Path, vis: Path, options: SourceOptions) -> tuple[np.ndarray, np.ndarray]:
    """The two arrays of `load_pair`."""
    loaded = load_pair(ir, vis, options)
    return loaded.ir, loaded.vis


def prepare_pair(
    infrared: Infrared, visible: np.ndarray, options: SourceOptions, names: tuple[str, str] = ("infrared", "visible")
) -> tuple[np.ndarray, np.ndarray]:
    """Infrared and visible picture of one size, ready for `Fuser.fuse`.

    Args:
        infrared: of any size.
        visible: H x W or H x W x 3 BGR, uint8 or uint16.
        names: of the two, for messages.

    Raises:
        InputError: two sizes without `resize` or `align`.
    """
    shown = to_luma(visible) if options.gray else visible
    thermal, missing = infrared.grey(options.ir_range), infrared.missing
    if options.polarity == "black":
        thermal = ~thermal
    if missing is None and options.cover:
        missing = warp_border(infrared.values)
    behind = np.zeros_like(shown) if options.dark_holes else shown
    if options.align is not None:
        thermal = options.align(thermal, behind, missing)
    else:
        thermal = one_size(thermal, shown, options.resize, names)
        if missing is not None:
            thermal = without_holes(thermal, behind, missing)
    return thermal, deepened(shown) if options.bits == 16 else shown


def read_infrared(path: Path, ir_range: IrRange = "auto") -> Infrared:
    """Infrared picture of a file: the temperatures of a radiometric one, unless `full` asks for it as rendered.

    Raises:
        InputError: a file that cannot be used.
    """
    path = Path(path)
    if ir_range != "full" and is_radiometric(path):
        return Infrared(read_radiometric(path), "celsius", file_sha256(path))
    picture = read_picture(path)
    pixels = to_luma(picture.pixels) if ir_range == "full" else picture.pixels
    found = infrared_from(pixels, str(path))
    return replace(found, sha256=picture.sha256, notes=picture.notes + found.notes)


def read_visible(path: Path) -> np.ndarray:
    """Visible or fused picture of a file: H x W or H x W x 3 BGR, uint8 or uint16.

    Raises:
        InputError: a file that cannot be used.
    """
    return visible_pixels(read_picture(path).pixels, str(path))


def infrared_from(source: Any, name: str = "the infrared picture") -> Infrared:
    """Infrared picture of a file's name, of an array of values in their own unit, or of what `as_picture` takes.

    One that was read already is given back as it is.

    Raises:
        InputError: nothing of the kind, or no value that is data.
    """
    if isinstance(source, Infrared):
        return source
    if isinstance(source, str | Path):
        return read_infrared(Path(source))
    wide = isinstance(source, np.ndarray) and source.dtype not in (np.uint8, np.uint16) and source.dtype.kind in "uif"
    values, notes = _grey(
        source.astype(np.float32) if wide and source.ndim == 2 else as_picture(source, "infrared"), name
    )
    if not np.isfinite(values).any():
        raise InputError(f"{name} holds no finite value" if values.size else f"{name} is empty: {values.shape}")
    return Infrared(values, {"B": "8-bit", "H": "counts"}.get(values.dtype.char, "float"), notes=notes)


def _grey(picture: np.ndarray, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Values of an infrared picture, H x W, and what was done to have them; false colour goes back to grey."""
    if picture.ndim == 2 or picture.dtype == np.float32 or not is_false_colour(picture):
        return to_luma(picture), ()
    found = unmapped(picture) if picture.dtype == np.uint8 else None
    if found is None:
        raise InputError(
            f"{name} is in colour, of no thermal palette that is known (are --ir and --vis swapped?)",
            "export it in grey, or --ir-range full takes its luma as it is",
        )
    return found[0], (f"brought back to grey from its palette {found[1]}",)


def visible_pixels(pixels: np.ndarray, name: str = "the visible picture") -> np.ndarray:
    """Pixels with floating-point values as 16 bits (see `images.float_to_uint16`)."""
    if pixels.dtype != np.float32:
        return pixels
    if not np.isfinite(pixels).all():
        raise InputError(f"{name} holds NaN or infinite values")
    return float_to_uint16(pixels)


def pair_from(ir: Any, vis: Any, ir_range: IrRange = "auto", order: str = "BGR") -> tuple[np.ndarray, np.ndarray]:
    """Two pictures of files' names or arrays, ready for a network; their sizes may still differ.

    Args:
        ir, vis: as for `infrared_from` and `as_picture`.
        ir_range: a rule, a range, or the text of one as on the command line; "full" takes arrays of grey levels as
            they are.
        order: of the channels of arrays, BGR or RGB.

    Raises:
        InputError: what is no picture.
        UsageError: a range that cannot be read.
    """
    rule = parse_ir_range(ir_range) if isinstance(ir_range, str) else ir_range
    visible = read_visible(Path(vis)) if isinstance(vis, str | Path) else as_picture(vis, "visible", order)
    if not isinstance(ir, str | Path) and not (isinstance(ir, np.ndarray) and ir.ndim == 2):
        ir = as_picture(ir, "infrared", order)
    if rule == "full" and isinstance(ir, np.ndarray):
        return as_picture(ir, "infrared"), visible
    infrared = read_infrared(Path(ir), rule) if isinstance(ir, str | Path) else infrared_from(ir)
    grey, missing = infrared.grey(rule), infrared.missing
    covered = missing is not None and grey.shape == visible.shape[:2]
    return without_holes(grey, visible, missing) if covered and missing is not None else grey, visible
