"""Files that travel with the program: weights, recipes, the example pair; one rule for wheel and checkout."""

from pathlib import Path

from ivif_cli.core.errors import InputError


def packaged_folder(name: str) -> Path:
    """A folder that travels with the program: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / name
    return installed if installed.is_dir() else package.parent / name


def packaged(name: str) -> Path:
    """Path of a file that travels with the program, as in `packaged("recipes/base.toml")`.

    Raises:
        InputError: it is not part of this installation.
    """
    folder, _, rest = name.partition("/")
    path = packaged_folder(folder) / rest
    if not path.is_file():
        raise InputError(f"{name} is not part of this installation: {path}", "install ivif again")
    return path


def recipe_names() -> list[str]:
    """Names of the packaged recipes of `ivif train`, as in `--config base`."""
    return sorted(path.stem for path in packaged_folder("recipes").glob("*.toml") if path.stem != "prompts")
