"""Goals that change over a video: from which second on which one holds."""

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ivif_cli.core.errors import UsageError
from ivif_cli.core.language.goal import Goal

_LIMIT = 1 << 20


@dataclass(frozen=True)
class TimedGoals:
    """Goals in the order of time.

    Attributes:
        seconds: from when on each goal holds [s], increasing.
        goals: as many; before the first of them the default holds.
    """

    seconds: Sequence[float]
    goals: Sequence[Goal]

    def at(self, second: float) -> Goal | None:
        """The goal that holds at a time [s]; None, the default, before the first."""
        index = bisect.bisect_right(self.seconds, second) - 1
        return self.goals[index] if index >= 0 else None


def read_timed_goals(path: Path, goal_of: Callable[[str], Goal]) -> TimedGoals:
    """Read lines of `SECONDS, TEXT`; what follows the first comma is a text or the name of a goal. # begins a comment.

    Args:
        path: UTF-8 text.
        goal_of: a text or a name -> the goal.

    Raises:
        UsageError: it cannot be read, holds no line, or a line is not of that form or not later than the one before.
    """
    try:
        if path.stat().st_size > _LIMIT:
            raise UsageError(f"{path} is too large to be a list of goals")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the goals' times {path}: {error}") from error
    seconds: list[float] = []
    goals: list[Goal] = []
    refused: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        first, _, text = (part.strip() for part in line.partition(","))
        try:
            start = float(first)
        except ValueError:
            start = -1.0
        if not 0 <= start < float("inf") or not text:
            said = f"{path}, line {number}: not SECONDS, TEXT: {line.strip()[:80]!r}"
            raise UsageError(said, "for example: 12.5, a bright image")
        if seconds and start <= seconds[-1]:
            raise UsageError(f"{path}, line {number}: {start:g} s is not after {seconds[-1]:g} s")
        seconds.append(start)
        try:
            goals.append(goal_of(text))
        except UsageError as error:
            refused.append(f"line {number}: {error}")
    if refused:
        raise UsageError(f"{path}: {'; '.join(refused)}")
    if not goals:
        raise UsageError(f"{path} holds no goal", "write SECONDS, TEXT a line")
    return TimedGoals(seconds, goals)
