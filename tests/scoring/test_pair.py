"""Scores of one pair, however a Python caller hands it in."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from ivif_cli import evaluate_pair
from ivif_cli.core import metrics
from ivif_cli.core.errors import InputError, UsageError


def test_a_pair_is_scored_as_it_is_given(tmp_path: Path, rng: np.random.Generator) -> None:
    ir, vis, fused = (cv2.blur(rng.integers(0, 256, (64, 80), dtype=np.uint8), (3, 3)) for _ in range(3))
    wanted = metrics.evaluate_pair(ir, vis, fused, ["EN", "VIF"])
    assert evaluate_pair(ir, vis, fused, ["EN", "VIF"]) == wanted and list(evaluate_pair(ir, vis, fused)) == [
        *metrics.SIX
    ]
    cv2.imwrite(str(tmp_path / "ir.png"), ir)
    assert evaluate_pair(tmp_path / "ir.png", Image.fromarray(vis), torch.from_numpy(fused), "EN,VIF") == wanted
    opaque = np.dstack([vis] * 3 + [np.full_like(vis, 255)])
    assert evaluate_pair(ir[..., None], opaque, fused, ["EN", "VIF"]) == wanted
    with pytest.raises(InputError, match=r"fused is uint16.*8-bit luma"):
        evaluate_pair(ir, vis, np.dstack([fused.astype(np.uint16)] * 3))
    with pytest.raises(InputError, match="type list"):
        evaluate_pair([1, 2], vis, fused)


def test_metrics_are_named_as_on_the_command_line(rng: np.random.Generator) -> None:
    pictures = [cv2.blur(rng.integers(0, 256, (64, 80), dtype=np.uint8), (3, 3)) for _ in range(3)]
    assert list(evaluate_pair(*pictures, metrics="six")) == [*metrics.SIX]
    assert list(evaluate_pair(*pictures, metrics="EN, VIF")) == ["EN", "VIF"]
    assert evaluate_pair(*pictures, metrics="six", convention="vifb").keys() <= {*metrics.CONVENTIONS["vifb"].metrics}
    with pytest.raises(UsageError, match="unknown metric"):
        evaluate_pair(*pictures, metrics="EN, VFI")
    with pytest.raises(UsageError, match="unknown convention"):
        evaluate_pair(*pictures, metrics="six", convention="ivfi")
