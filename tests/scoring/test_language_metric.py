"""LDS among the metrics."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ivif_cli.core.language.directions import language_score
from ivif_cli.core.language.encoder import load_encoder
from ivif_cli.core.language.goal import Texts, embed_texts
from ivif_cli.core.language.prompts import save_goals
from ivif_cli.core.scoring.choice import Words
from ivif_cli.core.scoring.language_metric import language_metric

pytest.importorskip("open_clip")


def test_the_metric_scores_arrays_and_names_its_encoder(rng: np.random.Generator) -> None:
    ir, vis, fused = (rng.integers(0, 256, (40, 50), dtype=np.uint8) for _ in range(3))
    metric = language_metric(Words())
    encoder = load_encoder()
    assert metric.name == "LDS"
    assert metric.higher_is_better
    assert f"encoder compact ({encoder.sha256[:12]})" in metric.convention
    lumas = [torch.from_numpy(luma)[None, None] / 255 for luma in (fused, ir, vis)]
    expected = language_score(encoder, embed_texts(encoder, Texts()), *lumas)
    assert metric(ir, vis, fused) == pytest.approx(expected.item())


def test_it_takes_embedded_prompts(tmp_path: Path) -> None:
    path, encoder = tmp_path / "p.safetensors", load_encoder()
    texts = {"dark": "a dark image", "bright": "a bright image"}
    save_goals(path, [embed_texts(encoder, Texts(fused=text), name) for name, text in texts.items()])
    assert language_metric(Words(prompts=path)).convention.endswith("a dark image")
    assert language_metric(Words(prompts=path, prompt_set="bright")).convention.endswith("a bright image")
