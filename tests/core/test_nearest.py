"""One hint for unknown names."""

import pytest

from ivif_cli.core.nearest import nearest, nearest_of_all


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("cdua", ["cpu", "cuda"], "did you mean cuda?"),
        ("BSAE", ["base", "fast"], "did you mean base?"),
        ("tno", ["TNO", "MSRS"], "did you mean TNO?"),
        ("zzz", ["cpu", "cuda"], "known: cpu, cuda"),
    ],
)
def test_the_hint_names_the_nearest_or_all(word: str, known: list[str], hint: str) -> None:
    assert nearest(word, known) == hint


def test_several_words_have_one_hint() -> None:
    assert nearest_of_all(["bse", "fsat"], ["base", "fast"]) == "did you mean base, fast?"
    assert nearest_of_all(["bse", "zzz"], ["base", "fast"]) == "known: base, fast"
