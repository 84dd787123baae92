"""Slopes of the finest bands, and those of the source that is steeper."""

import pytest
import torch
from torch import Tensor

from ivif_cli.core.network.composition import HALVINGS
from ivif_cli.core.network.pyramid import laplacian
from ivif_cli.core.objective.slopes import slopes_of, steeper


def slopes(picture: Tensor) -> Tensor:
    return slopes_of(laplacian(picture, HALVINGS)[0])


def step(low: float, high: float, at: int = 32) -> Tensor:
    picture = torch.full((1, 1, 64, 64), low)
    picture[..., at:] = high
    return picture


def test_an_edge_slopes_across_it_and_not_along_it() -> None:
    picture = step(0.2, 0.8)
    across, along = slopes(picture)[0]
    # On either side of the step the neighbours lie on both; a little of it is left to the coarser bands.
    assert across[32, 31:33].tolist() == pytest.approx([0.6, 0.6], rel=0.15)
    assert along.abs().max() < 1e-6
    turned = slopes(picture.transpose(2, 3))[0]
    assert torch.allclose(turned[1], across.T, atol=1e-6) and torch.allclose(turned[0], along.T, atol=1e-6)


def test_a_slow_ramp_is_no_edge() -> None:
    ramp = torch.linspace(0, 1, 256).expand(1, 1, 256, 256)
    assert slopes(ramp)[..., 64:-64].abs().max() < 1e-4, "tone is another term's"


def test_the_steeper_source_is_taken_with_its_sign_and_never_a_mean_of_both() -> None:
    ir, vis = slopes(step(0.9, 0.3)), slopes(step(0.4, 0.6))
    both = torch.stack([ir, vis], dim=1)
    assert torch.equal(steeper(both, torch.zeros(1))[:, 0, :, 31:33], ir[:, 0, :, 31:33])
    assert steeper(both, torch.zeros(1))[0, 0, 32, 31] < 0
    swapped = torch.stack([vis, ir], dim=1)
    assert torch.equal(steeper(swapped, torch.zeros(1))[:, 0, :, 31:33], ir[:, 0, :, 31:33])


@pytest.mark.parametrize(("lean", "wins"), [(0.0, "ir"), (-1.0, "vis"), (1.0, "ir")])
def test_a_goal_that_leans_to_a_source_takes_it_where_it_is_a_little_less_steep(lean: float, wins: str) -> None:
    ir, vis = slopes(step(0.3, 0.7)), slopes(step(0.4, 0.6))
    found = steeper(torch.stack([ir, vis], dim=1), torch.tensor([lean]))
    assert torch.equal(found[..., 31:33], {"ir": ir, "vis": vis}[wins][..., 31:33])
