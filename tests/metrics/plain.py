"""The metrics by their definitions, with SciPy's filters and no thought for speed: what tests compare with."""

import numpy as np
from scipy import ndimage, signal, stats

Picture = np.ndarray
"""HxW float64 grey levels, 0 to 255."""


def entropy(picture: Picture) -> float:
    counts = np.unique(picture, return_counts=True)[1]
    return float(stats.entropy(counts, base=2))


def spatial_frequency(picture: Picture) -> float:
    return float(np.sqrt((np.diff(picture, axis=0) ** 2).mean() + (np.diff(picture, axis=1) ** 2).mean()))


def information(first: Picture, second: Picture) -> float:
    """I(X;Y) = sum p(x, y) log2 p(x, y) / (p(x) p(y))."""
    pairs, counts = np.unique(np.stack([first.ravel(), second.ravel()]), axis=1, return_counts=True)
    share = counts / counts.sum()
    margins = []
    for values in pairs:
        levels, places = np.unique(values, return_inverse=True)
        margins.append(np.bincount(places, weights=share, minlength=len(levels))[places])
    return float((share * np.log2(share / (margins[0] * margins[1]))).sum())


def vif(source: Picture, fused: Picture) -> float:
    """Pixel-domain VIF as in Sheikh and Bovik's reference code, two-dimensional windows."""
    kept = own = 0.0
    for scale in range(4):
        side = 2 ** (4 - scale) + 1
        reach = np.arange(side) - side // 2
        window = np.exp(-(reach[:, None] ** 2 + reach**2) / (2 * (side / 5) ** 2))
        window /= window.sum()

        def smooth(picture: Picture, window: np.ndarray = window) -> Picture:
            return signal.correlate2d(picture, window, mode="valid")

        if scale:
            source, fused = smooth(source)[::2, ::2], smooth(fused)[::2, ::2]
        mean_s, mean_f = smooth(source), smooth(fused)
        s1 = np.maximum(smooth(source**2) - mean_s**2, 0)
        s2 = np.maximum(smooth(fused**2) - mean_f**2, 0)
        gain = (smooth(source * fused) - mean_s * mean_f) / (s1 + 1e-10)
        noise = s2 - gain * (smooth(source * fused) - mean_s * mean_f)
        gain, noise, s1 = (np.where(s1 < 1e-10, other, value) for value, other in ((gain, 0), (noise, s2), (s1, 0)))
        gain, noise = np.where(s2 < 1e-10, 0, gain), np.where(s2 < 1e-10, 0, noise)
        noise = np.maximum(np.where(gain < 0, s2, noise), 1e-10)
        gain = np.maximum(gain, 0)
        kept += np.log10(1 + gain**2 * s1 / (noise + 2)).sum()
        own += np.log10(1 + s1 / 2).sum()
    return float(kept / own)


def edges(picture: Picture, sign: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Strength and angle of Sobel edges, zero padding; `sign` -1 is a true convolution's, as in the published Qabf."""
    across, down = (ndimage.sobel(np.pad(picture, 1), axis)[1:-1, 1:-1] for axis in (1, 0))
    upright = across == 0
    angle = np.arctan(sign * down / np.where(upright, 1, across))
    return np.hypot(across, down), np.where(upright, np.pi / 2, angle)


def preservation(source: Picture, fused: Picture, sign: int = 1) -> np.ndarray:
    """Q of Xydeas and Petrovic pixel by pixel, equal strengths as in their code."""
    (g, a), (g_fused, a_fused) = edges(source, sign), edges(fused, sign)
    ratio = np.where(g == g_fused, g_fused, np.minimum(g, g_fused) / np.maximum(np.maximum(g, g_fused), 1e-300))
    agreement = 1 - np.abs(a - a_fused) / (np.pi / 2)
    return 0.9994 / (1 + np.exp(-15 * (ratio - 0.5))) * 0.9879 / (1 + np.exp(-22 * (agreement - 0.8)))


def qabf(ir: Picture, vis: Picture, fused: Picture) -> float:
    strengths = edges(ir)[0], edges(vis)[0]
    kept = sum((preservation(s, fused, -1) * g).sum() for s, g in zip((ir, vis), strengths, strict=True))
    return float(kept / (strengths[0] + strengths[1]).sum())


def kept(source: Picture, other: Picture, fused: Picture) -> float:
    """K of one source."""

    def bands(picture: Picture) -> np.ndarray:
        blurred = [ndimage.gaussian_filter(picture, s, mode="nearest", radius=4 * s) for s in (1, 2, 4, 8, 16, 32)]
        return -np.diff([picture, *blurred], axis=0)

    b, o, f = bands(source), bands(other), bands(fused)
    mask = (np.abs(b) > 6) & (np.abs(b) > 2 * np.abs(o))
    b, f = b[mask], f[mask]
    return float((np.abs(b) * np.clip(f * np.sign(b) / np.abs(b), 0, 1)).sum() / np.abs(b).sum())


def daylight_tone(vis: Picture, fused: Picture) -> float:
    low_vis, low = (ndimage.gaussian_filter(picture, 32, mode="nearest", radius=128) for picture in (vis, fused))
    weight = np.clip((low_vis - 16) / 32, 0, 1) * np.clip((254 - low_vis) / 14, 0, 1)
    return float((weight * np.abs(low - low_vis)).sum() / weight.sum())
