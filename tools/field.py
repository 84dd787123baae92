"""The page of the field: methods x sets x metrics, measured here from outputs that lie on this machine.

    python tools/field.py --data ../shared/data/test --published ../shared/data/published -o docs/field.md
    python tools/field.py ... --model base        with a row of our own weights

`published/SET/METHOD` holds a method's fused pictures of a set, named like its pairs. Beside them stand both sources as
they are and the rules without learning.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from typer.testing import CliRunner

from ivif_cli.app import app
from ivif_cli.core.data.datasets import DATASETS

METRICS = "six,K,X,TD"


def evaluation(name: str, data: Path, published: Path, models: Sequence[str], report: Path) -> list[str]:
    """Arguments of `ivif evaluate` for all methods of one set."""
    sources = [data / name / "ir", data / name / "vi"]
    arguments = ["evaluate", "--dataset", name, "--data-root", str(data), "--metrics", METRICS, "--baselines", "-q"]
    for folder in sorted(path for path in (published / name).iterdir() if path.is_dir()):
        arguments += ["--fused", f"{folder.name}={folder}"]
    for label, folder in zip(("infrared alone", "visible alone"), sources, strict=True):
        arguments += ["--fused", f"{label}={folder}"]
    for model in models:
        arguments += ["--model", model]
    return [*arguments, "--report", str(report)]


def run(arguments: list[str], allowed: tuple[int, ...] = (0,)) -> None:
    """A command of ours; SystemExit with what it says where it ends with another status."""
    result = CliRunner().invoke(app, arguments)
    if result.exit_code not in allowed:
        raise SystemExit(f"ivif {arguments[0]}: {result.stderr.strip()}")


def main(arguments: list[str]) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets: SET/ir, SET/vi")
    parser.add_argument("--published", type=Path, required=True, help="folder of outputs: SET/METHOD")
    parser.add_argument("--model", action="append", default=[], help="to fuse with as well; may be repeated")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the page, .md")
    options = parser.parse_args(arguments)
    sets = [name for name in DATASETS if (options.published / name).is_dir()]
    if not sets:
        raise SystemExit(f"{options.published} holds none of the sets {', '.join(DATASETS)}")
    with tempfile.TemporaryDirectory() as folder:
        reports = [Path(folder) / f"{name}.json" for name in sets]
        for name, report in zip(sets, reports, strict=True):
            run(evaluation(name, options.data, options.published, options.model, report), allowed=(0, 1))
        run(["report", *map(str, reports), "--field", "-o", str(options.output), "-q"])


if __name__ == "__main__":
    main(sys.argv[1:])
