"""The methods of an evaluation: models that fuse here, folders fused elsewhere, baselines without learning."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


@dataclass(frozen=True)
class Said:
    """What is wanted of a model: texts and names of goals (a method each), a strength, and dials for all of them."""

    prompts: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    strength: float = 1.0
    dials: Mapping[str, float] = field(default_factory=dict)

    def chosen(self, fuser: "Fuser") -> "list[Goal | None]":
        """One goal a method; None is the default, as it is.

        Raises:
            UsageError: a name that the weights do not carry, or a text that says nothing.
            EncoderError: weights that free text cannot be embedded for.
        """
        check_goal_names(self.goals, fuser.goals)
        texts: list[str | None] = [*self.prompts, *self.goals]
        if not texts and not self.dials:
            return [None]
        return [fuser.goal(text, strength=self.strength, dials=self.dials) for text in texts or [None]]

    def label(self, goal: "Goal | None") -> str:
        """How a method's name goes on for a goal."""
        if goal is None:
            return ""
        dials = [f"{name}={value:g}" for name, value in self.dials.items()]
        strength = [f"strength {self.strength:g}"] if self.strength != 1 else []
        return f": {', '.join([goal.name, *strength, *dials])}"


class ModelContender(Contender):
    """A network with a goal; it runs in a thread of its own, one pair at a time."""

    kind = "model"

    def __init__(self, fuser: "Fuser", thread: ThreadPoolExecutor, goal: "Goal | None" = None, label: str = "") -> None:
        self.fuser, self.thread, self.goal = fuser, thread, goal
        self.name = ("ivif" if fuser.name == "base" else f"ivif-{fuser.name}") + label
        self.weights_sha256 = fuser.sha256

    def picture(self, pair: Pair, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """The pair fused, with the bits that `ivif fuse` would save."""
        return self.thread.submit(self.fuser.fuse, ir, vis, goal=self.goal, ir_range=None).result()


def model_contenders(model: str | Path, said: Said, **options: Any) -> list[ModelContender]:
    """A model, once for each goal; the bundled `base` is called ivif.

    Args:
        model, options: as for `open_fuser`, whose errors are raised, and those of `Said.chosen`.
    """
    from ivif_cli.core.fusing.fuser import open_fuser

    thread = ThreadPoolExecutor(1)
    fuser = thread.submit(open_fuser, model, **options).result()
    return [ModelContender(fuser, thread, goal, said.label(goal)) for goal in said.chosen(fuser)]


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


def check_names(contenders: Sequence[Contender]) -> None:
    """Raises UsageError where two methods have one name."""
    for name, count in Counter(contender.name for contender in contenders).items():
        if count > 1:
            raise UsageError(f"two methods are called {name}", "name them, as in --fused NAME=DIR")
