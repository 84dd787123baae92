"""The Markdown report: for a job page, a pull request or a README."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ivif_cli.core.files import write_text
from ivif_cli.core.reports.report import Report, number
from ivif_cli.core.scoring.changes import Changes

MARKDOWN_HEAD = "<!-- ivif evaluate -->"
_METRICS_OF_A_PICTURE = 4
_FIELD_LEGEND = """\
Means over pictures, below them their 95 % bootstrap interval; p10 is the 10th percentile over pictures.
Arrows point to the better side; the best of a column is bold, the second underlined."""


def as_markdown(report: Report, pictures: Mapping[str, str] | None = None) -> str:
    """Changes and gates first, then means (best bold, second underlined) with intervals, tests and remarks.

    `pictures` are files beside the report that show changes, by pair name.
    """
    heads = ["method", *(markdown_text(report.header(column)) for column in report.columns)]
    heads += ["mean rank"] if report.has_rivals else []
    rows = [_means(report, index) for index in range(len(report.evaluation.methods))]
    lines = [MARKDOWN_HEAD, f"### {markdown_text(report.title)}", ""]
    lines += _changes(report.changes, pictures or {}) if report.changes else []
    lines += _table(heads, rows)
    if report.gates:
        gates = [[markdown_text(str(gate)), "kept" if gate.passed else "**missed**"] for gate in report.gates]
        lines += ["", *_table(["gate", ""], gates)]
    if report.tests:
        first = markdown_text(report.evaluation.first.name)
        lines += ["", f"Difference to {first} on common pictures, p of Wilcoxon's test with Holm's correction:", ""]
        tests = [[markdown_text(name), *cells] for name, cells in report.test_rows]
        lines += _table(["method", *(markdown_text(name) for name in report.metrics)], tests)
    lines += ["", *(f"- {markdown_text(remark)}" for remark in report.remarks), ""]
    return "\n".join(lines)


def write_field_page(path: Path, reports: Sequence[Report]) -> None:
    """Write a page with a table of means for each report, a data set each; raises OutputError."""
    lines = [MARKDOWN_HEAD, "# Methods as measured here", "", _FIELD_LEGEND, ""]
    for report in reports:
        heads = ["method", *(markdown_text(report.header(column)) for column in report.columns), "pictures"]
        methods = enumerate(report.evaluation.methods)
        rows = [[*_means(report, index)[: len(heads) - 1], str(len(method.pictures))] for index, method in methods]
        lines += [f"## {markdown_text(report.title)}", "", *_table(heads, rows), ""]
        lines += [*(f"- {markdown_text(remark)}" for remark in report.remarks), ""]
    write_text(path, "\n".join(lines))


def markdown_text(text: str) -> str:
    """Text that no Markdown reader takes for markup or for the end of a table cell."""
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", " ".join(text.split()))


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    rule = f"| --- |{' ---: |' * (len(heads) - 1)}"
    return [f"| {' | '.join(heads)} |", rule, *(f"| {' | '.join(row)} |" for row in rows)]


def _means(report: Report, index: int) -> list[str]:
    marks = {"best": "**{}**", "second": "<u>{}</u>", "": "{}"}
    cells = [markdown_text(report.evaluation.methods[index].name)]
    for entry in report.cells(index):
        cell = marks[entry.mark].format(entry.text)
        cells.append(f"{cell}<br><sub>{entry.small}</sub>" if entry.small else cell)
    return cells


def _changes(changes: Changes, pictures: Mapping[str, str]) -> list[str]:
    """What got better, what got worse (95 % intervals without zero), and the pictures that changed most."""
    lines = [f"Against {markdown_text(changes.against)} (p of Wilcoxon's signed-rank test):", ""]
    lines += [*(f"- **{title}**: {markdown_text(told)}" for title, told in changes.lines), ""]
    if not changes.pictures:
        return lines
    shown = f"infrared, visible, {'before where it is there still, after' if changes.before else 'fused'}"
    heads, rows = ["largest changes", "", *([shown] if pictures else [])], []
    for one in changes.pictures:
        metrics = list(one.values.items())[:_METRICS_OF_A_PICTURE]
        told = ", ".join(f"{name} {number(name, old)} → {number(name, new)}" for name, (old, new) in metrics)
        name, file = markdown_text(one.name), pictures.get(one.name)
        image = f'<img src="{file}" width="480" alt="pictures of {name}">' if file else ""
        rows.append([name, markdown_text(told), *([image] if pictures else [])])
    return [*lines, *_table(heads, rows), ""]
