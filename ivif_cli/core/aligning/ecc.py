"""Registration by the enhanced correlation coefficient (ECC) of oriented gradients.

Infrared and visible grey levels do not correlate, and even the sign of an edge differs between the two; where edges
stand and how they are oriented does agree. So each image becomes four channels of unsigned gradients (0, 45, 90 and
135 degrees), normalised by the local gradient energy, and the ECC of all channels together is raised: a search over
translation, rotation and scale by FFT on a small copy, then Gauss-Newton steps from coarse to fine (Evangelidis and
Psarakis, PAMI 2008, in its forward compositional form).

Matrices here map pixels of the visible image to pixels of the infrared image, both in the visible image's frame.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

LEVELS = (160, 240, 320)
MOTIONS = ("similarity", "affine", "homography")
_BLUR, _FLAT = 2.0, 0.3
_STEPS = 30
_MIN_OVERLAP = 0.5
_GRID = (8, 6)
_WARP = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


@dataclass(frozen=True)
class Features:
    """A pair at one scale: oriented gradients h x w x 4 float32 of both images, and where the infrared one is real."""

    vis: np.ndarray
    ir: np.ndarray
    valid: np.ndarray


@dataclass(frozen=True)
class Fit:
    """A state of the registration: the matrix, its ECC in [-1, 1] and the residual [px]."""

    matrix: np.ndarray
    ecc: float
    residual: float = math.nan


def oriented_gradients(luma: np.ndarray) -> np.ndarray:
    """Unsigned gradients along four directions, blurred, then divided by their local energy.

    Args:
        luma: h x w, any real dtype.

    Returns:
        h x w x 4 float32 in [0, 1].
    """
    smooth = cv2.GaussianBlur(luma.astype(np.float32), (0, 0), 1.0)
    across, down = (cv2.Scharr(smooth, cv2.CV_32F, dx, 1 - dx) for dx in (1, 0))
    diagonal = np.float32(math.sqrt(0.5))
    directions = [across, (across + down) * diagonal, down, (across - down) * diagonal]
    channels = cv2.GaussianBlur(np.abs(np.stack(directions, axis=-1)), (0, 0), _BLUR)
    energy = np.sqrt(np.square(channels).sum(axis=-1, keepdims=True))
    return channels / (energy + np.float32(_FLAT * np.median(energy) + 1e-3))


def features(ir: np.ndarray, vis: np.ndarray, valid: np.ndarray, side: int) -> tuple[Features, np.ndarray]:
    """Features at a longer side of at most `side` pixels, and the 3 x 3 matrix from full to small pixels."""
    height, width = vis.shape
    scale = min(1.0, side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small_ir, small_vis, small_valid = (cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (ir, vis, valid))
    inside = _eroded(small_valid, 7)
    sx, sy = size[0] / width, size[1] / height
    down = np.array([[sx, 0, sx / 2 - 0.5], [0, sy, sy / 2 - 0.5], [0, 0, 1]])
    return Features(oriented_gradients(small_vis), oriented_gradients(small_ir), inside), down


def _eroded(mask: np.ndarray, side: int) -> np.ndarray:
    kernel = np.ones((side, side), np.uint8)
    return cv2.erode((mask > 0.99).astype(np.float32), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)


def search(pairs: Sequence[Features], scales: Sequence[float], angles: Sequence[float]) -> Fit:
    """Best translation over all given scales and rotations [deg], by normalised cross-correlation (FFT)."""
    height, width = pairs[0].vis.shape[:2]
    best = Fit(np.eye(3), -1.0)
    for scale, angle in itertools.product(scales, angles):
        turn = np.vstack([cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, scale), [0, 0, 1]])
        surface = np.mean([_correlation(pair, turn) for pair in pairs], axis=0)
        row, column = np.unravel_index(int(surface.argmax()), surface.shape)
        if surface[row, column] > best.ecc:
            shift, at, period = np.eye(3), np.array([column, row]), np.array(surface.shape[::-1])
            shift[:2, 2] = np.where(at > period // 2, at - period, at)
            best = Fit(turn @ shift, float(surface[row, column]))
    return best


def _correlation(pair: Features, turn: np.ndarray) -> np.ndarray:
    """Masked normalised cross-correlation for every translation up to a fifth of the image's sides; -1 elsewhere."""
    height, width = pair.vis.shape[:2]
    rows, columns = cv2.getOptimalDFTSize(2 * height), cv2.getOptimalDFTSize(2 * width)
    mask = (_warped(pair.valid, turn) > 0.99).astype(np.float32)
    if mask.mean() < _MIN_OVERLAP:
        return np.full((rows, columns), -1.0)
    ir = _warped(pair.ir, turn)
    ir = (ir - ir[mask > 0].mean(axis=0)) * mask[..., None]
    vis = pair.vis - pair.vis.mean(axis=(0, 1))

    def spectrum(image: np.ndarray) -> np.ndarray:
        return np.fft.rfft2(image, (rows, columns), axes=(0, 1))

    def correlate(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.fft.irfft2(np.conj(left) * right, (rows, columns))

    every, masked = spectrum(np.ones((height, width))), spectrum(mask)
    joint = np.fft.irfft2((np.conj(spectrum(vis)) * spectrum(ir)).sum(axis=-1), (rows, columns))
    power_vis = correlate(spectrum(np.square(vis).sum(axis=-1)), masked)
    power_ir = correlate(every, spectrum(np.square(ir).sum(axis=-1)))
    overlap = correlate(every, masked)
    rows_near = np.abs(np.fft.fftfreq(rows, 1 / rows)) <= 0.2 * height
    columns_near = np.abs(np.fft.fftfreq(columns, 1 / columns)) <= 0.2 * width
    allowed = rows_near[:, None] & columns_near & (overlap > _MIN_OVERLAP * height * width)
    return np.where(allowed, joint / np.sqrt(np.maximum(power_vis * power_ir, 1e-6)), -1.0)


def _warped(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return cv2.warpPerspective(image, matrix, image.shape[1::-1], flags=_WARP)


def refine(pairs: Sequence[Features], start: np.ndarray, motion: str) -> Fit:
    """Raise the joint ECC of one or several pairs by Gauss-Newton steps over one common matrix.

    Args:
        pairs: features of equal sizes.
        start: 3 x 3 matrix to begin with.
        motion: a name of `MOTIONS`.

    Returns:
        the best state that was met; its residual is the median displacement [px] that 8 x 6 blocks still ask for.
    """
    height, width = pairs[0].vis.shape[:2]
    jacobian = _jacobian(width, height, motion)
    centred = np.array([[2 / (width - 1), 0, -1], [0, 2 / (height - 1), -1], [0, 0, 1]])
    outward = np.linalg.inv(centred)
    best, matrix = Fit(start, -1.0), start
    for _ in range(_STEPS):
        states = [_linearise(pair, matrix) for pair in pairs]
        if float(np.mean([state.mask.mean() for state in states])) < _MIN_OVERLAP:
            break
        ecc, step = _step(states, jacobian)
        if ecc > best.ecc:
            best = Fit(matrix, ecc, _residual(states))
        matrix = matrix @ outward @ (np.eye(3) + np.append(step, 0).reshape(3, 3)) @ centred
        matrix = matrix / matrix[2, 2]
        if np.abs(step).max() < 1e-4:
            break
    return best


def score(pairs: Sequence[Features], matrix: np.ndarray) -> float:
    """The joint ECC of a given matrix."""
    states = [_linearise(pair, matrix) for pair in pairs]
    tt, ii, ti = (sum(getattr(state, name) for state in states) for name in ("tt", "ii", "ti"))
    return ti / math.sqrt(tt * ii + 1e-12)


def _jacobian(width: int, height: int, motion: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Derivatives (K x hw) of x and of y [px] by the K free parameters, and the K x 8 basis of those parameters."""
    x, y = np.meshgrid(np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32))
    one, zero = np.ones_like(x), np.zeros_like(x)
    along_x = np.stack([x, y, one, zero, zero, zero, -x * x, -x * y]).reshape(8, -1) * ((width - 1) / 2)
    along_y = np.stack([zero, zero, zero, x, y, one, -x * y, -y * y]).reshape(8, -1) * ((height - 1) / 2)
    aspect = height / width
    turns = [[1, 0, 0, 0, 1, 0, 0, 0], [0, -aspect, 0, 1 / aspect, 0, 0, 0, 0]]
    similar = np.concatenate([turns, np.eye(8)[[2, 5]]])
    free = {"similarity": similar, "affine": np.eye(8)[:6], "homography": np.eye(8)}[motion]
    basis = free.astype(np.float32)
    return basis @ along_x, basis @ along_y, basis


@dataclass(frozen=True)
class _State:
    """Sums over the channels at every pixel: ECC terms t, i (template, image) and gradients of the warped image."""

    mask: np.ndarray
    tt: float
    ii: float
    ti: float
    hessian: np.ndarray
    toward_t: np.ndarray
    toward_i: np.ndarray


def _linearise(pair: Features, matrix: np.ndarray) -> _State:
    mask = _eroded(_warped(pair.valid, matrix), 5)
    weight = mask[..., None]
    count = max(float(mask.sum()), 1.0)
    warped = _warped(pair.ir, matrix)
    template = (pair.vis - (pair.vis * weight).sum(axis=(0, 1)) / count) * weight
    image = (warped - (warped * weight).sum(axis=(0, 1)) / count) * weight
    gx, gy = (cv2.Sobel(warped, cv2.CV_32F, dx, 1 - dx, scale=1 / 8) * weight for dx in (1, 0))
    hessian = np.stack([(gx * gx).sum(-1), (gx * gy).sum(-1), (gy * gy).sum(-1)])
    by_t, by_i = (np.stack([(gx * x).sum(-1), (gy * x).sum(-1)]) for x in (template, image))
    tt, ii, ti = (float((a * b).sum()) for a, b in ((template, template), (image, image), (template, image)))
    return _State(mask, tt, ii, ti, hessian, by_t, by_i)


def _step(states: Sequence[_State], jacobian: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[float, np.ndarray]:
    """ECC of the present state and the parameter step (8 numbers, in coordinates [-1, 1]) that raises it."""
    jx, jy, basis = jacobian
    tt, ii, ti = (sum(getattr(state, name) for state in states) for name in ("tt", "ii", "ti"))
    xx, xy, yy = np.sum([state.hessian for state in states], axis=0).reshape(3, -1)
    normal = ((jx * xx) @ jx.T + (jx * xy) @ jy.T + (jy * xy) @ jx.T + (jy * yy) @ jy.T).astype(np.float64)
    normal += np.eye(len(normal)) * (1e-4 * np.trace(normal) / len(normal) + 1e-9)
    totals = (np.sum([getattr(s, name) for s in states], axis=0) for name in ("toward_t", "toward_i"))
    by_t, by_i = (jx @ total[0].ravel() + jy @ total[1].ravel() for total in totals)
    inverse = np.linalg.inv(normal)
    above, below = ii - by_i @ inverse @ by_i, ti - by_t @ inverse @ by_i
    gain = above / below if below > 0 else math.sqrt(ii / max(tt, 1e-12))
    return ti / math.sqrt(tt * ii + 1e-12), basis.T @ (inverse @ (gain * by_t - by_i))


def _residual(states: Sequence[_State]) -> float:
    """Median length [px] of the displacement that each block of an 8 x 6 grid would still take on its own."""
    hessian = np.sum([state.hessian for state in states], axis=0)
    gain = math.sqrt(sum(s.ii for s in states) / max(sum(s.tt for s in states), 1e-12))
    pull = np.sum([gain * state.toward_t - state.toward_i for state in states], axis=0)
    xx, xy, yy = (cv2.resize(x, _GRID, interpolation=cv2.INTER_AREA) for x in hessian)
    px, py = (cv2.resize(x, _GRID, interpolation=cv2.INTER_AREA) for x in pull)
    damping = 0.01 * float((xx + yy).mean()) + 1e-12
    determinant = (xx + damping) * (yy + damping) - xy * xy
    shift = np.hypot((yy + damping) * px - xy * py, (xx + damping) * py - xy * px) / determinant
    return float(np.median(shift))
