"""Metrics from grey levels and neighbouring differences: SD, SF, AG, CC, SCD, MSE, PSNR.

Grey levels are integers, so sums are kept exact (int64) as long as possible and rounded once.
"""

import math

import cv2

from ivif_cli.core.metrics.maps import Maps


def standard_deviation(fused: Maps) -> float:
    """SD: population standard deviation of the fused picture [grey level], in [0, 127.5]."""
    return math.sqrt(fused.deviation / fused.pixels.size)


def spatial_frequency(fused: Maps) -> float:
    """SF: root of the mean squared vertical plus the mean squared horizontal difference (Eskicioglu, Fisher 1995).

    Each mean is over its own count, (H-1)W and H(W-1); an axis of one pixel adds 0.
    """
    pixels = fused.pixels
    mean_squares = 0.0
    for near, far in ((pixels[:-1], pixels[1:]), (pixels[:, :-1], pixels[:, 1:])):
        if near.size:
            mean_squares += cv2.norm(far, near, cv2.NORM_L2SQR) / near.size
    return math.sqrt(mean_squares)
