"""What is to be scored: the pairs, and the methods with the fused file of each pair."""

from collections.abc import Sequence
from pathlib import Path

from ivif_cli.core.data.datasets import dataset_by_name, open_dataset
from ivif_cli.core.data.pairing import IR_MARKERS, Pair, Pairing, match_outputs, pair_folders, strip_markers
from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.scoring.baselines import BASELINES
from ivif_cli.core.scoring.scorer import BASELINE, FOLDER, Contender


def find_pairs(ir: Path | None, vis: Path | None, dataset: str | None, root: Path | None) -> tuple[str | None, Pairing]:
    """Name of the dataset, if one was named, and its pairs; two files make one pair.

    Raises:
        UsageError: options that do not fit together, or an unknown dataset.
        InputError, PairingError, DatasetError: nothing to score there.
    """
    if dataset is not None:
        if ir is not None or vis is not None:
            raise UsageError("--dataset takes the place of --ir and --vis", "give one or the other")
        return dataset_by_name(dataset).name, open_dataset(dataset, root)
    if root is not None:
        raise UsageError("--data-root goes with --dataset", "add --dataset NAME")
    if ir is None or vis is None:
        raise UsageError(f"--{'ir' if ir is None else 'vis'} is missing", "give --ir and --vis, or --dataset")
    for source in (ir, vis):
        if not source.exists():
            raise InputError(f"{source} does not exist")
    if ir.is_dir() != vis.is_dir():
        raise UsageError(f"{ir} and {vis} are a folder and a file", "give two files or two folders")
    if ir.is_dir():
        return None, pair_folders(ir, vis)
    return None, Pairing((Pair(strip_markers(ir.stem, IR_MARKERS), ir, vis),))


def fused_contenders(specs: Sequence[str], pairs: Sequence[Pair]) -> list[Contender]:
    """Methods of `--fused` values: `DIR`, `NAME=DIR`, or, for a single pair, a file in the place of DIR.

    Raises:
        UsageError: two methods of one name, or a name without a folder.
        InputError: a folder or file that does not exist, or a folder without a fused picture of any pair.
    """
    contenders = [_contender(spec, pairs) for spec in specs]
    names = [contender.name for contender in contenders]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"two methods are called {twice[0]}", "name them, as in --fused NAME=DIR")
    return contenders


def _contender(spec: str, pairs: Sequence[Pair]) -> Contender:
    name, path = _named_path(spec)
    if not path.exists():
        raise InputError(f"{path} does not exist", f"--fused {spec}")
    if path.is_file():
        if len(pairs) != 1:
            raise UsageError(f"{path} is one picture, but there are {len(pairs)} pairs", "give a folder")
        return Contender(name or path.stem, FOLDER, {pairs[0].name: path})
    files = match_outputs(pairs, path)
    if not files:
        raise InputError(f"{path} has no fused picture of any of the {len(pairs)} pairs", "stems must match")
    return Contender(name or path.resolve().name, FOLDER, files)


def _named_path(spec: str) -> tuple[str, Path]:
    """Name ("" where none is given) and path; a path that exists as a whole is not split at its `=`."""
    name, equals, path = spec.partition("=")
    if not equals or Path(spec).exists():
        return "", Path(spec)
    if not name.strip() or not path:
        raise UsageError(f"--fused {spec}: not of the form NAME=DIR", "as in --fused SeAFusion=out/seafusion")
    return name.strip(), Path(path)


def baseline_contenders(taken: Sequence[Contender]) -> list[Contender]:
    """Every baseline whose name is not taken by a method."""
    names = {contender.name for contender in taken}
    return [Contender(name, BASELINE) for name in BASELINES if name not in names]
