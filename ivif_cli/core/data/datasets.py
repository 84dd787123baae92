"""Readers of paired datasets: the plain `ir/` + `vi/` folders, and the layouts in which their authors publish them."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from ivif_cli.core.data.pairing import (
    IR_MARKERS,
    VIS_MARKERS,
    Pair,
    Pairing,
    image_names,
    pair_files,
    pair_folders,
    strip_markers,
)
from ivif_cli.core.errors import DatasetError, InputError, UsageError
from ivif_cli.core.nearest import nearest

DATA_VARIABLE = "IVIF_DATA"
_BESIDE = ("", "FLIR_ADAS_v2")
"""Where the folders of a map lie, seen from it: the archive has them beside it, or one folder below."""
PLAIN = tuple((ir, vis) for ir in ("ir", "infrared", "thermal") for vis in ("vi", "vis", "visible", "rgb"))


@dataclass(frozen=True)
class Dataset:
    """A named dataset.

    Attributes:
        layouts: (infrared folder, visible folder) below its root, the preferred first; `{split}` stands for test, val
            or train, `**/` for any folders above; one folder twice holds both, told apart by their names. The case of
            names does not matter.
        published: where its authors publish it.
        fourth_channel: the folder in which its authors keep infrared as a fourth channel, which is not read.
        pair_map: a JSON file that names its test pairs, and the folders of their infrared and visible files.
        parts: split -> pattern of the folders that belong to it, where they are not called by its name.
    """

    name: str
    layouts: tuple[tuple[str, str], ...]
    published: str
    fourth_channel: str = ""
    pair_map: tuple[str, str, str] | None = None
    parts: Mapping[str, str] = field(default_factory=dict)


_ALL = (
    Dataset("TNO", (), "https://doi.org/10.6084/m9.figshare.1008029"),
    Dataset("RoadScene", (("cropinfrared", "crop_LR_visible"),), "https://github.com/hanna-xu/RoadScene"),
    Dataset("MSRS", (("{split}/ir", "{split}/vi"),), "https://github.com/Linfeng-Tang/MSRS"),
    Dataset("M3FD", (("Ir", "Vis"),), "https://github.com/JinyuanLiu-CV/TarDAL"),
    Dataset("LLVIP", (("infrared/{split}", "visible/{split}"),), "https://bupt-ai-cz.github.io/LLVIP"),
    Dataset("VIFB", (("IR", "VI"),), "https://github.com/xingchenzhang/VIFB"),
    Dataset("FMB", (("{split}/Infrared", "{split}/Visible"),), "https://github.com/JinyuanLiu-CV/SegMiF"),
    Dataset("MFNet", (), "https://www.mi.t.u-tokyo.ac.jp/static/projects/mil_multispectral", "images"),
    Dataset("PST900", (("{split}/thermal", "{split}/rgb"),), "https://github.com/ShreyasSkandanS/pst900_thermal_rgb"),
    Dataset(
        "KAIST",
        (("**/lwir", "**/visible"),),
        "https://github.com/SoonminHwang/rgbt-ped-detection",
        parts={"test": r"set0[6-9]|set1[01]", "train": r"set0[0-5]"},
    ),
    Dataset(
        "FLIR",
        (("{split}/thermal_8_bit", "{split}/RGB"), ("align/JPEGImages",) * 2, ("JPEGImages",) * 2),
        "https://www.flir.com/oem/adas/adas-dataset-form",
        pair_map=("rgb_to_thermal_vid_map.json", "video_thermal_test/data", "video_rgb_test/data"),
    ),
    Dataset("CVC-14", (("**/FIR", "**/Visible"),), "http://adas.cvc.uab.es/elektra/enigma-portfolio/cvc-14"),
    Dataset("VTUAV", (("**/ir", "**/rgb"),), "https://zhang-pengyu.github.io/DUT-VTUAV"),
)
DATASETS: dict[str, Dataset] = {dataset.name: dataset for dataset in _ALL}


def dataset_by_name(name: str) -> Dataset:
    """Dataset of a name, in any case; `UsageError` with the nearest known name otherwise."""
    by_case = {known.casefold(): dataset for known, dataset in DATASETS.items()}
    if name.casefold() in by_case:
        return by_case[name.casefold()]
    raise UsageError(f"unknown dataset {name!r}", nearest(name, DATASETS))


def open_dataset(name: str, root: Path | None = None, *, split: str | None = None) -> Pairing:
    """Pairs of a named dataset.

    Args:
        name: one of `DATASETS`, in any case.
        root: the dataset's folder, or one that holds it under its name; the environment's IVIF_DATA where None.
        split: "train" or "test" where the layout has both; by default the test part, else the train part.

    Raises:
        UsageError: an unknown name.
        DatasetError: it is not there; the text says the layout, where it was looked for and where it is published.
    """
    dataset = dataset_by_name(name)
    native = [f"{ir}/ + {vis}/" for ir, vis in dataset.layouts]
    native[:0] = ["{} with {}/ + {}/".format(*dataset.pair_map)] if dataset.pair_map else []
    expected = " or ".join([*native, "ir/NAME.png + vi/NAME.png"]).replace("{split}", "test")
    if root is None and not os.environ.get(DATA_VARIABLE):
        raise DatasetError(
            f"no folder given for {dataset.name}: expected {expected}",
            f"name it with --data-root or {DATA_VARIABLE}; its authors publish it at {dataset.published}",
        )
    base = root if root is not None else Path(os.environ[DATA_VARIABLE]).expanduser()
    parts = [base / part / dataset.name for part in _splits(split)]
    named = base / dataset.name
    for folder in (*parts, named, base) if split else (named, *parts, base):
        pairing = _open_map(folder, dataset, split)
        pairing = pairing or _open_layouts(_existing(folder), dataset.layouts + PLAIN, split, dataset.parts)
        if pairing is not None:
            return pairing
    for folder in (named, base) if dataset.fourth_channel else ():
        if _existing(folder / dataset.fourth_channel) is not None:
            raise DatasetError(
                f"{folder / dataset.fourth_channel} holds infrared as a fourth channel, which is not read",
                "write the fourth channels to ir/NAME.png and the first three to vi/NAME.png",
            )
    raise DatasetError(
        f"{dataset.name} is neither in {named} nor in {base}: expected {expected}",
        f"its authors publish it at {dataset.published}; name its folder with --data-root or {DATA_VARIABLE}",
    )


def open_folder(root: Path, *, split: str | None = None) -> Pairing:
    """Pairs of any folder with one of the known layouts, or with marked names (`1_IR.png`, `1_Vis.png`) side by side.

    Raises:
        DatasetError: the folder is missing or no known layout is in it.
    """
    layouts = PLAIN + tuple(layout for dataset in _ALL for layout in dataset.layouts)
    maps = (_open_map(root, dataset, split) for dataset in _ALL)
    pairing = next(filter(None, maps), None) or _open_layouts(_existing(root), layouts, split)
    if pairing is None:
        raise DatasetError(f"no pairs in {root}: expected its folders ir/ and vi/ (or vis/), paired by stem")
    return pairing


def _splits(split: str | None) -> tuple[str, ...]:
    """Names of the folders of a split; what was held out is called test or val."""
    held_out = ("test", "val")
    return held_out if split == "test" else (split,) if split else (*held_out, "train")


def _open_map(root: Path, dataset: Dataset, split: str | None) -> Pairing | None:
    """Pairs of the map of a dataset, by their infrared file; files that it names and that are not there are left out.

    Raises:
        InputError: the map cannot be read, or holds another thing.
        DatasetError: not one of its pairs is there.
    """
    if dataset.pair_map is None or split not in (None, "test") or not (root / dataset.pair_map[0]).is_file():
        return None
    path, ir, vis = root / dataset.pair_map[0], *dataset.pair_map[1:]
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot read the map of pairs {path}: {error}") from error
    both = [name for item in names.items() for name in item] if isinstance(names, dict) else [None]
    if not all(isinstance(name, str) and name == Path(name).name != "" and "\0" not in name for name in both):
        raise InputError(f"{path} is no map of pairs: visible file names -> infrared file names are expected")
    place = next((root / below for below in _BESIDE if (root / below / ir).is_dir()), root)
    named = [Pair(Path(i).stem, place / ir / i, place / vis / v) for v, i in names.items()]
    there = [pair for pair in named if pair.ir.is_file() and pair.vis.is_file()]
    if not there:
        raise DatasetError(f"none of the {len(named)} pairs of {path} is in {place / ir} and {place / vis}")
    first = {pair.name: pair for pair in reversed(there)}
    used = {file for pair in first.values() for file in (pair.ir, pair.vis)}
    left_ir, left_vis = (
        tuple(sorted({file for file in files if file.is_file() and file not in used}))
        for files in ([pair.ir for pair in named], [pair.vis for pair in named])
    )
    return Pairing(tuple(first[name] for name in sorted(first)), left_ir, left_vis)


def _open_layouts(
    root: Path | None,
    layouts: tuple[tuple[str, str], ...],
    split: str | None,
    parts: Mapping[str, str] = MappingProxyType({}),
) -> Pairing | None:
    if root is None:
        return None
    for ir, vis in layouts:
        for part in _splits(split) if "{split}" in ir else ("",):
            folders = [_existing(root / name.format(split=part)) for name in (ir, vis)]
            if ir.startswith("**/"):
                pairing = _open_nested(root, ir[3:], vis[3:], split, parts)
            elif folders[0] is None or folders[1] is None:
                continue
            else:
                pairing = _open_side_by_side(folders[0]) if ir == vis else pair_folders(folders[0], folders[1])
            if pairing is not None:
                return pairing
    return _open_side_by_side(root)


def _open_nested(root: Path, ir: str, vis: str, split: str | None, parts: Mapping[str, str]) -> Pairing | None:
    """Pairs of folders of these two names at any depth; None where nothing pairs.

    Where some lie below a folder of the split, called as `parts` says or like `test`, `NewTest` or `test_ST`, only
    those are taken.
    """
    names = image_names(root)
    for part in _splits(split):
        called = re.compile(parts.get(part, rf"(new)?{part}([_-].*)?"), re.IGNORECASE)
        inside = {p: n for p, n in names.items() if any(called.fullmatch(folder) for folder in n.parts[:-1])}
        if inside:
            names = inside
            break
    else:
        if split is not None:
            return None
    pairing = pair_files(_without_folder(names, ir), _without_folder(names, vis))
    return pairing if pairing.pairs else None


def _without_folder(names: dict[Path, PurePosixPath], folder: str) -> dict[Path, PurePosixPath]:
    """The files below a folder of this name, named without it."""
    found = {}
    for path, name in names.items():
        cased = [part.casefold() for part in name.parts[:-1]]
        if folder.casefold() in cased:
            at = cased.index(folder.casefold())
            found[path] = PurePosixPath(*name.parts[:at], *name.parts[at + 1 :])
    return found


def _existing(folder: Path) -> Path | None:
    """The folder as it is spelled on disk, ignoring case, or None."""
    if folder.is_dir():
        return folder
    parent = folder.parent
    if parent == folder or (found := _existing(parent)) is None:
        return None
    twins = [child for child in found.iterdir() if child.name.casefold() == folder.name.casefold() and child.is_dir()]
    return twins[0] if len(twins) == 1 else None


def _open_side_by_side(root: Path) -> Pairing | None:
    """Both modalities in one folder, told apart by their markers; None where nothing pairs."""

    def marked(markers: tuple[str, ...]) -> dict[Path, PurePosixPath]:
        alone = re.compile("|".join(markers), re.IGNORECASE)
        stems = ((path, name, name.stem) for path, name in names.items())
        return {
            path: name for path, name, stem in stems if strip_markers(stem, markers) != stem or alone.fullmatch(stem)
        }

    names = image_names(root)
    ir = marked(IR_MARKERS)
    pairing = pair_files(ir, {path: name for path, name in marked(VIS_MARKERS).items() if path not in ir})
    return pairing if pairing.pairs else None
