"""The training pairs in memory: what is read from the folder's manifest, how often each is drawn, what is held out."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.data.sources import read_infrared, read_visible

Array = np.ndarray
NIGHT = {"y": True, "n": False}


@dataclass(frozen=True)
class Scene:
    """A pair in memory: uint8 luma of both modalities, dataset, scene group, night or not (None: unknown)."""

    name: str
    source: str
    group: str
    night: bool | None
    ir: Array
    vis: Array


def read_scenes(root: Path) -> list[Scene]:
    """All pairs of the manifest as luma; M3FD's frame, which its warping leaves black, is cut off."""
    scenes = []
    with (root / "manifest.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            ir, vis = read_infrared(root / row["ir"]).grey(), to_luma(read_visible(root / row["vi"]))
            if row["source"] == "M3FD":
                ir, vis = (luma[40:-40, 60:-60] for luma in (ir, vis))
            night = NIGHT.get(row["night"])
            scenes.append(Scene(row["stem"], row["source"], row["scene_group"], night, ir, vis))
    return scenes


def described(scenes: list[Scene]) -> str:
    """How many pairs of which dataset, in words."""
    counts = Counter(scene.source for scene in scenes)
    return ", ".join(f"{count} pairs of {source}" for source, count in sorted(counts.items()))


def split_scenes(scenes: Sequence[Scene], share: float, seed: int) -> tuple[list[Scene], list[Scene]]:
    """Training and validation scenes; a scene group is never on both sides."""
    groups = sorted({scene.group for scene in scenes})
    chosen = np.random.default_rng(seed).permutation(groups)[: max(1, round(share * len(groups)))]
    held = set(chosen.tolist())
    return [s for s in scenes if s.group not in held], [s for s in scenes if s.group in held]


def source_chances(scenes: Sequence[Scene], shares: dict[str, float]) -> Array:
    """Probability of each scene so that every source gets its share (sources without a share: 0.05)."""
    sizes = {source: sum(scene.source == source for scene in scenes) for source in {scene.source for scene in scenes}}
    chances = np.array([shares.get(scene.source, 0.05) / sizes[scene.source] for scene in scenes])
    return chances / chances.sum()
