"""Time stamps in the names of pictures, and pairs of the nearest of them."""

import re
from bisect import bisect_left
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

_EPOCH = re.compile(r"(?<![\d.])(\d{10})(?:[._-](\d{1,9})|(\d{3}|\d{6}|\d{9}))?(?!\d)")
_DATE = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-_.]?)(\d\d)\2(\d\d)[-_. T]?(\d\d)([-_.:]?)(\d\d)\6(\d\d)"
    r"(?:[.,](\d{1,9})|[_-]?(\d{3}|\d{6}|\d{9})(?!\d))?(?!\d)"
)
_SECONDS = re.compile(r"\d{1,9}\.\d+")
_TIE = 1e-6


class Near(NamedTuple):
    """An infrared and a visible file, and how far their time stamps lie apart [s]."""

    ir: Path
    vis: Path
    gap: float


def time_of(stem: str) -> float | None:
    """Seconds that a file's stem says, None where it says none.

    Read are seconds since 1970 (`1700000000.125`, also with ms, us or ns written on, `1700000000125`, or behind `_` as
    nanoseconds, `1700000000_125000000`), date and time of day (`20251111_001903`, `2025-11-11T00-19-03.250`), and a
    stem that is a decimal number as a whole (`12.375`).
    """
    if found := _DATE.search(stem):
        year, _, month, day, hour, _, minute, second, decimals, digits = found.groups()
        try:
            whole = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
        except ValueError:
            return None
        return whole.timestamp() + float(f"0.{decimals or digits or 0}")
    if found := _EPOCH.search(stem):
        apart = found[0][10:11] in ("_", "-")
        return int(found[1]) + (int(found[2]) / 1e9 if apart else float(f"0.{found[2] or found[3] or 0}"))
    return float(stem) if _SECONDS.fullmatch(stem) else None


def nearest_in_time(
    ir: Mapping[Path, PurePosixPath], vis: Mapping[Path, PurePosixPath], max_gap: float
) -> tuple[list[Near], list[tuple[Path, ...]]]:
    """Files of one sub-folder that are each other's nearest in time, at most `max_gap` seconds apart.

    Args:
        ir, vis: for each file the name that counts, relative and with its suffix.

    Returns:
        the pairs; and groups of files that lie equally near, none of which is paired.
    """
    irs, viss = _by_folder(ir), _by_folder(vis)
    pairs: list[Near] = []
    ties: set[tuple[Path, ...]] = set()
    for folder in irs.keys() & viss.keys():
        there, back = _nearest(irs[folder], viss[folder], max_gap), _nearest(viss[folder], irs[folder], max_gap)
        for path, (gap, partners) in there.items():
            mutual = [partner for partner in partners if path in back[partner][1]]
            rivals = {other for partner in mutual for other in back[partner][1] if partner in there[other][1]}
            if len(mutual) == len(rivals) == 1:
                pairs.append(Near(path, mutual[0], gap))
            elif mutual:
                ties.add(tuple(sorted({*rivals, *mutual})))
    return sorted(pairs), sorted(ties)


_Timed = list[tuple[float, Path]]


def _by_folder(files: Mapping[Path, PurePosixPath]) -> dict[str, _Timed]:
    """Files whose names hold a time stamp, in order of time, by the folder of their names."""
    found: dict[str, _Timed] = {}
    for path, name in files.items():
        if (time := time_of(name.stem)) is not None:
            found.setdefault(name.parent.as_posix().casefold(), []).append((time, path))
    return {folder: sorted(timed) for folder, timed in found.items()}


def _nearest(these: _Timed, those: _Timed, max_gap: float) -> dict[Path, tuple[float, list[Path]]]:
    """For each file the least gap and those at that gap, to the microsecond, where it is within bounds."""
    times = [time for time, _ in those]
    found = {}
    for time, path in these:
        at = bisect_left(times, time)
        gap = min((abs(other - time) for other in times[max(0, at - 1) : at + 1]), default=float("inf"))
        if gap <= max_gap + _TIE:
            moments = (time,) if gap <= _TIE else (time - gap, time + gap)
            spans = (range(*(bisect_left(times, moment + d) for d in (-_TIE, _TIE))) for moment in moments)
            found[path] = gap, [those[index][1] for span in spans for index in span]
    return found
