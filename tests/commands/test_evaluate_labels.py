"""`ivif evaluate --labels`: T_ir by hand, in every kind of report, as a gate, and what is refused."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from ivif_cli.app import app

PERSON = "0 0.3125 0.4166666667 0.125 0.3333333333\n"
"""The block of `folders`: columns 40 to 60 of 160, rows 30 to 70 of 120."""


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """A hot block on grey in three pairs; `half` keeps half of its contrast, `labels` knows it in two pairs.

    In pair `b` the visible picture shows the same person.
    """
    for folder in ("ir", "vi", "half", "labels/infrared", "labels/visible"):
        (tmp_path / folder).mkdir(parents=True)
    ramp = np.tile(np.arange(160, dtype=np.uint8), (120, 1))
    for name in "abc":
        ir = np.full((120, 160), 50, np.uint8)
        ir[30:70, 40:60] = 150
        for folder, picture in (("ir", ir), ("vi", ramp), ("half", ir // 2)):
            cv2.imwrite(str(tmp_path / folder / f"{name}.png"), picture)
    for name in "ab":
        (tmp_path / "labels" / "infrared" / f"{name}.txt").write_text(PERSON + "1 0.5 0.5 0.2 0.2\n")
    (tmp_path / "labels" / "visible" / "b.txt").write_text(PERSON)
    return tmp_path


def _run(folders: Path, *arguments: str | Path) -> Result:
    sources = "--ir", folders / "ir", "--vis", folders / "vi", "--fused", folders / "half"
    return CliRunner().invoke(app, ["evaluate", *map(str, (*sources, *arguments))])


def test_people_are_scored_in_every_kind_of_report(folders: Path) -> None:
    files = [folders / f"report{suffix}" for suffix in (".json", ".csv", ".md", ".tex", ".html", ".xml")]
    options = [option for file in files for option in ("--report", str(file))]
    result = _run(folders, "--labels", folders / "labels", "--metrics", "EN", *options)
    assert result.exit_code == 0, result.stderr
    report = json.loads(files[0].read_text())
    (method,) = report["methods"]
    assert [image["T_ir"] for image in method["images"]] == [pytest.approx(0.5), None, None]
    assert method["undefined"]["T_ir"] == {
        "b": "no labelled person that only the infrared shows",
        "c": "no labels of this pair",
    }
    assert method["mean"]["T_ir"] == pytest.approx(0.5)
    assert report["metrics"]["T_ir"]["convention"].startswith("labels ")
    rows = list(csv.DictReader(files[1].read_text().splitlines()))
    assert float(rows[0]["T_ir"]) == pytest.approx(0.5)
    for file, text in zip(files[2:], ("T\\_ir ↑", r"T\_ir $\uparrow$", "T_ir ↑", "T_ir 0.500"), strict=True):
        assert text in file.read_text(), file


def test_labels_of_the_infrared_alone_count_everybody(folders: Path) -> None:
    result = _run(folders, "--labels", folders / "labels" / "infrared", "--metrics", "EN", "--json")
    images = json.loads(result.stdout)["methods"][0]["images"]
    assert [image["T_ir"] for image in images] == [pytest.approx(0.5), pytest.approx(0.5), None]


def test_people_are_a_gate_and_other_labels_no_baseline(folders: Path) -> None:
    old = folders / "old.json"
    scored = ("--labels", folders / "labels", "--metrics", "EN")
    assert _run(folders, *scored, "--min", "T_ir=0.4", "--report", old).exit_code == 0
    assert _run(folders, *scored, "--min", "T_ir=0.6").exit_code == 3
    assert _run(folders, *scored, "--baseline", old).exit_code == 0
    (folders / "labels" / "visible" / "b.txt").unlink()
    other = _run(folders, *scored, "--baseline", old)
    assert other.exit_code == 2
    assert "the baseline is for T_ir of convention labels" in other.stderr


def test_bad_labels_get_one_line(folders: Path) -> None:
    def refused(status: int, *arguments: str | Path) -> str:
        result = _run(folders, *arguments)
        assert result.exit_code == status
        assert len(result.stderr.strip().splitlines()) == 1
        return result.stderr

    assert "T_ir needs the labels of people (--labels DIR" in refused(2, "--metrics", "T_ir")
    assert "nowhere does not exist" in refused(1, "--labels", "nowhere")
    assert "has no labels of any of the 3 pairs" in refused(1, "--labels", folders / "half")
    assert "has no T_ir" in refused(2, "--labels", folders / "labels", "--convention", "matlab")
    (folders / "labels" / "infrared" / "b.txt").write_text("0 50 50 20 40\n")
    message = refused(1, "--labels", folders / "labels")
    assert "b.txt: not a YOLO label: '0 50 50 20 40'" in message


def test_a_copy_of_the_infrared_keeps_everybody_on_real_pairs(shared_data: Path, tmp_path: Path) -> None:
    data, labels = shared_data / "test" / "MSRS", shared_data / "labels" / "MSRS" / "test"
    for source in ("ir", "vi"):
        (tmp_path / source).mkdir()
        for picture in sorted((data / source).iterdir())[:8]:
            (tmp_path / source / picture.name).symlink_to(picture)
    sources = ("--ir", tmp_path / "ir", "--vis", tmp_path / "vi")
    copies = ("--fused", f"ir={tmp_path / 'ir'}", "--fused", f"vis={tmp_path / 'vi'}")
    arguments = (*sources, *copies, "--labels", labels, "--metrics", "EN", "--json")
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
    ir, vis = json.loads(result.stdout)["methods"]
    assert ir["mean"]["T_ir"] == 1
    assert vis["mean"]["T_ir"] < 0.7
    assert sum(image["T_ir"] is not None for image in ir["images"]) >= 5
