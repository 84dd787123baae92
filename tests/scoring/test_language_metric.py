"""LDS among the metrics."""

from pathlib import Path

import numpy as np
import pytest
from ivif_cli.core.language.score import score_pair

from ivif_cli.core.language.encoder import load_encoder
from ivif_cli.core.language.prompts import PromptSet, embed, save_embeddings
from ivif_cli.core.scoring.language_metric import language_metric

pytest.importorskip("open_clip")


def test_the_metric_scores_arrays_and_names_its_encoder(rng: np.random.Generator) -> None:
    ir, vis, fused = (rng.integers(0, 256, (40, 50), dtype=np.uint8) for _ in range(3))
    metric = language_metric()
    encoder = load_encoder()
    assert metric.name == "LDS"
    assert metric.higher_is_better
    assert f"encoder compact ({encoder.sha256[:12]})" in metric.convention
    expected = score_pair(encoder, embed(encoder, PromptSet()), ir, vis, fused)
    assert metric(ir, vis, fused) == pytest.approx(expected)


def test_it_takes_embedded_prompts(tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    save_embeddings(path, embed(load_encoder(), PromptSet(name="dark", fused="a dark image")))
    assert language_metric(prompts=path).convention.endswith("a dark image")
