"""What other implementations make of each metric: measured differences, for `ivif evaluate --explain`."""

from ivif_cli.core.metrics.conventions import CONVENTIONS
from ivif_cli.core.metrics.registry import METRICS

ELSEWHERE: dict[str, tuple[str, ...]] = {
    "EN": ("scikit-image's shannon_entropy equals it", "IVIF_ZOO adds 1e-7 inside the logarithm (4e-5 bit at most)"),
    "SD": (
        "VIFB calls it variance",
        "an older state of the MATLAB scripts saturates at uint8 and gives about 8 to 10 instead of 30 to 45",
    ),
    "SF": ("papers before 2022 often take pictures on [0, 1]: our value over 255",),
    "MI": (
        "MATLAB: levels 254 and 255 share a bin of the joint histogram, 0 to 0.041 bit more",
        "scikit-learn's mutual_info_score over ln 2 equals one of the two terms",
        "some papers halve the sum",
    ),
    "VIF": (
        "the mean of both sources instead of the sum: half of our value",
        "zero-padded borders: 0.963 instead of 0.856 on one pair",
        "pictures on [0, 1]: nonsense (7.7)",
        "float32: off by up to 3e-5, with offset subtraction by 7e-5",
        "below 41 px MATLAB drops scales and SciPy's 'valid' swaps its operands; here there is no value",
    ),
    "Qabf": (
        "pictures on [0, 1]: rounding flips angles, off by up to 0.017",
        "the maximum, reached by three equal pictures, is 0.9753 and not 1",
        "a flat fused picture still scores 0.2 to 0.3, from the edge that zero padding makes along the border",
    ),
    "AG": ("CDDFuse and IVIF_ZOO divide by HW instead of (H-1)(W-1)",),
    "CC": ("a flat picture has no correlation: no value here, NaN elsewhere",),
    "SCD": ("three equal pictures have no value: the differences are flat",),
    "MSE": ("CDDFuse: on grey levels, 65025 times ours", "VIFB: Frobenius norm over HW, called RMSE"),
    "PSNR": (
        "MATLAB and IVIF_ZOO: a peak of 255 over an error on [0, 1], 48.13 dB too high",
        "CDDFuse: the peak is the fused picture's maximum",
    ),
    "SSIM": (
        "MATLAB: called with L = 1 on grey levels (mean 0.461 against 0.675)",
        "CDDFuse: sum over the sources, uniform 7 x 7 windows, L = 2",
        "VIFB: sum over the sources, windows inside only",
    ),
    "MS-SSIM": (
        "MATLAB: the three-scale MEF-SSIM of multi-exposure fusion under the same name",
        "IVIF_ZOO: sum over the sources, L = 1 on grey levels",
    ),
    "Nabf": (
        "MATLAB since 2023: called with its arguments in the wrong order, which reverses rankings "
        "(SeAFusion 0.050 right, 0.016 as called)",
    ),
    "FMI": ("MATLAB's FMI_pixel is the edge feature (about 0.93 against 0.36 to 0.44 on raw pixels)",),
}
"""Metric -> facts, a line each."""


def explain(name: str) -> list[tuple[str, str]]:
    """(label, text) lines about a metric of `METRICS`: formula, source, range, direction, conventions, others."""
    ours = METRICS[name]
    lines = [
        ("formula", ours.formula),
        ("source", ours.source),
        ("range", ours.range),
        ("better", "higher" if ours.higher_is_better else "lower"),
    ]
    for convention in CONVENTIONS.values():
        metric = convention.metrics.get(name)
        if metric is None:
            lines.append((convention.name, "does not have it"))
        elif metric is not ours:
            lines.append((convention.name, "the same" if metric.function is ours.function else metric.formula))
    return lines + [("elsewhere", fact) for fact in ELSEWHERE.get(name, ())]
