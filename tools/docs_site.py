"""Hooks of the documentation site: README as its start, commands and Python from the code, links kept."""

import re
import textwrap
from pathlib import Path

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = re.compile(r"\]\(\.\./([^)#]+)")
FROM_README = re.compile(r"\]\(([^):#]+)")


def commands_page() -> str:
    """The help of every command, as the program prints it."""
    from ivif_cli.app import COMMANDS, app

    parts = ["# Commands"]
    for name in COMMANDS:
        told = CliRunner().invoke(app, [name.replace("_", "-"), "--help"], env={"COLUMNS": "100"}).stdout
        parts.append(f"## ivif {name.replace('_', '-')}\n\n```\n{told.strip()}\n```")
    return "\n\n".join(parts)


def python_page() -> str:
    """The public names, to be filled from their docstrings."""
    import ivif_cli

    homes = ivif_cli._HOMES
    return "# Python\n\n" + "\n\n".join(f"::: ivif_cli.core.{homes[name]}.{name}" for name in sorted(homes))


def readme_page() -> str:
    """README with its links seen from docs/."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return FROM_README.sub(lambda link: f"]({link[1].removeprefix('docs/')}", text).replace(
        "](weights/)", "](weights/base.md)"
    )


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, and the files outside docs/ that pages link to."""
    pages = {"index.md": readme_page(), "commands.md": commands_page(), "python.md": python_page()}
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    docs = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    linked = set(OUTSIDE.findall(docs)) | set(FROM_README.findall(pages["index.md"]))
    for name in sorted(linked):
        path = ROOT / name
        if path.is_file() and name not in files.src_uris and name != "README.md":
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Bring links that lead out of docs/ to where `on_files` put their targets."""
    if (ROOT / "docs" / page.file.src_uri).exists():
        return OUTSIDE.sub(lambda link: f"]({link[1]}", markdown).replace("](README.md", "](index.md")
    return markdown.replace("](docs/", "](").replace("](../docs/", "](../").replace("](README.md", "](index.md")


class Doctests(griffe.Extension):
    """Has paragraphs of `>>>` read as examples, and not as prose."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        if obj.docstring is not None:
            head, mark, rest = obj.docstring.value.partition("\n\n>>> ")
            if mark:
                obj.docstring.value = f"{head}\n\nExamples:\n" + textwrap.indent(f">>> {rest}", "    ")
