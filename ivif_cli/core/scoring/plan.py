"""What is to be scored: the methods with the fused file of each pair."""

from collections.abc import Sequence
from pathlib import Path

from ivif_cli.core.data.pairing import Pair, match_outputs
from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.scoring.baselines import BASELINES
from ivif_cli.core.scoring.scorer import BASELINE, FOLDER, Contender


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
