"""Scores of held-out sentences, by hand."""

from pathlib import Path

import pytest

from ivif_cli.core.language.text_tower import load_text_tower
from tools.compact_clip.sentences import Confusion, Sentence, read_sentences, score_sentences

SENTENCES = Path(__file__).parents[1] / "language"


def test_sentences_are_read_with_all_their_claims(tmp_path: Path) -> None:
    file = tmp_path / "sentences.tsv"
    file.write_text('claims\tnegated\tsentence\nbright,dim\tyes\tlight, but "hide" it\n', encoding="utf-8")
    assert read_sentences(file) == [Sentence('light, but "hide" it', ("bright", "dim"), True)]


def test_a_refused_sentence_is_read_wrong_and_any_claim_of_two_is_right() -> None:
    sentences = [
        Sentence("a bright image", ("plain", "bright"), False),
        Sentence("a bright image", ("dark",), True),
        Sentence("zzyzx", ("dark",), False),
        Sentence("do not make it bright", ("dark",), True),
    ]
    score = score_sentences(load_text_tower(), sentences)
    assert (score.sentences, score.first, score.negated) == (4, 0.5, 0.5)
    assert score.counts == {
        ("bright", "bright"): 1,
        ("dark", "bright"): 1,
        ("dark", "refused"): 1,
        ("dark", "dark"): 1,
    }
    assert score.missed()[0] == "sentences, first 50.0% < 85%"
    assert Confusion(1, 1.0, 1.0, 1.0, {}).missed() == []


@pytest.mark.parametrize("file", ["selection_sentences.tsv", "heldout_sentences.tsv"])
def test_sentences_that_no_training_saw_are_understood(file: str) -> None:
    """Those that chose the tower, and those that nobody had read before it was chosen."""
    score = score_sentences(load_text_tower(), read_sentences(SENTENCES / file))
    assert score.sentences >= 100
    assert score.missed() == []
