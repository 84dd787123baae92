"""The window of the gradient term: whole regions come from one source."""

import torch

from ivif_cli.core.training.fidelity import gradient_loss


def test_a_window_takes_a_region_from_one_source() -> None:
    generator = torch.Generator().manual_seed(0)
    ir, vis = (torch.rand(1, 1, 48, 48, generator=generator, dtype=torch.float64) for _ in range(2))
    louder = 0.5 + (ir - 0.5) * 1.0
    quieter = 0.5 + (vis - 0.5) * 0.4
    pixelwise = gradient_loss(louder, louder, quieter, gain=1.0).item()
    regional = gradient_loss(louder, louder, quieter, gain=1.0, window=11).item()
    assert regional == 0 < pixelwise


def test_a_window_of_one_is_the_pixel_itself() -> None:
    generator = torch.Generator().manual_seed(1)
    fused, ir, vis = (torch.rand(1, 1, 20, 20, generator=generator) for _ in range(3))
    stronger = torch.maximum(ir, vis)
    flat = torch.zeros_like(vis)
    assert gradient_loss(stronger, stronger, flat, gain=1.0, window=1).item() == 0
    assert gradient_loss(fused, ir, vis, window=1).item() > 0
