"""`ivif evaluate` in a pipeline: gates, an earlier report, report files, what changed."""

import json
import re
from pathlib import Path

import cv2
import numpy as np

from tests.commands.evaluating import run, sources


def test_gates_decide_the_status_and_are_all_told(folders: Path) -> None:
    junit, page = folders / "gates.xml", folders / "page.md"
    gated = (*sources(folders), "--fused", folders / "mean", "--report", junit, "--report", page)
    kept = run(*gated, "--min", "EN=1", "--max", "MSE:each=1")
    assert kept.exit_code == 0
    assert "gate kept: EN is " in kept.stderr
    assert "gate kept: MSE:each is " in kept.stderr
    result = run(*gated, "--min", "VIF:@01=50", "--max", "MSE=1")
    assert result.exit_code == 3
    assert "gate missed: VIF:@01 is " in result.stderr
    assert "must be at least 50 (margin -" in result.stderr
    assert junit.read_text().count("<failure") == 1
    assert "**missed**" in page.read_text()


def test_a_metric_of_a_gate_alone_moves_no_rank(folders: Path) -> None:
    both = (*sources(folders), "--fused", folders / "mean", "--fused", folders / "max", "--json", "--metrics", "EN,SD")
    plain, gated = (json.loads(run(*both, *more).stdout)["methods"] for more in ((), ("--min", "CC=-1")))
    assert [method["mean_rank"] for method in gated] == [method["mean_rank"] for method in plain]


def test_an_earlier_report_is_a_gate(folders: Path) -> None:
    old = folders / "old.json"
    assert run(*sources(folders), "--fused", folders / "mean", "--report", old).exit_code == 0
    again = (*sources(folders), "--baseline", old)
    assert run(*again, "--fused", folders / "mean").exit_code == 0
    worse = run(*again, "--fused", folders / "max")
    assert worse.exit_code == 3
    assert "95 % interval" in worse.stderr
    assert run(*again, "--fused", folders / "max", "--tolerance", "95%").exit_code == 0
    partial = run(*again, "--fused", folders / "mean", "--metrics", "VIF")
    assert partial.exit_code == 3
    assert "gate missed: EN was not scored, but the baseline has it" in partial.stderr
    other = run(*again, "--fused", folders / "mean", "--convention", "cddfuse")
    assert other.exit_code == 2
    assert "baseline is for EN of convention ivif" in other.stderr
    cv2.imwrite(str(folders / "ir" / "01.png"), np.full((48, 60), 80, np.uint8))
    changed = run(*again, "--fused", folders / "mean")
    assert changed.exit_code == 2
    assert "other files of pair 01" in changed.stderr


def test_a_baseline_is_not_replaced_by_the_report_of_its_own_comparison(folders: Path) -> None:
    old, link = folders / "old.json", folders / "link.json"
    scored = (*sources(folders), "--fused", folders / "mean", "--metrics", "EN")
    assert run(*scored, "--report", old).exit_code == 0
    before = old.read_bytes()
    link.symlink_to(old)
    for report in (old, link):
        refused = run(*scored, "--baseline", old, "--report", report, "--overwrite")
        assert refused.exit_code == 2 and "old.json is the baseline" in refused.stderr
    assert old.read_bytes() == before
    assert run(*scored, "--baseline", old, "--report", folders / "new.json").exit_code == 0


def test_a_page_for_a_pull_request_says_what_changed(folders: Path) -> None:
    old, page = folders / "old.json", folders / "page.md"
    scored = (*sources(folders), "--metrics", "EN,SD")
    assert run(*scored, "--fused", folders / "mean", "--report", old).exit_code == 0
    flat = np.full((48, 60), 90, np.uint8)
    flat[:, 30:] = 200
    cv2.imwrite(str(folders / "mean" / "три.png"), flat)
    assert run(*scored, "--fused", folders / "mean", "--baseline", old, "--report", page).exit_code in (0, 3)
    text = page.read_text()
    assert "**Better**: nothing" in text
    assert text.count("→") == 2
    assert re.search(r"\| три \| (EN \S+ → 1.000, SD \S+ → 55.00|SD \S+ → 55.00, EN \S+ → 1.000) \|", text)
    strip = cv2.imread(str(folders / "page-1.jpg"))
    assert strip.shape == (48, 180, 3)
    assert abs(strip[:, 125:145].mean() - 90) < 3
    worse = run(*scored, "--fused", folders / "max", "--baseline", old, "--format", "markdown")
    assert re.search(r"\*\*(Better|Worse)\*\*: (EN|SD) \S+ \(p = 0.25\)", worse.stdout)


def test_one_run_writes_every_kind_of_report(folders: Path) -> None:
    files = [folders / f"report{suffix}" for suffix in (".json", ".csv", ".md", ".tex", ".html", ".xml")]
    options = [option for file in files for option in ("--report", str(file))]
    both = (*sources(folders), "--fused", folders / "mean", "--fused", folders / "max")
    first = run(*both, *options)
    assert first.exit_code == 0, first.stderr
    assert all("max" in file.read_text() for file in files)
    assert "K p10" in first.stdout
    assert run(*both, *options).exit_code == 0, "reports of ours are replaced"
    files[4].write_text("<!doctype html><title>my page</title>")
    refused = run(*both, *options)
    assert refused.exit_code == 1
    assert "report.html exists and is not a report of ivif (--overwrite replaces it)" in refused.stderr
    assert run(*both, *options, "--overwrite").exit_code == 0


def test_a_baseline_whose_sources_were_read_otherwise_is_refused(folders: Path) -> None:
    old = folders / "old.json"
    scored = (*sources(folders), "--fused", folders / "mean", "--metrics", "EN")
    assert run(*scored, "--ir-polarity", "black", "--report", old).exit_code == 0
    assert run(*scored, "--ir-polarity", "black", "--baseline", old).exit_code == 0
    other = run(*scored, "--baseline", old)
    assert other.exit_code == 2 and "scored with --ir-polarity black, this run with white" in other.stderr


def test_a_fused_picture_of_another_pair_is_not_scored(folders: Path, tmp_path: Path) -> None:
    for name in ("ir", "vi"):
        (folders / name / "01_2.png").write_bytes((folders / name / "01.png").read_bytes())
    (tmp_path / "fused").mkdir()
    (tmp_path / "fused" / "01_2.png").write_bytes((folders / "mean" / "01.png").read_bytes())
    done = run(*sources(folders), "--fused", tmp_path / "fused", "--metrics", "EN", "--json")
    assert done.exit_code == 1 and "no fused picture of this pair" in done.stderr
    assert [picture["name"] for picture in json.loads(done.stdout)["methods"][0]["images"]] == ["01_2"]
