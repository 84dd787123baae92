"""Labelled people of the pairs: a folder of YOLO texts, one a picture, for T_ir."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ivif_cli.core.data.datasets import PLAIN
from ivif_cli.core.data.pairing import Pair, exact_key
from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.metrics import Metric
from ivif_cli.core.metrics.maps import Box, People
from ivif_cli.core.metrics.targets import parse_yolo

METRIC = "T_ir"
_LAYOUT = "expected ir/NAME.txt and vis/NAME.txt, or NAME.txt, named like the pairs"


@dataclass(frozen=True)
class Labels:
    """People by pair name; pairs without a text of the infrared are absent. `sha256` [hex] is over all texts used."""

    people: Mapping[str, People]
    sha256: str


def read_labels(folder: Path, pairs: Sequence[Pair]) -> Labels:
    """Labels of the pairs.

    Args:
        folder: with sub-folders of the infrared and the visible picture (`ir` and `vis`, `infrared` and `visible`),
            or with texts of the infrared alone: then no person counts as seen in the visible picture.

    Raises:
        InputError: no folder, no label of any pair, or a text that is not YOLO's.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder" if folder.exists() else f"{folder} does not exist", "--labels")
    parts = {child.name.casefold(): child for child in folder.iterdir() if child.is_dir()}
    ir, vis = next(((parts[a], parts[b]) for a, b in PLAIN if a in parts and b in parts), (folder, None))
    infrared, visible = _texts(ir), {} if vis is None else _texts(vis)
    found, digest = {}, hashlib.sha256()
    for pair in pairs:
        of_ir, of_vis = _text_of(pair, pair.ir, infrared), _text_of(pair, pair.vis, visible)
        if of_ir is not None:
            found[pair.name] = _read(of_ir, digest), () if of_vis is None else _read(of_vis, digest)
    if not found:
        raise InputError(f"{folder} has no labels of any of the {len(pairs)} pairs", _LAYOUT)
    return Labels(found, digest.hexdigest())


def with_labels(metrics: dict[str, Metric], labels: Labels | None) -> dict[str, Metric]:
    """Metrics of a run, T_ir named by its labels, so that values by others are not compared; UsageError without any."""
    if METRIC not in metrics:
        return metrics
    if labels is None:
        raise UsageError(f"{METRIC} needs the labels of people", "--labels DIR names their folder")
    return metrics | {METRIC: replace(metrics[METRIC], convention=f"labels {labels.sha256[:12]}")}


def _texts(folder: Path) -> dict[str, Path]:
    return {exact_key(PurePosixPath(path.relative_to(folder).as_posix())): path for path in folder.rglob("*.txt")}


def _text_of(pair: Pair, picture: Path, texts: Mapping[str, Path]) -> Path | None:
    """A text named like the pair, or like the picture's own file."""
    return texts.get(pair.name) or texts.get(PurePosixPath(pair.name).with_name(picture.stem).as_posix())


def _read(path: Path, digest: "hashlib._Hash") -> tuple[Box, ...]:
    data = path.read_bytes()
    digest.update(hashlib.sha256(data).digest())
    try:
        return tuple(parse_yolo(data.decode("utf-8")))
    except (InputError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from error
