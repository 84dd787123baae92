"""`ivif align` writes a file that `ivif fuse --align` takes."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from ivif_cli.app import app
from ivif_cli.commands.align import read_pairs
from ivif_cli.core.data.pairing import pair_folders

runner = CliRunner()


@pytest.fixture
def rig(tmp_path: Path) -> Path:
    """Two pairs of rectangles whose infrared images are moved by (6, -4) pixels."""
    rng = np.random.default_rng(3)
    for name in ("a.png", "b.png"):
        vis = np.full((120, 160), 90, np.uint8)
        for _ in range(30):
            x, y, w, h = (int(n) for n in rng.integers((-10, -10, 8, 8), (160, 120, 50, 50)))
            cv2.rectangle(vis, (x, y), (x + w, y + h), int(rng.integers(20, 235)), -1)
        ir = cv2.warpAffine(255 - vis, np.array([[1.0, 0, 6], [0, 1, -4]]), (160, 120), borderMode=cv2.BORDER_REFLECT)
        for kind, image in (("ir", ir), ("vis", vis)):
            (tmp_path / kind).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / kind / name), image)
    return tmp_path


def run(*arguments: str | Path) -> tuple[int, str, str]:
    result = runner.invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_folder_gives_one_alignment_that_fuse_takes(rig: Path) -> None:
    status, out, _ = run("align", "--ir", rig / "ir", "--vis", rig / "vis", "-o", rig / "rig.json", "--json")
    report = json.loads(out)
    assert status == 0 and report["pairs"] == 2 and report["schema"] == 1
    matrix = np.array(json.loads((rig / "rig.json").read_text())["infrared_to_visible"])
    np.testing.assert_allclose(matrix[:2, 2], (-6, 4), atol=0.7)
    status, _, _ = run("fuse", "--ir", rig / "ir", "--vis", rig / "vis", "-o", rig / "out", "--align", rig / "rig.json")
    assert status == 0
    assert sorted(path.name for path in (rig / "out").iterdir()) == ["a.png", "b.png"]


def test_what_does_not_fit_gets_one_line(rig: Path) -> None:
    one = ("align", "--ir", rig / "ir" / "a.png", "--vis", rig / "vis" / "a.png", "-o", rig / "one.json")
    assert run(*one)[0] == 0
    for extra, status, reason in (
        ((), 1, "exists already"),
        (("--overwrite", "--motion", "elastic"), 2, "unknown motion: elastic"),
        (("--overwrite", "--min-quality", "1.01"), 1, "alignment refused"),
    ):
        found, _, message = run(*one, *extra)
        assert found == status and reason in message and message.count("\n") == 1
    status, _, message = run("align", "--ir", rig / "ir", "--vis", rig / "vis" / "a.png", "-o", rig / "x.json")
    assert status == 2 and "a folder and a file" in message


def test_the_pairs_of_a_folder_are_picked_evenly(tmp_path: Path) -> None:
    for number in range(23):
        for kind in ("ir", "vis"):
            (tmp_path / kind).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / kind / f"{number:02d}.png"), np.full((4, 4), number, np.uint8))
    irs, viss = read_pairs(pair_folders(tmp_path / "ir", tmp_path / "vis").pairs, 12)
    picked = [int(picture[0, 0]) for picture in irs]
    assert picked == [int(picture[0, 0]) for picture in viss]
    assert len(picked) == 12 and picked[0] == 0 and picked[-1] >= 21
    assert set(np.diff(picked)) <= {1, 2}
