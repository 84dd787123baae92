"""One pair and one fused picture, as Python callers hand them in, and their scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ivif_cli.core import metrics as scores
from ivif_cli.core.data.arrays import as_picture
from ivif_cli.core.scoring.choice import listed_metrics


def evaluate_pair(
    ir: Any, vis: Any, fused: Any, metrics: Sequence[str] | str = scores.SIX, *, convention: str = "ivif"
) -> dict[str, float]:
    """Scores of one fused picture against its two sources.

    Args:
        ir, vis, fused: H x W uint8 luma in [0, 255]; H x W x 3 BGR uint8 is scored by its BT.601 luma. Paths, PIL
            images and tensors are taken as `Fuser.fuse` takes them (see `data.arrays.as_picture`), where they have 8
            bits.
        metrics: names out of `METRICS` in a sequence, or names and groups in a text, as in `--metrics`.
        convention: name out of `CONVENTIONS`.

    Returns:
        metric name -> value; NaN where the metric is undefined for these pictures.

    Raises:
        InputError: unequal sizes, 16-bit or float pictures, NaN pixels, or what is no picture.
        UsageError: a metric or convention that is not known.
    """
    names = listed_metrics(metrics, convention) if isinstance(metrics, str) else metrics
    scene = scores.Scene(_as_given(ir, "infrared"), _as_given(vis, "visible"), convention)
    return scene.score(_as_given(fused, "fused"), names)


def _as_given(source: Any, role: str) -> np.ndarray:
    """An array of grey or colour levels as it is, anything else as `as_picture` takes it."""
    plain = isinstance(source, np.ndarray) and (source.ndim == 2 or source.shape[2:] == (3,))
    return source if plain else as_picture(source, role)
