"""Imports run one way: commands -> core; fusing, training, scoring, reports -> network, language, data, metrics."""

import ast
import subprocess
import sys

import pytest

from tests.trust.sources import imported, imported_at_once, modules

ROOMS = ("network", "language", "data", "metrics")
ABOVE = ("fusing", "training", "objective", "scoring", "reports")
SHARED = "ivif_cli.core.language.goal"
"""A goal conditions the network and travels in its weights: the one module of `language` that `network` knows."""
TERMINAL = ("typer", "rich", "tqdm", "click")
HEAVY = ("torch", "cv2", "numpy", "open_clip", "safetensors", "tqdm", "rich")
MODULES = modules()


def _room(name: str) -> str:
    parts = name.split(".")
    return parts[2] if len(parts) > 2 and parts[1] == "core" else ""


@pytest.mark.parametrize("room", ROOMS)
def test_the_four_rooms_know_nothing_of_each_other_nor_of_those_above(room: str) -> None:
    others = tuple(f"ivif_cli.core.{other}." for other in (*ROOMS, *ABOVE) if other != room)
    wrong = [
        f"{name} imports {target}"
        for name, tree in MODULES
        if _room(name) == room
        for target in imported(tree)
        if not (room == "network" and target.startswith(SHARED))
        if f"{target}.".startswith((*others, "ivif_cli.commands.")) or target.split(".")[0] in TERMINAL
    ]
    assert not wrong


def test_the_core_knows_neither_commands_nor_the_terminal() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, tree in MODULES
        if name.startswith("ivif_cli.core")
        for target in imported(tree)
        if target.startswith(("ivif_cli.commands", "ivif_cli.app")) or target.split(".")[0] in TERMINAL
    ]
    assert not wrong


def test_commands_import_nothing_heavy_before_they_run() -> None:
    light = ("ivif_cli.app", "ivif_cli.__main__", "ivif_cli")
    wrong = [
        f"{name} imports {target}"
        for name, tree in MODULES
        if name in light or name.startswith("ivif_cli.commands")
        for target in imported_at_once(tree)
        if target.split(".")[0] in HEAVY
    ]
    assert not wrong


def test_only_fuse_free_code_names_open_clip() -> None:
    users = {name for name, tree in MODULES for target in imported(tree) if target.startswith("open_clip")}
    assert all(_room(name) in ("language", "training") for name in users), users


def test_help_loads_no_torch() -> None:
    code = "import sys; import ivif_cli.app; print(sorted({'torch', 'cv2', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nothing_prints_outside_the_console() -> None:
    wrong = [
        name
        for name, tree in MODULES
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not wrong
