"""From what a user says to a goal."""

import numpy as np
import pytest

from ivif_cli.core.errors import EncoderError, UsageError
from ivif_cli.core.language import wanted
from ivif_cli.core.language.goal import NAMED, Texts, embed_texts
from ivif_cli.core.language.wanted import goal_of
from ivif_cli.core.network import load_network
from tests.made_up import SeededEncoder, goals


@pytest.fixture
def seeded(monkeypatch: pytest.MonkeyPatch) -> SeededEncoder:
    """The encoder that free text is embedded with."""
    encoder = SeededEncoder()
    monkeypatch.setattr(wanted, "_text_encoder", lambda: encoder)
    return encoder


@pytest.fixture
def mute(monkeypatch: pytest.MonkeyPatch) -> None:
    """No encoder may be loaded."""
    monkeypatch.setattr(wanted, "_text_encoder", lambda: pytest.fail("an encoder was loaded for a named goal"))


def test_nothing_said_is_the_default(mute: None) -> None:
    named = goals()
    assert goal_of(None, named) is named["default"]


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_name_or_its_text_however_written_is_the_named_goal(mute: None, name: str) -> None:
    named = goals()
    for said in (name, NAMED[name], f"  {NAMED[name].upper()}. ", NAMED[name].replace(" ", "  ")):
        assert goal_of(said, named) is named[name]


def test_free_text_is_embedded_beside_the_sources_texts_of_the_weights(seeded: SeededEncoder) -> None:
    named = goals()
    goal = goal_of("  people in the dark ", named)
    expected = embed_texts(seeded, Texts(fused="people in the dark"))
    assert goal.name == goal.texts.fused == "people in the dark"
    assert np.array_equal(goal.condition, expected.condition)


@pytest.mark.parametrize(("said", "named"), [("an infrared image", "infrared"), ("a visible gray image", "visible")])
def test_a_sources_own_text_is_the_goal_of_that_source(seeded: SeededEncoder, said: str, named: str) -> None:
    goal = goal_of(said, goals())
    assert goal.name == said
    assert np.array_equal(goal.condition, goals()[named].condition)


@pytest.mark.parametrize(
    ("said", "named"),
    [("thermal", "infrared"), ("infrared picture", "infrared"), ("an ordinary photo", "visible")],
)
def test_words_that_say_no_more_than_the_source_are_the_goal_of_that_source(said: str, named: str) -> None:
    carried = load_network("fast").goals
    assert np.array_equal(goal_of(said, carried).condition, carried[named].condition)


@pytest.mark.parametrize("text", ["", "   ", "\t\n", "."])
def test_an_empty_text_is_refused(mute: None, text: str) -> None:
    with pytest.raises(UsageError, match="prompt is empty"):
        goal_of(text, goals())


def test_another_encoder_is_refused_for_text_and_for_goals(monkeypatch: pytest.MonkeyPatch) -> None:
    other = SeededEncoder("other", "cd" * 32)
    monkeypatch.setattr(wanted, "_text_encoder", lambda: other)
    with pytest.raises(EncoderError, match="other"):
        goal_of("people in the dark", goals())
    with pytest.raises(EncoderError, match="other"):
        goal_of(embed_texts(other, Texts(), "mine"), goals())


def test_weights_without_goals_take_none() -> None:
    with pytest.raises(UsageError, match="takes no goal"):
        goal_of("bright", {})


def test_strength_then_dials(mute: None) -> None:
    named = goals()
    bright, origin = named["bright"], named["default"]
    assert np.allclose(goal_of("bright", named, strength=0).condition, origin.condition, atol=1e-5)
    expected = bright.at(0.5, origin).turned({"contrast": 1.0}, named)
    found = goal_of("bright", named, strength=0.5, dials={"contrast": 1.0})
    assert np.array_equal(found.condition, expected.condition)
    assert (found.strength, found.dials) == (0.5, (("contrast", 1.0),))
    with pytest.raises(UsageError, match="unknown dial"):
        goal_of("bright", named, dials={"warp": 1})


@pytest.mark.parametrize("strength", [-0.1, 3.1, float("nan"), float("inf"), "2", None])
def test_a_strength_that_is_none_is_refused(mute: None, strength: object) -> None:
    with pytest.raises(UsageError, match="strength of"):
        goal_of("bright", goals(), strength=strength)


@pytest.mark.parametrize("value", [-1.1, 5, float("nan"), "1"])
def test_a_dial_turns_no_further_than_its_ends(mute: None, value: object) -> None:
    with pytest.raises(UsageError, match="dial bright cannot be turned"):
        goal_of(None, goals(), dials={"bright": value})


@pytest.mark.parametrize("said", [3, ["bright"], b"bright"])
def test_what_is_no_wish_is_refused(mute: None, said: object) -> None:
    with pytest.raises(UsageError, match="says nothing"):
        goal_of(said, goals())
