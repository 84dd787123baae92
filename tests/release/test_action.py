"""The steps for pipelines, run by a shell as a runner would: the GitHub action's, and the script of the GitLab page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the steps are for bash"),
]


@pytest.fixture
def job(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A checkout with the folders of the pages, and an `ivif` of this interpreter in `bin`."""
    for folder in ("bin", "quality", "samples/ir", "samples/vis", "samples/fused ones"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "samples" / "fused").symlink_to("fused ones")
    ir, vis = (cv2.blur(rng.integers(0, 256, (60, 80), dtype=np.uint8), (5, 5)) for _ in range(2))
    for folder, picture in (("ir", ir), ("vis", vis), ("fused ones", vis)):
        cv2.imwrite(str(tmp_path / "samples" / folder / "a.png"), picture)
    for name, program in (("ivif", f'"{sys.executable}" -m ivif_cli "$@"'), ("pip", "true")):
        script = tmp_path / "bin" / name
        script.write_text(f"#!/bin/sh\nexec {program}\n")
        script.chmod(0o755)
    return tmp_path


def shell(job: Path, script: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    path = f"{job / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=job,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def step(name: str) -> str:
    yaml = pytest.importorskip("yaml")
    steps = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"]
    return str(next(one["run"] for one in steps if one.get("name") == name))


def evaluated(job: Path, arguments: str) -> "subprocess.CompletedProcess[str]":
    sources = "--ir samples/ir --vis samples/vis --fused copy='samples/fused ones'"
    return shell(
        job,
        step("Evaluate"),
        ARGUMENTS=f"{sources} {arguments}",
        REPORTS="reports",
        GITHUB_STEP_SUMMARY="summary.md",
    )


def test_the_step_writes_its_reports_and_passes_a_missed_gate_on(job: Path) -> None:
    done = evaluated(job, "--min VIF=0.65 --min K:p10=0.4")
    assert done.returncode == 3, done.stderr
    names = {path.name for path in (job / "reports").iterdir()}
    assert names == {"gates.xml", "report.html", "report.json", "report.md"}
    summary = (job / "summary.md").read_text(encoding="utf-8")
    assert "| kept |" in summary
    assert "| **missed** |" in summary


def test_the_step_says_what_changed_and_where_its_pictures_are(job: Path) -> None:
    assert evaluated(job, "").returncode == 0
    (job / "reports" / "report.json").rename(job / "quality" / "accepted.json")
    cv2.imwrite(str(job / "samples" / "fused" / "a.png"), np.full((60, 80), 90, np.uint8))
    (job / "summary.md").unlink()
    done = evaluated(job, "--baseline quality/accepted.json --tolerance 1%")
    assert done.returncode == 3, done.stderr
    summary = (job / "summary.md").read_text(encoding="utf-8")
    assert "- **Worse**: EN -" in summary
    assert "| report-1.jpg |" in summary
    assert (job / "reports" / "report-1.jpg").stat().st_size > 0
    assert (
        shell(job, step("Link the reports"), ARTIFACT="https://x/1", GITHUB_STEP_SUMMARY="summary.md").returncode == 0
    )
    assert (job / "summary.md").read_text().endswith("[All reports and pictures](https://x/1)\n")


def test_the_script_of_the_gitlab_page_runs(job: Path) -> None:
    yaml = pytest.importorskip("yaml")
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8").partition("## GitLab")[2]
    snippet = yaml.safe_load(re.search(r"(?s)```yaml\n(.*?)```", page)[1])["fusion-quality"]  # type: ignore[index]
    first = "ivif evaluate --ir samples/ir --vis samples/vis --fused ours=samples/fused --report quality/accepted.json"
    assert shell(job, first).returncode == 0
    done = shell(job, "\n".join(snippet["script"]))
    assert done.returncode == 0, done.stderr
    assert "gate kept: VIF is " in done.stderr
    kept = [*snippet["artifacts"]["paths"], snippet["artifacts"]["reports"]["junit"]]
    assert all((job / name).stat().st_size for name in kept)
    cv2.imwrite(str(job / "samples" / "fused" / "a.png"), np.full((60, 80), 90, np.uint8))
    assert shell(job, "\n".join(snippet["script"])).returncode == 3
