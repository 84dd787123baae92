"""The step of the GitHub action that evaluates, run by bash as a runner would: reports, summary, status."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the step is for bash")
def test_the_step_writes_its_reports_and_passes_a_missed_gate_on(tmp_path: Path, rng: np.random.Generator) -> None:
    yaml = pytest.importorskip("yaml")
    steps = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"]
    (step,) = (step["run"] for step in steps if step.get("name") == "Evaluate")
    for folder in ("bin", "ir", "vi fused"):
        (tmp_path / folder).mkdir()
    for folder in ("ir", "vi fused"):
        cv2.imwrite(str(tmp_path / folder / "a.png"), cv2.blur(rng.integers(0, 256, (60, 80), dtype=np.uint8), (5, 5)))
    ivif = tmp_path / "bin" / "ivif"
    ivif.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ivif_cli "$@"\n')
    ivif.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "ARGUMENTS": "--ir ir --vis 'vi fused' --fused copy='vi fused' --min VIF=0.65 --min K:p10=0.4",
        "REPORTS": "reports",
        "GITHUB_STEP_SUMMARY": "summary.md",
    }
    done = subprocess.run(["bash", "-e", "-c", step], cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 3, done.stderr
    names = {path.name for path in (tmp_path / "reports").iterdir()}
    assert names == {"gates.xml", "report.html", "report.json", "report.md"}
    summary = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert "| kept |" in summary
    assert "| **missed** |" in summary
