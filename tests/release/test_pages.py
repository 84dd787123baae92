"""What README, docs/ and the notebook tell a user to type is typed here: parsed all of it, run where it is marked."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ivif_cli.app import app
from ivif_cli.core.packaged import packaged

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
JOINT = re.compile(r"\s(?:\||&&|;)(?:\s|$)")
CUT = re.compile(r"\s(?:>|>>|2>)\s.*|\s#\s.*")


def typed(block: str) -> Iterator[list[str]]:
    """The words after `ivif` of each command line of a block."""
    for line in re.sub(r"\\\n\s*", " ", block).splitlines():
        for part in JOINT.split("" if line.lstrip().startswith("#") else f" {line}"):
            found = re.search(r"\s(?:ivif|-m ivif_cli)\s+(?=[a-z-]+\s|[a-z-]+$)(.*)", CUT.sub("", f" {part}"))
            if found:
                yield shlex.split(found[1])


def blocks(page: Path, fence: str = r"```[a-z]*\n") -> list[str]:
    text = re.sub(r"(?m)^ +```", "```", page.read_text(encoding="utf-8"))
    return re.findall(rf"(?s){fence}(.*?)```", text)


LINES = [
    pytest.param(words, id=f"{page.name}: {' '.join(words)[:60]}")
    for page in PAGES
    for block in blocks(page)
    for words in typed(block)
]


def test_there_are_lines_to_check() -> None:
    assert len(LINES) > 30


@pytest.mark.parametrize("words", LINES)
def test_command_lines_parse(words: list[str]) -> None:
    assert words[0] in COMMANDS, words
    command = COMMANDS[words[0]]
    arguments = [word for word in words[1:] if word != "..."]
    if "..." in words:
        known = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in arguments if word.startswith("--")} <= known
    elif words[1:] != ["--help"]:
        command.make_context(words[0], list(arguments))


def test_a_line_with_an_unknown_option_would_be_found() -> None:
    (words,) = typed("ivif fuse --no-such-option x -o y")
    with pytest.raises(Exception, match="no-such-option"):
        COMMANDS[words[0]].make_context(words[0], words[1:])


RUNNABLE = [
    pytest.param(words, id=f"{page.name}: {' '.join(words)[:60]}")
    for page in PAGES
    for block in blocks(page, r"<!-- runnable -->\n```[a-z]*\n")
    for words in typed(block)
]


@pytest.mark.slow
@pytest.mark.parametrize("words", RUNNABLE)
def test_runnable_lines_run(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(packaged("examples/demo_ir.png"), "a.png")
    shutil.copy(packaged("examples/demo_vis.png"), "b.png")
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.stderr
    assert Path(done.stdout.splitlines()[0]).is_file()


@pytest.mark.slow
def test_the_notebook_and_the_python_of_readme_run(tmp_path: Path) -> None:
    cells = json.loads((ROOT / "examples" / "quickstart.ipynb").read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    code += blocks(ROOT / "README.md", r"```python\n")
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(code)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_site_is_built_and_its_links_lead_somewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocstrings")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--strength" in (tmp_path / "site" / "commands" / "index.html").read_text()
    assert "evaluate_pair" in (tmp_path / "site" / "python" / "index.html").read_text()
