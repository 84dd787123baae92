"""The thermal range of a sequence: held from frame to frame, so that a video does not pump.

A range measured anew in every frame jumps whenever a hot object enters, and all other grey levels jump with it. The
tracker follows slowly instead, keeps still while the change is small, and starts anew only where the scene is another.
Or all frames are measured before the first one is fused, for one range over the whole video.
"""

from collections.abc import Sequence
from statistics import median

import numpy as np

from ivif_cli.core.data.ir_range import IrRange, Spread, ThermalRange, common_range, measure_spread, resolve_range
from ivif_cli.core.data.sources import infrared_from
from ivif_cli.core.errors import UsageError
from ivif_cli.core.video.frames import Clip

_DEAD_ZONE = 0.02
_CUT_OVERLAP = 0.2
_FLAT = 0.1
_PATIENCE = 0.25
_MEASURED = 256
_STRAY_SHARE = 0.1


class RangeTracker:
    """Follows the range of one sequence.

    Args:
        ir_range: the rule of `--ir-range`; only "auto" of more than 8 bits adapts, any other range is fixed.
        frames: time constant of the adaptation in frames: after so many, 63 % of a lasting change is taken over.
            For a quarter of them, frames of less than a tenth of the usual spread change nothing.
    """

    def __init__(self, ir_range: IrRange = "auto", frames: float = 100.0) -> None:
        self._rule = ir_range
        self._frames = max(frames, 1e-6)
        self._patience = _PATIENCE * frames
        self._held: ThermalRange | None = None
        self._width = 0.0
        self._flat = 0.0

    def update(self, frame: np.ndarray, *, celsius: bool = False, steps: float = 1.0) -> ThermalRange:
        """Range for this frame, in its own unit.

        Args:
            frame: H x W, uint8, uint16 or float32; `celsius`: of degrees.
            steps: how many frames' time went by since the one before.
        """
        if self._rule != "auto" or frame.dtype == np.uint8:
            return resolve_range(frame, self._rule, celsius=celsius)
        spread = measure_spread(frame)
        now, width, held = ThermalRange(spread.low, spread.high), spread.bulk_high - spread.bulk_low, self._held
        if held is not None and width < _FLAT * self._width and self._flat < self._patience:
            self._flat += steps  # a closed shutter, or a dead frame: what was held holds on
            return held
        begun_flat = self._width < _FLAT * width
        self._flat, self._width = 0.0, width
        if held is None or begun_flat or _is_cut(held, now):
            held = now
        elif max(abs(now.low - held.low), abs(now.high - held.high)) > _DEAD_ZONE * (held.high - held.low):
            rate = 1.0 - float(np.exp(-steps / self._frames))
            held = ThermalRange(held.low + rate * (now.low - held.low), held.high + rate * (now.high - held.high))
        self._held = held
        return held


def _is_cut(held: ThermalRange, now: ThermalRange) -> bool:
    """True where both ranges share less than a fifth of the narrower one: another scene, or a new calibration."""
    shared = min(held.high, now.high) - max(held.low, now.low)
    return shared < _CUT_OVERLAP * min(held.high - held.low, now.high - now.low)


def run_range(clip: Clip) -> IrRange:
    """The range of all frames of a clip, which up to 256 of them, evenly picked, give; "auto" for frames of 8 bits.

    Raises:
        UsageError: frames that come once.
    """
    if not clip.rewinds:
        hint = "say --ir-range LOW,HIGH, or auto, which follows"
        raise UsageError(f"frames of {clip.name} come once and cannot be measured first", hint)
    spreads: list[Spread] = []
    step = 1
    for number, pixels in enumerate(clip.stream()):
        if number % step:
            continue
        infrared = infrared_from(pixels)
        if infrared.kind == "8-bit":
            return "auto"
        spreads.append(measure_spread(infrared.measured()))
        if len(spreads) == _MEASURED:
            spreads, step = spreads[::2], 2 * step
    return common_range(without_strays(spreads)) if spreads else "auto"


def without_strays(spreads: Sequence[Spread]) -> Sequence[Spread]:
    """The frames without torn, dead and saturated ones.

    Those are frames whose middle 90 % reach further than its usual width beyond where it usually lies, where fewer than
    one frame in ten does; where more do, the scene is so.
    """
    low, high = median(spread.bulk_low for spread in spreads), median(spread.bulk_high for spread in spreads)
    width = high - low
    kept = [spread for spread in spreads if low - width <= spread.bulk_low and spread.bulk_high <= high + width]
    return kept if len(kept) > (1 - _STRAY_SHARE) * len(spreads) else spreads
