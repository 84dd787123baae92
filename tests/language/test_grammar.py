"""The caption grammar: claims, words, and the objective's own texts."""

import numpy as np
import pytest

from ivif_cli.core.language import grammar


def test_every_word_it_says_is_in_its_vocabulary(rng: np.random.Generator) -> None:
    known = grammar.vocabulary()
    for _ in range(300):
        assert grammar.unknown_words(grammar.imagine(rng).text, known) == []


def test_the_papers_texts_are_understood() -> None:
    known = grammar.vocabulary()
    for text in (
        "an infrared image",
        "a visible gray image",
        "a visible light gray image",
        "a clear image with detailed background and salient objects",
        "a vivid image with clear background and obvious objects",
    ):
        assert grammar.unknown_words(text, known) == []
        assert text in grammar.PAPER_TEXTS


def test_a_description_claims_only_what_is_true(rng: np.random.Generator) -> None:
    truth = {"infrared": True, "visible": False, "clear": None, "noisy": True, "salient": True, "dim": False}
    claimed = set().union(*(grammar.describe(truth, rng).claims for _ in range(200)))
    assert claimed == {"infrared", "noisy", "salient"}


def test_a_claim_of_a_caption_is_in_its_words() -> None:
    caption = grammar.render(["blurry", "infrared"], np.random.default_rng(3))
    words = " ".join(phrase for claim in ("blurry", "infrared") for phrase in grammar.ADJECTIVES[claim])
    assert set(grammar.words_of(caption.text)) & set(grammar.words_of(words))
    assert caption.claims == {"blurry", "infrared"}


@pytest.mark.parametrize(
    ("phrase", "expected"), [("infrared image", "an infrared image"), ("clear one", "a clear one")]
)
def test_articles(phrase: str, expected: str) -> None:
    assert grammar.with_article(phrase) == expected


def test_words_drop_punctuation_and_case_and_keep_hyphens() -> None:
    assert grammar.words_of("An Over-exposed, GRAY image!") == ["an", "over-exposed", "gray", "image"]


def test_unknown_words_are_named_once_and_in_order() -> None:
    assert grammar.unknown_words("a zebra and a red zebra", ["a", "and"]) == ["zebra", "red"]


def test_templates_have_one_place_for_the_text() -> None:
    assert all(template.count("{}") == 1 for template in grammar.TEMPLATES)
