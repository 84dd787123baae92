"""The Laplacian pyramid: exact, half-pixel aligned, and its energies."""

import numpy as np
import pytest
import torch

from ivif_cli.core.network.pyramid import (
    amplitude,
    double,
    energies_of,
    halve,
    laplacian,
    pooled,
    pooled_amplitude,
    smooth,
    spread,
)


def _picture(height=64, width=96):
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("levels", [1, 3, 5])
def test_the_doubled_bands_add_up_to_the_picture(levels):
    picture = _picture()
    bands, rest = laplacian(picture, levels)
    assert [band.shape[-1] for band in bands] == [96 >> level for level in range(levels + 1)]
    *halved, coarsest = bands
    rest = rest + coarsest
    for band in reversed(halved):
        rest = double(rest) + band
    assert torch.allclose(rest, picture, atol=1e-14)


def test_halving_is_the_written_out_sum_with_edges_replicated():
    picture = _picture(6, 8)
    padded = np.pad(picture.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    taps = np.array([1, 3, 3, 1]) / 8
    expected = np.zeros((2, 3, 3, 4))
    for row in range(3):
        for column in range(4):
            window = padded[..., 2 * row : 2 * row + 4, 2 * column : 2 * column + 4]
            expected[..., row, column] = np.einsum("ncij,i,j->nc", window, taps, taps)
    assert np.allclose(halve(picture).numpy(), expected)


def test_smoothing_is_the_written_out_sum_with_edges_replicated():
    picture = _picture(3, 5)
    padded = np.pad(picture.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)), mode="edge")
    taps = np.array([1, 4, 6, 4, 1]) / 16
    expected = np.zeros((2, 3, 3, 5))
    for row in range(3):
        for column in range(5):
            expected[..., row, column] = np.einsum(
                "ncij,i,j->nc", padded[..., row : row + 5, column : column + 5], taps, taps
            )
    assert np.allclose(smooth(picture).numpy(), expected)


def test_halving_and_doubling_keep_a_ramp_in_its_place():
    ramp = torch.arange(64.0).expand(1, 1, 64, 64)
    there_and_back = double(halve(ramp))
    assert torch.allclose(there_and_back[..., 4:-4], ramp[..., 4:-4], atol=1e-5)


def test_a_flat_picture_has_no_bands():
    bands, rest = laplacian(torch.full((1, 1, 64, 64), 0.3, dtype=torch.float64), 5)
    assert max(band.abs().max() for band in bands) < 1e-15
    assert torch.allclose(rest, torch.full_like(rest, 0.3))


def test_spread_is_half_the_pixel_and_half_its_neighbourhood():
    band = torch.zeros(1, 1, 5, 5)
    band[0, 0, 2, 2] = -9.0
    found = spread(band.abs())[0, 0]
    assert found[2, 2] == pytest.approx((9 + 1) / 2)
    assert found[1, 2] == pytest.approx(0.5)
    assert found[0, 0] == 0
    corner = torch.zeros(1, 1, 5, 5)
    corner[0, 0, 0, 0] = 4.0
    assert spread(corner.abs())[0, 0, 0, 0] == pytest.approx((4 + 4 * 4 / 9) / 2), "edges are repeated outwards"


def test_amplitude_is_even_along_a_wave_where_the_magnitude_is_not():
    steps = torch.arange(64, dtype=torch.float64)
    wave = 0.2 * torch.sin(steps * 2 * torch.pi / 6).repeat(64, 1)[None, None]
    along = [amplitude(wave)[0, 0, 32, 8:56], pooled_amplitude(wave)[0, 0, 16, 4:28]]
    for strength in along:
        assert strength.std() / strength.mean() < 0.15, "waves of six pixels, a band's middle length"
        assert strength.mean() == pytest.approx(0.2, rel=0.25)
    magnitude = wave.abs()[0, 0, 32, 8:56]
    assert magnitude.std() / magnitude.mean() > 0.4
    turned = amplitude(wave.transpose(2, 3))
    torch.testing.assert_close(turned, amplitude(wave).transpose(2, 3))


def test_amplitude_of_nothing_has_a_finite_gradient():
    band = torch.zeros(1, 2, 8, 8, requires_grad=True)
    (amplitude(band).sum() + pooled_amplitude(band).sum()).backward()
    assert band.grad is not None
    assert torch.isfinite(band.grad).all()


def test_energies_are_amplitudes_of_the_two_finest_bands_magnitudes_of_the_others_each_with_its_neighbours():
    bands, _ = laplacian(torch.rand(1, 2, 64, 96), 5)
    energies = energies_of(bands)
    assert [tuple(e.shape[-2:]) for e in energies] == [(32, 48), *(tuple(band.shape[-2:]) for band in bands[1:])]
    finest = spread(pooled_amplitude(bands[0]))
    torch.testing.assert_close(energies[1], spread(amplitude(bands[1])) + 0.5 * finest)
    torch.testing.assert_close(energies[0], finest + 0.3 * energies[1])
    for at in (2, 3, 4):
        torch.testing.assert_close(energies[at], spread(bands[at].abs()) + 0.25 * pooled(energies[at - 1]))
    torch.testing.assert_close(energies[5], spread(bands[5].abs()))
