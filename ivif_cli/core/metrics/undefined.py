"""Why a metric has no value for some pictures, in a few words for a report."""

import math

from ivif_cli.core.metrics.maps import SMALLEST_VIF_SIDE, Maps
from ivif_cli.core.metrics.similarity import SMALLEST_MS_SSIM_SIDE, SMALLEST_SSIM_SIDE

_SMALLEST_SIDE = {
    "VIF": SMALLEST_VIF_SIDE,
    "MS-SSIM": SMALLEST_MS_SSIM_SIDE,
    "SSIM": SMALLEST_SSIM_SIDE,
    "FMI": 3,
    "AG": 2,
}

_NOT_DEFINED = {
    "SCD": "the fused picture differs from a source by a constant",
    "TD": "the visible picture is nowhere well exposed",
    "even": "fewer than 2 % of the pixels are even in both sources",
    "rings": "no strong edge in either source",
}
_NOT_DEFINED |= dict.fromkeys(("K", "K_ir", "K_vis"), "a source has nothing that the other lacks")
_NOT_DEFINED |= dict.fromkeys(("X", "X_ir", "X_vis"), "a source has no edge that the other lacks")
"""Metric -> what it means where no size and no constant picture explains it."""


def reason(name: str, value: float, ir: Maps, vis: Maps, fused: Maps) -> str:
    """Why metric `name` came out as `value` (NaN or infinite) for these pictures."""
    if math.isinf(value):
        return "infinite: fused equals both sources" if value > 0 else "the fused picture is black"
    height, width = fused.shape
    if min(height, width) < _SMALLEST_SIDE.get(name, 1):
        return f"needs sides of {_SMALLEST_SIDE[name]} px, the picture has {width}x{height}"
    if name == "T_ir":
        return "no labels of this pair" if ir.people is None else "no labelled person that only the infrared shows"
    roles = (("infrared", ir), ("visible", vis), ("fused", fused))
    constant = [role for role, maps in roles if maps.is_constant]
    if constant:
        return f"constant picture: {', '.join(constant)}"
    return _NOT_DEFINED.get(name, "not defined for these pictures")
