"""Pairs that a JSON map names, as FLIR ADAS v2 has one for the frames of its videos: visible file -> infrared file."""

import json
from pathlib import Path

from ivif_cli.core.data.pairing import Pair, Pairing
from ivif_cli.core.errors import DatasetError, InputError

_BESIDE = ("", "FLIR_ADAS_v2")
"""Where the folders lie, seen from the map: the archive has them beside it, or one folder below."""


def read_pair_map(path: Path, ir: str, vis: str) -> Pairing:
    """Pairs of a map, named by their infrared file; files that it names and that are not there are left out.

    Args:
        path: JSON, an object of visible file names -> infrared file names.
        ir, vis: the folders that hold them, relative to the map's own or one below.

    Raises:
        InputError: the file cannot be read, or holds another thing.
        DatasetError: not one of its pairs is there.
    """
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot read the map of pairs {path}: {error}") from error
    if not isinstance(names, dict) or not all(_is_name(name) for item in names.items() for name in item):
        raise InputError(f"{path} is no map of pairs: visible file names -> infrared file names are expected")
    root = next((path.parent / below for below in _BESIDE if (path.parent / below / ir).is_dir()), path.parent)
    named = [Pair(Path(i).stem, root / ir / i, root / vis / v) for v, i in names.items()]
    there = [pair for pair in named if pair.ir.is_file() and pair.vis.is_file()]
    if not there:
        raise DatasetError(f"none of the {len(named)} pairs of {path} is in {root / ir} and {root / vis}")
    first = {pair.name: pair for pair in reversed(there)}
    used = {path for pair in first.values() for path in (pair.ir, pair.vis)}
    left_ir, left_vis = (
        tuple(sorted({p for pair in named if (p := getattr(pair, side)).is_file() and p not in used}))
        for side in ("ir", "vis")
    )
    return Pairing(tuple(first[name] for name in sorted(first)), left_ir, left_vis)


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name == Path(name).name != "" and "\0" not in name
