"""The one reader of a pair: from files or arrays to two pictures of one size that can be fused, scored or cut.

Every door reads through here (fuse, evaluate, train, align, frames of sequences, Python), so that one infrared file
means the same everywhere: what kind of values it holds, which way up it stands, and which of its values are white.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ivif_cli.core.data.arrays import as_picture
from ivif_cli.core.data.cropping import Crop, largest_window
from ivif_cli.core.data.flir_jpeg import is_dji, is_flir, read_flir
from ivif_cli.core.data.images import file_sha256, read_image, read_picture
from ivif_cli.core.data.infrared import Infrared
from ivif_cli.core.data.ir_range import IrRange, ThermalRange, as_ir_range
from ivif_cli.core.data.luma import deepened, to_luma
from ivif_cli.core.data.metadata import Metadata
from ivif_cli.core.data.palettes import is_false_colour, is_tinted, unmapped
from ivif_cli.core.data.placing import Align, Rig, holes, one_size, resampled, without_holes
from ivif_cli.core.errors import InputError, UsageError

TINTED = "slightly in colour, so its luma is taken"
_WHITE_IS_LEAST = "its smallest value is meant to be white, which is passed over: --ir-polarity black turns it"
_SAME_RATIO = 0.02


@dataclass(frozen=True)
class SourceOptions:
    """How a pair is prepared.

    Attributes:
        ir_range: rule for thermal values (see `core/data/ir_range.py`).
        held: ranges that are held over a run, by the kind of infrared picture (see `core/data/held_range.py`).
        gray: give the visible luma only.
        resize: resample the infrared image to the visible image's size where they differ.
        bits: 8 or 16 for the result; None for the deeper of the two sources.
        align: finds the rig that warps the infrared image onto the visible one.
        align_name: what `align` was made from (`register.alignment_record`), for the record of what made a picture.
        crop: what of the visible picture is kept; by ratio or box it brings the infrared picture to the size of that.
        keep_aligned: keep the infrared values in the visible frame.
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
    crop: Crop | None = None
    keep_aligned: bool = False
    polarity: str = "white"
    dark_holes: bool = False

    def __post_init__(self) -> None:
        if self.bits not in (None, 8, 16):
            raise UsageError(f"a bit depth of {self.bits} is not known", "8 or 16")
        if self.polarity not in ("white", "black"):
            raise UsageError(f"unknown polarity: {self.polarity}", "white (hot is bright) or black (hot is dark)")


@dataclass(frozen=True)
class Facts:
    """What a pair was read from.

    Attributes:
        kind: of the infrared picture, as in `Infrared`.
        thermal_range: the values that became black and white.
        ir_sha256, vis_sha256: of the two files.
        metadata: of the visible file.
        notes: what a viewer of the files may wonder about.
        alignment: report of the rig that was used, None without one.
    """

    kind: str
    thermal_range: ThermalRange
    ir_sha256: str
    vis_sha256: str
    metadata: Metadata
    notes: tuple[str, ...] = ()
    alignment: Mapping[str, Any] | None = None


class LoadedPair(NamedTuple):
    """A pair that can be fused: ir H x W and vis H x W [x 3] BGR of one size, uint8 or uint16 each.

    Attributes:
        scored: `ir` as metrics see it, with the black border of an earlier warp where `ir` shows the visible picture.
        aligned: the infrared picture in its own values in the frame of `vis`, 0 or NaN where it is no data; None where
            it was not asked for.
    """

    ir: np.ndarray
    vis: np.ndarray
    facts: Facts
    scored: np.ndarray
    aligned: np.ndarray | None


def load_pair(ir: Path, vis: Path, options: SourceOptions) -> LoadedPair:
    """The two files of a pair, ready for `Fuser.fuse`.

    Raises:
        InputError: a file that cannot be used, or two sizes without `resize` or `align`.
    """
    visible, infrared = read_picture(vis), read_infrared(ir, options.ir_range)
    shown = visible.levels(str(vis))
    used = infrared.range(options.held.get(infrared.kind, options.ir_range))
    placed = prepare_pair(infrared, shown, replace(options, ir_range=used), (str(ir), str(vis)))
    notes = [f"{path}: {note}" for path, found in ((ir, infrared), (vis, visible)) for note in found.notes]
    if visible.inverted:
        notes.append(f"{vis}: turned round, since its smallest value is white")
    if infrared.sha256 == visible.sha256:
        notes.append(f"{ir}: the infrared and the visible picture are the same file")
    if TINTED in infrared.notes and not (shown.ndim == 3 and is_tinted(shown)):
        notes.append(f"{vis} is in grey and {ir} is not: are --ir and --vis swapped?")
    (height, width), (rows, columns) = infrared.values.shape, shown.shape[:2]
    if options.resize and options.crop is None and abs(width * rows / (height * columns) - 1) > _SAME_RATIO:
        notes.append(f"{ir}: stretched by --resize to another ratio of its sides (--crop centre keeps the ratio)")
    digests = infrared.sha256, visible.sha256
    facts = Facts(infrared.kind, used, *digests, visible.metadata, tuple(notes), placed.alignment)
    return LoadedPair(placed.ir, placed.vis, facts, placed.scored, placed.aligned)


class Placed(NamedTuple):
    """Pictures of one size, as `LoadedPair` has them, and the report of the rig that brought them there."""

    ir: np.ndarray
    vis: np.ndarray
    scored: np.ndarray
    aligned: np.ndarray | None = None
    alignment: Mapping[str, Any] | None = None


def prepare_pair(
    infrared: Infrared, visible: np.ndarray, options: SourceOptions, names: tuple[str, str] = ("infrared", "visible")
) -> Placed:
    """Infrared (of any size) and visible picture (uint8 or uint16) of one size, ready for `Fuser.fuse`.

    Raises:
        InputError: two sizes without `resize` or `align`; it calls the two by `names`.
    """
    crop = options.crop
    shown = to_luma(visible) if options.gray else visible
    if crop is not None:
        shown = np.ascontiguousarray(shown[crop.window(infrared.values.shape, shown.shape, names[1])])
    thermal = infrared.grey(options.ir_range)
    thermal = ~thermal if options.polarity == "black" else thermal
    behind = np.zeros_like(shown) if options.dark_holes else shown
    rig = None if options.align is None else options.align(thermal, shown)
    report = None if rig is None else rig.report()
    missing = infrared.hidden
    bordered = infrared.border is not None and rig is None and thermal.shape == shown.shape[:2]
    seen_alone = crop is not None and crop.rule == "seen"
    if rig is not None:
        placed = rig.warped(thermal, behind, missing)
    else:
        placed = one_size(thermal, shown, options.resize or (crop is not None and not seen_alone), names)
        placed = placed if missing is None else without_holes(placed, behind, missing)
    scored = thermal if bordered else placed
    shown = deepened(shown) if options.bits == 16 else shown
    if not (options.keep_aligned or seen_alone):
        return Placed(placed, shown, scored, alignment=report)
    aligned, seen = _in_frame(infrared.values, shown, rig, missing)
    window = largest_window(seen) if seen_alone else (slice(None), slice(None))
    placed, shown, scored, aligned = (np.ascontiguousarray(one[window]) for one in (placed, shown, scored, aligned))
    return Placed(placed, shown, scored, aligned, report)


def _in_frame(
    values: np.ndarray, shown: np.ndarray, rig: Rig | None, missing: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Infrared values in the visible frame, 0 or NaN where they are no data, and H x W bool where they are."""
    size = shown.shape[1], shown.shape[0]
    if rig is not None:
        framed, seen = rig.warp(values, size, missing)
    else:
        framed = values if values.shape == shown.shape[:2] else resampled(values, *size)
        seen = np.ones(framed.shape, bool) if missing is None else ~holes(missing, size)
    return np.where(seen, framed, framed.dtype.type(np.nan if framed.dtype.kind == "f" else 0)), seen


def read_infrared(path: Path, ir_range: IrRange = "auto") -> Infrared:
    """Infrared picture of a file: the temperatures of a radiometric one, unless `full` asks for it as rendered.

    Raises:
        InputError: a file that cannot be used.
    """
    path = Path(path)
    if ir_range != "full" and is_flir(path):
        return Infrared(read_flir(path), "celsius", file_sha256(path))
    picture = read_picture(path)
    found = infrared_from(picture.pixels, str(path), ir_range)
    if picture.no_data is not None and found.kind != "8-bit" and ir_range != "full":
        found = found.without(picture.no_data)
    unread = ("as it was rendered: DJI's temperatures are not read",) if is_dji(path) else ()
    passed = (_WHITE_IS_LEAST,) if picture.inverted else ()
    return replace(found, sha256=picture.sha256, notes=picture.notes + found.notes + unread + passed)


def read_visible(path: Path) -> np.ndarray:
    """Visible or fused picture of a file: H x W or H x W x 3 BGR, uint8 or uint16.

    Raises:
        InputError: a file that cannot be used.
    """
    return read_image(path)


def infrared_from(source: Any, name: str = "the infrared picture", ir_range: IrRange = "auto") -> Infrared:
    """Infrared picture of a file's name, of an array of values in their own unit, or of what `as_picture` takes.

    One that was read already is given back as it is; of colour, `full` takes the luma.

    Raises:
        InputError: nothing of the kind, or no value that is data.
    """
    if isinstance(source, Infrared):
        return source
    if isinstance(source, str | Path):
        return read_infrared(Path(source), ir_range)
    wide = isinstance(source, np.ndarray) and source.dtype not in (np.uint8, np.uint16) and source.dtype.kind in "uif"
    picture = source.astype(np.float32) if wide and source.ndim == 2 else as_picture(source, "infrared")
    values, notes = to_luma(picture), tuple[str, ...]()
    if ir_range != "full" and picture.ndim == 3 and picture.dtype != np.float32:
        if is_false_colour(picture):
            values, palette = unmapped(picture, name)
            notes = (f"brought back to grey from its palette {palette}",)
        elif is_tinted(picture):
            notes = (TINTED,)
    if not np.isfinite(values).any():
        raise InputError(f"{name} holds no finite value" if values.size else f"{name} is empty: {values.shape}")
    return Infrared(values, {"B": "8-bit", "H": "counts"}.get(values.dtype.char, "float"), notes=notes)


def pair_from(
    ir: Any, vis: Any, ir_range: IrRange | None = "auto", order: str = "BGR"
) -> tuple[np.ndarray, np.ndarray]:
    """Two pictures of files' names or arrays, ready for a network; their sizes may still differ.

    Args:
        ir, vis: as for `infrared_from` and `as_picture`.
        ir_range: as for `as_ir_range`, for arrays as for files; None takes a pair that is ready.
        order: of the channels of arrays, BGR or RGB.

    Raises:
        InputError: what is no picture.
        UsageError: a range that cannot be read.
    """
    if ir_range is None:
        return as_picture(ir, "infrared", order), as_picture(vis, "visible", order)
    rule = as_ir_range(ir_range)
    visible = read_visible(Path(vis)) if isinstance(vis, str | Path) else as_picture(vis, "visible", order)
    if not isinstance(ir, str | Path) and not (isinstance(ir, np.ndarray) and ir.ndim == 2):
        ir = as_picture(ir, "infrared", order)
    infrared = infrared_from(ir, ir_range=rule)
    grey, missing = infrared.grey(rule), infrared.hidden
    if missing is None or grey.shape != visible.shape[:2]:
        return grey, visible
    return without_holes(grey, visible, missing), visible
