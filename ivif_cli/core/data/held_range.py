"""One thermal range for all pictures of a run, so that no hot object makes everything else fall dark."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from ivif_cli.core.data.ir_range import IrRange, Spread, ThermalRange, common_range, measure_spread
from ivif_cli.core.data.sources import read_infrared
from ivif_cli.core.errors import IvifError

_MEASURED = 48


def hold_range(paths: Sequence[Path], rule: IrRange) -> dict[str, ThermalRange]:
    """One range for each kind of deep infrared picture of a run, measured on up to 48 of them, evenly picked.

    Nothing is held for a single picture, for pictures of 8 bits, or under another rule than `auto` and `run`. Files
    that cannot be read are left to the run itself.
    """
    if rule not in ("auto", "run") or len(paths) < 2:
        return {}
    step = max(1, len(paths) / _MEASURED)
    chosen = [paths[int(index * step)] for index in range(min(len(paths), _MEASURED))]
    spreads: dict[str, list[Spread]] = {}
    for path in chosen:
        with contextlib.suppress(IvifError, OSError, MemoryError):
            infrared = read_infrared(path, rule)
            if infrared.kind != "8-bit":
                spreads.setdefault(infrared.kind, []).append(measure_spread(infrared.measured()))
    return {kind: common_range(found) for kind, found in spreads.items()}
