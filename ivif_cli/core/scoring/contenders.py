"""The methods of an evaluation: models that fuse here, folders fused elsewhere, baselines without learning."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ivif_cli.core.data.luma import to_bits, to_luma
from ivif_cli.core.data.pairing import Pair, match_outputs
from ivif_cli.core.data.sources import read_visible
from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.fusing.baselines import BASELINES
from ivif_cli.core.language.wanted import check_names as check_goal_names
from ivif_cli.core.scoring.task import Contender

if TYPE_CHECKING:
    from ivif_cli.core.fusing.fuser import Fuser
    from ivif_cli.core.language.goal import Goal


class ModelContender(Contender):
    """A network with a goal, run in a thread of its own, one pair at a time; the bundled `base` is called ivif."""

    kind = "model"

    def __init__(self, fuser: "Fuser", thread: ThreadPoolExecutor, goal: "Goal | None" = None, label: str = "") -> None:
        self.fuser, self.thread, self.goal = fuser, thread, goal
        self.name = ("ivif" if fuser.name == "base" else f"ivif-{fuser.name}") + label
        self.weights_sha256 = fuser.sha256

    def picture(self, pair: Pair, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """The pair fused, with the bits that `ivif fuse` would save."""
        return self.thread.submit(self.fuser.fuse, ir, vis, goal=self.goal, ir_range=None).result()


@dataclass(frozen=True)
class Models:
    """Models to fuse with, and what is wanted of them.

    Attributes:
        prompts, goals: texts and names of goals, a method each; strength, dials: of all of them.
        device, precision, tile, threads: as for `Fuser`.
    """

    models: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    strength: float = 1.0
    dials: Mapping[str, float] = field(default_factory=dict)
    device: str = "auto"
    precision: str = "auto"
    tile: int | None = None
    threads: int | None = None

    def contenders(self) -> list[ModelContender]:
        """The models, loaded, each once for each goal; those that bear one name are told apart by what was typed.

        Raises:
            UsageError: a name that the weights do not carry, or a text that says nothing.
            EncoderError: weights that free text cannot be embedded for. Others: as of `open_fuser`.
        """
        from ivif_cli.core.fusing.fuser import open_fuser

        how = {"device": self.device, "precision": self.precision, "tile": self.tile, "threads": self.threads}
        wanted: list[str | None] = [*self.prompts, *self.goals]
        suffix = [f"strength {self.strength:g}"] if self.strength != 1 else []
        suffix += [f"{name}={value:g}" for name, value in self.dials.items()]
        found: list[tuple[str, ModelContender]] = []
        for model in self.models:
            thread = ThreadPoolExecutor(1)
            fuser = thread.submit(open_fuser, model, **how).result()
            check_goal_names(self.goals, fuser.goals)
            if not wanted and not self.dials:
                found.append((model, ModelContender(fuser, thread)))
                continue
            for text in wanted or [None]:
                goal = fuser.goal(text, strength=self.strength, dials=self.dials)
                found.append((model, ModelContender(fuser, thread, goal, f": {', '.join([goal.name, *suffix])}")))
        taken = Counter(one.name for _, one in found)
        for model, one in found:
            one.name += f" ({model})" if taken[one.name] > 1 else ""
        return [one for _, one in found]


class FolderContender(Contender):
    """Pictures that were fused elsewhere: pair name -> file."""

    kind = "folder"

    def __init__(self, name: str, files: Mapping[str, Path]) -> None:
        self.name, self.files = name, files

    def picture(self, pair: Pair, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """The file of this pair, read; raises InputError where there is none."""
        if pair.name not in self.files:
            raise InputError(f"no fused picture of this pair in {self.name}")
        return read_visible(self.files[pair.name])

    def has(self, pair: Pair) -> bool:
        return pair.name in self.files


class BaselineContender(Contender):
    """A rule out of `BASELINES`, over the 8-bit lumas."""

    kind = "baseline"

    def __init__(self, name: str) -> None:
        self.name = name

    def picture(self, pair: Pair, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """The rule's picture, H x W uint8."""
        return BASELINES[self.name](to_bits(to_luma(ir), 8), to_bits(to_luma(vis), 8))


def folder_contenders(specs: Sequence[str], pairs: Sequence[Pair]) -> list[Contender]:
    """Methods of `--fused` values: `DIR`, `NAME=DIR`, or, for a single pair, a file in the place of DIR.

    Raises:
        UsageError: a name without a folder.
        InputError: a folder or file that does not exist, or a folder without a fused picture of any pair.
    """
    contenders: list[Contender] = []
    for spec in specs:
        name, path = named_path(spec)
        if not path.exists():
            raise InputError(f"{path} does not exist", f"--fused {spec}")
        if path.is_file() and len(pairs) != 1:
            raise UsageError(f"{path} is one picture, but there are {len(pairs)} pairs", "give a folder")
        files = {pairs[0].name: path} if path.is_file() else match_outputs(pairs, path)
        if not files:
            raise InputError(f"{path} has no fused picture of any of the {len(pairs)} pairs", "stems must match")
        contenders.append(FolderContender(name or (path.stem if path.is_file() else path.resolve().name), files))
    return contenders


def named_path(spec: str) -> tuple[str, Path]:
    """Name ("" where none is given) and path; a path that exists as a whole is not split at its `=`."""
    name, equals, path = spec.partition("=")
    if not equals or Path(spec).exists():
        return "", Path(spec)
    if not name.strip() or not path:
        raise UsageError(f"--fused {spec}: not of the form NAME=DIR", "as in --fused SeAFusion=out/seafusion")
    return name.strip(), Path(path)


def baseline_contenders(taken: Sequence[Contender] = ()) -> list[Contender]:
    """Every baseline whose name is not taken by a method."""
    names = {contender.name for contender in taken}
    return [BaselineContender(name) for name in BASELINES if name not in names]
