"""Patches: where they lie, what they show, which of them count."""

import pytest
import torch

from ivif_cli.core.objective.patches import PatchSettings, cut_patches, detailed, draw_patches, entropy

PLAIN = PatchSettings(count=1, min_side=1.0, max_side=1.0, rotation=0, shear=0, max_zoom=1.0)


def test_seeded_patches_repeat() -> None:
    one, other, third = (draw_patches(3, PatchSettings(), torch.Generator().manual_seed(s)) for s in (9, 9, 10))
    assert torch.equal(one, other) and not torch.equal(one, third)


def test_an_undistorted_patch_is_the_picture_itself() -> None:
    image = torch.rand(2, 1, 16, 16)
    patches = draw_patches(2, PLAIN, torch.Generator().manual_seed(1))
    torch.testing.assert_close(cut_patches(image, patches, 16), image, atol=1e-5, rtol=0)


def test_patches_are_square_on_a_long_picture() -> None:
    image = torch.rand(1, 1, 16, 32)
    patches = draw_patches(1, PLAIN, torch.Generator().manual_seed(1))
    torch.testing.assert_close(cut_patches(image, patches, 16), image[..., 8:24], atol=1e-5, rtol=0)


def test_patches_of_a_pair_come_together_and_stay_inside() -> None:
    settings = PatchSettings(count=5, rotation=0, shear=0, max_zoom=1.0)
    places = torch.stack([torch.linspace(0, 1, 64).expand(64, 64), torch.linspace(2, 3, 64).expand(64, 64)])[:, None]
    cut = cut_patches(places, draw_patches(2, settings, torch.Generator().manual_seed(1)), 8)
    assert cut.shape == (10, 1, 8, 8)
    assert (cut[:5] <= 1).all() and (cut[5:] >= 2).all()
    across = cut[:5, 0, 0, -1] - cut[:5, 0, 0, 0]
    assert ((across > 0.5 * 7 / 8 - 0.02) & (across < 0.8 * 7 / 8 + 0.02)).all(), "sides are 0.5 to 0.8"


def test_entropy_of_known_pictures() -> None:
    ramp = torch.arange(256).reshape(1, 1, 16, 16) / 255
    halves = (ramp > 0.5).float()
    assert entropy(torch.cat((ramp, halves, torch.zeros_like(ramp)))).tolist() == pytest.approx([8.0, 1.0, 0.0])


def test_only_patches_rich_in_both_sources_count() -> None:
    rich = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    flat = torch.full_like(rich, 0.4)
    patches = draw_patches(1, PatchSettings(count=3), torch.Generator().manual_seed(1))
    found = [bool(detailed(ir, vis, patches, 6.0).all()) for ir, vis in ((rich, rich), (rich, flat), (flat, rich))]
    assert found == [True, False, False]
    assert not detailed(rich, flat, patches, 6.0).any()
