"""Readers of paired datasets: the plain `ir/` + `vi/` folders, and the layouts in which their authors publish them."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from ivif_cli.core.data.pair_map import read_pair_map
from ivif_cli.core.data.pairing import (
    IR_MARKERS,
    VIS_MARKERS,
    Pairing,
    list_images,
    pair_files,
    pair_folders,
    strip_markers,
)
from ivif_cli.core.errors import DatasetError, PairingError, UsageError
from ivif_cli.core.nearest import nearest

DATA_VARIABLE = "IVIF_DATA"
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
    Dataset(
        "RoadScene",
        (("cropinfrared", "crop_LR_visible"),),
        "https://github.com/hanna-xu/RoadScene",
    ),
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
    base = root if root is not None else _environment_root(dataset)
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
        f"{dataset.name} is neither in {named} nor in {base}: expected {describe_layout(dataset)}",
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


def describe_layout(dataset: Dataset) -> str:
    """The layout a dataset is expected in, in words."""
    native = [f"{ir}/ + {vis}/" for ir, vis in dataset.layouts]
    if dataset.pair_map is not None:
        native.insert(0, "{} with {}/ + {}/".format(*dataset.pair_map))
    return " or ".join([*native, "ir/NAME.png + vi/NAME.png"]).replace("{split}", "test")


def _environment_root(dataset: Dataset) -> Path:
    value = os.environ.get(DATA_VARIABLE, "")
    if not value:
        raise DatasetError(
            f"no folder given for {dataset.name}: expected {describe_layout(dataset)}",
            f"name it with --data-root or {DATA_VARIABLE}; its authors publish it at {dataset.published}",
        )
    return Path(value).expanduser()


def _splits(split: str | None) -> tuple[str, ...]:
    """Names of the folders of a split; what was held out is called test or val."""
    held_out = ("test", "val")
    return held_out if split == "test" else (split,) if split else (*held_out, "train")


def _open_map(root: Path, dataset: Dataset, split: str | None) -> Pairing | None:
    if dataset.pair_map is None or split not in (None, "test"):
        return None
    name, ir, vis = dataset.pair_map
    return read_pair_map(root / name, ir, vis) if (root / name).is_file() else None


def _open_layouts(
    root: Path | None,
    layouts: tuple[tuple[str, str], ...],
    split: str | None,
    parts: Mapping[str, str] = MappingProxyType({}),
) -> Pairing | None:
    if root is None:
        return None
    for ir_name, vis_name in _with_splits(layouts, split):
        if ir_name == vis_name:
            pairing = _open_side_by_side(both) if (both := _existing(root / ir_name)) else None
            if pairing is not None:
                return pairing
            continue
        if ir_name.startswith("**/"):
            pairing = _open_nested(root, ir_name[3:], vis_name[3:], split, parts)
            if pairing is not None:
                return pairing
            continue
        ir, vis = _existing(root / ir_name), _existing(root / vis_name)
        if ir is not None and vis is not None:
            return pair_folders(ir, vis)
    return _open_side_by_side(root)


def _with_splits(layouts: tuple[tuple[str, str], ...], split: str | None) -> Iterator[tuple[str, str]]:
    for ir, vis in layouts:
        for part in _splits(split) if "{split}" in ir else ("",):
            yield ir.format(split=part), vis.format(split=part)


def _open_nested(root: Path, ir: str, vis: str, split: str | None, parts: Mapping[str, str]) -> Pairing | None:
    """Pairs of folders of these two names at any depth; None where nothing pairs.

    Where some lie below a folder of the split, called as `parts` says or like `test`, `NewTest` or `test_ST`, only
    those are taken.
    """
    names = {path: PurePosixPath(path.relative_to(root).as_posix()) for path in list_images(root)}
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
    names = {path: PurePosixPath(path.relative_to(root).as_posix()) for path in list_images(root)}
    ir = {path: name for path, name in names.items() if _marked(name, IR_MARKERS)}
    vis = {path: name for path, name in names.items() if path not in ir and _marked(name, VIS_MARKERS)}
    try:
        pairing = pair_files(ir, vis)
    except PairingError:
        return None
    return pairing if pairing.pairs else None


def _marked(name: PurePosixPath, markers: tuple[str, ...]) -> bool:
    stem = name.stem
    return strip_markers(stem, markers) != stem or re.fullmatch("|".join(markers), stem, re.IGNORECASE) is not None
