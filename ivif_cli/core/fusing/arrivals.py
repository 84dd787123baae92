"""Pairs as they arrive in watched folders: each once, when both of its files are there and have stopped growing."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ivif_cli.core.data.pairing import Pair

INTERVAL = 0.5
"""Between two looks [s]; a file that is the same at both is whole."""
_NAP = 0.1
_TOGETHER = 8

_State = tuple[tuple[int, int], ...]


def arrivals(
    find: Callable[[], tuple[Pair, ...]], stopped: Callable[[], bool], idle: float | None = None
) -> Iterator[list[Pair]]:
    """Pairs that are whole, up to 8 at a time; a pair whose files change later comes again.

    Args:
        find: the pairs that are there now.
        stopped: asked about ten times a second whether to end.
        idle: ends when nothing came and nothing grew for so many seconds; None never does.
    """
    given: dict[tuple[Path, Path], _State] = {}
    seen: dict[tuple[Path, Path], _State] = {}
    changed = time.monotonic()
    while not stopped():
        pairs = find()
        now = {(pair.ir, pair.vis): state for pair in pairs if (state := _state(pair))}
        whole = {key for key, state in now.items() if state == seen.get(key) != given.get(key)}
        ready = [pair for pair in pairs if (pair.ir, pair.vis) in whole]
        if now != seen:
            changed = time.monotonic()
        seen = now
        for start in range(0, len(ready), _TOGETHER):
            if stopped():
                return
            chosen = ready[start : start + _TOGETHER]
            given.update({(pair.ir, pair.vis): now[pair.ir, pair.vis] for pair in chosen})
            yield chosen
            changed = time.monotonic()
        if idle is not None and time.monotonic() - changed >= idle and seen.items() <= given.items():
            return
        end = time.monotonic() + INTERVAL
        while not stopped() and time.monotonic() < end:
            time.sleep(_NAP)


def _state(pair: Pair) -> _State:
    """Size and time of both files; empty where one has gone or holds nothing yet."""
    try:
        found = [path.stat() for path in (pair.ir, pair.vis)]
    except OSError:
        return ()
    return tuple((each.st_size, each.st_mtime_ns) for each in found) if all(each.st_size for each in found) else ()
