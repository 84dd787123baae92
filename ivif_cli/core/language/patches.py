"""Random patches of a batch for the language-driven loss: where they lie, what they show, which of them count.

A patch is a homography from the patch's own square [-1, 1]^2 to the picture's normalised coordinates. All
patches of all pairs are drawn first (a few numbers each, from a seeded generator), so that the same patches can
be cut from the fused picture and from both sources, on any device, and by any split of the batch over processes.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

FILTERS = ("entropy", "loss", "none")


@dataclass(frozen=True)
class PatchSettings:
    """How many patches are cut, how they are distorted and which are kept.

    Attributes:
        count: patches a pair.
        min_side, max_side: side of a patch as a fraction of the picture's shorter side.
        rotation, shear: largest angle of either sign [deg].
        max_zoom: the patch is magnified by 1 to max_zoom about its centre.
        perspective: largest perspective distortion, 0 (none) to below 1; 0.5 is strong.
        filter: "entropy" keeps patches whose two source crops both exceed `entropy_bits`; "loss" drops those
            whose direction loss is already below `loss_floor`; "none" keeps all.
        entropy_bits: bound of the entropy filter [bit].
        loss_floor: bound of the loss filter, in units of the direction loss (0 to 2).
    """

    count: int = 32
    min_side: float = 0.5
    max_side: float = 0.8
    rotation: float = 5.0
    shear: float = 5.0
    max_zoom: float = 1.5
    perspective: float = 0.0
    filter: str = "entropy"
    entropy_bits: float = 6.0
    loss_floor: float = 0.7


def draw_patches(pairs: int, settings: PatchSettings, generator: torch.Generator) -> Tensor:
    """Draw the homographies of all patches of a batch.

    Args:
        pairs: number of pairs N.
        settings: number P and distortion of the patches.
        generator: source of all random numbers; its device is the result's.

    Returns:
        N x P x 3 x 3, float32; lengths are fractions of half the shorter side, see `patch_grids`.
    """
    shape = (pairs, settings.count)
    u = torch.rand((8, *shape), generator=generator, device=generator.device)
    side = settings.min_side + (settings.max_side - settings.min_side) * u[0]
    half = side / (1 + (settings.max_zoom - 1) * u[1])
    angle, shear = (
        torch.deg2rad((2 * v - 1) * limit) for v, limit in ((u[2], settings.rotation), (u[3], settings.shear))
    )
    cos, sin, tan = angle.cos(), angle.sin(), shear.tan()
    # Only the patch before magnification has to lie inside the picture: the centre's range depends on `side`.
    reach = 1 - side
    tilt_x, tilt_y = ((2 * v - 1) * settings.perspective / 2 for v in (u[6], u[7]))
    homography = torch.zeros((*shape, 3, 3), device=generator.device)
    homography[..., 0, 0], homography[..., 0, 1] = half * cos, half * (cos * tan - sin)
    homography[..., 1, 0], homography[..., 1, 1] = half * sin, half * (sin * tan + cos)
    homography[..., 0, 2], homography[..., 1, 2] = (2 * u[4] - 1) * reach, (2 * u[5] - 1) * reach
    homography[..., 2, 0], homography[..., 2, 1], homography[..., 2, 2] = tilt_x, tilt_y, 1.0
    return homography


def patch_grids(homographies: Tensor, size: int, height: int, width: int) -> Tensor:
    """Turn M homographies into sampling grids for `grid_sample(align_corners=False)`.

    Patches are square in pixels: on a picture that is not square their side counts in the shorter one.

    Args:
        homographies: M x 3 x 3 from `draw_patches`.
        size: side of the patch that will be sampled [px].
        height, width: size of the picture [px].

    Returns:
        M x size x size x 2, in [-1, 1] where inside the picture.
    """
    ticks = (torch.arange(size, device=homographies.device, dtype=homographies.dtype) * 2 + 1) / size - 1
    y, x = torch.meshgrid(ticks, ticks, indexing="ij")
    points = torch.stack((x, y, torch.ones_like(x)), -1).reshape(-1, 3)
    centre = homographies[:, :2, 2]
    linear = torch.einsum("mij,pj->mpi", homographies[:, :2, :2], points[:, :2])
    depth = torch.einsum("mj,pj->mp", homographies[:, 2], points).unsqueeze(-1)
    shorter = min(height, width)
    aspect = homographies.new_tensor((shorter / width, shorter / height))
    grid = linear / depth * aspect + centre[:, None]
    return grid.reshape(-1, size, size, 2)


def cut_patches(images: Tensor, homographies: Tensor, size: int, *, mode: str = "bilinear") -> Tensor:
    """Cut patches; differentiable in the images.

    Args:
        images: N x 1 x H x W.
        homographies: N x P x 3 x 3.
        size: side of the sampled patches [px].
        mode: "bilinear", or "nearest" to keep the picture's own grey levels.

    Returns:
        N*P x 1 x size x size, the P patches of the first pair first.
    """
    pairs, count = homographies.shape[:2]
    _, channels, height, width = images.shape
    grids = patch_grids(homographies.flatten(0, 1).to(images), size, height, width)
    stacked = grids.reshape(pairs, count * size, size, 2)
    # The patches of a pair lie one above the other in one tall grid: no copy of the picture per patch.
    tall = F.grid_sample(images, stacked, mode=mode, padding_mode="reflection", align_corners=False)
    return tall.reshape(pairs, channels, count, size, size).transpose(1, 2).reshape(-1, channels, size, size)


def entropy(images: Tensor) -> Tensor:
    """Shannon entropy of 256 grey levels, one number per image.

    Args:
        images: M x 1 x h x w in [0, 1].

    Returns:
        M values [bit], without gradient.
    """
    levels = (images.detach().flatten(1).clamp(0, 1) * 255).round().long()
    counts = torch.zeros((levels.shape[0], 256), device=images.device)
    counts.scatter_add_(1, levels, torch.ones_like(levels, dtype=counts.dtype))
    share = counts / levels.shape[1]
    return -torch.special.xlogy(share, share).sum(1) / torch.log(torch.tensor(2.0, device=images.device))


def detailed(ir: Tensor, vis: Tensor, homographies: Tensor, bits: float, *, size: int = 64) -> Tensor:
    """Tell which patches have more than `bits` of entropy in both sources (flat patches attract artefacts).

    Args:
        ir, vis: N x 1 x H x W in [0, 1].
        homographies: N x P x 3 x 3.
        bits: bound [bit].
        size: side at which the source patches are sampled [px], by nearest neighbour.

    Returns:
        N x P booleans.
    """
    richness = [entropy(cut_patches(source, homographies, size, mode="nearest")) for source in (ir, vis)]
    return (torch.minimum(*richness) > bits).reshape(homographies.shape[:2])
