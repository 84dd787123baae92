"""The table of means and the values per picture as rows, CSV and LaTeX."""

import csv
import io
import math

from ivif_cli.core.reports.report import Column, Report

CSV_HEAD = "method,kind,image,"
LATEX_HEAD = "% ivif evaluate: "
_LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}


def as_rows(report: Report) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the terminal table; with rivals, the best of a column ends in `*`."""
    heads = ["method", *(report.header(column) for column in report.columns)]
    rows = []
    for index, method in enumerate(report.evaluation.methods):
        rows.append([method.name, *(cell.text + "*" * (cell.mark == "best") for cell in report.cells(index))])
    return ([*heads, "mean rank"] if report.has_rivals else heads), rows


def as_csv(report: Report) -> str:
    """Every value with full digits; empty where undefined.

    Kinds of rows: "image" a picture, then a method's "mean", "low95" and "high95" (bounds of its interval), "p10"
    (10th percentile), and, against the first method, "difference" and "p_holm".
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*CSV_HEAD.strip(",").split(","), *report.metrics])
    for index, method in enumerate(report.evaluation.methods):
        for picture in method.pictures:
            values = (picture.values[name] for name in report.metrics)
            writer.writerow([method.name, "image", picture.name, *(v if math.isfinite(v) else "" for v in values)])
        for kind, row in _csv_statistics(report, index).items():
            writer.writerow([method.name, kind, "", *("" if value is None else value for value in row)])
    return stream.getvalue()


def _csv_statistics(report: Report, index: int) -> dict[str, list[float | None]]:
    method = report.evaluation.methods[index]
    intervals = [report.intervals[name][index] for name in report.metrics]
    rows: dict[str, list[float | None]] = {
        "mean": [method.mean(name) for name in report.metrics],
        "low95": [interval.low if interval else None for interval in intervals],
        "high95": [interval.high if interval else None for interval in intervals],
        "p10": [Column(name, True).value(method) for name in report.metrics],
    }
    if index:
        tests = [report.test(method.name, name) for name in report.metrics]
        rows["difference"] = [test.difference if test else None for test in tests]
        rows["p_holm"] = [test.p_holm if test else None for test in tests]
    return rows


def latex_text(text: str) -> str:
    """Text without LaTeX markup."""
    return "".join(_LATEX_SPECIAL.get(char, char) for char in " ".join(text.split()))


def as_latex(report: Report) -> str:
    """Booktabs tables: means with their intervals (best bold, second underlined), then the paired tests."""
    arrows = {True: r"$\uparrow$", False: r"$\downarrow$"}
    heads = ["Method"]
    heads += [f"{latex_text(c.name)} {arrows[report.metrics[c.metric].higher_is_better]}" for c in report.columns]
    heads += ["Mean rank"] if report.has_rivals else []
    rows = [row for index in range(len(report.evaluation.methods)) for row in _latex_rows(report, index)]
    facts = f"{latex_text(report.title)}; convention {report.evaluation.convention}; ivif {report.version}"
    lines = [f"{LATEX_HEAD}{facts}", "% below a mean: its 95 % bootstrap interval", *_tabular(heads, rows)]
    if report.tests:
        lines += [f"% difference to {latex_text(report.evaluation.first.name)}, p of Wilcoxon's test after Holm"]
        tests = [[latex_text(name), *map(latex_text, cells)] for name, cells in report.test_rows]
        lines += _tabular(["Method", *map(latex_text, report.metrics)], tests)
    return "\n".join([*lines, ""])


def _latex_rows(report: Report, index: int) -> list[list[str]]:
    method = report.evaluation.methods[index]
    marks = {"best": r"\textbf{{{}}}", "second": r"\underline{{{}}}", "": "{}"}
    cells = report.cells(index)
    row = [latex_text(method.name), *(marks[cell.mark].format(cell.text) for cell in cells)]
    intervals = [cell.small.replace("–", "--") for cell in cells]
    below = ["", *(rf"{{\scriptsize {text}}}" if text else "" for text in intervals)]
    return [row, below] if any(below) else [row]


def _tabular(heads: list[str], rows: list[list[str]]) -> list[str]:
    body = [" & ".join(row) + r" \\" for row in rows]
    open_ = r"\begin{tabular}{l" + "c" * (len(heads) - 1) + "}"
    return [open_, r"\toprule", " & ".join(heads) + r" \\", r"\midrule", *body, r"\bottomrule", r"\end{tabular}"]
