"""Laplacian pyramids as tensors: what the network mixes and what the objective asks to be kept.

Levels are half-pixel aligned: halving filters with [1 3 3 1] / 8 both ways (edges replicated) and takes every second
sample; doubling is bilinear. A picture is the sum of its doubled bands, whatever the filters (Burt and Adelson 1983).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

_FINE = 2
"""Bands, finest first, that draw edges: how strong they are is told by amplitude."""
_SLOPE = 1.4
"""Weight of a slope's square beside the square of the band: what makes a wave of the band's middle length even."""
_OF_FINEST, _OF_SECOND, _OF_FINER = 0.5, 0.3, 0.25
"""What a neighbour's strength adds to a band's own: the finest to the second, the second to the finest, and the next
finer one to each of the others."""
_TINY = 1e-8
"""Keeps the root's gradient finite where a band is nothing."""


def halve(picture: Tensor) -> Tensor:
    """N x C x 2h x 2w -> N x C x h x w.

    Sums of slices: on a CPU twice as fast as a convolution, and left in full precision by autocast.
    """
    wide = F.pad(picture, (1, 1, 1, 1), mode="replicate")
    rows = (wide[..., :-3:2, :] + wide[..., 3::2, :]) / 8 + (wide[..., 1:-2:2, :] + wide[..., 2:-1:2, :]) * 0.375
    return (rows[..., :-3:2] + rows[..., 3::2]) / 8 + (rows[..., 1:-2:2] + rows[..., 2:-1:2]) * 0.375


def double(picture: Tensor) -> Tensor:
    """N x C x h x w -> N x C x 2h x 2w."""
    return F.interpolate(picture, scale_factor=2, mode="bilinear", align_corners=False)


def pooled(picture: Tensor) -> Tensor:
    """The mean of 2 x 2 pixels: N x C x 2h x 2w -> N x C x h x w."""
    rows = picture[..., ::2, :] + picture[..., 1::2, :]
    return (rows[..., ::2] + rows[..., 1::2]) / 4


def smooth(picture: Tensor) -> Tensor:
    """[1 4 6 4 1] / 16 both ways, edges replicated; same shape."""
    wide = F.pad(picture, (2, 2, 2, 2), mode="replicate")
    rows = (wide[..., :-4, :] + wide[..., 4:, :]) / 16 + (wide[..., 1:-3, :] + wide[..., 3:-1, :]) / 4
    rows = rows + wide[..., 2:-2, :] * 0.375
    columns = (rows[..., :-4] + rows[..., 4:]) / 16 + (rows[..., 1:-3] + rows[..., 3:-1]) / 4
    return columns + rows[..., 2:-2] * 0.375


def laplacian(picture: Tensor, halvings: int) -> tuple[list[Tensor], Tensor]:
    """Bands of a picture, finest first, and what is left below them.

    Args:
        picture: N x C x H x W, sides multiples of 2 ** halvings.
        halvings: number of bands but one: the coarsest is split off without a further halving.

    Returns:
        bands, band k of N x C x H / 2^k x W / 2^k, and the rest, as large as the coarsest of them.
    """
    bands = []
    for _ in range(halvings):
        lower = halve(picture)
        bands.append(picture - double(lower))
        picture = lower
    rest = smooth(picture)
    return [*bands, picture - rest], rest


def amplitude(band: Tensor) -> Tensor:
    """How strong a band is about each pixel, wherever its waves stand: N x C x h x w -> the same.

    A band is zero along the middle of an edge, where its slope is largest: the root of both squares stays even across
    the edge, as the local amplitude of a monogenic signal does (Felsberg and Sommer 2001), here with differences of
    neighbours for the Riesz transform.
    """
    wide = F.pad(band, (1, 1, 1, 1), mode="replicate")
    across = wide[..., 1:-1, 2:] - wide[..., 1:-1, :-2]
    down = wide[..., 2:, 1:-1] - wide[..., :-2, 1:-1]
    return (band * band + _SLOPE / 4 * (across * across + down * down)).add(_TINY).sqrt()


def pooled_amplitude(band: Tensor) -> Tensor:
    """`amplitude` of 2 x 2 pixels at a time, from these four alone: N x C x 2h x 2w -> N x C x h x w."""
    upper, lower = band[..., ::2, :], band[..., 1::2, :]
    total, gap = upper + lower, upper - lower
    down = gap[..., ::2] + gap[..., 1::2]
    across = total[..., ::2] - total[..., 1::2]
    squares = pooled(band * band) + _SLOPE / 16 * (across * across + down * down)
    return squares.add(_TINY).sqrt()


def spread(strength: Tensor) -> Tensor:
    """Half its own, half the mean in 3 x 3 pixels; same shape.

    Without its own half, a fine line of one source loses to a rim of the other beside it.
    """
    wide = F.pad(strength, (1, 1, 1, 1), mode="replicate")
    rows = wide[..., :-2, :] + wide[..., 1:-1, :] + wide[..., 2:, :]
    around = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    return torch.add(strength / 2, around, alpha=1 / 18)


def energies_of(bands: list[Tensor]) -> list[Tensor]:
    """How strong each band is, at its resolution; the finest at half of it.

    In the `_FINE` bands, which draw edges, by amplitude; in the coarser by magnitude, which keeps more of what one
    source has alone. Each hears its finer neighbour, and the finest its coarser one: an edge is of one source.
    """
    finest = spread(pooled_amplitude(bands[0]))
    second = torch.add(spread(amplitude(bands[1])), finest, alpha=_OF_FINEST)
    energies = [torch.add(finest, second, alpha=_OF_SECOND), second]
    for band in bands[_FINE:-1]:
        energies.append(torch.add(spread(band.abs()), pooled(energies[-1]), alpha=_OF_FINER))
    return [*energies, spread(bands[-1].abs())]
