"""The metrics of the convention `ivif` as data: name, function, direction, formula, source, range."""

from functools import partial

from ivif_cli.core.metrics import artefacts, edges, features, kept, similarity, statistics, targets
from ivif_cli.core.metrics.metric import Metric, Score, of_fused, of_visible, of_worse, over_sources


def _metric(name: str, function: Score, formula: str, source: str, span: str, *, down: bool = False) -> Metric:
    return Metric(name, not down, "ivif", formula, source, span, function)


_TABLE = (
    _metric(
        "EN",
        of_fused(statistics.entropy),
        "-sum p log2 p over the 256-bin histogram of the fused picture [bit]",
        "Shannon 1948; Roberts et al. 2008 for fusion",
        "0 to 8",
    ),
    _metric(
        "SD",
        of_fused(statistics.standard_deviation),
        "population standard deviation of the fused picture [grey level]",
        "Rao 1997",
        "0 to 127.5",
    ),
    _metric(
        "SF",
        of_fused(statistics.spatial_frequency),
        "sqrt(mean squared vertical difference + mean squared horizontal difference), each over its own count",
        "Eskicioglu and Fisher 1995",
        "0 to 360.6",
    ),
    _metric(
        "MI",
        statistics.mutual_information,
        "I(ir;fused) + I(vis;fused), I(X;F) = H(X) + H(F) - H(X,F), 256 x 256 joint histograms [bit]",
        "Qu, Zhang and Yan 2002",
        "0 to 16",
    ),
    _metric(
        "VIF",
        over_sources(similarity.vif_of_source),
        "vifp(ir, fused) + vifp(vis, fused): 4 scales, Gaussian windows of 17, 9, 5, 3 px, sigma N/5, noise variance 2",
        "Sheikh and Bovik 2006; Han et al. 2013 for fusion",
        "0 upwards; 2 for three equal pictures",
    ),
    _metric(
        "Qabf",
        edges.edge_preservation,
        "sum(Q_af g_a + Q_bf g_b) / sum(g_a + g_b), Q the product of strength and angle sigmoids of Sobel edges",
        "Xydeas and Petrovic 2000",
        "0 to 0.9753",
    ),
    _metric(
        "AG",
        of_fused(statistics.average_gradient),
        "sum of sqrt((gx^2 + gy^2) / 2) over (H-1)(W-1), gx and gy central differences, one-sided on the border",
        "Cui et al. 2015",
        "0 to 255",
    ),
    _metric(
        "CC",
        statistics.correlation,
        "mean of the Pearson correlations of the fused picture with both sources",
        "Deshmukh and Bhosale 2010",
        "-1 to 1",
    ),
    _metric(
        "SCD",
        statistics.correlation_of_differences,
        "corr(fused - vis, ir) + corr(fused - ir, vis)",
        "Aslantas and Bendes 2015",
        "-2 to 2",
    ),
    _metric(
        "MSE",
        statistics.mean_squared_error,
        "mean squared error on the scale [0, 1], mean over both sources",
        "Jagalingam and Hegde 2015",
        "0 to 1",
        down=True,
    ),
    _metric(
        "PSNR",
        statistics.peak_signal_to_noise,
        "-10 log10(MSE) [dB]",
        "Jagalingam and Hegde 2015",
        "0 upwards; infinite for three equal pictures",
    ),
    _metric(
        "SSIM",
        over_sources(similarity.structural_similarity, mean=True),
        "mean of SSIM(ir, fused) and SSIM(vis, fused): Gaussian 11 x 11, sigma 1.5, L = 255, replicated border",
        "Wang et al. 2004",
        "-1 to 1",
    ),
    _metric(
        "MS-SSIM",
        over_sources(similarity.multiscale_similarity, mean=True),
        "mean over both sources of five-scale SSIM, weights .0448 .2856 .3001 .2363 .1333, valid windows, L = 255",
        "Wang, Simoncelli and Bovik 2003",
        "0 to 1",
    ),
    _metric(
        "Nabf",
        artefacts.fusion_artefacts,
        "sum of (1 - Q) g^1.5 where the fused edge is stronger than both sources', over the sum of g^1.5; Sobel over 8",
        "Petrovic and Xydeas 2005; Shreyamsha Kumar 2013",
        "0 to 1",
        down=True,
    ),
    _metric(
        "FMI",
        features.feature_mutual_information,
        "mean normalised mutual information of 3 x 3 windows of raw pixels (FMI_pixel), mean over both sources",
        "Haghighat et al. 2011; Haghighat and Razian 2014",
        "0 to 1",
    ),
)

_KEPT = (
    _metric(
        "K",
        of_worse(kept.kept_share),
        "min(K_ir, K_vis): what is kept of the worse-kept source; read it with its 10th percentile over pictures",
        "defined here",
        "0 to 1",
    ),
    _metric(
        "K_ir",
        kept.kept_share,
        "sum of |B| clip(B_f sign(B) / |B|, 0, 1) over sum of |B|, of six Gaussian bands (sigma 1 to 32 px), "
        "where the infrared is alone: |B| > 6 and |B| > 2 |B of the visible|",
        "defined here",
        "0 to 1",
    ),
    _metric("K_vis", of_visible(kept.kept_share), "as K_ir, where the visible is alone", "defined here", "0 to 1"),
    _metric(
        "X",
        of_worse(edges.preserved_own_edges),
        "min(X_ir, X_vis): edges of the worse-kept source; stricter than K, for it punishes gain",
        "defined here from Xydeas and Petrovic 2000",
        "0 to 0.9753",
    ),
    _metric(
        "X_ir",
        edges.preserved_own_edges,
        "mean of Qabf's Q weighted by edge strength g, where the infrared is alone: g > 40 and g > 2 g of the visible",
        "defined here from Xydeas and Petrovic 2000",
        "0 to 0.9753",
    ),
    _metric(
        "X_vis",
        of_visible(edges.preserved_own_edges),
        "as X_ir, where the visible is alone",
        "defined here from Xydeas and Petrovic 2000",
        "0 to 0.9753",
    ),
    _metric(
        "L",
        partial(edges.unkept_edges, invented=False),
        "sum of (1 - Q_af) g_a + (1 - Q_bf) g_b where the fused edge is not stronger than both, over sum(g_a + g_b)",
        "Petrovic and Xydeas 2005",
        "0 to 1",
        down=True,
    ),
    _metric(
        "N",
        partial(edges.unkept_edges, invented=True),
        "as L, where the fused edge is stronger than both sources'; Qabf + L + N = 1 up to 0.001",
        "Petrovic and Xydeas 2005",
        "0 to 1",
        down=True,
    ),
    _metric(
        "TD",
        kept.daylight_tone,
        "weighted mean of |low fused - low visible| [grey level], low: Gaussian of sigma 32 px, weight by low visible: "
        "1 from 48 to 240, 0 below 16 and from 254",
        "defined here",
        "0 to 255",
        down=True,
    ),
)

_TARGETS = (
    _metric(
        "T_ir",
        targets.target_preservation,
        "mean of clip(C_f / C_ir, 0, 1) over labelled people that only the infrared shows (|C_ir| >= 8), C: mean of "
        "the centre 70 % of the box minus mean of the ring from 1.0 to 1.6 times the box; needs labels",
        "defined here",
        "0 to 1",
    ),
)

_CLEAN = (
    _metric(
        "even",
        artefacts.evenness,
        "where 7 x 7 spreads of both sources are below 3: mean spread of fused / (mean larger spread + 0.25)",
        "defined here",
        "0 upwards; above 1 noise was lifted",
        down=True,
    ),
    _metric(
        "rings",
        artefacts.ringing,
        "mean excess over both sources' 5 x 5 range, within 5 px of a range above 80 [grey level]",
        "defined here",
        "0 upwards",
        down=True,
    ),
    _metric(
        "clipped",
        artefacts.clipping,
        "share of pixels at 0, 1, 254, 255 minus the larger of the sources' shares",
        "defined here",
        "-1 to 1",
        down=True,
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in (*_TABLE, *_KEPT, *_TARGETS, *_CLEAN)}
"""Every metric of our own convention by name, in the order of reports."""

SIX = ("EN", "SD", "SF", "MI", "VIF", "Qabf")
"""The metrics that most papers print."""

GROUPS: dict[str, tuple[str, ...]] = {
    "six": SIX,
    "default": (*SIX, "K"),
    "kept": tuple(metric.name for metric in _KEPT),
    "clean": tuple(metric.name for metric in _CLEAN),
    "all": tuple(name for name in METRICS if name not in ("FMI", "T_ir")),
}
"""Names that stand for several metrics; `default` is what is computed when none are named.

FMI is in none: its 81 logarithms a pixel and source take nine times as long as the other metrics of the field together.
Nor is T_ir, which needs labels.
"""
