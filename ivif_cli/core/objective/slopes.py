"""Slopes: where both sources have an edge, the fused picture is to have that of the steeper one, not a mean of both.

The texture term of the field (max of both gradients' magnitudes, as in SeAFusion 2022) in a form with signs and of one
source a pixel. No metric: Qabf looks at slopes, too, but scores each source's strength and angle by itself.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ivif_cli.core.network.pyramid import double

_FINEST = 4
"""Bands that draw edges; the coarser ones and the base set the tone, which another term guards."""


def slopes_of(bands: list[Tensor]) -> Tensor:
    """Slopes of what a picture's finest bands draw together, by Sobel's filters.

    Args:
        bands: of one picture, finest first, N x 1 x H / 2^k x W / 2^k.

    Returns:
        N x 2 x H x W, across and down, in grey levels (0 to 1) a pixel, doubled.
    """
    *finer, picture = bands[:_FINEST]
    for band in reversed(finer):
        picture = double(picture) + band
    wide = F.pad(picture, (1, 1, 1, 1), mode="replicate")
    rows = (wide[..., :-2, :] + wide[..., 2:, :]) / 4 + wide[..., 1:-1, :] / 2
    columns = (wide[..., :-2] + wide[..., 2:]) / 4 + wide[..., 1:-1] / 2
    return torch.cat([rows[..., 2:] - rows[..., :-2], columns[..., 2:, :] - columns[..., :-2, :]], dim=1)


def steeper(slopes: Tensor, lean: Tensor) -> Tensor:
    """The slopes of the source that is steeper, pixel by pixel.

    Args:
        slopes: of both sources, N x 2 (infrared, visible) x 2 x H x W.
        lean: N, -1 to 1: which source a goal leans to; that one wins where it is up to e times less steep.

    Returns:
        N x 2 x H x W.
    """
    ir, vis = slopes.square().sum(dim=2).split(1, dim=1)
    infrared = ir * torch.exp(2 * lean[:, None, None, None]) > vis
    return torch.where(infrared, slopes[:, 0], slopes[:, 1])
