"""Runs of `ivif evaluate` for tests."""

from pathlib import Path

from typer.testing import CliRunner, Result

from ivif_cli.app import app

NAMES = ("EN", "SD", "SF", "MI", "VIF", "Qabf", "K")
"""The metrics that are computed when none are named."""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def sources(folders: Path) -> tuple[str | Path, ...]:
    return "--ir", folders / "ir", "--vis", folders / "vi"
