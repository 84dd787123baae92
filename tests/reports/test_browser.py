"""The HTML report in a real browser: pictures load, the line moves, zoom is shared, tables sort, nothing complains.

Skipped where there is no Chromium, but never in CI.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.metrics import METRICS, find_metrics
from ivif_cli.core.reports.html_report import as_html
from ivif_cli.core.reports.report import Report
from ivif_cli.core.reports.scenes import make_scenes, shown_scenes
from ivif_cli.core.scoring.run import Run, open_contenders, score

METRIC_NAMES = ("EN", "SD", "VIF", "K")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _chromium() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        message = "no Chromium on this machine: apt-get install chromium"
        if os.environ.get("CI", "") not in ("", "0", "false"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report over six made-up pairs and three methods."""
    folder = tmp_path_factory.mktemp("report")
    rng = np.random.default_rng(7)
    pairs = []
    for name in ("ir", "vi"):
        (folder / name).mkdir()
    for index in range(6):
        for name in ("ir", "vi"):
            picture = cv2.GaussianBlur(rng.integers(0, 256, (120, 160), dtype=np.uint8), (0, 0), 2 + index / 3)
            cv2.imwrite(str(folder / name / f"{index}.png"), cv2.normalize(picture, picture, 0, 255, cv2.NORM_MINMAX))
        pairs.append(Pair(f"scene <{index}>", folder / "ir" / f"{index}.png", folder / "vi" / f"{index}.png"))
    run = Run(None, tuple(pairs), find_metrics(METRIC_NAMES), specs=(), baselines=True, workers=1)
    _, contenders = open_contenders(run)
    evaluation = score(run, pairs, contenders, {})
    assert evaluation is not None
    report = Report(evaluation, {name: METRICS[name].facts for name in METRIC_NAMES})
    target = folder / "report.html"
    target.write_text(
        as_html(report, make_scenes(run.tasks(pairs, contenders), contenders, shown_scenes(report))), encoding="utf-8"
    )
    return target


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    executable = _chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=executable, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(params=[(1280, 900), (390, 800)], ids=["1280", "390"])
def page(request: pytest.FixtureRequest, browser: Any, page_file: Path) -> Iterator[Any]:
    """The report, open; whatever the browser complains about fails the test."""
    width, height = request.param
    complaints: list[str] = []
    tab = browser.new_page(viewport={"width": width, "height": height})
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda sent: complaints.append(sent.url) if sent.url.startswith("http") else None)
    tab.goto(page_file.as_uri())
    yield tab
    tab.close()
    assert complaints == []


def _clip(page: Any) -> str:
    return str(page.eval_on_selector("#over", "one => one.style.clipPath"))


def _transforms(page: Any) -> list[str]:
    return list(page.eval_on_selector_all("#stage img", "all => all.map(one => one.style.transform)"))


def test_every_picture_loads_and_nothing_runs_over_the_side(page: Any) -> None:
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    sizes = page.evaluate(
        "Promise.all([...document.images].map(one => one.decode().then(() => [one.naturalWidth, one.naturalHeight])))"
    )
    assert len(sizes) == 2 + 6 * (2 + 3 + 2 * 3)
    assert {tuple(size) for size in sizes} == {(160, 120)}
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_the_line_follows_slider_keys_and_pointer(page: Any) -> None:
    before = _clip(page)
    page.fill("#divider", "20")
    moved = _clip(page)
    assert moved != before
    assert "80%" in moved
    page.focus("#stage")
    page.keyboard.press("ArrowRight")
    assert "78%" in _clip(page)
    page.locator("#stage").scroll_into_view_if_needed()
    box = page.locator("#stage").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 3 / 4, box["y"] + 20)
    page.mouse.up()
    assert page.input_value("#divider") == "75"


def test_zoom_is_shared_and_ends_at_the_whole(page: Any) -> None:
    whole = _transforms(page)
    page.click("#closer")
    closer = _transforms(page)
    assert closer != whole
    assert closer[0] == closer[1]
    assert "scale(1.5)" in closer[0]
    page.focus("#stage")
    page.keyboard.press("0")
    assert all("scale(1)" in one for one in _transforms(page))


def test_scenes_and_pictures_are_chosen_by_keys_and_links(page: Any) -> None:
    first = page.input_value("#scene")
    page.focus("#stage")
    page.keyboard.press("n")
    assert page.input_value("#scene") != first
    page.keyboard.press("2")
    assert page.input_value("#right") == "visible"
    page.select_option("#right", "average: lost")
    source = page.eval_on_selector("#under img", "one => one.src")
    assert source.startswith("data:image/webp")
    worst = page.locator("#extremes li a").last
    name = worst.inner_text()
    worst.click()
    assert page.input_value("#scene") == name
    assert page.input_value("#right") == "average: lost"


def test_tables_sort_and_filter(page: Any) -> None:
    column = page.locator("#values thead th").nth(2)
    column.locator("button").click()
    assert column.get_attribute("aria-sort") == "descending"
    cells = page.eval_on_selector_all("#values tbody tr", "rows => rows.map(row => Number(row.cells[2].dataset.value))")
    assert cells == sorted(cells, reverse=True)
    page.fill(".filter input", "maximum")
    assert page.locator("#values tbody tr:visible").count() == 6
