"""What came of a series of faults: how many were tried, how many left everything whole."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class Damage(Exception):  # noqa: N818 - not an error of the program that reports it
    """Something that a fault may not do: a partial file, a lost or changed one, a re-run that differs."""


def require(condition: bool, what: str) -> None:
    """Raise `Damage` where a promise is not kept."""
    if not condition:
        raise Damage(what)


@dataclass
class Tally:
    """Counts of one series.

    Attributes:
        name: what was done to what.
        tried: faults that struck (a kill that came after the end is repeated and not counted).
        survived: those after which every check held.
        damage: what the others did.
        skipped: why the series could not be run; empty where it was.
        notes: further counts.
    """

    name: str
    tried: int = 0
    survived: int = 0
    damage: list[str] = field(default_factory=list)
    skipped: str = ""
    notes: dict[str, int] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether every fault was survived."""
        return self.tried == self.survived

    def attempt(self, check: Callable[[], None], label: str) -> None:
        """Count one fault; `check` strikes and looks."""
        self.tried += 1
        try:
            check()
            self.survived += 1
        except Damage as error:
            self.damage.append(f"{label}: {error}")

    def count(self, note: str) -> None:
        """Count something beside the faults."""
        self.notes[note] = self.notes.get(note, 0) + 1

    def __str__(self) -> str:
        if self.skipped:
            return f"{self.name}: skipped, {self.skipped}"
        more = "".join(f", {count} {note}" for note, count in sorted(self.notes.items()))
        return f"{self.name}: {self.tried} tried, {self.survived} survived{more}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return vars(self)
