"""The frozen list of test pictures of each dataset, so that two means are over the same pictures."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("frozen_lists.json")


@dataclass(frozen=True)
class FrozenList:
    """Stems of a dataset's test pictures, sorted, and the sha256 of the stems joined by line feeds."""

    stems: tuple[str, ...]
    sha256: str


@dataclass(frozen=True)
class Coverage:
    """How a set of pictures relates to the frozen list of its dataset."""

    frozen: FrozenList
    missing: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        return not self.missing and not self.extra


def list_hash(stems: Iterable[str]) -> str:
    """sha256 [hex] of sorted stems joined by line feeds."""
    return hashlib.sha256("\n".join(sorted(stems)).encode()).hexdigest()


@cache
def frozen_lists() -> dict[str, FrozenList]:
    """Every frozen list by dataset."""
    data = json.loads(_FILE.read_text(encoding="utf-8"))
    return {name: FrozenList(tuple(entry["stems"]), entry["sha256"]) for name, entry in data.items()}


def coverage(dataset: str | None, names: Iterable[str]) -> Coverage | None:
    """Missing and extra pictures against the frozen list; None for datasets without one."""
    frozen = frozen_lists().get(dataset or "")
    if frozen is None:
        return None
    given, listed = set(names), set(frozen.stems)
    return Coverage(frozen, tuple(sorted(listed - given)), tuple(sorted(given - listed)))
