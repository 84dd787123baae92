"""Goals of a run: drawn from seed, step and sample alone, in the shares that the settings say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ivif_cli.core.errors import UsageError
from ivif_cli.core.language.goal import DIALS
from ivif_cli.core.objective.keeping import NAMED_DIALS
from ivif_cli.core.training.goals import (
    SENTENCES,
    GoalBank,
    GoalSettings,
    conditions,
    embed_sentences,
    read_sentences,
)
from tests.made_up import SeededEncoder, goals

CPU = torch.device("cpu")
SENTENCES_EMBEDDED = embed_sentences(SeededEncoder(), [f"sentence {n}" for n in range(5)])


def bank(**settings: object) -> GoalBank:
    return GoalBank(goals(), SENTENCES_EMBEDDED, replace(GoalSettings(), **settings))  # type: ignore[arg-type]


def drawn(of: GoalBank, step: int = 0, indices: range = range(400)) -> list[Tensor]:
    return [asked.directions.fused for asked in of.draw(1, step, indices, CPU)]


def test_draws_repeat_and_do_not_depend_on_how_a_batch_is_split() -> None:
    whole, again, later = drawn(bank()), drawn(bank()), drawn(bank(), step=1)
    halves = [drawn(bank(), indices=part) for part in (range(150), range(150, 400))]
    for goal in range(2):
        assert torch.equal(whole[goal], again[goal])
        assert torch.equal(whole[goal], torch.cat([half[goal] for half in halves]))
        assert not torch.equal(whole[goal], later[goal])


def shares(vectors: Tensor) -> dict[str, float]:
    """Share of the default, of other named goals, of sentences, and of the rest (turned dials)."""
    named = goals()
    others = torch.from_numpy(np.stack([goal.fused for name, goal in named.items() if name != "default"]))
    found = {
        "default": torch.from_numpy(named["default"].fused)[None],
        "named": others,
        "sentences": torch.from_numpy(SENTENCES_EMBEDDED),
    }
    counts = {
        name: float((torch.cdist(vectors.double(), rows.double()).amin(dim=1) < 1e-5).float().mean())
        for name, rows in found.items()
    }
    return counts | {"dials": 1 - sum(counts.values())}


def test_shares_are_those_of_the_settings() -> None:
    of = bank(default=0.3, named=0.5, dials=0.3)
    first, second = (shares(x) for x in drawn(of, indices=range(3000)))
    assert first["default"] == pytest.approx(0.6, abs=0.04), "twice the share, as the second goal never is the default"
    assert second["default"] == 0
    for name, share in (("named", 0.5), ("dials", 0.3), ("sentences", 0.2)):
        assert second[name] == pytest.approx(share, abs=0.04), name


def test_the_default_is_marked_as_such() -> None:
    first, second = bank().draw(1, 0, range(200), CPU)
    default = torch.from_numpy(goals()["default"].fused)
    assert torch.equal(first.default.bool(), (first.directions.fused - default).abs().amax(dim=1) < 1e-6)
    assert not second.default.any()


def test_directions_and_conditions_are_those_of_a_goal() -> None:
    named = goals()
    of = bank(default=0.0, named=1.0)
    asked = of.draw(1, 0, range(50), CPU)
    by_vector = {goal.fused.tobytes(): goal for goal in named.values()}
    for each, condition in zip(asked, conditions(asked), strict=True):
        for row in range(50):
            goal = by_vector[each.directions.fused[row].numpy().tobytes()]
            assert np.allclose(each.directions.ir[row], goal.ir_direction, atol=1e-6)
            assert np.allclose(each.directions.vis[row], goal.vis_direction, atol=1e-6)
            assert np.allclose(condition[row], goal.condition[0], atol=1e-5)


def test_goals_lean_towards_the_source_that_they_name() -> None:
    origin = goals()["default"]
    axis = origin.ir - origin.vis
    across = origin.fused - (origin.fused @ axis / (axis @ axis)) * axis
    vectors = torch.from_numpy(np.stack([origin.ir, origin.vis, across, across + 0.25 * axis]).astype(np.float32))
    assert bank().lean(vectors).tolist() == pytest.approx([1, -1, 0, 0.5], abs=1e-5)
    (first, _) = bank().draw(1, 0, range(50), CPU)
    assert torch.equal(first.lean, bank().lean(first.directions.fused))


def test_goals_claim_what_their_words_name() -> None:
    """The ends of each dial claim 1 and -1 of it; claims that lie between are between."""
    named = goals()
    for column, dial in enumerate(NAMED_DIALS):
        plus, minus = (named[end].fused for end in DIALS[dial])
        vectors = torch.from_numpy(np.stack([plus, minus, (plus + minus) / 2, 0.75 * plus + 0.25 * minus]))
        assert bank().claims(vectors)[:, column].tolist() == pytest.approx([1, -1, 0, 0.5], abs=1e-5)
    (first, _) = bank().draw(1, 0, range(50), CPU)
    assert torch.equal(first.claims, bank().claims(first.directions.fused))


def test_dials_stay_between_their_ends() -> None:
    named = goals()
    (vectors, _) = drawn(bank(default=0.0, named=0.0, dials=1.0))
    origin = named["default"].fused
    ends = [torch.from_numpy(named[a].fused - named[b].fused) for a, b in DIALS.values()]
    off = vectors - (vectors @ torch.from_numpy(origin))[:, None] * torch.from_numpy(origin)
    planes = [end - (end @ torch.from_numpy(origin)) * torch.from_numpy(origin) for end in ends]
    on_an_axis = torch.stack(
        [(off - (off @ plane / (plane @ plane))[:, None] * plane).norm(dim=1) < 1e-4 for plane in planes]
    )
    assert on_an_axis.any(dim=0).all()
    assert on_an_axis.any(dim=1).all(), "every dial is drawn"


def test_without_sentences_the_rest_are_dials() -> None:
    of = GoalBank(goals(), np.zeros((0, 8), np.float32), GoalSettings(default=0.0, named=0.0, dials=0.0))
    assert shares(drawn(of)[1])["dials"] == 1


def test_sentences_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "sentences.txt"
    path.write_text("# a comment\n\n a bright image \nan image at night\n", encoding="utf-8")
    assert read_sentences(path) == ["a bright image", "an image at night"]
    path.write_text("# nothing\n")
    with pytest.raises(UsageError, match="holds no sentence"):
        read_sentences(path)
    with pytest.raises(UsageError, match="cannot read"):
        read_sentences(tmp_path / "none.txt")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot read"):
        read_sentences(path)


def test_the_packages_sentences_are_many_and_different() -> None:
    sentences = read_sentences(SENTENCES)
    assert len(sentences) > 100
    assert len(set(sentences)) == len(sentences)


def test_sentences_are_embedded_in_their_order_whatever_the_chunk() -> None:
    texts = [f"text {n}" for n in range(7)]
    expected = SeededEncoder().encode_texts(texts).numpy()
    for chunk in (1, 3, 256):
        assert np.allclose(embed_sentences(SeededEncoder(), texts, chunk), expected)
