"""Reports as text: escaping, marks, remarks, and that HTML stands on its own."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from ivif_cli.core.metrics import METRICS
from ivif_cli.core.reports.html_report import as_html
from ivif_cli.core.reports.json_report import as_json
from ivif_cli.core.reports.junit import as_junit
from ivif_cli.core.reports.markdown import as_markdown
from ivif_cli.core.reports.report import Column, Report
from ivif_cli.core.reports.scenes import ScenePictures, Scenes, encoded, picture_ranking, shown_scenes
from ivif_cli.core.reports.tables import as_csv, as_latex
from ivif_cli.core.scoring.gates import Bound, Gates
from ivif_cli.core.scoring.results import Evaluation, Failure, MethodScores, PictureScores

NASTY = "<script>alert('x')</script> & \"q\" | $a_b$ \\ \x07"
NAMES = ("MSE", "VIF")
FACTS = {name: METRICS[name].facts for name in NAMES}


def _method(name: str, offset: float, failed: tuple[Failure, ...] = ()) -> MethodScores:
    pictures = [
        PictureScores(f"{i:02}", {"MSE": 0.1 + offset - i / 100, "VIF": 0.5 + offset + i / 50}) for i in range(7)
    ]
    pictures.append(PictureScores(NASTY, {"MSE": 0.2, "VIF": float("nan")}, {"VIF": f"constant {NASTY}"}))
    return MethodScores(name, "folder", tuple(pictures), failed)


@pytest.fixture
def report() -> Report:
    methods = (_method("ours", 0.0), _method(NASTY, 0.05, (Failure("x", f"broken {NASTY}"),)), _method("third", -0.2))
    names = tuple(picture.name for picture in methods[0].pictures)
    evaluation = Evaluation("TNO", "ivif", NAMES, names, methods)
    gates = Gates((Bound("VIF", "min", 0.9), Bound("MSE", "max", 0.5))).judge(evaluation, FACTS)
    return Report(evaluation, FACTS, gates, provenance={"ivif": "1.2.3"})


def test_best_and_second_follow_the_direction(report: Report) -> None:
    rows = [zip(report.columns, report.cells(index), strict=False) for index in range(3)]
    marks = [{column: cell.mark for column, cell in row} for row in rows]
    assert [found[Column("VIF")] for found in marks] == ["second", "best", ""]
    assert [found[Column("MSE")] for found in marks] == ["second", "", "best"]


def test_json_has_no_nan_and_names_what_is_missing(report: Report) -> None:
    import json

    document = json.loads(json.dumps(as_json(report), allow_nan=False))
    assert document["methods"][0]["images"][-1] == {"name": NASTY, "MSE": 0.2, "VIF": None}
    assert document["methods"][0]["undefined"]["VIF"][NASTY].startswith("constant")
    assert [gate["passed"] for gate in document["gates"]] == [False, True]
    assert document["test_list"]["complete"] is False


def test_markdown_and_latex_escape_names(report: Report) -> None:
    markdown = as_markdown(report)
    rows = [line for line in markdown.splitlines() if line.startswith("| ") and "alert" in line]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [5, 4]
    assert "<script" not in re.sub(r"\\<", "", markdown)
    latex = as_latex(report)
    assert r"\$a\_b\$ \textbackslash{}" in latex
    assert r"\textbf{" in latex
    assert r"\underline{" in latex


def test_csv_survives_quotes_and_commas(report: Report) -> None:
    import csv
    import io

    rows = list(csv.reader(io.StringIO(as_csv(report))))
    assert {len(row) for row in rows} == {5}
    assert NASTY in {row[0] for row in rows}


def test_junit_is_xml_with_a_case_a_gate(report: Report) -> None:
    suite = ElementTree.fromstring(as_junit(report))
    assert suite.attrib["tests"] == "5"
    assert suite.attrib["failures"] == "1"
    assert suite.attrib["errors"] == "1"
    failure = suite.find(".//failure")
    assert failure is not None
    assert "must be at least 0.9" in failure.attrib["message"]


class _Page(HTMLParser):
    """Collects tags and their attributes; complains about unbalanced ones."""

    VOID = frozenset({"meta", "img", "link", "br", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _scenes(report: Report) -> Scenes:
    picture = encoded(np.zeros((30, 40), np.uint8))
    labels = ["infrared", "visible", *(method.name for method in report.evaluation.methods)]
    return {name: ScenePictures(True, dict.fromkeys(labels, picture)) for name in report.evaluation.pairs}


def test_html_is_balanced_escaped_and_self_contained(report: Report) -> None:
    page = _Page()
    text = as_html(report, _scenes(report))
    page.feed(text)
    assert page.open == []
    assert "<script>alert" not in text
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    for _, attributes in page.tags:
        assert not {"onclick", "onload", "onerror"} & set(attributes)
        source = attributes.get("src") or attributes.get("href") or "#"
        assert source.startswith(("data:image/webp;base64,", "#"))
    assert re.search(r"(?:https?:)?//[a-z]", re.sub(r"base64,[^\"]*", "", text)) is None


def test_html_is_readable_without_scripts_and_by_keyboard(report: Report) -> None:
    page = _Page()
    page.feed(as_html(report, _scenes(report)))
    images = [attributes for tag, attributes in page.tags if tag == "img" and "src" in attributes]
    assert images
    assert all(attributes.get("alt") for attributes in images)
    regions = [attributes for _, attributes in page.tags if attributes.get("role") == "region"]
    assert regions
    assert all(region["tabindex"] == "0" and region["aria-label"] for region in regions)
    assert ("html", {"lang": "en"}) in page.tags
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))


def test_best_pictures_come_first(report: Report) -> None:
    ranking = picture_ranking(report)
    assert ranking == [f"{index:02}" for index in range(6, -1, -1)]


def test_many_scenes_are_thinned_but_keep_best_and_worst() -> None:
    pictures = tuple(PictureScores(f"{i:04}", {"VIF": (i * 37 % 500) / 100}) for i in range(500))
    names = tuple(picture.name for picture in pictures)
    evaluation = Evaluation(None, "ivif", ("VIF",), names, (MethodScores("m", "folder", pictures),))
    report = Report(evaluation, {"VIF": FACTS["VIF"]})
    shown = shown_scenes(report)
    ranking = picture_ranking(report)
    assert len(shown) <= 60
    assert 0 < sum(shown.values()) <= 8
    assert {*ranking[:3], *ranking[-3:]} <= {name for name, is_full in shown.items() if is_full}
