"""Words of a text, and how they are found in a table."""

import pytest

from ivif_cli.core.language.foreign import foreign_language
from ivif_cli.core.language.text_tower import load_text_tower
from ivif_cli.core.language.tokenizer import ALIASES, look_up, unknown_words, words_of

TABLE = {
    word: row
    for row, word in enumerate(
        ["brighten", "detail", "bright", "hazy", "over", "exposed", "light", "mess", "do", "not", "soft", "stop"]
    )
}


def test_words_are_lower_case_without_punctuation_and_numbers() -> None:
    assert words_of("An Over-exposed, GRAY image: 2.5 times (50 %)!") == [
        "an",
        "over-exposed",
        "gray",
        "image",
        "times",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don't", ["do", "not"]),
        ("dont", ["do", "not"]),
        ("can't", ["can", "not"]),
        ("cannot", ["can", "not"]),
        ("won\u2019t", ["will", "not"]),
        ("the car's light", ["the", "car", "light"]),
        ("let's", ["let", "us"]),
        ("it ain't dark", ["it", "is", "not", "dark"]),
    ],
)
def test_contractions_are_written_out(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("like 2 a.m. please", ["like", "midnight", "please"]),
        ("at 11:30pm", ["at", "midnight"]),
        ("12 pm", ["noon"]),
        ("i am at 10 AM there", ["i", "am", "at", "noon", "there"]),
        ("at 6 am", ["at"]),
        ("3 amps, 40 pm2", ["amps", "pm"]),
    ],
)
def test_times_of_the_day_are_said_in_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("inflected", "found"),
    [
        ("brightened", "brighten"),
        ("brightening", "brighten"),
        ("details", "detail"),
        ("brightest", "bright"),
        ("brightly", "bright"),
        ("hazier", "hazy"),
        ("stopping", "stop"),
        ("soften", "soft"),
        ("clutter", "mess"),
        ("cluttering", "mess"),
    ],
)
def test_inflections_fall_back_to_simpler_forms(inflected: str, found: str) -> None:
    assert look_up(inflected, TABLE) == [TABLE[found]]


def test_parts_of_hyphenated_words_and_prefixes() -> None:
    assert look_up("over-exposed", TABLE) == look_up("overexposed", TABLE) == [TABLE["over"], TABLE["exposed"]]
    assert look_up("zebra", TABLE) == []


def test_an_alias_whose_word_the_table_lacks_is_unknown() -> None:
    assert look_up("compress", TABLE) == look_up("compressed", TABLE) == []


def test_every_alias_is_known_to_the_bundled_table() -> None:
    rows = load_text_tower().tower.rows
    assert not [alias for alias, words in ALIASES.items() if not set(words.split()) <= set(rows)]
    assert not set(ALIASES) & set(rows)


def test_unknown_words_come_once_and_in_order() -> None:
    assert unknown_words("zebra, bright zebra and quagga", TABLE) == ["zebra", "and", "quagga"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("do not brighten it", None),
        ("bright detail", None),
        ("mach das bild heller", "German"),
        ("une image plus claire", "French"),
        ("una imagen con más luz", "Spanish"),
        ("maak het beeld helder", "Dutch"),
        ("сделай ярче", "another"),
    ],
)
def test_languages(text: str, language: str | None) -> None:
    assert foreign_language(words_of(text), TABLE) == language
