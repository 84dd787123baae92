"""Pairs of two recordings by the times of their frames: a thermal camera of 9 Hz beside a visible one of 25."""

from collections.abc import Generator, Iterator

from ivif_cli.core.errors import InputError
from ivif_cli.core.video.decoding import Frame


def paired_by_time(
    ir: Iterator[Frame], vis: Iterator[Frame], gap: float, names: tuple[str, str], notes: list[str]
) -> Generator[tuple[Frame, Frame], None, None]:
    """Each visible frame with the infrared one nearest to it in time, of which several may have the same.

    Args:
        ir, vis: frames in the order of their times, which count from where each recording begins.
        gap: how far apart the two of a pair may be [s].
        names: what messages call the two.
        notes: is told how many visible frames found none.

    Raises:
        InputError: frames without a time.
    """
    paired = alone = 0
    nearest, following = None, next(ir, None)
    for shown in vis:
        second = _second(shown, names[1])
        while following is not None and (
            nearest is None or abs(_second(following, names[0]) - second) <= abs(_second(nearest, names[0]) - second)
        ):
            nearest, following = following, next(ir, None)
        if nearest is not None and abs(_second(nearest, names[0]) - second) <= gap:
            paired += 1
            yield nearest, shown
        else:
            alone += 1
    if alone:
        notes.append(
            f"{alone} of {paired + alone} frames of {names[1]} have none of {names[0]} within {gap:g} s: left out"
        )


def _second(frame: Frame, name: str) -> float:
    if frame.seconds is None:
        raise InputError(f"the frames of {name} say no times", "pair them by their number: leave --max-gap out")
    return frame.seconds
