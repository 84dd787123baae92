"""Shells complete the values of options, quickly, with the names that the registries have."""

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from ivif_cli.app import app
from ivif_cli.core import names
from ivif_cli.core.data.datasets import DATASETS
from ivif_cli.core.device import PRECISIONS
from ivif_cli.core.language.goal import DIALS, NAMED
from ivif_cli.core.metrics import CONVENTIONS, METRICS
from ivif_cli.core.metrics.registry import GROUPS
from ivif_cli.core.network.registry import NETWORKS


def completed(shell: str, line: str) -> str:
    """What `ivif` answers the shell's completion after `line`."""
    words = line.split(" ")
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_TYPER_COMPLETE_ARGS": line}
    asked |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args", "_IVIF_COMPLETE": f"complete_{shell}"}
    return CliRunner().invoke(app, [], env=asked, prog_name="ivif").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ivif fuse --model f", "fast"),
        ("ivif evaluate --device c", "cuda"),
        ("ivif evaluate --metrics EN,V", "EN,VIF"),
        ("ivif evaluate --dataset T", "TNO"),
        ("ivif evaluate --convention m", "matlab"),
        ("ivif evaluate --min Q", "Qabf="),
        ("ivif evaluate --explain S", "SCD"),
        ("ivif fuse --goal b", "bright"),
        ("ivif fuse --dial b", "bright="),
        ("ivif train --config f", "fast"),
    ],
)
def test_values_are_completed(shell: str, line: str, expected: str) -> None:
    assert expected in completed(shell, line)


def test_names_are_those_of_the_registries() -> None:
    assert (*METRICS, "LDS", "Flicker") == names.METRICS
    assert tuple(GROUPS) == names.METRIC_GROUPS
    assert tuple(CONVENTIONS) == names.CONVENTIONS
    assert tuple(DATASETS) == names.DATASETS
    assert tuple(NAMED) == names.GOALS
    assert tuple(DIALS) == names.DIALS
    assert tuple(NETWORKS) == names.MODELS
    assert tuple(PRECISIONS) == names.PRECISIONS


def test_the_shell_that_is_named_is_the_one_that_is_shown() -> None:
    command = [sys.executable, "-m", "ivif_cli", "--show-completion", "zsh"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "SHELL": "/bin/bash"})
    assert done.stdout.startswith("#compdef ivif")


def test_nothing_heavy_is_loaded_for_a_key_press() -> None:
    code = "import ivif_cli.app, sys; print(sorted({'torch', 'cv2', 'numpy', 'rich'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
