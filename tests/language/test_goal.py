"""Goals: strength, dials, what a network is given, and their way through files."""

from dataclasses import replace

import numpy as np
import pytest

from ivif_cli.core.errors import EncoderError, UsageError, WeightsError
from ivif_cli.core.language.goal import (
    DIALS,
    NAMED,
    Goal,
    Texts,
    as_text,
    check_encoder,
    embed_texts,
    facts_of,
    from_text,
    goals_from,
    vectors_of,
)
from tests.made_up import LENGTH, SeededEncoder, goals


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.sqrt((vector.astype(np.float64) ** 2).sum())


def test_every_named_goal_is_its_text_in_the_encoders_space() -> None:
    encoder = SeededEncoder()
    assert list(goals()) == list(NAMED)
    for name, goal in goals().items():
        assert goal.texts == Texts(fused=NAMED[name])
        expected = encoder.encode_texts([*goal.texts]).numpy()
        for role, row in zip(("ir", "vis", "fused"), expected, strict=True):
            assert np.allclose(getattr(goal, role), row, atol=1e-6)


def test_directions_point_from_the_sources_to_what_is_wanted() -> None:
    goal = goals()["bright"]
    assert np.allclose(goal.ir_direction, unit(goal.fused - goal.ir), atol=1e-6)
    assert np.allclose(goal.vis_direction, unit(goal.fused - goal.vis), atol=1e-6)


def test_the_condition_holds_both_directions_with_entries_of_about_unit_variance() -> None:
    goal = goals()["bright"]
    first, second = goal.condition[0, :LENGTH], goal.condition[0, LENGTH:]
    assert goal.condition.shape == (1, 2 * LENGTH) and goal.condition.dtype == np.float32
    assert np.allclose(unit(first), goal.ir_direction, atol=1e-6)
    assert np.allclose(unit(second), goal.vis_direction, atol=1e-6)
    assert 0.2 < (goal.condition**2).mean() < 2


def test_strength_goes_from_the_default_to_the_goal_and_beyond() -> None:
    origin, bright = goals()["default"], goals()["bright"]
    assert np.allclose(bright.at(0, origin).fused, origin.fused, atol=1e-6)
    assert bright.at(1, origin) is bright
    half, double = bright.at(0.5, origin), bright.at(2, origin)
    assert np.allclose(half.fused, unit((origin.fused + bright.fused) / 2), atol=1e-6)
    assert np.allclose(double.condition, 2 * bright.condition - origin.condition, atol=1e-5)
    assert np.array_equal(double.fused, bright.fused)
    turned = {"contrast": 0.5}
    more = double.turned(turned, goals()).condition - bright.turned(turned, goals()).condition
    assert np.allclose(more, bright.condition - origin.condition, atol=1e-5)
    assert (half.strength, double.strength) == (0.5, 2)
    assert half.fused.dtype == np.float32


@pytest.mark.parametrize("dial", sorted(DIALS))
@pytest.mark.parametrize("value", [-1.0, 0.4])
def test_a_dial_moves_the_goal_along_the_axis_between_its_ends(dial: str, value: float) -> None:
    named = goals()
    plus, minus = (named[end].fused for end in DIALS[dial])
    turned = named["default"].turned({dial: value}, named)
    assert np.allclose(turned.fused, unit(named["default"].fused + value * (plus - minus)), atol=1e-6)
    assert turned.dials == ((dial, value),)
    assert np.sign(turned.fused @ (plus - minus) - named["default"].fused @ (plus - minus)) == np.sign(value)


def test_dials_at_zero_change_nothing_and_two_add_up() -> None:
    named = goals()
    origin = named["default"]
    assert origin.turned({"bright": 0.0, "detailed": 0.0}, named) is origin
    both = origin.turned({"bright": 0.5, "contrast": -0.25}, named)
    moved = origin.fused + 0.5 * (named["bright"].fused - named["dark"].fused)
    moved = moved - 0.25 * (named["contrast"].fused - named["faded"].fused)
    assert np.allclose(both.fused, unit(moved), atol=1e-6)
    assert both.dials == (("bright", 0.5), ("contrast", -0.25))


def test_an_unknown_dial_and_missing_ends_are_told() -> None:
    named = goals()
    with pytest.raises(UsageError, match="unknown dial: warp"):
        named["default"].turned({"warp": 1.0}, named)
    with pytest.raises(UsageError, match="no goals for the dial bright"):
        named["default"].turned({"bright": 1.0}, {"default": named["default"]})


def same(one: Goal, other: Goal) -> bool:
    plain = (one.name, one.texts, one.encoder, one.sha256) == (other.name, other.texts, other.encoder, other.sha256)
    return plain and all(np.array_equal(getattr(one, role), getattr(other, role)) for role in ("ir", "vis", "fused"))


@pytest.mark.parametrize("as_json", [False, True])
def test_goals_come_back_from_arrays_and_from_text_to_the_bit(as_json: bool) -> None:
    named = goals() | {'夜 "x"': replace(goals()["dark"], name='夜 "x"')}
    vectors = vectors_of(named)
    back = goals_from(from_text(as_text(vectors)) if as_json else vectors, facts_of(named))
    assert list(back) == list(named)
    assert all(same(back[name], goal) for name, goal in named.items())


def test_no_goals_leave_no_trace() -> None:
    assert goals_from(vectors_of({}), facts_of({})) == {}
    assert from_text(as_text({})) == {}


@pytest.mark.parametrize(
    "text", ["", "[", "[]", "3", '{"goal.a": [1, 2]}', '{"goal.a": [3, 8, "AAAA"]}', "[" * 100_000]
)
def test_damaged_text_of_vectors_is_refused(text: str) -> None:
    with pytest.raises(WeightsError, match="damaged"):
        from_text(text)


def test_goals_of_two_encoders_do_not_go_together() -> None:
    named = goals()
    with pytest.raises(UsageError, match="different encoders"):
        facts_of(named | {"bright": replace(named["bright"], sha256="cd" * 32)})


def test_a_goal_of_another_encoder_is_refused_by_name() -> None:
    check_encoder(goals()["bright"], "ab" * 32)
    with pytest.raises(EncoderError, match=r"goal 'bright' is of the encoder seeded .abababababab.*cdcdcdcdcdcd"):
        check_encoder(goals()["bright"], "cd" * 32)


def test_templates_are_averaged_and_normalised() -> None:
    encoder = SeededEncoder()
    goal = embed_texts(encoder, Texts(), "x", ["{}", "a photo of {}"])
    both = encoder.encode_texts(["an infrared image", "a photo of an infrared image"]).numpy()
    assert np.allclose(goal.ir, unit(both.mean(axis=0)), atol=1e-6)


@pytest.mark.parametrize("template", ["no place", "{} and {}"])
def test_a_template_has_exactly_one_place(template: str) -> None:
    with pytest.raises(UsageError, match="exactly one"):
        embed_texts(SeededEncoder(), Texts(), templates=[template])


@pytest.mark.parametrize("role", ["ir", "vis"])
def test_what_is_wanted_may_not_be_a_source(role: str) -> None:
    with pytest.raises(UsageError, match=f"the {role} and the fused text mean the same"):
        embed_texts(SeededEncoder(), Texts(fused=getattr(Texts(), role)))
