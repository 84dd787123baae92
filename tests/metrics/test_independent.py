"""Metrics without golden values, against an independent path: scikit-image, SciPy, or the plain definition."""

import math

import numpy as np
import pytest
from scipy import ndimage, signal, stats

from ivif_cli.core.metrics import GROUPS, METRICS, SIX, evaluate_pair

Triple = tuple[np.ndarray, np.ndarray, np.ndarray]


def _pictures(rng: np.random.Generator, shape: tuple[int, int]) -> Triple:
    """Smooth random pictures with some relation to each other, uint8."""
    ir, vis, noise = (ndimage.gaussian_filter(rng.normal(size=shape), 2) * 400 + 120 for _ in range(3))
    fused = 0.6 * ir + 0.5 * vis + 0.3 * noise - 50
    return tuple(np.clip(picture, 0, 255).astype(np.uint8) for picture in (ir, vis, fused))  # type: ignore[return-value]


@pytest.fixture
def triple(rng: np.random.Generator) -> Triple:
    return _pictures(rng, (83, 97))


def test_entropy_is_that_of_scikit_image(triple: Triple) -> None:
    measure = pytest.importorskip("skimage.measure")
    assert evaluate_pair(*triple, ["EN"])["EN"] == pytest.approx(measure.shannon_entropy(triple[2]), abs=1e-12)


def test_ssim_is_the_valid_part_of_scikit_images(triple: Triple) -> None:
    skimage = pytest.importorskip("skimage.metrics")
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    expected = sum(skimage.structural_similarity(source, triple[2], **options) for source in triple[:2])
    assert evaluate_pair(*triple, ["SSIM"], convention="vifb")["SSIM"] == pytest.approx(expected, abs=1e-12)


def test_cddfuse_ssim_is_scikit_images_with_a_range_of_two(triple: Triple) -> None:
    skimage = pytest.importorskip("skimage.metrics")
    real = [picture.astype(np.float64) for picture in triple]
    expected = sum(skimage.structural_similarity(source, real[2], data_range=2) for source in real[:2])
    assert evaluate_pair(*triple, ["SSIM"], convention="cddfuse")["SSIM"] == pytest.approx(expected, abs=1e-9)


def test_correlations_are_pearsons(triple: Triple) -> None:
    ir, vis, fused = (picture.ravel().astype(float) for picture in triple)

    def corr(first: np.ndarray, second: np.ndarray) -> float:
        return float(stats.pearsonr(first, second).statistic)

    scores = evaluate_pair(*triple, ["CC", "SCD"])
    assert scores["CC"] == pytest.approx((corr(ir, fused) + corr(vis, fused)) / 2, abs=1e-12)
    assert scores["SCD"] == pytest.approx(corr(fused - vis, ir) + corr(fused - ir, vis), abs=1e-12)


def test_average_gradient_is_numpys_gradient(triple: Triple) -> None:
    down, across = np.gradient(triple[2].astype(float))
    height, width = triple[2].shape
    expected = np.sqrt((down**2 + across**2) / 2).sum() / ((height - 1) * (width - 1))
    assert evaluate_pair(*triple, ["AG"])["AG"] == pytest.approx(expected, rel=1e-13)


def test_errors_against_their_definition(triple: Triple) -> None:
    ir, vis, fused = (picture / 255 for picture in triple)
    error = (np.mean((ir - fused) ** 2) + np.mean((vis - fused) ** 2)) / 2
    scores = evaluate_pair(*triple, ["MSE", "PSNR"])
    assert scores["MSE"] == pytest.approx(error, rel=1e-12)
    assert scores["PSNR"] == pytest.approx(-10 * np.log10(error), rel=1e-12)


def _plain_ms_ssim(first: np.ndarray, second: np.ndarray) -> float:
    """Five scales with a two-dimensional window, as in Wang, Simoncelli and Bovik 2003."""
    reach = np.arange(11) - 5
    window = np.exp(-(reach[:, None] ** 2 + reach**2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2 = 2.55**2, 7.65**2

    def smooth(picture: np.ndarray) -> np.ndarray:
        return signal.convolve2d(picture, window, mode="valid")

    result = 1.0
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        if scale:
            first, second = (
                ndimage.uniform_filter(picture, 2, mode="reflect", origin=-1)[::2, ::2] for picture in (first, second)
            )
        mean_1, mean_2 = smooth(first), smooth(second)
        var_1, var_2 = smooth(first**2) - mean_1**2, smooth(second**2) - mean_2**2
        contrast = (2 * (smooth(first * second) - mean_1 * mean_2) + c2) / (var_1 + var_2 + c2)
        luminance = (2 * mean_1 * mean_2 + c1) / (mean_1**2 + mean_2**2 + c1)
        result *= max(float((contrast * luminance if scale == 4 else contrast).mean()), 0) ** weight
    return result


@pytest.mark.parametrize("shape", [(176, 192), (181, 203)])
def test_ms_ssim_against_two_dimensional_windows(shape: tuple[int, int], rng: np.random.Generator) -> None:
    triple = _pictures(rng, shape)
    ir, vis, fused = (picture.astype(float) for picture in triple)
    expected = (_plain_ms_ssim(ir, fused) + _plain_ms_ssim(vis, fused)) / 2
    assert evaluate_pair(*triple, ["MS-SSIM"])["MS-SSIM"] == pytest.approx(expected, abs=1e-10)


def _plain_nabf(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray) -> float:
    """Pixel by pixel, from the paper's description: Sobel over 8, mirrored border, strong edges weigh g^1.5."""

    def edges(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        padded = np.pad(picture.astype(float), 1, mode="reflect")
        kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
        return tuple(signal.correlate2d(padded, k, mode="valid") for k in (kernel, kernel.T))  # type: ignore[return-value]

    maps = [edges(picture) for picture in (ir, vis, fused)]
    lost = total = 0.0
    for place in np.ndindex(ir.shape):
        strengths, angles = [], []
        for across, down in maps:
            x, y = across[place], down[place]
            strengths.append(math.hypot(x, y))
            angles.append(0.0 if x == y == 0 else math.copysign(math.pi / 2, x) if y == 0 else math.atan(x / y))
        for source in (0, 1):
            low, high = sorted((strengths[source], strengths[2]))
            ratio = 0.0 if low == 0 else low / high
            agreement = abs(abs(angles[source] - angles[2]) - math.pi / 2) * 2 / math.pi
            kept = 0.9999 / (1 + math.exp(-19 * (ratio - 0.5))) * 0.9995 / (1 + math.exp(-22 * (agreement - 0.5)))
            weight = strengths[source] ** 1.5 if strengths[source] >= 2 else 0.001
            total += weight
            if strengths[2] > max(strengths[:2]):
                lost += (1 - math.sqrt(kept)) * weight
    return lost / total


def test_nabf_pixel_by_pixel(rng: np.random.Generator) -> None:
    triple = _pictures(rng, (33, 41))
    assert evaluate_pair(*triple, ["Nabf"])["Nabf"] == pytest.approx(_plain_nabf(*triple), rel=1e-9)


def _plain_fmi_window(source: np.ndarray, fused: np.ndarray) -> float:
    """One 3 x 3 window by the definition: Nelsen's joint distribution from a Frechet bound, then 2 I / (H + H)."""
    if (source == fused).all():
        return 1.0

    def distribution(window: np.ndarray) -> np.ndarray:
        values = window.T.ravel().astype(float)
        values = np.ones(9) if np.ptp(values) == 0 else (values - values.min()) / np.ptp(values)
        return values / values.sum()

    def entropy(shares: np.ndarray) -> float:
        return -sum(p * math.log2(abs(p)) for p in shares.ravel() if p != 0)

    p, q = distribution(source), distribution(fused)
    flat = np.ptp(source) == 0 or np.ptp(fused) == 0
    correlation = 0.0 if flat else float(np.corrcoef(p, q)[0, 1])
    big_p, big_q = np.append(0, p.cumsum()), np.append(0, q.cumsum())
    upper, lower = np.minimum(big_p[:, None], big_q), np.maximum(big_p[:, None] + big_q - 1, 0)
    bound = upper if correlation >= 0 else lower
    places = np.arange(1, 10)
    spread = [math.sqrt((places**2 * d).sum() - (places * d).sum() ** 2) for d in (p, q)]
    covariance = (bound - big_p[:, None] * big_q).sum()
    mixing = correlation * spread[0] * spread[1] / covariance if spread[0] * spread[1] > 0 else 0.0
    mass = np.diff(np.diff(bound, axis=0), axis=1)
    joint = mixing * mass + (1 - mixing) * p[:, None] * q
    total = entropy(p) + entropy(q)
    return 2 * (total - entropy(joint)) / total


def test_fmi_window_by_window(rng: np.random.Generator) -> None:
    ir, vis, fused = _pictures(rng, (14, 17))
    fused[:6, :6] = ir[:6, :6]
    vis[8:, :5] = 90
    windows = [(y, x) for y in range(12) for x in range(15)]
    scores = [
        (_plain_fmi_window(s[y : y + 3, x : x + 3], fused[y : y + 3, x : x + 3])) for y, x in windows for s in (ir, vis)
    ]
    assert evaluate_pair(ir, vis, fused, ["FMI"])["FMI"] == pytest.approx(np.mean(scores), abs=1e-9)


def test_plain_evaluator_of_the_benchmark_agrees(triple: Triple, repository) -> None:
    import importlib.util

    spec = importlib.util.spec_from_file_location("plain_numpy", repository / "benchmarks" / "plain_numpy.py")
    assert spec is not None
    assert spec.loader is not None
    plain = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plain)
    expected = plain.evaluate(*triple)
    for name, value in evaluate_pair(*triple).items():
        assert value == pytest.approx(expected[name], abs=1e-7 if name == "VIF" else 1e-10), name


def test_every_metric_is_described() -> None:
    field = [*SIX, "AG", "CC", "SCD", "MSE", "PSNR", "SSIM", "MS-SSIM", "Nabf", "FMI"]
    assert list(METRICS) == [*field, *GROUPS["kept"], "T_ir", *GROUPS["clean"]]
    assert GROUPS["default"] == (*SIX, "K")
    assert set(METRICS) - set(GROUPS["all"]) == {"FMI", "T_ir"}
    for metric in METRICS.values():
        assert all((metric.formula, metric.source, metric.range))
        assert metric.convention == "ivif"
    assert {name for name, metric in METRICS.items() if not metric.higher_is_better} == {
        *("MSE", "Nabf", "L", "N", "TD"),
        *GROUPS["clean"],
    }
