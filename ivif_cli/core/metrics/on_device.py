"""The six metrics of whole stacks on a torch device (CUDA), in float64: the same values to 1e-9, VIF to 1e-7.

torch is imported here and nowhere else in this room; the CPU path needs none.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as nn
from torch import Tensor

from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.metrics.maps import SMALLEST_VIF_SIDE, VIF_WINDOWS, gaussian_window
from ivif_cli.core.metrics.registry import SIX

_TINY, _NOISE = 1e-10, 2.0


def evaluate_on_device(
    ir: np.ndarray, vis: np.ndarray, fused: np.ndarray, metrics: Sequence[str] = SIX, *, device: str = "cuda"
) -> dict[str, np.ndarray]:
    """N scores a metric (float64) for NxHxW uint8 stacks, convention `ivif`; NaN where a metric is undefined.

    Args:
        ir, vis, fused: NxHxW uint8 luma; the whole stack is held on the device (about 40 float64 maps a picture).
        metrics: names out of `SIX`.
        device: any torch device.

    Raises:
        InputError: stacks of unequal shapes, or another kind than uint8.
        UsageError: a metric that is not computed on devices.
    """
    unknown = [name for name in metrics if name not in SIX]
    if unknown:
        raise UsageError(f"{unknown[0]} is not computed on devices", f"these are: {', '.join(SIX)}")
    if (
        not ir.shape == vis.shape == fused.shape
        or fused.ndim != 3
        or {ir.dtype, vis.dtype, fused.dtype} != {np.dtype("u1")}
    ):
        raise InputError("stacks must be N x H x W uint8 of one shape", "convert them to 8-bit luma first")
    a, b, f = (torch.from_numpy(np.ascontiguousarray(stack)).to(device) for stack in (ir, vis, fused))
    functions = {
        "EN": lambda: _entropy(_counts(f.long(), 256)),
        "SD": lambda: f.double().std(dim=(1, 2), correction=0),
        "SF": lambda: _spatial_frequency(f.double()),
        "MI": lambda: _mutual_information(a, f) + _mutual_information(b, f),
        "VIF": lambda: _vif(a.double(), f.double()) + _vif(b.double(), f.double()),
        "Qabf": lambda: _qabf(a, b, f),
    }
    with torch.inference_mode():
        return {name: functions[name]().cpu().numpy() for name in metrics}


def _counts(codes: Tensor, bins: int) -> Tensor:
    """Histogram of each picture of N x H x W codes below `bins`: N x bins, float64."""
    count = codes.shape[0]
    shifted = codes + bins * torch.arange(count, device=codes.device)[:, None, None]
    return torch.bincount(shifted.flatten(), minlength=count * bins).view(count, bins).double()


def _entropy(counts: Tensor) -> Tensor:
    shares = counts / counts.sum(dim=1, keepdim=True)
    return -torch.special.xlogy(shares, shares).sum(dim=1) / math.log(2)


def _mutual_information(source: Tensor, fused: Tensor) -> Tensor:
    joint = _counts((fused.long() << 8) | source.long(), 1 << 16)
    square = joint.view(-1, 256, 256)
    return _entropy(square.sum(dim=1)) + _entropy(square.sum(dim=2)) - _entropy(joint)


def _spatial_frequency(fused: Tensor) -> Tensor:
    total = torch.zeros(len(fused), dtype=torch.float64, device=fused.device)
    for axis in (1, 2):
        if fused.shape[axis] > 1:
            total += fused.diff(dim=axis).square().mean(dim=(1, 2))
    return total.sqrt()


def _smooth(stack: Tensor, window: Tensor) -> Tensor:
    """Separable valid correlation of N x H x W."""
    across = nn.conv2d(stack[:, None], window.view(1, 1, 1, -1))
    return nn.conv2d(across, window.view(1, 1, -1, 1))[:, 0]


def _vif(source: Tensor, fused: Tensor) -> Tensor:
    """VIF of one source: N; NaN for constant sources and sides below 41 px, 0 for constant fused pictures."""
    count = len(source)
    if min(source.shape[1:]) < SMALLEST_VIF_SIDE:
        return torch.full((count,), math.nan, dtype=torch.float64, device=source.device)
    constant_source = source.amin(dim=(1, 2)) == source.amax(dim=(1, 2))
    constant_fused = fused.amin(dim=(1, 2)) == fused.amax(dim=(1, 2))
    kept = torch.zeros(count, dtype=torch.float64, device=source.device)
    own = torch.zeros_like(kept)
    for side in VIF_WINDOWS:
        window = torch.from_numpy(gaussian_window(side, side / 5)).to(source.device)
        if side != VIF_WINDOWS[0]:
            source, fused = (_smooth(stack, window)[:, ::2, ::2].contiguous() for stack in (source, fused))
        scale_kept, scale_own = _information(source, fused, window)
        kept, own = kept + scale_kept, own + scale_own
    value = torch.where(constant_fused, 0.0, kept / own)
    return torch.where(constant_source, math.nan, value)


def _information(source: Tensor, fused: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
    mean_s, mean_f = _smooth(source, window), _smooth(fused, window)
    variance_s = (_smooth(source * source, window) - mean_s * mean_s).clamp_min(0)
    variance_f = (_smooth(fused * fused, window) - mean_f * mean_f).clamp_min(0)
    covariance = _smooth(source * fused, window) - mean_s * mean_f
    flat = variance_s < _TINY
    gain = (covariance / (variance_s + _TINY)).masked_fill(flat | (variance_f < _TINY), 0).clamp_min(0)
    noise = (variance_f - gain * covariance).clamp_min(_TINY)
    kept = torch.log1p(gain * gain * variance_s / (noise + _NOISE)).sum(dim=(1, 2))
    return kept, torch.log1p(variance_s.masked_fill(flat, 0) / _NOISE).sum(dim=(1, 2))


def _edges(stack: Tensor) -> tuple[Tensor, Tensor]:
    """Strength and angle of Sobel edges with zero padding; signs as in `Maps.edges`."""
    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=torch.float64, device=stack.device)
    both = nn.conv2d(stack.double()[:, None], torch.stack([kernel, kernel.T])[:, None], padding=1)
    across, down = both[:, 0], both[:, 1]
    angle = torch.where(across == 0, math.pi / 2, torch.atan(down / -across))
    return torch.sqrt(across * across + down * down), angle


def _preservation(source: tuple[Tensor, Tensor], fused: tuple[Tensor, Tensor]) -> Tensor:
    (g_source, a_source), (g_fused, a_fused) = source, fused
    smaller, larger = torch.minimum(g_source, g_fused), torch.maximum(g_source, g_fused)
    ratio = torch.where(smaller == larger, g_fused, smaller / larger)
    agreement = 1 - (a_source - a_fused).abs() / (math.pi / 2)
    strength = 0.9994 / (1 + torch.exp(-15 * (ratio - 0.5)))
    return strength * 0.9879 / (1 + torch.exp(-22 * (agreement - 0.8)))


def _qabf(ir: Tensor, vis: Tensor, fused: Tensor) -> Tensor:
    own = _edges(fused)
    kept = torch.zeros(len(fused), dtype=torch.float64, device=fused.device)
    total = torch.zeros_like(kept)
    for stack in (ir, vis):
        edges = _edges(stack)
        kept += (_preservation(edges, own) * edges[0]).sum(dim=(1, 2))
        total += edges[0].sum(dim=(1, 2))
    return kept / total
