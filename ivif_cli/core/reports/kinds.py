"""Report files: the kind of each by its suffix, and what may be overwritten."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ivif_cli.core.errors import OutputError, UsageError
from ivif_cli.core.files import write_bytes, write_text
from ivif_cli.core.reports.json_report import as_json
from ivif_cli.core.reports.junit import SUITE, as_junit
from ivif_cli.core.reports.markdown import MARKDOWN_HEAD, as_markdown
from ivif_cli.core.reports.report import Report
from ivif_cli.core.reports.scenes import Scenes, picture_strip
from ivif_cli.core.reports.tables import CSV_HEAD, LATEX_HEAD, as_csv, as_latex
from ivif_cli.core.scoring.changes import MOST_PICTURES

GENERATOR = '<meta name="generator" content="ivif'
_BEGINNING = 2000
_OWN = {
    ".json": re.compile(r'\s*\{\s*"schema": 1,\s*"(ivif|dataset)"'),
    ".csv": re.compile(re.escape(CSV_HEAD)),
    ".md": re.compile(re.escape(MARKDOWN_HEAD)),
    ".tex": re.compile(re.escape(LATEX_HEAD)),
    ".html": re.compile(rf"<!doctype html>.*{re.escape(GENERATOR)}", re.DOTALL),
    ".xml": re.compile(rf'<\?xml[^>]*>\s*<testsuite name="{SUITE}'),
}
"""Suffix -> how a report of ours begins."""
KINDS = tuple(_OWN)


def check_report_files(paths: Sequence[Path], *, overwrite: bool, has_changes: bool = False) -> None:
    """Refuse, before anything is scored, files that could not or should not be written.

    A file that is there is replaced where it is a report of the same kind, else only with `overwrite`. So is a picture
    that a Markdown report which `has_changes` has beside it: it is ours where such a report is there and shows it.

    Raises:
        UsageError: a suffix that is no kind of report.
        OutputError: a folder in the way, no folder to write to, or a file that is not ours.
    """
    for path in paths:
        if path.suffix.lower() not in KINDS:
            raise UsageError(f"--report {path}: the suffix says the kind of report", f"known are {', '.join(KINDS)}")
        if path.is_dir() or not path.parent.is_dir():
            problem = "is a folder" if path.is_dir() else "lies in a folder that does not exist"
            raise OutputError(f"{path} {problem}", "name a file in a folder that exists")
        if path.exists() and not overwrite and not is_own_report(path):
            raise OutputError(f"{path} exists and is not a report of ivif", "--overwrite replaces it")
        if has_changes and path.suffix.lower() == ".md":
            _check_strips(path, overwrite)


def _check_strips(path: Path, overwrite: bool) -> None:
    """Refuse to replace pictures beside a Markdown report that it does not show."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() and is_own_report(path) else ""
    for strip in (_strip_path(path, count) for count in range(1, MOST_PICTURES + 1)):
        if strip.is_dir():
            raise OutputError(f"{strip} is a folder, where {path} has a picture", "choose another name for the report")
        if strip.exists() and not overwrite and f'<img src="{strip.name}"' not in text:
            raise OutputError(f"{strip} exists and is no picture of the report {path}", "--overwrite replaces it")


def _strip_path(report: Path, count: int) -> Path:
    """The file of a Markdown report's picture, counted from 1."""
    return report.with_name(f"{report.stem}-{count}.jpg")


def is_own_report(path: Path) -> bool:
    """Whether a file begins as our reports of its kind do."""
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            beginning = stream.read(_BEGINNING)
    except OSError:
        return False
    return not beginning or _OWN[path.suffix.lower()].match(beginning) is not None


def write_report(report: Report, path: Path, scenes: Callable[[], Scenes]) -> None:
    """Write one report; `scenes` is asked for pictures where the report has some.

    A Markdown report of changes has its pictures beside it: STEM-1.jpg, ...
    """
    kind, changes = path.suffix.lower(), report.changes
    if kind == ".md" and changes is not None:
        shown: Scenes = scenes()
        files: dict[str, str] = {}
        for count, change in enumerate(changes.pictures, start=1):
            scene = shown.get(change.name)
            strip = None if scene is None else picture_strip(scene, changes.method, changes.before)
            if strip is not None:
                file = _strip_path(path, count)
                files[change.name] = file.name
                write_bytes(file, strip)
        write_text(path, as_markdown(report, files))
    else:
        write_text(path, render(report, kind, scenes))


def render(report: Report, kind: str, scenes: Callable[[], Scenes] = dict) -> str:
    """The text of a report of a kind out of `KINDS`."""
    if kind == ".json":
        return json.dumps(as_json(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if kind == ".html":
        from ivif_cli.core.reports.html_report import as_html

        return as_html(report, scenes())
    return {".csv": as_csv, ".md": as_markdown, ".tex": as_latex, ".xml": as_junit}[kind](report)
