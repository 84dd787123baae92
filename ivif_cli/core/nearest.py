"""One rule for "did you mean": the hint that goes with an unknown name."""

import difflib
from collections.abc import Iterable

_CUTOFF = 0.6
"""As strict as difflib itself: below it guesses are far-fetched and hide the list (webp is no bmp, foo no ivif-zoo)."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Hint for an unknown word, letter case aside.

    >>> nearest("bse", ["base", "fast"])
    'did you mean base?'
    >>> nearest("x", ["base", "fast"])
    'known: base, fast'
    """
    names = tuple(known)
    found = near(word, names)
    return f"did you mean {found}?" if found else f"known: {', '.join(names)}"


def near(word: str, known: Iterable[str], cutoff: float = _CUTOFF) -> str | None:
    """The known name nearest to a word, letter case aside; None where none is near."""
    by_case = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), by_case, n=1, cutoff=cutoff)
    return by_case[found[0]] if found else None


def nearest_of_all(words: Iterable[str], known: Iterable[str]) -> str:
    """Hint for several unknown words: the nearest of each, or what is known where one of them is near to nothing.

    >>> nearest_of_all(["bse", "fsat"], ["base", "fast"])
    'did you mean base, fast?'
    """
    names = tuple(known)
    found = [near(word, names) for word in words]
    return nearest("", names) if None in found else f"did you mean {', '.join(map(str, found))}?"
