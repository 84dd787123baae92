"""`ivif report`: what it rebuilds equals what the evaluation wrote; what it merges is compared."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from ivif_cli.app import app
from ivif_cli.core.metrics import METRICS
from ivif_cli.core.reports.kinds import KINDS, render
from ivif_cli.core.reports.report import Report
from ivif_cli.core.reports.scenes import INFRARED, VISIBLE, ScenePictures, encoded, picture_strip
from ivif_cli.core.scoring.gates import Bound, Gates
from ivif_cli.core.scoring.results import Evaluation, MethodScores, PictureScores

FACTS = {name: METRICS[name].facts for name in ("EN", "K")}


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def _report(name: str = "ours", gain: float = 0.0, date: str = "2026-01-01") -> Report:
    pictures = (PictureScores(f"{i}", {"EN": 6 + gain + i / 10, "K": 0.5 + i / 20}) for i in range(8))
    methods = (MethodScores(name, "folder", tuple(pictures)), MethodScores(f"{name} 2", "folder", ()))
    evaluation = Evaluation("TNO", "ivif", tuple(FACTS), tuple(map(str, range(8))), methods[:1], {"0": "aa"})
    gates = Gates((Bound("EN", "min", 9.0), Bound("K", "min", 0.1, "p10"))).judge(evaluation, FACTS)
    return Report(evaluation, FACTS, gates, provenance={"ivif": "1", "date": date})


def _write(path: Path, report: Report) -> Path:
    path.write_text(render(report, ".json"), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_rebuilt_report_is_the_one_of_the_run(tmp_path: Path, kind: str) -> None:
    report = _report()
    result = _run(_write(tmp_path / "old.json", report), "-o", tmp_path / f"new{kind}")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / f"new{kind}").read_text(encoding="utf-8") == render(report, kind)


def test_methods_of_several_reports_are_ranked_together(tmp_path: Path) -> None:
    files = _write(tmp_path / "a.json", _report("a")), _write(tmp_path / "b.json", _report("b", gain=0.5))
    merged = json.loads(_run(*files, "--json").stdout)
    assert [method["name"] for method in merged["methods"]] == ["a", "b"]
    assert [method["rank"]["EN"] for method in merged["methods"]] == [2.0, 1.0]
    assert merged["tests"][0]["difference"] == pytest.approx(0.5)


def test_runs_over_time_are_in_the_order_of_their_dates(tmp_path: Path) -> None:
    new = _write(tmp_path / "tuesday.json", _report(date="2026-01-03"))
    old = _write(tmp_path / "monday.json", _report(date="2026-01-02"))
    result = _run(new, old)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.index("ours (monday)") < result.stdout.index("ours (tuesday)")


def _scored(folders: Path, report: str) -> Path:
    arguments = ("--ir", folders / "ir", "--vis", folders / "vi", "--fused", f"ours={folders / 'mean'}")
    done = CliRunner().invoke(app, ["evaluate", *map(str, (*arguments, "--report", folders / report))])
    assert done.exit_code == 0, done.stderr
    return folders / report


def test_two_runs_say_what_changed_and_show_it(folders: Path) -> None:
    """A picture that was written over since is not shown as the earlier one; where that was kept, it is."""
    old = _scored(folders, "old.json")
    changed = folders / "mean" / "01.png"
    before = cv2.imread(str(changed), 0)
    shutil.copytree(folders / "mean", folders / "kept")
    cv2.imwrite(str(changed), np.full_like(before, 40))
    new = _scored(folders, "new.json")
    page = folders / "page.md"
    assert _run(old, new, "-o", page).exit_code == 0
    text = page.read_text()
    assert "Against ours (old) (p of Wilcoxon" in text
    assert re.search(r"- \*\*Worse\*\*:|- \*\*No clear change\*\*: .*EN -", text)
    assert text.count("<img") == 1
    assert cv2.imread(str(folders / "page-1.jpg"), 0).shape == (48, 3 * 60)
    moved = json.loads(old.read_text())
    for file in moved["methods"][0]["files"].values():
        file["path"] = file["path"].replace("/mean/", "/kept/")
    old.write_text(json.dumps(moved))
    assert _run(old, new, "-o", page).exit_code == 0
    assert '<img src="page-1.jpg"' in page.read_text()
    strip = cv2.imread(str(folders / "page-1.jpg"), 0)
    assert strip.shape == (48, 4 * 60)
    assert abs(strip[:, 190:230].mean() - 40) < 3
    assert np.abs(strip[:, 120:180].astype(int) - before).mean() < 12


def test_a_picture_that_no_report_shows_is_not_replaced(folders: Path) -> None:
    old = _scored(folders, "old.json")
    changed = folders / "mean" / "01.png"
    cv2.imwrite(str(changed), np.full_like(cv2.imread(str(changed), 0), 40))
    new, page, mine = _scored(folders, "new.json"), folders / "page.md", folders / "page-1.jpg"
    mine.write_bytes(b"mine")
    refused = _run(old, new, "-o", page)
    assert refused.exit_code == 1 and "page-1.jpg exists and is no picture of the report" in refused.stderr
    scored = ("evaluate", "--ir", folders / "ir", "--vis", folders / "vi", "--fused", folders / "mean")
    refused = CliRunner().invoke(app, [*map(str, (*scored, "--baseline", old, "--report", page))])
    assert refused.exit_code == 1 and "page-1.jpg exists" in refused.stderr
    assert mine.read_bytes() == b"mine" and not page.exists()
    assert _run(old, "-o", page).exit_code == 0
    assert mine.read_bytes() == b"mine"
    assert _run(old, new, "-o", page, "--overwrite").exit_code == 0
    assert mine.read_bytes() != b"mine" and _run(old, new, "-o", page).exit_code == 0


def test_a_rebuilt_page_has_the_pictures_that_are_still_there(folders: Path) -> None:
    old, page = _scored(folders, "old.json"), folders / "page.html"
    assert _run(old, "-o", page).exit_code == 0
    assert page.read_text().count("data:image/webp") == 3 * 5
    cv2.imwrite(str(folders / "ir" / "01.png"), np.zeros((48, 60), np.uint8))
    (folders / "mean" / "три.png").unlink()
    assert _run(old, "-o", page).exit_code == 0
    assert page.read_text().count("data:image/webp") == 5 + 2


def test_reports_of_other_pairs_are_refused(tmp_path: Path) -> None:
    report = _report()
    other = replace(report, evaluation=replace(report.evaluation, data={"0": "bb"}))
    result = _run(_write(tmp_path / "a.json", report), _write(tmp_path / "b.json", other))
    assert result.exit_code == 2
    assert "other files of pair 0" in result.stderr


def test_runs_that_read_their_sources_otherwise_are_refused(tmp_path: Path) -> None:
    plain, cropped = _report(date="2026-01-02"), _report(date="2026-01-03")
    plain.provenance["options"], cropped.provenance["options"] = {}, {"crop": "centre"}
    files = _write(tmp_path / "a.json", plain), _write(tmp_path / "b.json", cropped)
    result = _run(*files)
    assert result.exit_code == 2
    assert "a.json was scored with --crop None" in result.stderr and "b.json with centre" in result.stderr
    plain.provenance["options"] = {"crop": "centre"}
    assert _run(_write(files[0], plain), files[1]).exit_code == 0


def test_a_picture_of_another_size_is_left_out_of_a_strip() -> None:
    grey = np.full((20, 30), 90, np.uint8)
    pictures = {INFRARED: grey, VISIBLE: grey, "old": grey[:10], "new": grey}
    scene = ScenePictures(True, {name: encoded(picture) for name, picture in pictures.items()})
    strip = picture_strip(scene, "new", "old")
    assert strip is not None
    assert cv2.imdecode(np.frombuffer(strip, np.uint8), cv2.IMREAD_GRAYSCALE).shape == (20, 90)


def test_a_file_that_is_no_report_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    result = _run(tmp_path / "a.json")
    assert result.exit_code == 1
    assert "is not an evaluation report" in result.stderr


def test_a_page_of_the_field_has_a_table_a_data_set(tmp_path: Path) -> None:
    report = _report("a")
    other = replace(report, evaluation=replace(report.evaluation, dataset="MSRS", pairs=tuple("abcdefgh"), data={}))
    files = [_write(tmp_path / f"{name}.json", one) for name, one in (("tno", report), ("tno2", _report("b")))]
    page = tmp_path / "field.md"
    result = _run(*files, _write(tmp_path / "msrs.json", other), "--field", "-o", page)
    assert result.exit_code == 0, result.stderr
    tno, msrs = page.read_text().split("## MSRS")
    assert "the best of a column is bold" in tno
    assert tno.index("| a |") < tno.index("| b |")
    assert "| a |" in msrs
    assert "| b |" not in msrs
    assert _run(*files, "--field", "-o", tmp_path / "field.csv").exit_code == 2


def test_a_page_of_what_a_crop_kept_shows_it_again(folders: Path) -> None:
    for path in (folders / "mean").iterdir():
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[4:36, 10:58])
    given = ("--ir", folders / "ir", "--vis", folders / "vi", "--crop", "10,4,48,32", "--resize")
    files = folders / "old.json", folders / "old.html"
    reports = [word for file in files for word in ("--report", file)]
    scored = ("evaluate", *given, "--fused", folders / "mean", "--metrics", "EN", *reports)
    done = CliRunner().invoke(app, [*map(str, scored)])
    assert done.exit_code == 0, done.stderr
    assert _run(files[0], "-o", folders / "new.html").exit_code == 0
    shown = [(folders / name).read_text(encoding="utf-8").count("data:image") for name in ("old.html", "new.html")]
    assert shown[0] == shown[1] > 9
