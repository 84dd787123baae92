"""Pictures that lie inside a report: a few scenes at full size with maps of what is lost, the others as thumbnails."""

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ivif_cli.core.data.images import file_sha256
from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.errors import InputError, IvifError
from ivif_cli.core.metrics.kept import lost
from ivif_cli.core.metrics.maps import Maps
from ivif_cli.core.reports.report import Report
from ivif_cli.core.scoring.contenders import FolderContender
from ivif_cli.core.scoring.results import Evaluation
from ivif_cli.core.scoring.run import data_hashes
from ivif_cli.core.scoring.task import Contender, Task, read_options, read_tasks

INFRARED, VISIBLE = "infrared", "visible"
_SIDE, _FULL_SIDE = 360, 1280
_QUALITY, _FULL_QUALITY = 80, 90
_MOST_SCENES, _MOST_FULL = 48, 8
_BRIGHTEST_LOSS = 64.0
"""Lost contrast [grey level] that is drawn at full colour."""
_ORANGE, _BLUE = np.array((0, 130, 255.0)), np.array((255, 140, 0.0))


@dataclass(frozen=True)
class ScenePictures:
    """Pictures of one scene as data URIs.

    Attributes:
        is_full: pictures have the size of the files (at most 1280 px), else at most 360 px.
        pictures: "infrared", "visible" and method name -> picture.
        maps: what is drawn of a method -> picture; at full size only.
    """

    is_full: bool
    pictures: dict[str, str]
    maps: dict[str, str] = field(default_factory=dict)


Scenes = dict[str, ScenePictures]
"""Pair name -> its pictures."""


def picture_ranking(report: Report) -> list[str]:
    """Picture names of the method under test, best first: by the mean over metrics of the place among its pictures."""
    pictures = [p for p in report.evaluation.first.pictures if all(math.isfinite(p.values[n]) for n in report.ranked)]
    places = {picture.name: 0 for picture in pictures}
    for name in report.ranked:
        up = report.metrics[name].higher_is_better
        ordered = sorted(pictures, key=lambda p: p.values[name], reverse=up)
        for place, picture in enumerate(ordered):
            places[picture.name] += place
    return sorted(places, key=lambda name: (places[name], name))


def shown_scenes(report: Report) -> dict[str, bool]:
    """Scenes to show -> whether at full size, the best and the worst: all scenes, or an even choice of many."""
    names, ranking = list(report.evaluation.pairs), picture_ranking(report)
    ends = set(names if len(names) <= _MOST_FULL else ranking[: _MOST_FULL // 2] + ranking[-_MOST_FULL // 2 :])
    ends |= {change.name for change in report.changes.pictures} if report.changes else set()
    step = math.ceil(len(names) / (_MOST_SCENES - _MOST_FULL)) if len(names) > _MOST_SCENES else 1
    chosen = ends | set(names[::step])
    return {name: name in ends for name in names if name in chosen}


def make_scenes(tasks: Iterable[Task], contenders: Sequence[Contender], shown: Mapping[str, bool]) -> Scenes:
    """Pictures of the scenes of `shown_scenes`, read as `tasks`; a picture that cannot be read or made is left out."""
    scenes = {}
    for task in tasks:
        pictures, maps, is_full = {}, {}, shown[task.name]
        if task.ir.size:
            both = zip(contenders, task.fused, strict=True)
            fused = {contender.name: picture for contender, picture in both if isinstance(picture, np.ndarray)}
            pictures = {INFRARED: task.ir, VISIBLE: task.vis} | fused
            maps = _maps(task, fused) if is_full else {}
        side, quality = (_FULL_SIDE, _FULL_QUALITY) if is_full else (_SIDE, _QUALITY)
        scenes[task.name] = ScenePictures(
            is_full,
            {label: encoded(picture, side, quality) for label, picture in pictures.items()},
            {label: encoded(picture, side, _QUALITY) for label, picture in maps.items()},
        )
    return scenes


def saved_scenes(evaluation: Evaluation, options: Mapping[str, Any], shown: Mapping[str, bool]) -> Scenes:
    """Pictures of `shown_scenes`, read where they were scored; what is gone, has changed since, or was fused by a model
    is left out.

    Args:
        options: those of the run that scored them, as the JSON has them: pairs are read likewise.
    """
    every = [Pair(name, Path(ir), Path(vis)) for name, (ir, vis) in evaluation.files.items() if name in evaluation.data]
    wanted = [pair for pair in every if pair.name in shown]
    hashes = data_hashes(wanted)
    pairs = [pair for pair in wanted if hashes.get(pair.name) == evaluation.data[pair.name]]
    contenders = []
    for method in evaluation.methods:
        files = {name: Path(file.path) for name, file in method.files.items() if _is_there(file.path, file.sha256)}
        contenders.append(FolderContender(method.name, files))
    align, crop = options.get("align"), options.get("crop")
    try:
        read = read_options(
            8,
            every,
            ir_range=str(options.get("ir_range", "auto")),
            polarity=str(options.get("ir_polarity", "white")),
            resize=bool(options.get("resize", False)),
            align=None if align is None else str(align),
            crop=None if crop is None else str(crop),
        )
    except IvifError:  # a file that aligns them, which is gone
        return {}
    return make_scenes(read_tasks(pairs, contenders, read), contenders, shown)


def _is_there(path: str, sha256: str) -> bool:
    try:
        return file_sha256(Path(path)) == sha256
    except InputError:
        return False


def _maps(task: Task, fused: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """For each method what is lost of either source, over the dimmed picture (H x W x 3 BGR uint8, infrared in orange,
    visible in blue), and fused minus visible, half as strong, around middle grey (H x W uint8).
    """
    ir, vis = Maps(to_luma(task.ir)), Maps(to_luma(task.vis))
    found = {}
    for name, picture in fused.items():
        maps = Maps(to_luma(picture))
        if maps.shape != ir.shape:
            continue
        losses = lost(ir, vis, maps), lost(vis, ir, maps)
        of_ir, of_vis = (np.minimum(amount / _BRIGHTEST_LOSS, 1)[..., None] for amount in losses)
        shown = 0.35 * maps.pixels[..., None] * (1 - np.maximum(of_ir, of_vis)) + of_ir * _ORANGE + of_vis * _BLUE
        difference = (maps.pixels.astype(np.int16) - vis.pixels) // 2 + 128
        found[f"{name}: lost"] = np.clip(shown, 0, 255).astype(np.uint8)
        found[f"{name}: minus visible"] = difference.clip(0, 255).astype(np.uint8)
    return found


def picture_strip(scene: ScenePictures, method: str, before: str = "") -> bytes | None:
    """Infrared, visible, where it is there the picture of `before`, and the method's, side by side as a JPEG.

    A picture of another size than the method's is left out. None where the method has none.
    """
    labels = [label for label in (INFRARED, VISIBLE, before, method) if label in scene.pictures]
    if method not in labels:
        return None
    files = [base64.b64decode(scene.pictures[label].partition(",")[2]) for label in labels]
    parts = [np.asarray(cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)) for file in files]
    alike = [part for part in parts if part.shape == parts[-1].shape]
    return cv2.imencode(".jpg", np.hstack(alike), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def encoded(picture: np.ndarray, side: int = _SIDE, quality: int = _QUALITY) -> str:
    """A WebP of at most `side` px as a data URI; `picture` is H x W [x 3] uint8."""
    scale = min(1.0, side / max(picture.shape[:2]))
    if scale < 1:
        size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, quality])
    return f"data:image/webp;base64,{base64.b64encode(data.tobytes()).decode()}"
