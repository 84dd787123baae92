"""The viewer in a real browser: drop a pair, say what is wanted, and the picture changes; nothing is complained of."""

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.packaged import packaged

if TYPE_CHECKING:
    from playwright.sync_api import Page

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("starlette")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PATIENCE = 120_000
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM and "CI" not in os.environ, reason="no chromium")]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running viewer of the fast network."""
    command = [sys.executable, "-m", "ivif_cli", "view", "-m", "fast", "--device", "cpu", "--port", "0"]
    place = tmp_path_factory.mktemp("viewer")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=place, env={**os.environ}) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def said() -> list[str]:
    """What the page's console says."""
    return []


@pytest.fixture(params=[1280, 390])
def page(browser, address: str, said: list[str], request: pytest.FixtureRequest) -> Iterator["Page"]:  # type: ignore[no-untyped-def]
    """The page at a desktop's and a phone's width; what its console says, or it fetches elsewhere, fails the test."""
    page = browser.new_page(viewport={"width": request.param, "height": 800})
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda sent: sent.url.startswith((address, "data:")) or said.append(f"fetches {sent.url}"))
    page.goto(address)
    shown(page)
    yield page
    page.close()
    assert said == []


def shown(page: "Page", before: str | None = None) -> str:
    """Wait for a fused picture other than `before`, and for its K; its address."""
    changed = "before => { const n = document.getElementById('fused').dataset.number; return n && n !== before; }"
    page.wait_for_function(changed, arg=before)
    page.wait_for_function("() => /^[0-9n]/.test(document.getElementById('kept').textContent)")
    return str(page.get_attribute("#fused", "data-number"))


def pixels(page: "Page", address: str, number: str) -> np.ndarray:
    data = page.request.get(address + number).body()
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def test_a_prompt_changes_the_picture_and_the_command(page: "Page", address: str) -> None:
    first = shown(page)
    page.fill("#text", "a bright image")
    second = shown(page, first)
    before, after = pixels(page, address, first), pixels(page, address, second)
    assert after.shape == before.shape
    assert after.mean() > before.mean()
    assert "--prompt 'a bright image'" in page.inner_text("#command")
    assert page.get_attribute("#save", "href") == second
    assert "bright" in page.inner_text("#understood")


def test_a_goal_and_a_dial_change_it_too_and_reset_brings_it_back(page: "Page", address: str) -> None:
    first = shown(page)
    page.click("#goals button:has-text('dark')")
    second = shown(page, first)
    page.fill("#dial-bright", "0.5")
    third = shown(page, second)
    assert "--goal dark --dial bright=0.5" in page.inner_text("#command")
    page.click("#reset")
    last = shown(page, third)
    pictures = [pixels(page, address, number) for number in (first, second, third, last)]
    assert (pictures[0] == pictures[3]).all()
    assert (pictures[1] != pictures[0]).any() and (pictures[2] != pictures[1]).any()


def test_a_dropped_pair_is_fused(page: "Page", address: str, tmp_path: Path) -> None:
    first = shown(page)
    for role in ("ir", "vis"):
        image = cv2.imread(str(packaged(f"examples/demo_{role}.png")), cv2.IMREAD_UNCHANGED)[100:301, 50:351]
        cv2.imwrite(str(tmp_path / f"{role}.png"), image)
        page.set_input_files(f"#drop-{role}", tmp_path / f"{role}.png")
    second = shown(page, first)
    assert page.inner_text("#size") == "301 × 201"
    assert pixels(page, address, second).shape == (201, 301, 3)
    assert page.input_value("#pair").startswith("dropped")


def test_what_is_no_picture_is_said_in_one_line(page: "Page", said: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    page.set_input_files("#drop-ir", tmp_path / "a.png")
    page.set_input_files("#drop-vis", tmp_path / "a.png")
    page.wait_for_selector("#error:not([hidden])")
    assert page.inner_text("#error").startswith("a.png")
    assert "status of 400" in said.pop()


def test_both_pictures_zoom_as_one_and_nothing_is_cut_off(page: "Page") -> None:
    page.click("#in")
    boxes = [page.locator(f"#{name}").bounding_box() for name in ("fused", "other")]
    assert boxes[0] == boxes[1]
    assert boxes[0] is not None and boxes[0]["width"] > page.locator("#stage").bounding_box()["width"]  # type: ignore[index]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_every_way_of_comparing_shows_a_picture_of_its_own(page: "Page", address: str) -> None:
    shown_beside: dict[str, np.ndarray] = {}
    for value in ("goal:dark", "ir", "vis"):
        before = page.get_attribute("#other", "src")
        page.select_option("#with", value)
        page.wait_for_function(
            "(before) => { const o = document.getElementById('other');"
            " return o.getAttribute('src') !== before && o.complete && o.naturalWidth; }",
            arg=before,
        )
        shown_beside[value] = pixels(page, address, page.get_attribute("#other", "src") or "")
    sizes = {picture.shape[:2] for picture in shown_beside.values()}
    assert len(sizes) == 1
    grey = [to_luma(picture).astype(int) for picture in shown_beside.values()]
    assert all(np.abs(a - b).mean() > 2 for a, b in itertools.combinations(grey, 2))
