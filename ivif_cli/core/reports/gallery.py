"""Thumbnails of sources and fused pictures, small enough to lie inside a report."""

import base64
import math
from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from ivif_cli.core.data.luma import to_bits, to_luma
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.data.sources import read_infrared, read_visible
from ivif_cli.core.errors import IvifError
from ivif_cli.core.reports.report import Report
from ivif_cli.core.scoring.baselines import BASELINES
from ivif_cli.core.scoring.scorer import BASELINE, Contender

Gallery = dict[str, dict[str, str]]
"""Pair name -> "infrared", "visible" or method name -> data URI."""

INFRARED, VISIBLE = "infrared", "visible"
_SIDE = 360
_QUALITY = 82
_MOST_SCENES = 60


def thumbnail(picture: np.ndarray) -> str:
    """A JPEG of at most 360 px as a data URI; `picture` is H x W [x 3] uint8 or uint16."""
    scale = min(1.0, _SIDE / max(picture.shape[:2]))
    if scale < 1:
        size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", to_bits(picture, 8), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"


def picture_ranking(report: Report) -> list[str]:
    """Picture names of the method under test, best first: by the mean over metrics of the place among its pictures."""
    pictures = [p for p in report.evaluation.first.pictures if all(math.isfinite(v) for v in p.values.values())]
    places = {picture.name: 0 for picture in pictures}
    for name, metric in report.metrics.items():
        ordered = sorted(pictures, key=lambda p: p.values[name], reverse=metric.higher_is_better)
        for place, picture in enumerate(ordered):
            places[picture.name] += place
    return sorted(places, key=lambda name: (places[name], name))


def shown_scenes(report: Report) -> list[str]:
    """Names of the scenes to show: all of them, or the best, the worst and an even choice of many."""
    names = list(report.evaluation.pairs)
    if len(names) <= _MOST_SCENES:
        return names
    ranking = picture_ranking(report)
    chosen = {*ranking[:3], *ranking[-3:], *names[:: math.ceil(len(names) / (_MOST_SCENES - 6))]}
    return [name for name in names if name in chosen]


def build_gallery(
    pairs: Sequence[Pair],
    contenders: Sequence[Contender],
    fused: Mapping[str, str],
    names: Sequence[str],
) -> Gallery:
    """Thumbnails of the named pairs; `fused` holds those of a model's pictures by pair name.

    A picture that cannot be read is left out.
    """
    wanted = set(names)
    return {pair.name: _scene(pair, contenders, fused) for pair in pairs if pair.name in wanted}


def _scene(pair: Pair, contenders: Sequence[Contender], fused: Mapping[str, str]) -> dict[str, str]:
    try:
        ir, vis = read_infrared(pair.ir).grey(), read_visible(pair.vis)
    except IvifError:
        return {}
    found = {INFRARED: thumbnail(ir), VISIBLE: thumbnail(vis)}
    for contender in contenders:
        try:
            if contender.kind == BASELINE:
                luma = [to_bits(to_luma(picture), 8) for picture in (ir, vis)]
                found[contender.name] = thumbnail(BASELINES[contender.name](*luma))
            elif contender.files is not None and pair.name in contender.files:
                found[contender.name] = thumbnail(read_visible(contender.files[pair.name]))
            elif contender.files is None and pair.name in fused:
                found[contender.name] = fused[pair.name]
        except (IvifError, cv2.error):
            continue
    return found
