"""Fidelity terms: what a fused image owes to its sources apart from the words.

Every term is pure and differentiable, takes (fused, ir, vis), N x 1 x H x W in [0, 1], and gives N values, lower is
better. Filters run over the
pixels that have their whole neighbourhood ('valid'): a crop's border is not an edge of the scene.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

EPS = 1e-8
_VIF_WINDOWS = {1: 17, 2: 9, 3: 5, 4: 3}


@dataclass(frozen=True)
class FidelitySettings:
    """Weights of the terms (zero leaves one out) and their targets.

    Attributes:
        intensity: weight of the distance to the brighter source.
        gradient: weight of the distance to the stronger source gradient.
        vif: weight of 1 - VIF / 2.
        qabf: weight of 1 - Qabf.
        scd: weight of 1 - SCD / 2.
        ssim: weight of 1 - mean SSIM.
        contrast: weight of the distance of the standard deviation to its target.
        overshoot: weight of what lies outside [0, 1].
        mi: weight of minus the mutual information with both sources [bit].
        entropy: weight of minus the entropy [bit].
        stretch: largest tone stretch of the intensity target (and with it the gradient target); 1 leaves tones alone.
        gradient_gain: target gradient over the stronger source gradient.
        gradient_window: side of the square whose mean energy decides which source's gradient is the stronger; odd.
        activity: weight of what is missing of the target spatial frequency.
        activity_gain: target spatial frequency over that of the stronger source gradient.
        contrast_gain: target standard deviation over the larger of the sources'.
        vif_scales: first and last of VIF's four scales; few and coarse ones are cheap.
    """

    intensity: float = 10.0
    gradient: float = 10.0
    vif: float = 2.0
    qabf: float = 0.0
    scd: float = 1.0
    ssim: float = 0.0
    contrast: float = 0.0
    overshoot: float = 10.0
    mi: float = 0.0
    entropy: float = 0.0
    stretch: float = 1.0
    gradient_gain: float = 1.25
    gradient_window: int = 1
    activity: float = 0.0
    activity_gain: float = 1.4
    contrast_gain: float = 1.2
    vif_scales: tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class Tones:
    """A linear tone curve a pair, x -> gain * (x - centre) + target; N x 1 x 1 x 1 each."""

    gain: Tensor
    centre: Tensor
    target: Tensor

    def apply(self, luma: Tensor) -> Tensor:
        """Stretch N x 1 x H x W; values may leave [0, 1]."""
        return self.gain * (luma - self.centre) + self.target


def stretch_tones(ir_thumb: Tensor, vis_thumb: Tensor, largest: float) -> Tones:
    """The curve that spreads a whole pair's tones over the range, by at most `largest`.

    Its white point is the 99.5 % quantile of the brighter source; its black point lies half-way between the 0.5 %
    quantiles of the brighter source and of the mean.

    Args:
        ir_thumb, vis_thumb: the whole images, small: N x 1 x h x w in [0, 1].
        largest: largest gain, at least 1.
    """
    ends = ir_thumb.new_tensor((0.005, 0.995))
    low, high = torch.quantile(torch.maximum(ir_thumb, vis_thumb).flatten(1), ends, dim=1)
    low = (low + torch.quantile((ir_thumb + vis_thumb).flatten(1) / 2, ends[0], dim=1)) / 2
    gain = (0.96 / (high - low).clamp_min(0.1)).clamp(1, largest)
    half = (gain * (high - low) / 2).clamp_max(0.5)
    centre = (low + high) / 2
    target = torch.minimum(torch.maximum(centre, half), 1 - half)
    return Tones(*(values[:, None, None, None] for values in (gain, centre, target)))


def intensity_loss(fused: Tensor, ir: Tensor, vis: Tensor, *, tones: Tones | None = None) -> Tensor:
    """Mean |F - max(A, B)| (the intensity term of SeAFusion, Tang et al. 2022), sources stretched by `tones` first."""
    brighter = torch.maximum(ir, vis)
    if tones is not None:
        brighter = tones.apply(brighter).clamp(0, 1)
    return (fused - brighter).abs().flatten(1).mean(1)


def sobel(luma: Tensor) -> Tensor:
    """Sobel derivatives, N x 2 x (H-2) x (W-2), along x and y, divided by 4: a ramp of 1 a pixel gives 2."""
    smooth = luma.new_tensor((1.0, 2.0, 1.0)) / 4
    slope = luma.new_tensor((-1.0, 0.0, 1.0))
    kernels = torch.stack((torch.outer(smooth, slope), torch.outer(slope, smooth)))
    return F.conv2d(luma, kernels[:, None])


def derivatives(luma: Tensor) -> Tensor:
    """`sobel` and the differences to the right and lower neighbour, N x 4 x (H-2) x (W-2); a ramp of 1 a pixel gives 2.

    Sobel's kernels do not see what alternates from pixel to pixel, and a network that draws its output in blocks would
    be free to draw a grid; differences of neighbours see it.
    """
    right, down = (luma[..., 1:-1, 2:], luma[..., 2:, 1:-1])
    here = luma[..., 1:-1, 1:-1]
    return torch.cat((sobel(luma), 2 * (right - here), 2 * (down - here)), 1)


def stronger_derivatives(ir: Tensor, vis: Tensor, window: int = 1) -> Tensor:
    """`derivatives` of the source whose Sobel pair has more energy in a square window about the pixel."""
    at_ir, at_vis = derivatives(ir), derivatives(vis)
    lead = at_ir[:, :2].square().sum(1, keepdim=True) - at_vis[:, :2].square().sum(1, keepdim=True)
    stronger = F.avg_pool2d(lead, window, 1, window // 2, count_include_pad=False) > 0
    return torch.where(stronger, at_ir, at_vis)


def gradient_loss(
    fused: Tensor, ir: Tensor, vis: Tensor, *, gain: float = 1.25, window: int = 1, tones: Tones | None = None
) -> Tensor:
    """Mean |grad F - gain * stronger of (grad A, grad B)|, signed; the stronger by its mean energy in a square window.

    grad are the four `derivatives`; which source is the stronger is told by the Sobel pair. A window of one pixel picks
    at each pixel by itself, which mixes the grain of two noisy sources; a larger one takes whole regions from one
    source. The stretch of `tones` multiplies the gain.
    """
    target = gain * stronger_derivatives(ir, vis, window)
    if tones is not None:
        target = target * tones.gain
    return (derivatives(fused) - target).abs().flatten(1).mean(1)


def spatial_frequency(differences: Tensor) -> Tensor:
    """Spatial frequency (Eskicioglu and Fisher 1995) on 0..1 of N x 4 x H x W `derivatives`; N values."""
    return ((differences[:, 2:] / 2).square().sum(1).flatten(1).mean(1) + EPS).sqrt()


def activity_loss(fused: Tensor, ir: Tensor, vis: Tensor, *, gain: float = 1.4, window: int = 1) -> Tensor:
    """How far the spatial frequency stays below `gain` times that of the stronger source gradient.

    A root of mean squares grows with the strong edges, where the gradient term, a mean of absolute values, raises the
    grain of even areas as much.
    """
    target = gain * spatial_frequency(stronger_derivatives(ir, vis, window))
    return (target - spatial_frequency(derivatives(fused))).clamp_min(0)


def _gaussian(size: int, sigma: float, like: Tensor) -> Tensor:
    ticks = torch.arange(size, device=like.device, dtype=like.dtype) - (size - 1) / 2
    window = torch.exp(-ticks.square() / (2 * sigma * sigma))
    return window / window.sum()


def _band(window: Tensor, length: int) -> Tensor:
    """The matrix of 'valid' filtering with a window: (length - size + 1) x length."""
    size = window.numel()
    rows = length - size + 1
    band = F.pad(window, (0, length - size + 1)).repeat(rows)
    return band[: rows * length].reshape(rows, length)


def _filter(maps: Tensor, window: Tensor) -> Tensor:
    """Separable 'valid' filtering of N x C x H x W, every map by itself.

    By products with band matrices: for crops that is several times faster than one-channel convolutions.
    """
    height, width = maps.shape[-2:]
    return _band(window, height) @ maps @ _band(window, width).T


def vif(source: Tensor, fused: Tensor, *, scales: tuple[int, ...] = (1, 2, 3, 4)) -> Tensor:
    """Pixel-domain visual information fidelity (Sheikh and Bovik 2006), summed over the scales that are named.

    With all four scales this is the evaluator's vifp (N = 17, 9, 5, 3, sigma N/5, noise variance 2 on 0..255).

    Args:
        source: reference, N x 1 x H x W in [0, 1].
        fused: likewise.
        scales: which of the scales 1 (finest) to 4 count.

    Returns:
        N values; 1 where the fused image is the source.
    """
    pair = torch.cat((source, fused), 1) * 255 - 128
    gained, available = source.new_zeros(source.shape[0]), source.new_zeros(source.shape[0])
    for scale in range(1, max(scales) + 1):
        window = _gaussian(_VIF_WINDOWS[scale], _VIF_WINDOWS[scale] / 5, pair)
        if scale > 1:
            pair = _filter(pair, window)[..., ::2, ::2]
        if scale in scales:
            parts = _vif_scale(pair, window)
            gained, available = gained + parts[0], available + parts[1]
    return (gained + EPS) / (available + EPS)


def _vif_scale(pair: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
    a, f = pair.split(1, 1)
    mean_a, mean_f, aa, ff, af = _filter(torch.cat((a, f, a * a, f * f, a * f), 1), window).unbind(1)
    var_a = (aa - mean_a * mean_a).clamp_min(0)
    var_f = (ff - mean_f * mean_f).clamp_min(0)
    cross = af - mean_a * mean_f
    gain = torch.where((var_a < 1e-10) | (var_f < 1e-10), torch.zeros_like(cross), cross / (var_a + 1e-10)).clamp_min(0)
    noise = (var_f - gain * cross).clamp_min(1e-10)
    told = torch.log1p(gain * gain * var_a / (noise + 2))
    return told.flatten(1).sum(1), torch.log1p(var_a / 2).flatten(1).sum(1)


def vif_loss(fused: Tensor, ir: Tensor, vis: Tensor, *, scales: tuple[int, ...] = (1, 2)) -> Tensor:
    """1 - (VIF(A, F) + VIF(B, F)) / 2; below zero where contrast is raised."""
    return 1 - (vif(ir, fused, scales=scales) + vif(vis, fused, scales=scales)) / 2


def _edge(luma: Tensor) -> tuple[Tensor, Tensor]:
    """Strength (on 0..255) and orientation in (-pi/2, pi/2) of the edge at each pixel."""
    x, y = (sobel(luma) * (4 * 255)).unbind(1)
    strength = (x.square() + y.square() + 1e-6).sqrt()
    # Away from zero by a hair, so that atan(y/x) has a gradient where the edge is horizontal.
    return strength, torch.atan(y / torch.where(x >= 0, x + 1e-3, x - 1e-3))


def _edge_kept(source: tuple[Tensor, Tensor], fused: tuple[Tensor, Tensor]) -> Tensor:
    """Q_AF of Xydeas and Petrovic: how much of an edge's strength and orientation is kept."""
    strength = torch.minimum(source[0], fused[0]) / torch.maximum(source[0], fused[0])
    agreement = 1 - (source[1] - fused[1]).abs() / (torch.pi / 2)
    return 0.9994 * torch.sigmoid(15 * (strength - 0.5)) * 0.9879 * torch.sigmoid(22 * (agreement - 0.8))


def qabf_loss(fused: Tensor, ir: Tensor, vis: Tensor) -> Tensor:
    """1 - Qabf (Xydeas and Petrovic 2000), inside the border."""
    of_fused, of_ir, of_vis = _edge(fused), _edge(ir), _edge(vis)
    kept = _edge_kept(of_ir, of_fused) * of_ir[0] + _edge_kept(of_vis, of_fused) * of_vis[0]
    return 1 - kept.flatten(1).sum(1) / (of_ir[0] + of_vis[0]).flatten(1).sum(1)


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """Pearson correlation of each image of N x 1 x H x W with its partner; near 0, not NaN, where one is flat."""
    a, b = (x.flatten(1) - x.flatten(1).mean(1, keepdim=True) for x in (a, b))
    power = (a.square().mean(1) + EPS) * (b.square().mean(1) + EPS)
    return (a * b).mean(1) / power.sqrt()


def scd_loss(fused: Tensor, ir: Tensor, vis: Tensor) -> Tensor:
    """1 - SCD / 2, SCD = corr(F - B, A) + corr(F - A, B) (Aslantas and Bendes 2015)."""
    return 1 - (correlation(fused - vis, ir) + correlation(fused - ir, vis)) / 2


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Mean SSIM (Wang et al. 2004): Gaussian 11 x 11, sigma 1.5, K = 0.01 and 0.03, range 1; N values."""
    window = _gaussian(11, 1.5, a)
    mean_a, mean_b, aa, bb, ab = _filter(torch.cat((a, b, a * a, b * b, a * b), 1), window).unbind(1)
    cross = mean_a * mean_b
    likeness = (2 * cross + 1e-4) * (2 * (ab - cross) + 9e-4)
    spread = (mean_a.square() + mean_b.square() + 1e-4) * (aa + bb - mean_a.square() - mean_b.square() + 9e-4)
    return (likeness / spread).flatten(1).mean(1)


def ssim_loss(fused: Tensor, ir: Tensor, vis: Tensor) -> Tensor:
    """1 - (SSIM(A, F) + SSIM(B, F)) / 2."""
    return 1 - (ssim(ir, fused) + ssim(vis, fused)) / 2


def deviation(luma: Tensor) -> Tensor:
    """Standard deviation of each image of N x 1 x H x W, with a finite gradient where it is flat."""
    return (luma.flatten(1).var(1, correction=0) + EPS).sqrt()


def contrast_loss(fused: Tensor, ir: Tensor, vis: Tensor, *, gain: float = 1.2) -> Tensor:
    """|std F - gain * max(std A, std B)|."""
    return (deviation(fused) - gain * torch.maximum(deviation(ir), deviation(vis))).abs()


def overshoot_loss(fused: Tensor, ir: Tensor, vis: Tensor) -> Tensor:
    """How far pixels lie outside [0, 1], on average: what the final limits would cut off."""
    return (fused - fused.clamp(0, 1)).abs().flatten(1).mean(1)


def soft_levels(luma: Tensor, levels: int = 32) -> Tensor:
    """Membership of every third pixel, in reading order, in its two nearest grey levels.

    Three shares no factor with the blocks of 2 or 4 pixels that a network draws, nor with most widths, so that every
    place within a block is looked at.

    Returns:
        N x levels x pixels / 3, non-negative, summing to 1 over the levels.
    """
    position = luma.flatten(1)[:, None, ::3].clamp(0, 1) * (levels - 1)
    centres = torch.arange(levels, device=luma.device, dtype=luma.dtype)[:, None]
    return (1 - (position - centres).abs()).clamp_min(0)


def _bits(shares: Tensor) -> Tensor:
    """Shannon entropy of N x ... shares [bit]."""
    return -(shares * (shares + 1e-9).log2()).flatten(1).sum(1)


def entropy_loss(fused: Tensor, ir: Tensor, vis: Tensor) -> Tensor:
    """Minus the entropy of the fused image's soft histogram of 32 levels [bit]."""
    return -_bits(soft_levels(fused).mean(2))


def mi_loss(fused: Tensor, ir: Tensor, vis: Tensor) -> Tensor:
    """-(I(A; F) + I(B; F)) of soft histograms of 32 levels [bit] (Qu et al. 2002, made differentiable)."""
    of_fused = soft_levels(fused)
    total = fused.new_zeros(fused.shape[0])
    for source in (ir, vis):
        of_source = soft_levels(source)
        joint = of_source @ of_fused.transpose(1, 2) / of_fused.shape[2]
        total = total + _bits(joint.sum(1)) + _bits(joint.sum(2)) - _bits(joint)
    return -total


Term = Callable[[Tensor, Tensor, Tensor, FidelitySettings, Tones | None], Tensor]
TERMS: dict[str, Term] = {
    "intensity": lambda f, a, b, s, tones: intensity_loss(f, a, b, tones=tones),
    "gradient": lambda f, a, b, s, tones: gradient_loss(
        f, a, b, gain=s.gradient_gain, window=s.gradient_window, tones=tones
    ),
    "activity": lambda f, a, b, s, tones: activity_loss(f, a, b, gain=s.activity_gain, window=s.gradient_window),
    "vif": lambda f, a, b, s, tones: vif_loss(f, a, b, scales=s.vif_scales),
    "qabf": lambda f, a, b, s, tones: qabf_loss(f, a, b),
    "scd": lambda f, a, b, s, tones: scd_loss(f, a, b),
    "ssim": lambda f, a, b, s, tones: ssim_loss(f, a, b),
    "contrast": lambda f, a, b, s, tones: contrast_loss(f, a, b, gain=s.contrast_gain),
    "overshoot": lambda f, a, b, s, tones: overshoot_loss(f, a, b),
    "mi": lambda f, a, b, s, tones: mi_loss(f, a, b),
    "entropy": lambda f, a, b, s, tones: entropy_loss(f, a, b),
}
"""Name of a term, which is also its weight's name in `FidelitySettings`, -> the term."""


def fidelity_parts(
    fused: Tensor, ir: Tensor, vis: Tensor, settings: FidelitySettings, tones: Tones | None = None
) -> dict[str, Tensor]:
    """The terms whose weight is not zero, unweighted, as means over the batch (scalars)."""
    chosen = {name: term for name, term in TERMS.items() if getattr(settings, name) != 0}
    return {name: term(fused, ir, vis, settings, tones).mean() for name, term in chosen.items()}
