"""The help of every command ends with examples, and those are commands that exist with options that they have."""

import shlex

import pytest
import typer
from typer.testing import CliRunner

from ivif_cli.app import EXAMPLES, app

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def test_every_command_has_examples() -> None:
    assert {name.replace("_", "-") for name in EXAMPLES} == set(COMMANDS)


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_examples_use_options_that_exist(line: str) -> None:
    words = shlex.split(line)
    start = words.index("ivif_cli" if "ivif_cli" in words else "ivif") + 1
    command, arguments = COMMANDS[words[start]], words[start + 1 :]
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in arguments if word.startswith("-")} <= known


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_shows_them(name: str) -> None:
    told = CliRunner().invoke(app, [name, "--help"]).stdout
    assert "Examples:" in told
    assert EXAMPLES[name.replace("-", "_")][0][:40] in told


@pytest.mark.parametrize(
    ("command", "headings"),
    [
        ("fuse", ["Pictures", "What is wanted", "Infrared", "Result", "Videos", "Device and speed", "Options"]),
        (
            "evaluate",
            [
                *("Pictures", "Metrics", "Gates", "Result", "What is wanted", "Infrared", "Videos"),
                *("The language score", "Device and speed", "Options"),
            ],
        ),
    ],
)
def test_options_stand_under_headings(command: str, headings: list[str]) -> None:
    lines = CliRunner().invoke(app, [command, "--help"], terminal_width=100).stdout.splitlines()
    assert [line[:-1] for line in lines if line.endswith(":") and not line.startswith(" ")] == [*headings]
    assert len(lines) <= 100


def test_completion_can_be_installed() -> None:
    assert "--install-completion" in CliRunner().invoke(app, ["--help"]).stdout
