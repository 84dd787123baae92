"""Yardstick: the six metrics as a plain NumPy/SciPy evaluator computes them, picture by picture and map by map.

Written to the same definitions and in the style in which fusion papers evaluate: two-dimensional `convolve2d` windows,
boolean masks, mutual information through scikit-learn where it is installed, nothing shared between metrics.
"""

import numpy as np
from scipy.signal import convolve2d


def entropy(picture: np.ndarray) -> float:
    shares = np.bincount(np.uint8(np.round(picture)).ravel(), minlength=256) / picture.size
    return float(-np.sum(shares * np.log2(shares + (shares == 0))))


def standard_deviation(picture: np.ndarray) -> float:
    return float(np.std(picture))


def spatial_frequency(picture: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.diff(picture, axis=0) ** 2) + np.mean(np.diff(picture, axis=1) ** 2)))


def mutual_information(fused: np.ndarray, source: np.ndarray) -> float:
    """I(source;fused) [bit]."""
    try:
        from sklearn.metrics import mutual_info_score
    except ImportError:
        return _mutual_information_by_histogram(fused, source)
    return float(mutual_info_score(fused.ravel(), source.ravel()) / np.log(2))


def _mutual_information_by_histogram(fused: np.ndarray, source: np.ndarray) -> float:
    joint, _, _ = np.histogram2d(fused.ravel(), source.ravel(), bins=256, range=[[0, 256], [0, 256]])
    joint /= joint.sum()
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    return float(np.sum(joint[seen] * np.log2(joint[seen] / independent[seen])))


def _window(side: int) -> np.ndarray:
    reach = np.arange(side) - side // 2
    window = np.exp(-(reach[:, None] ** 2 + reach**2) / (2 * (side / 5) ** 2))
    return window / window.sum()


def vif(reference: np.ndarray, picture: np.ndarray) -> float:
    kept = own = 0.0
    for scale, side in enumerate((17, 9, 5, 3)):
        window = _window(side)
        if scale:
            reference = convolve2d(reference, window, mode="valid")[::2, ::2]
            picture = convolve2d(picture, window, mode="valid")[::2, ::2]
        mean_r = convolve2d(reference, window, mode="valid")
        mean_p = convolve2d(picture, window, mode="valid")
        var_r = convolve2d(reference * reference, window, mode="valid") - mean_r * mean_r
        var_p = convolve2d(picture * picture, window, mode="valid") - mean_p * mean_p
        cov = convolve2d(reference * picture, window, mode="valid") - mean_r * mean_p
        var_r[var_r < 0] = 0
        var_p[var_p < 0] = 0
        gain = cov / (var_r + 1e-10)
        noise = var_p - gain * cov
        gain[var_r < 1e-10] = 0
        noise[var_r < 1e-10] = var_p[var_r < 1e-10]
        var_r[var_r < 1e-10] = 0
        gain[var_p < 1e-10] = 0
        noise[var_p < 1e-10] = 0
        noise[gain < 0] = var_p[gain < 0]
        gain[gain < 0] = 0
        noise[noise <= 1e-10] = 1e-10
        kept += np.sum(np.log10(1 + gain * gain * var_r / (noise + 2)))
        own += np.sum(np.log10(1 + var_r / 2))
    return float(kept / own)


_ACROSS = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
_DOWN = np.array([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]])


def _edges(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    across = convolve2d(picture, _ACROSS, mode="same")
    down = convolve2d(picture, _DOWN, mode="same")
    angle = np.full_like(across, np.pi / 2)
    angle[across != 0] = np.arctan(down[across != 0] / across[across != 0])
    return np.sqrt(across * across + down * down), angle


def _edge_quality(source: tuple[np.ndarray, np.ndarray], fused: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    (g_s, a_s), (g_f, a_f) = source, fused
    ratio = np.zeros_like(g_s)
    ratio[g_s > g_f] = g_f[g_s > g_f] / g_s[g_s > g_f]
    ratio[g_s == g_f] = g_f[g_s == g_f]
    ratio[g_s < g_f] = g_s[g_s < g_f] / g_f[g_s < g_f]
    agreement = 1 - np.abs(a_s - a_f) / (np.pi / 2)
    strength_quality = 0.9994 / (1 + np.exp(-15 * (ratio - 0.5)))
    angle_quality = 0.9879 / (1 + np.exp(-22 * (agreement - 0.8)))
    return strength_quality * angle_quality


def qabf(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray) -> float:
    e_ir, e_vis, e_fused = _edges(ir), _edges(vis), _edges(fused)
    kept = _edge_quality(e_ir, e_fused) * e_ir[0] + _edge_quality(e_vis, e_fused) * e_vis[0]
    return float(np.sum(kept) / np.sum(e_ir[0] + e_vis[0]))


def evaluate(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray) -> dict[str, float]:
    """The six metrics of HxW pictures with grey levels in [0, 255]."""
    ir, vis, fused = (np.asarray(picture, dtype=np.float64) for picture in (ir, vis, fused))
    return {
        "EN": entropy(fused),
        "SD": standard_deviation(fused),
        "SF": spatial_frequency(fused),
        "MI": mutual_information(fused, ir) + mutual_information(fused, vis),
        "VIF": vif(ir, fused) + vif(vis, fused),
        "Qabf": qabf(ir, vis, fused),
    }
