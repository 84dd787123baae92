"""`Infrared`: a picture as its thermal camera gave it, and which of its pixels are data."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ivif_cli.core.data.ir_range import IrRange, ThermalRange, apply_range, resolve_range
from ivif_cli.core.data.placing import warp_border
from ivif_cli.core.errors import InputError


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

    def without(self, no_data: float) -> "Infrared":
        """The picture with NaN where its value stands for no data; unchanged where it stands nowhere."""
        with np.errstate(over="ignore"):
            gone = self.values == no_data
        if not gone.any():
            return self
        if gone.all():
            raise InputError(f"every value of the infrared picture is {no_data:g}, which stands for no data")
        said = f"{gone.mean():.1%} of it is {no_data:g}, which stands for no data"
        values = np.where(gone, np.float32(np.nan), self.values.astype(np.float32))
        return replace(self, values=values, notes=(*self.notes, said))

    @cached_property
    def missing(self) -> np.ndarray | None:
        """H x W bool, True where there is no data; None where there is data everywhere."""
        if self.values.dtype != np.float32:
            return None
        missing = ~np.isfinite(self.values)
        return missing if missing.any() else None

    @cached_property
    def border(self) -> np.ndarray | None:
        """H x W bool, True in the black border that an earlier warp left; None where there is none."""
        return warp_border(self.values) if self.missing is None else None

    @property
    def hidden(self) -> np.ndarray | None:
        """What is no scene, as `missing` or `border` says it."""
        return self.border if self.missing is None else self.missing

    def measured(self, ir_range: IrRange = "auto") -> np.ndarray:
        """Values that a range is measured on: those of more than 8 bits are NaN in the border of a warp."""
        if self.kind == "8-bit" or ir_range == "full" or self.border is None:
            return self.values
        return np.where(self.border, np.float32(np.nan), self.values.astype(np.float32))

    def grey(self, ir_range: IrRange = "auto") -> np.ndarray:
        """Grey levels, H x W uint8 or uint16, by a rule or range (see `core/data/ir_range.py`)."""
        return apply_range(self.values, self.range(ir_range))

    def range(self, ir_range: IrRange = "auto") -> ThermalRange:
        """The values that become black and white under a rule, in the picture's own unit."""
        return resolve_range(self.measured(ir_range), ir_range, celsius=self.kind == "celsius")
