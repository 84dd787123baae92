"""Random patches of a batch for the language-driven loss: where they lie, what they show, which of them count.

A patch is an affine map from the patch's own square [-1, 1]^2 to the picture's normalised coordinates. All
patches of all pairs are drawn first (a few numbers each, from a seeded generator), so that the same patches can
be cut from the fused picture and from both sources, on any device, and by any split of the batch over processes.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

FILTERS = ("entropy", "none")


@dataclass(frozen=True)
class PatchSettings:
    """How many patches are cut, how they are distorted and which are kept.

    Attributes:
        count: patches a pair.
        min_side, max_side: side of a patch as a fraction of the picture's shorter side.
        rotation, shear: largest angle of either sign [deg].
        max_zoom: the patch is magnified by 1 to max_zoom about its centre.
        filter: "entropy" keeps patches whose two source crops both exceed `entropy_bits`; "none" keeps all.
        entropy_bits: bound of the entropy filter [bit].
    """

    count: int = 32
    min_side: float = 0.5
    max_side: float = 0.8
    rotation: float = 5.0
    shear: float = 5.0
    max_zoom: float = 1.5
    filter: str = "entropy"
    entropy_bits: float = 6.0


def draw_patches(pairs: int, settings: PatchSettings, generator: torch.Generator) -> Tensor:
    """Draw the maps (3 x 3, homogeneous) of all patches of a batch.

    Args:
        pairs: number of pairs N.
        settings: number P and distortion of the patches.
        generator: source of all random numbers; its device is the result's.

    Returns:
        N x P x 3 x 3, float32; lengths are fractions of half the shorter side, see `patch_grids`.
    """
    shape = (pairs, settings.count)
    u = torch.rand((6, *shape), generator=generator, device=generator.device)
    side = settings.min_side + (settings.max_side - settings.min_side) * u[0]
    half = side / (1 + (settings.max_zoom - 1) * u[1])
    angle, shear = torch.deg2rad((2 * u[2] - 1) * settings.rotation), torch.deg2rad((2 * u[3] - 1) * settings.shear)
    cos, sin, tan = angle.cos(), angle.sin(), shear.tan()
    # Only the patch before magnification has to lie inside the picture: the centre's range depends on `side`.
    reach = 1 - side
    affine = torch.zeros((*shape, 3, 3), device=generator.device)
    affine[..., 0, 0], affine[..., 0, 1] = half * cos, half * (cos * tan - sin)
    affine[..., 1, 0], affine[..., 1, 1] = half * sin, half * (sin * tan + cos)
    affine[..., 0, 2], affine[..., 1, 2] = (2 * u[4] - 1) * reach, (2 * u[5] - 1) * reach
    affine[..., 2, 2] = 1.0
    return affine


def patch_grids(affines: Tensor, size: int, height: int, width: int) -> Tensor:
    """Turn M affines into sampling grids for `grid_sample(align_corners=False)`.

    Patches are square in pixels: on a picture that is not square their side counts in the shorter one.

    Args:
        affines: M x 3 x 3 from `draw_patches`.
        size: side of the patch that will be sampled [px].
        height, width: size of the picture [px].

    Returns:
        M x size x size x 2, in [-1, 1] where inside the picture.
    """
    ticks = (torch.arange(size, device=affines.device, dtype=affines.dtype) * 2 + 1) / size - 1
    y, x = torch.meshgrid(ticks, ticks, indexing="ij")
    points = torch.stack((x, y), -1).reshape(-1, 2)
    centre = affines[:, :2, 2]
    linear = torch.einsum("mij,pj->mpi", affines[:, :2, :2], points)
    shorter = min(height, width)
    aspect = affines.new_tensor((shorter / width, shorter / height))
    grid = linear * aspect + centre[:, None]
    return grid.reshape(-1, size, size, 2)


def cut_patches(images: Tensor, affines: Tensor, size: int, *, mode: str = "bilinear") -> Tensor:
    """Cut patches; differentiable in the images.

    Args:
        images: N x 1 x H x W.
        affines: N x P x 3 x 3.
        size: side of the sampled patches [px].
        mode: "bilinear", or "nearest" to keep the picture's own grey levels.

    Returns:
        N*P x 1 x size x size, the P patches of the first pair first.
    """
    pairs, count = affines.shape[:2]
    _, channels, height, width = images.shape
    grids = patch_grids(affines.flatten(0, 1).to(images), size, height, width)
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


def detailed(ir: Tensor, vis: Tensor, affines: Tensor, bits: float, *, size: int = 64) -> Tensor:
    """Tell which patches have more than `bits` of entropy in both sources (flat patches attract artefacts).

    Args:
        ir, vis: N x 1 x H x W in [0, 1].
        affines: N x P x 3 x 3.
        bits: bound [bit].
        size: side at which the source patches are sampled [px], by nearest neighbour.

    Returns:
        N x P booleans.
    """
    richness = [entropy(cut_patches(source, affines, size, mode="nearest")) for source in (ir, vis)]
    return (torch.minimum(*richness) > bits).reshape(affines.shape[:2])
