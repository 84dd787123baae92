"""What keeping may cost: lifted noise, halos, clipped pixels, each made on purpose."""

import math

import numpy as np
import pytest
from scipy import ndimage

from ivif_cli.core.metrics import Scene, evaluate_pair

CLEAN = ["even", "rings", "clipped"]


def _noise(rng: np.random.Generator, spread: float, level: float = 100) -> np.ndarray:
    return np.clip(rng.normal(level, spread, (80, 100)).round(), 0, 255).astype(np.uint8)


def test_even_is_the_ratio_of_local_spreads(rng: np.random.Generator) -> None:
    ir, vis, fused = _noise(rng, 1), _noise(rng, 1.5), _noise(rng, 4)
    ir[:20, :50] = _noise(rng, 30)[:20, :50]

    def spread(picture: np.ndarray) -> np.ndarray:
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(picture.astype(float), 3, mode="reflect"), (7, 7))
        return windows.std(axis=(2, 3))

    larger = np.maximum(spread(ir), spread(vis))
    even = larger < 3
    assert 0.5 < even.mean() < 1
    expected = spread(fused)[even].mean() / (larger[even].mean() + 0.25)
    assert evaluate_pair(ir, vis, fused, CLEAN)["even"] == pytest.approx(expected, rel=1e-9)
    assert expected > 1


def test_nothing_even_has_no_value(rng: np.random.Generator) -> None:
    scores, reasons = Scene(_noise(rng, 20), _noise(rng, 20)).explain_scores(_noise(rng, 20), CLEAN)
    assert math.isnan(scores["even"])
    assert reasons["even"] == "fewer than 2 % of the pixels are even in both sources"


def test_a_halo_is_what_leaves_the_local_range_near_strong_edges() -> None:
    ir = np.full((60, 80), 40, np.uint8)
    ir[:, 40:] = 200
    vis = np.full_like(ir, 90)
    fused = ir.astype(int)
    fused[:, 40:44] += 30
    fused[:, 60:70] += 30  # far from the edge: not a halo
    near = ndimage.maximum_filter(ir.astype(int), 5) - ndimage.minimum_filter(ir.astype(int), 5) > 80
    near = ndimage.binary_dilation(near, np.ones((11, 11)))
    expected = 30 * 4 / near[0].sum()
    assert evaluate_pair(ir, vis, fused.astype(np.uint8), CLEAN)["rings"] == pytest.approx(expected)
    assert evaluate_pair(ir, vis, ir, CLEAN)["rings"] == 0
    assert Scene(vis, vis).explain_scores(vis, ["rings"])[1]["rings"] == "constant picture: infrared, visible, fused"


def test_clipped_counts_beyond_the_worse_source() -> None:
    ir, vis, fused = (np.full((10, 10), 100, np.uint8) for _ in range(3))
    ir[0], vis[:2] = 254, 1
    fused[:5] = (0, 1, 254, 255, 253, 2, 100, 100, 100, 255)
    assert evaluate_pair(ir, vis, fused, CLEAN)["clipped"] == pytest.approx(0.25 - 0.2)
