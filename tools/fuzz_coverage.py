"""Coverage-guided fuzzing of the readers that parse bytes themselves, by atheris (pip install atheris).

    python -m tools.fuzz_coverage image -runs=200000

The first word chooses the reader: image, weights, recipe, prompts or baseline; further words go to libFuzzer.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit("atheris is not installed: pip install atheris")

with atheris.instrument_imports(include=["ivif_cli"]):
    from ivif_cli.core.data.images import read_image
    from ivif_cli.core.errors import IvifError
    from ivif_cli.core.language.prompts import read_prompt_file
    from ivif_cli.core.scoring.saved import read_report
    from ivif_cli.core.training.recipe import load_recipe
    from ivif_cli.core.weights import read_weights

READERS: dict[str, Callable[[Path], object]] = {
    "image": lambda path: read_image(path, max_pixels=1 << 20),
    "weights": read_weights,
    "recipe": load_recipe,
    "prompts": read_prompt_file,
    "baseline": read_report,
}


def main() -> None:
    """Feed one reader what libFuzzer makes up; a value or an `IvifError` is fine, anything else stops the run."""
    if len(sys.argv) < 2 or sys.argv[1] not in READERS:
        sys.exit(f"choose one of {', '.join(READERS)}")
    read = READERS[sys.argv.pop(1)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case"

        def one(data: bytes) -> None:
            path.write_bytes(data)
            try:
                read(path)
            except IvifError as error:
                if "\n" in str(error).strip():
                    raise AssertionError("more than one line") from error

        seeds = Path(folder) / "seeds"
        _write_seeds(seeds)
        atheris.Setup([*sys.argv, str(seeds)], one)
        atheris.Fuzz()


def _write_seeds(folder: Path) -> None:
    """Whole files to begin with."""
    from tests.fuzz.pictures import whole_files

    folder.mkdir()
    for index, data in enumerate(whole_files()):
        (folder / f"{index}").write_bytes(data)


if __name__ == "__main__":
    main()
