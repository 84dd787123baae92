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
    by_case = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word.casefold(), by_case, n=1, cutoff=_CUTOFF)
    return f"did you mean {by_case[near[0]]}?" if near else f"known: {', '.join(by_case.values())}"
