"""The picture of `ivif view` in README: the example pair, a wish, and half of it the infrared.

python -m tools.draw_viewer -o docs/images/view.png
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

WISH = "a bright image with salient people"
DRAWN = "before => { const n = document.getElementById('fused').dataset.number; return n && n !== before; }"


def draw(address: str, path: Path) -> None:
    """Ask for the wish on the page at `address` and take its picture."""
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        page.wait_for_function(DRAWN, arg=None)
        before = page.get_attribute("#fused", "data-number")
        page.fill("#text", WISH)
        page.wait_for_function(DRAWN, arg=before)
        page.wait_for_function("() => /^[0-9]/.test(document.getElementById('kept').textContent)")
        page.screenshot(path=path)
        browser.close()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--out", type=Path, default=Path("docs/images/view.png"))
    options = parser.parse_args()
    command = [sys.executable, "-m", "ivif_cli", "view", "--device", "cpu", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            draw(server.stdout.readline().strip(), options.out)
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
