"""The caption grammar: claims, words, and the objective's own texts."""

from pathlib import Path

import numpy as np
import pytest

from ivif_cli.core.language.claims import CLAIMS
from ivif_cli.core.language.tokenizer import unknown_words
from tools.compact_clip import grammar
from tools.compact_clip.sentences import read_sentences

SENTENCES = Path(__file__).parents[1] / "language"


def test_every_word_it_says_is_in_the_word_table(rng: np.random.Generator, shared_data: Path) -> None:
    words = (shared_data / "words" / "words.txt").read_text().split()
    rows = {word: row for row, word in enumerate(words)}
    for _ in range(1500):
        assert unknown_words(grammar.imagine(rng).text, rows) == []
    whole = [text for claim in CLAIMS for text in grammar.sentences(claim)]
    for text in (*whole, *(caption.text for caption in grammar.spoken()), *grammar.frames("aside")):
        assert unknown_words(text.replace("{targets}", "people").replace("{scenery}", "street"), rows) == []


def test_every_claim_has_phrases_of_every_way_and_an_opposite() -> None:
    single, together, _ = grammar.phrases()
    assert tuple(single) == CLAIMS
    for row in single.values():
        assert row.opposite in CLAIMS
        assert all(row.ways[way] for way in grammar.WAYS)
    assert all(caption.claims <= set(CLAIMS) for caption in together)


def test_no_phrase_is_said_of_two_claims() -> None:
    seen: dict[str, str] = {}
    for claim, row in grammar.phrases()[0].items():
        for phrase in {phrase for way in row.ways.values() for phrase in way}:
            assert seen.setdefault(phrase, claim) == claim, phrase


def test_no_sentence_asks_for_two_claims() -> None:
    asked: dict[str, str] = {}
    for claim in CLAIMS:
        assert len(set(grammar.sentences(claim))) > 80
        for text in grammar.sentences(claim):
            assert asked.setdefault(text, claim) == claim, text


def test_spoken_sentences_are_captions_and_none_is_said_twice() -> None:
    spoken = grammar.spoken()
    assert {claim for caption in spoken for claim in caption.claims} == set(CLAIMS)
    assert frozenset() in {caption.claims for caption in spoken}
    texts = [caption.text.lower() for caption in spoken]
    assert len(set(texts)) == len(texts) > 2000


@pytest.mark.parametrize("file", ["selection_sentences.tsv", "heldout_sentences.tsv"])
def test_no_sentence_that_chooses_or_judges_is_trained_on(file: str) -> None:
    kept = {sentence.text.lower() for sentence in read_sentences(SENTENCES / file)}
    captions = [text for claim in CLAIMS for text in grammar.sentences(claim)]
    captions += [caption.text for caption in (*grammar.spoken(), *grammar.phrases()[1])]
    assert not kept & {text.lower() for text in captions}


def test_there_are_several_hundred_phrases_and_every_claim_is_drawn(rng: np.random.Generator) -> None:
    single, together, _ = grammar.phrases()
    assert sum(len(set(phrases)) for row in single.values() for phrases in row.ways.values()) + len(together) > 700
    drawn = [grammar.imagine(rng).claims for _ in range(800)]
    assert set().union(*drawn) == set(CLAIMS)
    assert max(len(claims) for claims in drawn) == 3
    assert frozenset() in drawn


def test_a_refusal_claims_the_opposite(monkeypatch: pytest.MonkeyPatch) -> None:
    row = grammar.Phrases("dim", {"adjective": (), "feature": (), "do": ("light the people",), "say": ()})
    other = grammar.Phrases("salient", {"adjective": (), "feature": (), "do": ("hide the people",), "say": ()})
    monkeypatch.setattr(grammar, "alone", lambda claim: ())
    monkeypatch.setattr(grammar, "phrases", lambda: ({"salient": row, "dim": other}, [], {}))
    rng = np.random.default_rng(0)
    asked = {frame.format("light the people") for frame in grammar.frames("order")}
    refused = {frame.format("hide the people") for frame in grammar.frames("not_order")}
    refused |= {frame.format("hiding the people") for frame in grammar.frames("not_doing")}
    texts = {grammar.express("salient", rng) for _ in range(300)}
    assert texts <= asked | refused
    assert texts & asked
    assert texts & refused


def test_a_sentence_is_used_as_it_stands_and_a_refusal_asks_for_the_opposite(monkeypatch: pytest.MonkeyPatch) -> None:
    ways = dict.fromkeys(grammar.WAYS, ("bright",))
    row = grammar.Phrases("dark", ways, whole=("why is it so dark in here?",), whole_not=("enough light",))
    other = grammar.Phrases("bright", ways, whole=("lights out",), whole_not=("i sit in the dark",))
    monkeypatch.setattr(grammar, "alone", lambda claim: ())
    monkeypatch.setattr(grammar, "phrases", lambda: ({"bright": row, "dark": other}, [], {}))
    assert grammar.sentences("bright") == ("why is it so dark in here?", "i sit in the dark")
    rng = np.random.default_rng(0)
    texts = [grammar.express("dark", rng) for _ in range(400)]
    assert {"lights out", "enough light"} < set(texts)
    drawn = sum(text in ("lights out", "enough light") for text in texts) / len(texts)
    assert abs(drawn - grammar.WHOLE) < 0.1


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("blur it", "blurring it"),
        ("make it dark", "making it dark"),
        ("add noise", "adding noise"),
        ("even it out", "evening it out"),
        ("deblur it", "deblurring it"),
    ],
)
def test_gerunds(phrase: str, expected: str) -> None:
    assert grammar.gerund(phrase) == expected


@pytest.mark.parametrize(
    ("phrase", "expected"), [("infrared image", "an infrared image"), ("clear view", "a clear view")]
)
def test_articles(phrase: str, expected: str) -> None:
    assert grammar.with_article(phrase) == expected


def test_the_objectives_own_texts_are_among_the_captions() -> None:
    together = {caption.text: caption.claims for caption in grammar.phrases()[1]}
    wanted = together["a clear image with detailed background and salient objects"]
    assert wanted == {"clear", "detailed", "salient"}
    assert together["an infrared image"] == {"infrared"}
    assert together["a visible gray image"] == {"visible"}
