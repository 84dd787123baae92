"""The split of pairs into training and validation, scene by scene, and a hash that names the data."""

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path

from ivif_cli.core.data.find_pairs import manifest_rows
from ivif_cli.core.data.pairing import Pair


def scene_groups(pairs: Sequence[Pair]) -> list[str]:
    """The scene each pair belongs to: column `scene_group` of the nearest manifest.csv above it, else its own name."""
    groups_of = functools.cache(_manifest_groups)
    named = [(pair.ir.resolve(), pair.name) for pair in pairs]
    return [groups_of(path.parent).get(path, name) for path, name in named]


def _manifest_groups(folder: Path) -> dict[Path, str]:
    for parent in [folder, *list(folder.parents)[:2]]:
        manifest = parent / "manifest.csv"
        if manifest.is_file():
            grouped = [(row.get("ir"), row.get("scene_group")) for row in manifest_rows(manifest)]
            return {(parent / ir).resolve(): group for ir, group in grouped if ir and group}
    return {}


def split_pairs(pairs: Sequence[Pair], share: float) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """Training and validation pairs; pairs of one scene stay together, and the choice depends on names alone.

    Args:
        pairs: all pairs.
        share: of the scenes for validation, 0 to 1.

    Returns:
        (training, validation). Where there is only one scene it is trained on and nothing is left to validate.
    """
    groups = scene_groups(pairs)
    ranked = sorted(set(groups), key=lambda group: hashlib.sha256(group.encode()).digest())
    count = min(round(share * len(ranked)) or (1 if share > 0 else 0), len(ranked) - 1)
    held = set(ranked[:count])
    both = list(zip(pairs, groups, strict=True))
    return tuple(p for p, g in both if g not in held), tuple(p for p, g in both if g in held)


def data_hash(pairs: Sequence[Pair]) -> str:
    """sha256 over names, sizes and first 64 KiB of all files, in order of names; hex."""
    digest = hashlib.sha256()
    for pair in sorted(pairs, key=lambda pair: pair.name):
        for path in (pair.ir, pair.vis):
            with path.open("rb") as stream:
                head = stream.read(1 << 16)
            digest.update(f"{pair.name}\0{path.stat().st_size}\0".encode() + head)
    return digest.hexdigest()
