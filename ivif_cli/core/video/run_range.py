"""One thermal range over a whole video: its infrared frames are measured before the first one is fused."""

from collections.abc import Sequence
from statistics import median

from ivif_cli.core.data.sources import infrared_from
from ivif_cli.core.data.thermal import IrRange, Spread, common_range, measure_spread
from ivif_cli.core.errors import UsageError
from ivif_cli.core.video.frames import Clip

_MEASURED = 256
_STRAY_SHARE = 0.1


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
