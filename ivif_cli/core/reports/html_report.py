"""The HTML report: one self-contained file, readable without scripts, sortable with them.

Every name is escaped; a content security policy forbids anything from outside the file.
"""

from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path

from ivif_cli.core.reports.gallery import INFRARED, VISIBLE, Gallery, picture_ranking
from ivif_cli.core.reports.report import Report, number, rank_number
from ivif_cli.core.scoring.results import MethodScores, PictureScores

_HERE = Path(__file__).parent
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def as_html(report: Report, gallery: Gallery) -> str:
    """The whole report; `gallery` holds the thumbnails of the scenes to show."""
    sections: tuple[Callable[[], str], ...] = (
        lambda: _gates(report),
        lambda: _summary(report),
        lambda: _bars(report),
        lambda: _tests(report),
        lambda: _extremes(report, gallery),
        lambda: _scenes(report, gallery),
        lambda: _values(report),
        lambda: _definitions(report),
    )
    title = f"{escape(report.title)}: fusion evaluation"
    style, script = ((_HERE / f"report.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>",
            '<a class="skip" href="#means">Skip to the means</a>',
            _head(report),
            "<main>",
            *(text for section in sections if (text := section())),
            "</main>",
            f"<footer>ivif {escape(report.version)}</footer>\n<script>\n{script}</script>\n</body>\n</html>\n",
        ]
    )


def _head(report: Report) -> str:
    remarks = "".join(f"<li>{escape(remark)}</li>" for remark in report.remarks)
    methods = report.evaluation.methods
    hashes = "".join(
        f"<li>{escape(m.name)}: weights sha256 <code>{m.weights_sha256}</code></li>"
        for m in methods
        if m.weights_sha256
    )
    count = f"{len(methods)} method{'s' if len(methods) > 1 else ''}, {len(report.metrics)} metrics"
    return f"<header><h1>{escape(report.title)}</h1><p>{count}</p><ul>{remarks}{hashes}</ul></header>"


def _section(name: str, title: str, body: str) -> str:
    return f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{title}</h2>\n{body}</section>'


def _table(label: str, heads: Iterable[str], rows: Iterable[str], *, sortable: bool = True) -> str:
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    kind = ' class="sortable"' if sortable else ""
    body = "\n".join(rows)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(label)}"><table{kind}>'
        f"<thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>\n"
    )


def _row(name: str, cells: Iterable[str]) -> str:
    return f'<tr><th scope="row">{name}</th>{"".join(cells)}</tr>'


def _cell(text: str, value: float | None, mark: str = "") -> str:
    kind = f' class="{mark}"' if mark else ""
    return f'<td{kind} data-value="{"" if value is None else repr(value)}">{text}</td>'


def _gates(report: Report) -> str:
    if not report.gates:
        return ""
    items = "".join(
        f'<li class="{"passed" if gate.passed else "missed"}"><strong>{"Passed" if gate.passed else "Missed"}</strong> '
        f"{escape(str(gate))}</li>"
        for gate in report.gates
    )
    return _section("gates", "Gates", f'<ul class="gates">{items}</ul>\n')


def _summary(report: Report) -> str:
    heads = ["Method", *(escape(report.header(name)) for name in report.metrics)]
    heads += ["Mean rank"] if report.has_rivals else []
    rows = []
    for index, method in enumerate(report.evaluation.methods):
        cells = [_mean_cell(report, name, index) for name in report.metrics]
        if report.has_rivals:
            cells.append(_cell(rank_number(report.mean_ranks[index]), report.mean_ranks[index]))
        rows.append(_row(escape(method.name), cells))
    note = "<p>Mean over pictures; below it the 95&nbsp;% bootstrap interval."
    note += " Best <b class='best'>bold</b>, second <span class='second'>underlined</span>.</p>"
    return _section("means", "Means", note + _table("Means", heads, rows))


def _mean_cell(report: Report, name: str, index: int) -> str:
    mean = report.evaluation.methods[index].mean(name)
    interval = report.intervals[name][index]
    text = f"<span>{number(name, mean)}</span>"
    if interval is not None:
        text += f"<small>{number(name, interval.low)}–{number(name, interval.high)}</small>"
    return _cell(text, mean, report.mark(name, index))


def _bars(report: Report) -> str:
    if not report.has_rivals:
        return ""
    charts = "".join(_chart(report, name) for name in report.metrics)
    return _section("bars", "Side by side", f'<div class="charts">{charts}</div>\n')


def _chart(report: Report, name: str) -> str:
    methods = report.evaluation.methods
    means = [method.mean(name) for method in methods]
    top = max((abs(mean) for mean in means if mean is not None), default=0.0) or 1.0
    lines = []
    for index, (method, mean) in enumerate(zip(methods, means, strict=True)):
        share = 100 * max(0.0, mean or 0.0) / top
        lines.append(
            f'<div class="bar {report.mark(name, index)}"><span class="who">{escape(method.name)}</span>'
            f'<span class="track"><span class="fill" style="width:{share:.1f}%"></span></span>'
            f'<span class="value">{number(name, mean)}</span></div>'
        )
    return f"<figure><figcaption>{escape(report.header(name))}</figcaption>{''.join(lines)}</figure>"


def _tests(report: Report) -> str:
    if not report.tests:
        return ""
    first = report.evaluation.first.name
    found = {(test.method, test.metric): test for test in report.tests}
    rows = []
    for method in report.evaluation.methods[1:]:
        cells = []
        for name, metric in report.metrics.items():
            test = found.get((method.name, name))
            if test is None:
                cells.append(_cell("n/a", None))
                continue
            clear = test.p_holm < 0.05
            better = (test.difference > 0) == metric.higher_is_better
            mark = ("better" if better else "worse") if clear else "open"
            sign = ("▲ " if better else "▼ ") if clear else ""
            text = f"<span>{sign}{_signed(test.difference)}</span><small>p = {test.p_holm:.2g}</small>"
            cells.append(_cell(text, test.difference, mark))
        rows.append(_row(escape(method.name), cells))
    note = (
        f"<p>Mean difference to <b>{escape(first)}</b> on the pictures both have, and the p-value of Wilcoxon's "
        f"signed-rank test with Holm's correction. ▲ better than {escape(first)}, ▼ worse, at p &lt; 0.05.</p>"
    )
    heads = ["Method", *(escape(name) for name in report.metrics)]
    return _section("tests", f"Against {escape(first)}", note + _table("Paired tests", heads, rows))


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−", 1) if abs(value) >= 1e-4 or value == 0 else f"{value:+.0e}"


def _figure(label: str, source: str | None) -> str:
    caption = f"<figcaption>{escape(label)}</figcaption>"
    if source is None:
        return f'<figure class="none"><div>no picture</div>{caption}</figure>'
    return f'<figure><img src="{source}" alt="{escape(label)}" loading="lazy">{caption}</figure>'


def _pictures(report: Report, scene: dict[str, str]) -> str:
    labels = [INFRARED, VISIBLE, *(method.name for method in report.evaluation.methods)]
    return f'<div class="pictures">{"".join(_figure(label, scene.get(label)) for label in labels)}</div>'


def _extremes(report: Report, gallery: Gallery) -> str:
    ranking = [name for name in picture_ranking(report) if name in gallery]
    if len(ranking) < 4:
        return ""
    count = min(3, len(ranking) // 2)
    first = report.evaluation.first
    parts = [f"<p>By the mean place of each picture among those of <b>{escape(first.name)}</b>, over all metrics.</p>"]
    for title, names in (("Best", ranking[:count]), ("Worst", ranking[::-1][:count])):
        parts.append(f"<h3>{title}</h3>")
        parts += [
            f"<h4>{escape(name)}</h4>{_pictures(report, gallery[name])}{_scene_values(report, first, name)}"
            for name in names
        ]
    return _section("extremes", "Best and worst pictures", "\n".join(parts))


def _scene_values(report: Report, method: MethodScores, name: str) -> str:
    picture = next(p for p in method.pictures if p.name == name)
    items = (
        f"<div><dt>{escape(metric)}</dt><dd>{number(metric, picture.values[metric])}</dd></div>"
        for metric in report.metrics
    )
    return f'<dl class="values"><div><dt>{escape(method.name)}</dt></div>{"".join(items)}</dl>'


def _scene_table(report: Report, name: str) -> str:
    """Values of all methods in one scene; the methods that have none are left out."""
    rows = []
    for method in report.evaluation.methods:
        picture = next((p for p in method.pictures if p.name == name), None)
        if picture is not None:
            rows.append(_row(escape(method.name), [_picture_cell(picture, metric) for metric in report.metrics]))
    heads = ["Method", *(escape(report.header(metric)) for metric in report.metrics)]
    return _table(f"Values of {name}", heads, rows) if rows else ""


def _picture_cell(picture: PictureScores, metric: str) -> str:
    why = picture.undefined.get(metric)
    if why:
        return _cell(f'<abbr title="{escape(why)}">n/a</abbr>', None)
    return _cell(number(metric, picture.values[metric]), picture.values[metric])


def _scenes(report: Report, gallery: Gallery) -> str:
    if not gallery:
        return ""
    parts = [
        f"<details><summary>{escape(name)}</summary>{_pictures(report, scene)}{_scene_table(report, name)}</details>"
        for name, scene in gallery.items()
    ]
    hidden = len(report.evaluation.pairs) - len(gallery)
    note = f"<p>{hidden} further scenes are not shown.</p>" if hidden else ""
    return _section("scenes", "All scenes" if not hidden else "Scenes", note + "\n".join(parts))


def _values(report: Report) -> str:
    heads = ["Picture", "Method", *(escape(report.header(name)) for name in report.metrics)]
    rows = []
    for method in report.evaluation.methods:
        for picture in method.pictures:
            cells = [f"<td>{escape(method.name)}</td>", *(_picture_cell(picture, name) for name in report.metrics)]
            rows.append(_row(escape(picture.name), cells))
        rows += [
            _row(
                escape(failure.name), [f"<td>{escape(method.name)}</td>", _failure(failure.error, len(report.metrics))]
            )
            for failure in method.failed
        ]
    return _section("values", "Values per picture", _table("Values per picture", heads, rows))


def _failure(error: str, columns: int) -> str:
    return f'<td class="missed" colspan="{columns}">{escape(error)}</td>'


def _definitions(report: Report) -> str:
    items = "".join(
        f"<dt>{escape(report.header(name))}</dt><dd>{escape(metric.formula)}. Range {escape(metric.range)}. "
        f"<cite>{escape(metric.source)}</cite></dd>"
        for name, metric in report.metrics.items()
    )
    return _section("definitions", f"Definitions ({escape(report.evaluation.convention)})", f"<dl>{items}</dl>\n")
