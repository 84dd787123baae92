"""The table of means and the values per picture as CSV, Markdown and LaTeX."""

import csv
import io
import math
import re

from ivif_cli.core.reports.report import Report, header_row, mean_rows, number, rank_number

_LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}


def as_csv(report: Report) -> str:
    """Every value with full digits: rows of kind "image", then one of kind "mean" a method; empty where undefined."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["method", "kind", "image", *report.metrics])
    for method in report.evaluation.methods:
        for picture in method.pictures:
            values = (picture.values[name] for name in report.metrics)
            writer.writerow([method.name, "image", picture.name, *(v if math.isfinite(v) else "" for v in values)])
        means = (method.mean(name) for name in report.metrics)
        writer.writerow([method.name, "mean", "", *("" if mean is None else mean for mean in means)])
    return stream.getvalue()


def _markdown_text(text: str) -> str:
    """Text that no Markdown reader takes for markup or for the end of a table cell."""
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", " ".join(text.split()))


def _marked(report: Report, metric: str, index: int, best: str, second: str) -> str:
    text = number(metric, report.evaluation.methods[index].mean(metric))
    return {"best": best, "second": second, "": "{}"}[report.mark(metric, index)].format(text)


def as_markdown(report: Report) -> str:
    """The means for a job page or a README: best bold, second underlined; then gates and remarks."""
    heads = header_row(report)
    lines = [
        f"### {_markdown_text(report.title)}",
        "",
        f"| {' | '.join(heads)} |",
        f"| --- |{' ---: |' * (len(heads) - 1)}",
    ]
    for index, method in enumerate(report.evaluation.methods):
        cells = [_markdown_text(method.name)]
        cells += [_marked(report, name, index, "**{}**", "<u>{}</u>") for name in report.metrics]
        cells += [rank_number(report.mean_ranks[index])] if report.has_rivals else []
        lines.append(f"| {' | '.join(cells)} |")
    if report.gates:
        lines += ["", "| gate | |", "| --- | --- |"]
        lines += [f"| {_markdown_text(str(g))} | {'passed' if g.passed else '**missed**'} |" for g in report.gates]
    lines += ["", *(f"- {_markdown_text(remark)}" for remark in report.remarks), ""]
    return "\n".join(lines)


def _latex_text(text: str) -> str:
    return "".join(_LATEX_SPECIAL.get(char, char) for char in " ".join(text.split()))


def as_latex(report: Report) -> str:
    """A booktabs table of the means: best bold, second underlined."""
    heads = ["Method"]
    arrows = {True: r"$\uparrow$", False: r"$\downarrow$"}
    heads += [f"{_latex_text(name)} {arrows[metric.higher_is_better]}" for name, metric in report.metrics.items()]
    heads += ["Mean rank"] if report.has_rivals else []
    lines = [
        f"% {_latex_text(report.title)}; convention {report.evaluation.convention}; ivif {report.version}",
        r"\begin{tabular}{l" + "c" * (len(heads) - 1) + "}",
        r"\toprule",
        " & ".join(heads) + r" \\",
        r"\midrule",
    ]
    for index, method in enumerate(report.evaluation.methods):
        cells = [_latex_text(method.name)]
        cells += [_marked(report, name, index, r"\textbf{{{}}}", r"\underline{{{}}}") for name in report.metrics]
        cells += [rank_number(report.mean_ranks[index])] if report.has_rivals else []
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def as_rows(report: Report) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the terminal table; with rivals, best means end in `*`."""
    rows = mean_rows(report)
    for index, row in enumerate(rows):
        for column, name in enumerate(report.metrics, start=1):
            row[column] += "*" if report.mark(name, index) == "best" else ""
    return header_row(report), rows
