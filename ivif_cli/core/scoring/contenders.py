"""The methods of an evaluation: models that fuse here, folders fused elsewhere, baselines without learning."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ivif_cli.core.data.luma import to_bits, to_luma
from ivif_cli.core.data.pairing import Pair, match_outputs
from ivif_cli.core.data.sources import read_visible
from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.fusing.baselines import BASELINES
from ivif_cli.core.scoring.task import Contender


class ModelContender:
    """A network; the bundled `base` is called ivif. It loads and runs in a thread of its own, one pair at a time.

    Args:
        model, options: as for `open_fuser`, whose errors are raised.
    """

    kind = "model"

    def __init__(self, model: str | Path, **options: Any) -> None:
        from ivif_cli.core.fusing.fuser import open_fuser

        self._thread = ThreadPoolExecutor(1)
        self._fuser = self._thread.submit(open_fuser, model, **options).result()
        self.name = "ivif" if self._fuser.name == "base" else f"ivif-{self._fuser.name}"
        self.weights_sha256: str | None = self._fuser.sha256

    def picture(self, pair: Pair, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """The pair fused, with the bits that `ivif fuse` would save."""
        return self._thread.submit(self._fuser.fuse, ir, vis).result()

    def has(self, pair: Pair) -> bool:
        return True


@dataclass(frozen=True)
class FolderContender:
    """Pictures that were fused elsewhere: pair name -> file."""

    name: str
    files: dict[str, Path]
    kind: str = "folder"
    weights_sha256: str | None = None

    def picture(self, pair: Pair, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """The file of this pair, read; raises InputError where there is none."""
        if pair.name not in self.files:
            raise InputError(f"no fused picture of this pair in {self.name}")
        return read_visible(self.files[pair.name])

    def has(self, pair: Pair) -> bool:
        return pair.name in self.files


@dataclass(frozen=True)
class BaselineContender:
    """A rule out of `BASELINES`, over the 8-bit lumas."""

    name: str
    kind: str = "baseline"
    weights_sha256: str | None = None

    def picture(self, pair: Pair, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """The rule's picture, H x W uint8."""
        return BASELINES[self.name](to_bits(to_luma(ir), 8), to_bits(to_luma(vis), 8))

    def has(self, pair: Pair) -> bool:
        return True


def folder_contenders(specs: Sequence[str], pairs: Sequence[Pair]) -> list[Contender]:
    """Methods of `--fused` values: `DIR`, `NAME=DIR`, or, for a single pair, a file in the place of DIR.

    Raises:
        UsageError: a name without a folder.
        InputError: a folder or file that does not exist, or a folder without a fused picture of any pair.
    """
    return [_folder(spec, pairs) for spec in specs]


def _folder(spec: str, pairs: Sequence[Pair]) -> Contender:
    name, path = _named_path(spec)
    if not path.exists():
        raise InputError(f"{path} does not exist", f"--fused {spec}")
    if path.is_file():
        if len(pairs) != 1:
            raise UsageError(f"{path} is one picture, but there are {len(pairs)} pairs", "give a folder")
        return FolderContender(name or path.stem, {pairs[0].name: path})
    files = match_outputs(pairs, path)
    if not files:
        raise InputError(f"{path} has no fused picture of any of the {len(pairs)} pairs", "stems must match")
    return FolderContender(name or path.resolve().name, files)


def _named_path(spec: str) -> tuple[str, Path]:
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
    names = [contender.name for contender in contenders]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two methods are called {name}", "name them, as in --fused NAME=DIR")
