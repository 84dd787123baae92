"""LDS among the metrics."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ivif_cli.core.language.encoder import load_encoder
from ivif_cli.core.language.goal import Texts, embed_texts
from ivif_cli.core.language.prompts import save_goals
from ivif_cli.core.scoring.choice import Words, language_metric

pytest.importorskip("open_clip")


def test_the_metric_scores_arrays_and_names_its_encoder(rng: np.random.Generator) -> None:
    """Against the formula, written out from the encoder's own embeddings."""
    ir, vis, fused = (rng.integers(0, 256, (40, 50), dtype=np.uint8) for _ in range(3))
    metric = language_metric(Words())
    encoder = load_encoder()
    assert metric.name == "LDS"
    assert metric.higher_is_better
    assert f"encoder compact ({encoder.weights_sha256[:12]})" in metric.convention
    side = (encoder.image_size, encoder.image_size)
    lumas = torch.stack([torch.from_numpy(x)[None].float() / 255 for x in (ir, vis, fused)])
    small = torch.nn.functional.interpolate(lumas, side, mode="bilinear", align_corners=False, antialias=True)
    pictures = encoder.encode_images(small).double().numpy()
    texts = encoder.encode_texts([*Texts()]).double().numpy()
    pictures, texts = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (pictures, texts))
    steps, words = pictures[2] - pictures[:2], texts[2] - texts[:2]
    cosines = (steps * words).sum(1) / np.linalg.norm(steps, axis=1) / np.linalg.norm(words, axis=1)
    assert metric(ir, vis, fused) == pytest.approx(cosines.mean(), abs=1e-4)


def test_it_takes_embedded_prompts(tmp_path: Path) -> None:
    path, encoder = tmp_path / "p.safetensors", load_encoder()
    texts = {"dark": "a dark image", "bright": "a bright image"}
    save_goals(path, [embed_texts(encoder, Texts(fused=text), name) for name, text in texts.items()])
    assert language_metric(Words(prompts=path)).convention.endswith("a dark image")
    assert language_metric(Words(prompts=path, prompt_set="bright")).convention.endswith("a bright image")
