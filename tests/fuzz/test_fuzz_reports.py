"""Reports with hostile names: HTML stays inert, XML and JSON stay well-formed, whatever things are called."""

import json
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from ivif_cli.core.files import write_text
from ivif_cli.core.metrics import METRICS, SIX
from ivif_cli.core.reports.html_report import as_html
from ivif_cli.core.reports.json_report import as_json
from ivif_cli.core.reports.junit import as_junit
from ivif_cli.core.reports.markdown import as_markdown
from ivif_cli.core.reports.report import Report
from ivif_cli.core.reports.scenes import ScenePictures
from ivif_cli.core.reports.tables import as_csv, as_latex
from ivif_cli.core.scoring.results import Evaluation, Failure, MethodScores, PictureScores
from tests.fuzz.budget import fuzzed, value_or_line

_HOSTILE = st.sampled_from(
    (
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</script>",
        "</style>",
        "' onload='x",
        "&lt;",
        "]]>",
        "javascript:x",
        "\udcff",
        "\x00",
        "\x1b[2J",
        "\u202e",
        "-->",
        "</td></tr></table>",
        "=1+1",
        "|",
        "\n",
        "\\",
        "{}",
    )
)
_NAMES = st.lists(_HOSTILE | st.text(max_size=5), min_size=1, max_size=3).map("".join)
_SCORES = st.floats(-10, 300) | st.sampled_from((float("nan"), float("inf")))


class Inert(HTMLParser):
    """Collects what a browser could act on."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts = 0
        self.handlers: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """A report of one or two methods over up to four pictures with hostile names."""
    names = draw(st.lists(_NAMES, min_size=1, max_size=4, unique=True))
    methods = []
    for method in draw(st.lists(_NAMES, min_size=1, max_size=2, unique=True)):
        pictures = []
        for name in names:
            values = {metric: draw(_SCORES) for metric in SIX}
            why = {metric: draw(_NAMES) for metric, value in values.items() if not abs(value) < 1e9}
            pictures.append(PictureScores(name, values, why))
        failed = (Failure(draw(_NAMES), draw(_NAMES)),) if draw(st.booleans()) else ()
        methods.append(MethodScores(method, "folder", tuple(pictures), failed))
    evaluation = Evaluation(draw(_NAMES | st.none()), "ivif", SIX, tuple(names), tuple(methods))
    return Report(evaluation, {name: METRICS[name].facts for name in SIX})


@given(report=reports())
@fuzzed(0.01)
def test_hostile_names_stay_text(box: Path, report: Report) -> None:
    page = as_html(report, {name: ScenePictures(True, {"infrared": "data:,"}) for name in report.evaluation.pairs})
    parser = Inert()
    parser.feed(page)
    assert parser.scripts == 1
    assert not parser.handlers
    assert all(address.startswith(("#", "data:")) for address in parser.addresses)
    ElementTree.fromstring(as_junit(report))
    json.loads(json.dumps(as_json(report), allow_nan=False))
    for text in (page, as_junit(report), as_csv(report), as_markdown(report), as_latex(report)):
        value_or_line("reports", partial(write_text, box / "report", text))
