"""Pairing infrared and visible files by stem, never by sort order.

Files of the same stem make a pair, whatever their suffixes. Files left over are compared once more with the usual
markers of a modality stripped (`a_ir.png` and `a_vis.jpg`, `IR1.bmp` and `VIS1.bmp`, DJI's `_T` and `_W` or `_V`),
without regard to case and to zeros before a number (`82.png` and `00082.png`). What is left then is paired by the
nearest time stamp, where a largest gap is stated.
Sub-folders are part of the name, so that two scenes never mix.
"""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ivif_cli.core.data.images import is_image_name
from ivif_cli.core.data.time_stamps import nearest_in_time, time_of
from ivif_cli.core.errors import InputError, PairingError

IR_MARKERS = ("infrared", "thermal", "previewdata", "lwir", "ir", "i", "t")
VIS_MARKERS = ("visible", "visual", "rgb", "vis", "vi", "v", "w")
FUSED_MARKERS = ("fusion", "fused", "fuse", "f")
_BY_STEM = "files are paired by stem: ir/01.png with vis/01.jpg"


@dataclass(frozen=True)
class Pair:
    """One infrared and one visible file; `name` is their common stem, with its sub-folders before it (`a/b/01`)."""

    name: str
    ir: Path
    vis: Path


@dataclass(frozen=True)
class Pairing:
    """What pairing found.

    Attributes:
        pairs: by name.
        unmatched_ir, unmatched_vis: files without a partner.
        duplicates: groups of files of one modality that share a stem; none of them is paired.
        ambiguous: groups of files whose time stamps lie equally near; none of them is paired.
        by_time: number of pairs that were made by their time stamps, and `widest` the largest gap among them [s].
    """

    pairs: tuple[Pair, ...]
    unmatched_ir: tuple[Path, ...] = ()
    unmatched_vis: tuple[Path, ...] = ()
    duplicates: tuple[tuple[Path, ...], ...] = ()
    ambiguous: tuple[tuple[Path, ...], ...] = ()
    by_time: int = 0
    widest: float = 0.0

    def complaints(self) -> list[str]:
        """One line for each kind of file that was left out, naming the files; empty where all were paired."""
        groups = [
            ("infrared without a visible partner", self.unmatched_ir),
            ("visible without an infrared partner", self.unmatched_vis),
            *(("share a stem and are left out", group) for group in self.duplicates),
            *(("lie equally near in time and are left out", group) for group in self.ambiguous),
        ]
        return [f"{_names(files)}: {reason}" for reason, files in groups if files]


def list_images(folder: Path) -> list[Path]:
    """Picture files under a folder at any depth, sorted; links are followed, loops of links are not.

    Raises:
        InputError: the folder is missing, is not a folder, or cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder" if folder.exists() else f"{folder} does not exist")

    def unreadable(error: OSError) -> None:
        raise InputError(f"cannot read {error.filename}: {error.strerror}") from error

    def leads_back(path: Path) -> bool:
        above = (one for one in (folder, *path.parents) if folder in (one, *one.parents))
        return path.is_symlink() and any(path.samefile(one) for one in above)

    found: list[Path] = []
    for root, folders, files in os.walk(folder, followlinks=True, onerror=unreadable):
        folders[:] = [name for name in folders if not leads_back(Path(root, name))]
        found.extend(path for name in files if is_image_name(path := Path(root, name)) and not name.startswith("."))
    return sorted(found)


def image_names(folder: Path) -> dict[Path, PurePosixPath]:
    """The files of `list_images`, and their names below the folder."""
    return {path: PurePosixPath(path.relative_to(folder).as_posix()) for path in list_images(folder)}


def pair_folders(ir: Path, vis: Path, max_gap: float | None = None) -> Pairing:
    """Pair the pictures of two folders, at any depth, by stem; where `max_gap` [s] is given, the rest by time stamps.

    Raises:
        InputError: a folder is missing or unreadable.
        PairingError: not one pair was found.
    """
    return some_pairs(pair_files(image_names(ir), image_names(vis), max_gap), ir, vis)


def some_pairs(pairing: Pairing, ir: Path, vis: Path) -> Pairing:
    """The pairing, or `PairingError` where it holds no pair of what `ir` and `vis` name."""
    if pairing.pairs:
        return pairing
    left = pairing.unmatched_ir, pairing.unmatched_vis
    found = f"{len(left[0])} infrared, {len(left[1])} visible pictures"
    timed = all(files and time_of(files[0].stem) is not None for files in left)
    hint = "their names hold time stamps: --max-gap 0.05 pairs those at most 0.05 s apart" if timed else _BY_STEM
    raise PairingError(f"no pair in {ir} and {vis} ({found})", hint)


def pair_files(ir: dict[Path, PurePosixPath], vis: dict[Path, PurePosixPath], max_gap: float | None = None) -> Pairing:
    """Pair files by the names given for them.

    Args:
        ir, vis: for each file the name that counts, relative and with its suffix.
        max_gap: seconds by which the time stamps of what is left may differ; None leaves it unpaired.
    """
    exact, ir_left, vis_left, twins = _match(ir, vis, exact_key, exact_key)
    loose, ir_left, vis_left, more = _match(
        ir_left,
        vis_left,
        lambda name: marked_key(exact_key(name), IR_MARKERS),
        lambda name: marked_key(exact_key(name), VIS_MARKERS),
    )
    near, ties = ([], []) if max_gap is None else nearest_in_time(ir_left, vis_left, max_gap)
    gone = {path for found in near for path in (found.ir, found.vis)}.union(*ties)
    pairs = {key: Pair(key, a, b) for key, (a, b) in exact.items()}
    named = list(pairs.values())
    for a, b in [*loose.values(), *((found.ir, found.vis) for found in near)]:
        bare = strip_markers(exact_key(ir[a]), IR_MARKERS)
        named.append(Pair(exact_key(ir[a]) if bare in pairs else bare, a, b))
    alone = [tuple(path for path in files if path not in gone) for files in (ir_left, vis_left)]
    widest = max((found.gap for found in near), default=0.0)
    ordered = sorted(named, key=lambda pair: pair.name)
    return Pairing(tuple(ordered), alone[0], alone[1], (*twins, *more), tuple(ties), len(near), widest)


def exact_key(name: PurePosixPath) -> str:
    """Stem with its folders: `a/b/01` for `a/b/01.png`, in composed unicode."""
    return unicodedata.normalize("NFC", name.with_suffix("").as_posix())


def strip_markers(key: str, markers: Iterable[str]) -> str:
    """Key without a marker at either end of its last part; a part that is nothing but a marker gives its folder.

    A marker counts where a separator (`_`, `-`, `.`, space) or a digit stands next to it.
    """
    folder, _, stem = key.rpartition("/")
    words = "|".join(markers)
    bare = re.sub(rf"[_\-. ](?:{words})$", "", stem, flags=re.IGNORECASE)
    if bare == stem:
        bare = re.sub(rf"(?<=\d)(?:{words})$", "", stem, flags=re.IGNORECASE)
    if bare == stem:
        bare = re.sub(rf"^(?:{words})(?:[_\-. ]|(?=\d))", "", stem, flags=re.IGNORECASE)
    if folder and re.fullmatch(words, bare, flags=re.IGNORECASE):
        return folder
    if not bare or bare.startswith("."):
        bare = stem  # what is left would name no file, or a hidden one
    return f"{folder}/{bare}" if folder else bare


def marked_key(key: str, markers: Iterable[str]) -> str:
    """Key for the second comparison: markers stripped, case ignored, and numbers as they are written without padding.

    `a_007` is `a_7`; decimals stay, `1.05` is not `1.5`.
    """
    bare = strip_markers(key, markers).casefold()
    return re.sub(r"(?<!\d\.)(?<!\d)\d+", lambda number: number[0].lstrip("0") or "0", bare)


_Key = Callable[[PurePosixPath], str]
_Files = dict[Path, PurePosixPath]


def _match(
    ir: _Files, vis: _Files, ir_key: _Key, vis_key: _Key
) -> tuple[dict[str, tuple[Path, Path]], _Files, _Files, list[tuple[Path, ...]]]:
    """Pairs of files by the key that both have; the files left over on either side; groups that share a key."""
    ir_groups, vis_groups = _grouped(ir, ir_key), _grouped(vis, vis_key)
    twins = [tuple(group) for groups in (ir_groups, vis_groups) for group in groups.values() if len(group) > 1]
    shared = [key for key in ir_groups if len(ir_groups[key]) == 1 and len(vis_groups.get(key, ())) == 1]
    pairs = {key: (ir_groups[key][0], vis_groups[key][0]) for key in shared}
    used = {path for group in (*twins, *pairs.values()) for path in group}
    ir_left, vis_left = ({path: name for path, name in files.items() if path not in used} for files in (ir, vis))
    return pairs, ir_left, vis_left, twins


def _grouped(files: _Files, key: _Key) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = defaultdict(list)
    for path, name in files.items():
        groups[key(name)].append(path)
    return groups


def match_outputs(pairs: Sequence[Pair], fused: Path) -> dict[str, Path]:
    """Fused picture of each pair, by stem; of what is left, markers such as `_fused` or `_ir` are stripped first, and
    then a method's name (`00001_SeAFusion`), which has to be the same in all of them. A file serves one pair.

    Returns:
        pair name -> file; pairs without a fused picture are absent.

    Raises:
        InputError: the folder is missing.
        PairingError: two files claim the same pair, or two pairs the same file.
    """
    every = IR_MARKERS + VIS_MARKERS + FUSED_MARKERS
    names, keys = image_names(fused), {pair.name: unicodedata.normalize("NFC", pair.name) for pair in pairs}
    found: dict[str, Path] = {}

    def claim(pair_key: Callable[[str], str], file_key: _Key) -> None:
        """Give each pair that has no picture the one, of those left, that has its key."""
        taken = set(found.values())
        files = _grouped({path: name for path, name in names.items() if path not in taken}, file_key)
        claims: dict[str, list[str]] = defaultdict(list)
        for pair, key in keys.items():
            if pair not in found and pair_key(key) in files:
                claims[pair_key(key)].append(pair)
        for key, claiming in claims.items():
            if len(files[key]) > 1:
                raise PairingError(f"{_names(files[key])} in {fused} all claim the pair {claiming[0]}")
            if len(claiming) > 1:
                raise PairingError(f"{files[key][0]} could be of the pairs {', '.join(claiming[:5])}")
            found[claiming[0]] = files[key][0]

    claim(str, exact_key)
    claim(lambda key: marked_key(key, every), lambda name: marked_key(exact_key(name), every))
    plain, known = set(found), set(keys.values())
    claim(str, lambda name: _before_a_method(name, known))
    methods = {exact_key(names[found[pair]]).removeprefix(keys[pair]) for pair in found.keys() - plain}
    if len(methods) > 1:
        raise PairingError(f"pictures in {fused} end in {', '.join(sorted(methods)[:5])}: give a folder a method")
    return found


def _before_a_method(name: PurePosixPath, known: Collection[str]) -> str:
    """The longest known key that a name begins with, before a separator and a letter; empty where it begins with none.

    `00001_SeAFusion` is of `00001`; `night_2` is no picture of `night`.
    """
    stem = exact_key(name)
    starts = (stem[: cut.start()] for cut in re.finditer(r"[_\-. ](?=[^\W\d_])", stem))
    return max((one for one in starts if one in known), key=len, default="")


def _names(files: Sequence[Path], limit: int = 5) -> str:
    shown = ", ".join(str(path) for path in files[:limit])
    return shown + (f" and {len(files) - limit} more" if len(files) > limit else "")
