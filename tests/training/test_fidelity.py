"""The fidelity terms: against the evaluator's metrics and plain formulas, gradients, flat pictures."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from ivif_cli.core.metrics import evaluate_pair
from ivif_cli.core.training import fidelity
from ivif_cli.core.training.fidelity import TERMS, FidelitySettings, fidelity_parts, stretch_tones


def levels(seed: int, size: int = 96) -> np.ndarray:
    """A smooth random picture with edges, uint8."""
    rng = np.random.default_rng(seed)
    waves = sum(np.sin(np.outer(rng.normal(size=size).cumsum() / 4, rng.normal(size=size)) / k) for k in (1, 2, 3))
    picture = 110 + 30 * waves
    picture[20:50, 30:60] += 40 * (1 + seed % 3)
    return picture.clip(0, 255).astype(np.uint8)


def tensor(*pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(np.stack(pictures))[:, None].double() / 255


A, B, F = levels(1), levels(2), (levels(1) // 2 + levels(2) // 2)
SCORES = evaluate_pair(A, B, F, ("VIF", "Qabf", "SCD", "SSIM", "EN", "MI"))


def value(term: str, **settings: object) -> float:
    chosen = FidelitySettings(**{term: 1.0, **settings})  # type: ignore[arg-type]
    return TERMS[term](tensor(F), tensor(A), tensor(B), chosen, None).item()


def test_vif_at_all_scales_is_the_evaluators() -> None:
    assert value("vif", vif_scales=(1, 2, 3, 4)) == pytest.approx(1 - SCORES["VIF"] / 2, abs=1e-6)


def test_scd_is_the_evaluators() -> None:
    assert value("scd") == pytest.approx(1 - SCORES["SCD"] / 2, abs=1e-5)


def test_qabf_is_the_evaluators_once_its_black_border_is_there() -> None:
    padded = (torch.nn.functional.pad(tensor(x), (1, 1, 1, 1)) for x in (F, A, B))
    assert fidelity.qabf_loss(*padded).item() == pytest.approx(1 - SCORES["Qabf"], abs=2e-3)


def test_ssim_is_near_the_evaluators_which_counts_the_border_too() -> None:
    assert value("ssim") == pytest.approx(1 - SCORES["SSIM"], abs=0.03)


def test_soft_entropy_and_information_are_below_the_evaluators_finer_ones() -> None:
    assert SCORES["EN"] - math.log2(256 / 32) - 0.6 < -value("entropy") < SCORES["EN"]
    assert 0 < -value("mi") < SCORES["MI"]


def test_intensity_and_contrast_by_their_formulas() -> None:
    a, b, f = (x / 255 for x in (A.astype(float), B.astype(float), F.astype(float)))
    assert value("intensity") == pytest.approx(np.abs(f - np.maximum(a, b)).mean(), abs=1e-12)
    expected = abs(f.std() - 1.5 * max(a.std(), b.std()))
    assert value("contrast", contrast_gain=1.5) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("period", [2, 4])
def test_a_grid_of_the_networks_blocks_is_seen(period: int) -> None:
    """What alternates from pixel to pixel is invisible to Sobel's kernels, and was to the histograms."""
    generator = torch.Generator().manual_seed(0)
    ir, vis = (torch.rand(1, 1, 64, 64, generator=generator) for _ in range(2))
    grid = torch.zeros(1, 1, 64, 64)
    grid[..., 1::period, :] = 0.1
    assert fidelity.gradient_loss(ir + grid, ir, vis, gain=1.0) > fidelity.gradient_loss(ir, ir, vis, gain=1.0) + 0.02
    flat = torch.full((1, 1, 64, 64), 0.5)
    assert fidelity.entropy_loss(flat + grid, ir, vis) < fidelity.entropy_loss(flat, ir, vis) - 0.5


def test_activity_is_what_is_missing_of_the_spatial_frequency() -> None:
    image = torch.from_numpy(F.astype(float) / 255)[None, None]
    differences = fidelity.derivatives(image)
    across = F.astype(float)[1:-1, 2:] - F.astype(float)[1:-1, 1:-1]
    down = F.astype(float)[2:, 1:-1] - F.astype(float)[1:-1, 1:-1]
    frequency = np.sqrt((across**2).mean() + (down**2).mean()) / 255
    assert fidelity.spatial_frequency(differences).item() == pytest.approx(frequency, rel=1e-4)
    assert fidelity.activity_loss(image, image, image, gain=1.0).item() == 0
    assert fidelity.activity_loss(image, image, image, gain=1.5).item() == pytest.approx(frequency / 2, rel=1e-4)


def test_gradient_by_its_formula_pixel_by_pixel() -> None:
    small = [x[:8, :8].astype(float) / 255 for x in (A, B, F)]
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 4

    def at(x: np.ndarray, i: int, j: int) -> np.ndarray:
        window = x[i : i + 3, j : j + 3]
        steps = 2 * (window[1, 2] - window[1, 1]), 2 * (window[2, 1] - window[1, 1])
        return np.array([(window * kernel).sum(), (window * kernel.T).sum(), *steps])

    errors = []
    for i in range(6):
        for j in range(6):
            a, b, f = (at(x, i, j) for x in small)
            errors.extend(abs(f - 1.3 * (a if a[:2] @ a[:2] > b[:2] @ b[:2] else b)))
    got = fidelity.gradient_loss(*(torch.from_numpy(x)[None, None] for x in (small[2], small[0], small[1])), gain=1.3)
    assert got.item() == pytest.approx(np.mean(errors), abs=1e-12)


@pytest.mark.parametrize("term", TERMS)
def test_gradients_are_those_of_the_values(term: str) -> None:
    generator = torch.Generator().manual_seed(4)
    fused, ir, vis = torch.rand(3, 1, 1, 20, 20, generator=generator, dtype=torch.float64)
    settings = FidelitySettings(vif_scales=(1,))
    fused.requires_grad_(True)
    assert torch.autograd.gradcheck(
        lambda f: TERMS[term](f, ir, vis, settings, None), (fused,), eps=1e-7, atol=1e-4, rtol=1e-3, fast_mode=True
    )


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("kind", ["flat", "same", "black"])
def test_degenerate_pictures_give_finite_values_and_gradients(term: str, kind: str) -> None:
    base = {"flat": torch.full((2, 1, 40, 40), 0.4), "same": tensor(A, B).float(), "black": torch.zeros(2, 1, 40, 40)}
    fused = base[kind].clone().requires_grad_(True)
    result = TERMS[term](fused, base[kind], base[kind], FidelitySettings(), None)
    assert result.shape == (2,)
    result.sum().backward()
    assert torch.isfinite(result).all()
    assert torch.isfinite(fused.grad).all()


@pytest.mark.parametrize("term", TERMS)
def test_a_batch_gives_each_image_its_own_value(term: str) -> None:
    settings = FidelitySettings()
    both = TERMS[term](tensor(F, A), tensor(A, B), tensor(B, F), settings, None)
    first = TERMS[term](tensor(F), tensor(A), tensor(B), settings, None)
    assert both[0].item() == pytest.approx(first.item(), abs=1e-10)


@pytest.mark.parametrize("term", TERMS)
def test_sources_count_alike(term: str) -> None:
    settings = FidelitySettings()
    one = TERMS[term](tensor(F), tensor(A), tensor(B), settings, None)
    other = TERMS[term](tensor(F), tensor(B), tensor(A), settings, None)
    assert one.item() == pytest.approx(other.item(), abs=1e-9)


def test_weight_zero_leaves_a_term_out() -> None:
    parts = fidelity_parts(tensor(F), tensor(A), tensor(B), FidelitySettings(vif=0.0, scd=0.0, overshoot=0.0))
    assert set(parts) == {"intensity", "gradient"}


def test_stretch_spreads_dull_pairs_and_leaves_full_ones() -> None:
    ramp = torch.linspace(0, 1, 128 * 128).reshape(1, 1, 128, 128)
    dull = stretch_tones(0.4 + 0.2 * ramp, 0.4 + 0.2 * ramp, 1.5)
    assert dull.gain.item() == pytest.approx(1.5)
    full = stretch_tones(ramp, ramp, 1.5)
    assert full.gain.item() == 1.0
    assert full.apply(ramp).sub(ramp).abs().max().item() < 0.02
