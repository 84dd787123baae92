"""The compact CLIP's report and card."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from ivif_cli.core.language.encoder import COMPACT_WEIGHTS, load_encoder
from ivif_cli.core.language.goal import Texts, embed_texts
from ivif_cli.core.weights import bundled, read_weights
from tools.compact_clip.card import as_markdown, model_card
from tools.compact_clip.crops import Sample
from tools.compact_clip.labelled import Reading
from tools.compact_clip.report import (
    PIXEL_RULES,
    ClipReport,
    MethodRow,
    ModalityRow,
    graded_orders,
    held_out_samples,
    make_report,
    method_scores,
    modality_row,
    score_methods,
)
from tools.compact_clip.scenes import Scene
from tools.compact_clip.sentences import Confusion
from tools.compact_clip.zero_shot import Score

pytest.importorskip("open_clip")


@pytest.fixture
def scenes(rng: np.random.Generator) -> list[Scene]:
    """Three pairs of random blocks."""
    pictures = np.kron(rng.integers(0, 256, (3, 2, 12, 16)), np.ones((1, 1, 10, 10))).astype(np.uint8)
    return [Scene(str(index), "made-up", str(index), None, *pair) for index, pair in enumerate(pictures)]


def report(**changes: object) -> ClipReport:
    fields = {
        "encoder": "compact",
        "sha256": "ab" * 32,
        "modality": [ModalityRow("A", 30, 1.0, 1.0), ModalityRow("B", 10, 0.9, 1.0)],
        "claims": [Score("infrared", 0.5, 0.5, 3, 3), Score("noisy", 0.9, 0.9, 4, 5)],
        "methods": [MethodRow("SeAFusion", 21, 0.2, 0.3, 0.9)],
        "objective": 0.9,
    }
    return ClipReport(**{**fields, **changes})  # type: ignore[arg-type]


def test_no_bar_is_missed() -> None:
    good = report(modality=[ModalityRow("A", 30, 1.0, 1.0), ModalityRow("TNO", 10, 0.9, 1.0)])
    assert good.missed() == []
    assert "All bars reached." in as_markdown(good)


def test_missed_bars_are_named_with_their_numbers() -> None:
    bad = report(
        modality=[ModalityRow("A", 10, 0.5, 1.0)], claims=[Score("noisy", 0.9, 0.6, 4, 5)], objective=0.5
    ).missed()
    assert bad == ["modality on A 50.0% < 95%", "noisy 75.0% < 90%", "objective 50.0% < 80%"]
    unread = report(sentences=Confusion(10, 0.9, 0.9, 0.9, {}), graded={"bright": 0.5}).missed()
    assert unread == ["modality on B 90.0% < 95%", "order of bright 0.50 < 0.90", "sentences, second 90.0% < 95%"]


def test_labelled_things_have_a_table() -> None:
    text = as_markdown(report(labelled=[Reading("people", 33, 0.9, 0.5, 0.8)]))
    assert "| bright people | 33 | 90.0% | 50.0% | 80.0% |" in text


def test_degrees_are_ordered_as_measured_before_noise() -> None:
    class Texts:
        def encode_texts(self, texts: list[str]) -> torch.Tensor:
            return torch.eye(len(texts))

    noisy = np.random.default_rng(0).random((3, 16, 16), dtype=np.float32)
    degrees = (-0.5, 0.1, 0.4)
    places = [dict.fromkeys(("brightness", "contrast", "detail", "saliency"), at) for at in degrees]
    samples = [Sample(luma, {}, place) for luma, place in zip(noisy, places, strict=True)]
    images = torch.tensor(degrees)[:, None].expand(3, 4)
    orders = graded_orders(Texts(), images, samples)  # type: ignore[arg-type]
    assert orders == pytest.approx(dict.fromkeys(("bright", "contrast", "detailed", "salient"), 1.0))


def test_the_card_carries_tables_hash_and_origin() -> None:
    metadata = {"image_recipe": '{"steps": 7}', "text_recipe": '{"seed": 1}', "trained_on": "3 pairs of X"}
    card = model_card(report(), metadata)
    for part in (
        "`" + "ab" * 32 + "`",
        "3 pairs of X",
        "steps 7",
        "seed 1",
        "all-MiniLM-L6-v2",
        "| SeAFusion | 21 |",
        "What it is not",
    ):
        assert part in card
    assert "{" not in card


def test_a_picture_equal_to_a_source_leads_by_nothing(scenes: list[Scene]) -> None:
    encoder = load_encoder()
    scores = method_scores(encoder, embed_texts(encoder, Texts()), scenes, [scene.ir for scene in scenes])
    assert (scores.lead <= 1e-6).all()
    assert scores.language.shape == (3,)


def test_methods_are_ranked_and_pixel_rules_are_beside_them(scenes: list[Scene]) -> None:
    outputs = {"IFCNN": {scene.name: scene.vis for scene in scenes[:2]}}
    rows, objective = score_methods(load_encoder(), scenes, outputs)
    assert {row.method for row in rows} == {"IFCNN", *PIXEL_RULES}
    assert [row.language_score for row in rows] == sorted((row.language_score for row in rows), reverse=True)
    assert objective == 0.0


def test_without_published_pictures_there_are_no_method_rows(scenes: list[Scene]) -> None:
    rows, objective = score_methods(load_encoder(), scenes, {"IFCNN": {}})
    assert rows == []
    assert math.isnan(objective)


def test_modality_is_asked_of_whole_pictures(scenes: list[Scene]) -> None:
    row = modality_row(load_encoder(), "made-up", scenes)
    assert row.pictures == 6
    assert 0 <= row.alone <= 1


def test_held_out_samples_repeat(scenes: list[Scene]) -> None:
    first, again = (held_out_samples(scenes, 96, crops=2, seed=4) for _ in range(2))
    assert len(first) == len(again) > 0
    assert all(np.array_equal(a.luma, b.luma) for a, b in zip(first, again, strict=True))


@pytest.mark.slow
def test_the_card_matches_the_weights_and_a_new_run(shared_data: Path, repository: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    (tmp_path / "SeAFusion").mkdir()
    for picture in sorted((shared_data / "published/TNO/SeAFusion").iterdir())[:2]:
        (tmp_path / "SeAFusion" / picture.name).symlink_to(picture)
    made = make_report(load_encoder(), shared_data / "test", tmp_path)
    _, metadata = read_weights(bundled(COMPACT_WEIGHTS))
    card = (repository / "weights/compact-clip.md").read_text()
    assert made.sha256 in card
    assert ("SeAFusion", 2) in [(row.method, row.pairs) for row in made.methods]
    assert model_card(made, metadata).split("## How well")[0] == card.split("## How well")[0]
    missed = {"infrared": 0.7, "visible": 0.7, "blurry": 0.8}
    for score in made.claims:
        assert score.balanced >= missed.get(score.claim, 0.85), "the card names what misses its bar of 0.9"
