"""Which pairs `--ir`, `--vis`, `--dataset` and `--data-root` name."""

from dataclasses import dataclass
from pathlib import Path

from ivif_cli.core.data.datasets import dataset_by_name, open_dataset
from ivif_cli.core.data.pairing import IR_MARKERS, Pair, Pairing, pair_folders, strip_markers
from ivif_cli.core.errors import InputError, UsageError


@dataclass(frozen=True)
class Named:
    """The pairs that were named.

    Attributes:
        pairing: the pairs, and what was left out.
        dataset: the name of the dataset, where one was named.
        single: two files were named, not many.
        folders: the folders that are read.
    """

    pairing: Pairing
    dataset: str | None = None
    single: bool = False
    folders: tuple[Path, ...] = ()


def find_pairs(ir: Path | None, vis: Path | None, dataset: str | None = None, root: Path | None = None) -> Named:
    """Pairs of two files, of two folders, or of a named dataset.

    Raises:
        UsageError: options that do not fit together, or an unknown dataset.
        InputError, PairingError, DatasetError: there is nothing of the kind.
    """
    if dataset is not None:
        if ir is not None or vis is not None:
            raise UsageError("--dataset takes the place of --ir and --vis", "give one or the other")
        pairing = open_dataset(dataset, root)
        return Named(pairing, dataset_by_name(dataset).name, folders=_folders(pairing))
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
        return Named(pair_folders(ir, vis), folders=(ir, vis))
    return Named(Pairing((Pair(strip_markers(ir.stem, IR_MARKERS), ir, vis),)), single=True)


def _folders(pairing: Pairing) -> tuple[Path, ...]:
    return tuple(sorted({path.parent for pair in pairing.pairs for path in (pair.ir, pair.vis)}))
