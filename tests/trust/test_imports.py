"""Imports run one way: commands -> core, and in the core from room to room as `ROOMS` says; there is no circle."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.trust.sources import PACKAGE, imported, imported_at_once, modules

ROOMS: dict[str, set[str]] = {
    "data": set(),
    "language": set(),
    "metrics": set(),
    "network": {"language"},
    "objective": {"language", "network"},
    "fusing": {"data", "language", "network"},
    "training": {"data", "language", "metrics", "network", "objective"},
    "aligning": {"data"},
    "video": {"aligning", "data", "fusing", "language"},
    "export": {"language", "network"},
    "scoring": {"aligning", "data", "fusing", "language", "metrics", "video"},
    "reports": {"data", "metrics", "scoring"},
    "viewing": {"data", "fusing", "language", "metrics"},
}
"""Room of the core -> rooms that it may import. `network` knows one module of `language`: what a goal is."""
TERMINAL = ("typer", "rich", "tqdm", "click")
HEAVY = ("torch", "cv2", "numpy", "open_clip", "safetensors", "tqdm", "rich")
MODULES = modules()


def _room(name: str) -> str:
    parts = name.split(".")
    return parts[2] if len(parts) > 2 and parts[1] == "core" else ""


def test_every_room_has_its_place_and_imports_only_what_stands_below_it() -> None:
    rooms = {path.name for path in (PACKAGE / "core").iterdir() if (path / "__init__.py").exists()}
    assert rooms == set(ROOMS)
    wrong = [
        f"{name} imports {target}"
        for name, tree in MODULES
        for target in imported(tree)
        if _room(name) in rooms and _room(target) in rooms - {_room(name)} - ROOMS[_room(name)]
    ]
    assert not wrong


def test_the_network_knows_of_language_only_what_a_goal_is() -> None:
    targets = {target for name, tree in MODULES if _room(name) == "network" for target in imported(tree)}
    assert all(target.startswith("ivif_cli.core.language.goal") for target in targets if _room(target) == "language")


def test_no_module_imports_itself_by_way_of_others() -> None:
    names = {name for name, _ in MODULES}
    graph = {name: {_module_of(target, names) for target in imported(tree)} - {"", name} for name, tree in MODULES}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


def _module_of(target: str, names: set[str]) -> str:
    """The package's module that an imported name is, or lies in; empty for the packages themselves and for others'."""
    while target and target not in names:
        target = target.rpartition(".")[0]
    return target if target.startswith("ivif_cli.") else ""


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
