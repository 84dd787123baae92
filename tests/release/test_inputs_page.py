"""Each row of the tables of docs/inputs.md has a test that makes the file or the folders that it speaks of.

Such a test carries the marker `row` with the row's first cell.
"""

import ast
import re
from pathlib import Path

import pytest

from ivif_cli.core.data.datasets import DATASETS

HEADS = {"infrared file", "`--ir-range`", "`--crop`", "files", "name", "result"}


@pytest.fixture(scope="module")
def tables(repository: Path) -> dict[str, list[str]]:
    """First cells of the rows of every table of the page, by the first cell of its head."""
    page = (repository / "docs" / "inputs.md").read_text(encoding="utf-8")
    found = {}
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        head, _, *rows = (line.strip("|").split("|")[0].strip() for line in table.splitlines())
        found[head] = rows
    return found


@pytest.fixture(scope="module")
def marked(repository: Path) -> list[str]:
    """What the `row` markers on tests name."""
    cells = []
    for path in (repository / "tests").rglob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        if "row(" in text:
            tests = [one for one in ast.parse(text).body if isinstance(one, ast.FunctionDef)]
            cells += [cell for test in tests if test.name.startswith("test_") for cell in _named(test)]
    return cells


def _named(test: ast.FunctionDef) -> list[str]:
    """Cells of the markers on a test and on its parameters, where a list of these calls `row(CELL, ...)`."""
    calls = [node for one in test.decorator_list for node in ast.walk(one) if isinstance(node, ast.Call)]
    cells = [call.args[0] for call in calls if ast.unparse(call.func) in ("pytest.mark.row", "row")]
    return [cell.value for cell in cells if isinstance(cell, ast.Constant) and isinstance(cell.value, str)]


def test_each_row_has_its_test_and_each_marker_its_row(tables: dict[str, list[str]], marked: list[str]) -> None:
    assert set(tables) == HEADS
    rows = [row for table in tables.values() for row in table]
    assert sorted(rows) == sorted(set(marked)), "rows of docs/inputs.md, and markers `row` of tests"


def test_each_data_set_has_its_row(tables: dict[str, list[str]]) -> None:
    named = {re.split(r"[ ,]", cell)[0] for cell in tables["name"]}
    assert named == set(DATASETS)
