"""Which pairs `--ir`, `--vis`, `--dataset` and `--data-root` name."""

import csv
import glob
import itertools
import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from glob import has_magic
from pathlib import Path, PurePosixPath

from ivif_cli.core.data.datasets import dataset_by_name, open_dataset, open_folder
from ivif_cli.core.data.pairing import IR_MARKERS, Pair, Pairing, pair_files, pair_folders, some_pairs, strip_markers
from ivif_cli.core.errors import InputError, PairingError, UsageError


@dataclass(frozen=True)
class Named:
    """The pairs that were named.

    Attributes:
        pairing: the pairs, and what was left out.
        dataset: the name of the dataset, where one was named.
        single: two files were named, not many.
        folders: the folders that are read.
        outputs: pair name -> the file that a manifest names for its fused picture, relative to the output folder.
    """

    pairing: Pairing
    dataset: str | None = None
    single: bool = False
    folders: tuple[Path, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)


def find_pairs(
    ir: Path | None,
    vis: Path | None,
    dataset: str | None = None,
    root: Path | None = None,
    *,
    manifest: Path | None = None,
    max_gap: float | None = None,
) -> Named:
    """Pairs of two files, of two folders, of two patterns like `a/*_ir.png`, of a named dataset, or of a manifest.

    `max_gap` [s] pairs what is left of folders and patterns by time stamps (see `pairing.pair_files`).

    Raises:
        UsageError: options that do not fit together, or an unknown dataset.
        InputError, PairingError, DatasetError: there is nothing of the kind.
    """
    if max_gap is not None and (ir is None or not (ir.is_dir() or has_magic(str(ir)))):
        raise UsageError("--max-gap pairs files of two folders or patterns", "leave it out")
    if manifest is not None:
        if ir is not None or vis is not None or dataset is not None:
            raise UsageError("--manifest takes the place of --ir, --vis and --dataset", "give one or the other")
        pairing, outputs = read_manifest(manifest)
        return Named(pairing, folders=_folders(pairing), outputs=outputs)
    if dataset is not None:
        if ir is not None or vis is not None:
            raise UsageError("--dataset takes the place of --ir and --vis", "give one or the other")
        pairing = open_dataset(dataset, root)
        return Named(pairing, dataset_by_name(dataset).name, folders=_folders(pairing))
    if root is not None:
        raise UsageError("--data-root goes with --dataset", "add --dataset NAME")
    if ir is None or vis is None:
        raise UsageError(f"--{'ir' if ir is None else 'vis'} is missing", "give --ir and --vis, or --dataset")
    if any(not source.exists() and has_magic(str(source)) for source in (ir, vis)):
        pairing = some_pairs(pair_files(_matching(ir), _matching(vis), max_gap), ir, vis)
        return Named(pairing, folders=_folders(pairing))
    for source in (ir, vis):
        if not source.exists():
            raise InputError(f"{source} does not exist")
    if ir.is_dir() != vis.is_dir():
        raise UsageError(f"{ir} and {vis} are a folder and a file", "give two files or two folders")
    if ir.is_dir():
        return Named(pair_folders(ir, vis, max_gap), folders=(ir, vis))
    return Named(Pairing((Pair(strip_markers(ir.stem, IR_MARKERS), ir, vis),)), single=True)


def find_many(data: Sequence[Path], datasets: Sequence[str], root: Path | None) -> tuple[list[Pair], list[str]]:
    """Pairs of several folders, manifests (.csv) and named datasets, and what was left out of them in words.

    Each is named with its source where there are several.

    Raises:
        UsageError: nothing is named.
        InputError, PairingError, DatasetError: there is nothing of the kind.
    """
    found = [(p.stem, read_manifest(p)[0]) if p.suffix == ".csv" else (p.name, open_folder(p)) for p in data]
    found += [(name, open_dataset(name, root)) for name in datasets]
    if not found:
        raise UsageError("nothing to train on", "give --data DIR or --dataset NAME")
    complaints = [complaint for _, pairing in found for complaint in pairing.complaints()]
    if len(found) == 1:
        return list(found[0][1].pairs), complaints
    return [replace(pair, name=f"{name}/{pair.name}") for name, pairing in found for pair in pairing.pairs], complaints


def _folders(pairing: Pairing) -> tuple[Path, ...]:
    return tuple(sorted({path.parent for pair in pairing.pairs for path in (pair.ir, pair.vis)}))


def _matching(pattern: Path) -> dict[Path, PurePosixPath]:
    """Files of a pattern, named from its last folder without wildcards on."""
    fixed = Path(*itertools.takewhile(lambda part: not has_magic(part), pattern.parts))
    found = [Path(name) for name in sorted(glob.glob(str(pattern), recursive=True))]  # noqa: PTH207
    if not found:
        raise InputError(f"no file is called like {pattern}")
    return {path: PurePosixPath(path.relative_to(fixed).as_posix()) for path in found if path.is_file()}


def manifest_rows(path: Path) -> list[dict[str, str | None]]:
    """Rows of a CSV file by its first line; a cell that is not there is None.

    Raises:
        InputError: the file is missing, no text, or no table.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read the manifest {path}: {error}") from error


def read_manifest(path: Path) -> tuple[Pairing, dict[str, str]]:
    """Pairs of a CSV file with the columns ir, vis and, where wanted, out and name; paths are relative to the file.

    Raises:
        InputError: the file is missing, or no table of that kind, or a row lacks a file.
        PairingError: it holds no pair, or two of one name.
    """
    rows = manifest_rows(path)
    if not rows or not {"ir", "vis"} <= set(rows[0]):
        said = f"{path} is no manifest: the columns ir and vis are needed"
        raise InputError(said, "ir,vis,out,name in its first line")
    pairs, outputs = [], {}
    for number, row in enumerate(rows, 1):
        cells = {key: (row.get(key) or "").strip() for key in ("ir", "vis", "out", "name")}
        absent = next((key for key in ("ir", "vis") if not cells[key]), None)
        if absent:
            raise InputError(f"row {number} of {path} has no {absent}", "each row names both files")
        ir, vis, out = path.parent / cells["ir"], path.parent / cells["vis"], cells["out"]
        name = cells["name"] or (Path(out).with_suffix("").as_posix() if out else ir.stem)
        pairs.append(Pair(name, ir, vis))
        if out:
            outputs[name] = out
    names = Counter(posixpath.normpath(pair.name) for pair in pairs)
    twice = next((name for name, count in names.items() if count > 1), None)
    if twice is not None:
        raise PairingError(f"two pairs of {path} are called {twice}", "give each a name of its own in the column name")
    return Pairing(tuple(pairs)), outputs
