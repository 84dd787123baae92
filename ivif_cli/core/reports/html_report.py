"""The HTML report: one self-contained file, readable without scripts; with them it compares pictures and sorts.

The template escapes every name by itself; a content security policy forbids anything from outside the file.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ivif_cli.core.reports.report import Cell, Column, Report, number
from ivif_cli.core.reports.scenes import INFRARED, VISIBLE, Scenes, picture_ranking
from ivif_cli.core.scoring.changes import signed

_HERE = Path(__file__).parent
_MOST_DOTS = 150
_ENDS = 3


@dataclass(frozen=True)
class Spread:
    """Values of one method on the scale of a metric's chart, in percent of its width."""

    method: str
    mean: str
    dots: list[tuple[float, str]]
    low: float
    middle: float
    high: float


def as_html(report: Report, scenes: Scenes) -> str:
    """The whole report; `scenes` holds the pictures to show."""
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    ranking = [name for name in picture_ranking(report) if name in scenes]
    ends = min(_ENDS, len(ranking) // 2)
    names = [method.name for method in report.evaluation.methods]
    values = _value_rows(report)
    scored = {
        scene: [(name, cells) for picture, name, cells in values if picture == scene and cells] for scene in scenes
    }
    return environment.get_template("report.html.j2").render(
        report=report,
        style=(_HERE / "report.css").read_text(encoding="utf-8"),
        script=(_HERE / "report.js").read_text(encoding="utf-8"),
        heads=[report.header(column) for column in report.columns],
        metric_heads=[report.header(Column(name)) for name in report.metrics],
        means=[(name, report.cells(index)) for index, name in enumerate(names)],
        tests=[(name, _test_cells(report, name)) for name in names[1:]] if report.tests else [],
        charts=[(report.header(Column(name)), *_chart(report, name)) for name in report.metrics],
        scenes=scenes,
        labels=[INFRARED, VISIBLE, *names],
        ends={"Best": ranking[:ends], "Worst": ranking[::-1][:ends]},
        scene_rows=scored,
        values=values,
    )


def _test_cells(report: Report, method: str) -> list[Cell]:
    cells = []
    for name, facts in report.metrics.items():
        test = report.test(method, name)
        if test is None:
            cells.append(Cell("n/a"))
            continue
        better = (test.difference > 0) == facts.higher_is_better
        mark = ("better" if better else "worse") if test.p_holm < 0.05 else ""
        sign = {"better": "▲ ", "worse": "▼ ", "": ""}[mark]
        text = sign + signed(test.difference).replace("-", "−", 1)
        cells.append(Cell(text, test.difference, f"p = {test.p_holm:.2g}", mark))
    return cells


def _chart(report: Report, metric: str) -> tuple[str, str, list[Spread]]:
    """Ends of the scale of a metric's chart, and the spread of each method on it."""
    methods = report.evaluation.methods
    every = [value for method in methods for value in method.values(metric).values()]
    if not every:
        return "", "", []
    low, high = min(every), max(every)
    width = (high - low) or 1.0
    spreads = []
    for method in methods:
        found = sorted((value, name) for name, value in method.values(metric).items())
        if not found:
            continue
        shown = found[:: -(-len(found) // _MOST_DOTS)]
        dots = [(100 * (value - low) / width, f"{name}: {number(metric, value)}") for value, name in shown]
        quartiles = np.percentile([value for value, _ in found], (25, 50, 75))
        places = (float(100 * (value - low) / width) for value in quartiles)
        spreads.append(Spread(method.name, number(metric, method.mean(metric)), dots, *places))
    return number(metric, low), number(metric, high), spreads


def _value_rows(report: Report) -> list[tuple[str, str, list[Cell]]]:
    """(picture, method, cells) of every picture, no cells for one that failed."""
    rows: list[tuple[str, str, list[Cell]]] = []
    for method in report.evaluation.methods:
        for picture in method.pictures:
            cells = []
            for name in report.metrics:
                why = picture.undefined.get(name, "")
                value = None if why or not np.isfinite(picture.values[name]) else picture.values[name]
                cells.append(Cell(number(name, value), value, why))
            rows.append((picture.name, method.name, cells))
        rows += [(failure.name, method.name, []) for failure in method.failed]
    return rows
