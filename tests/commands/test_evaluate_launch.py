"""`ivif evaluate` over several processes, and without the packages that only training needs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from ivif_cli.core.processes import gather, own_share


@pytest.fixture
def folders(tmp_path: Path, rng: np.random.Generator) -> Path:
    for folder in ("ir", "vi", "max"):
        (tmp_path / folder).mkdir()
    for name in "abcde":
        ir, vis = (cv2.blur(rng.integers(0, 256, (45, 50), dtype=np.uint8), (3, 3)) for _ in range(2))
        for folder, picture in (("ir", ir), ("vi", vis), ("max", np.maximum(ir, vis))):
            cv2.imwrite(str(tmp_path / folder / f"{name}.png"), picture)
    return tmp_path


def _evaluate(folders: Path, *launcher: str, environment: dict[str, str] | None = None) -> str:
    arguments = ["--ir", folders / "ir", "--vis", folders / "vi", "--fused", folders / "max", "--json"]
    command = [*(launcher or (sys.executable,)), "-m", "ivif_cli", "evaluate", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env=os.environ | (environment or {})
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_torchrun_gives_one_merged_report(folders: Path) -> None:
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    merged, single = (json.loads(_evaluate(folders, *launcher)) for launcher in (torchrun, ()))
    assert merged | {"date": "", "command": ""} == single | {"date": "", "command": ""}


def test_scoring_folders_needs_neither_torch_nor_open_clip(folders: Path, tmp_path: Path) -> None:
    for name in ("torch", "torchvision", "open_clip", "scipy", "skimage"):
        (tmp_path / "blocked").mkdir(exist_ok=True)
        (tmp_path / "blocked" / f"{name}.py").write_text(f"raise ImportError('{name} was imported', name='{name}')\n")
    report = json.loads(
        _evaluate(folders, environment={"PYTHONPATH": f"{tmp_path / 'blocked'}{os.pathsep}{Path.cwd()}"})
    )
    assert len(report["methods"][0]["images"]) == 5


def test_shares_cover_everything_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_share([1, 2, 3]) == [1, 2, 3]
    assert gather("part") == ["part"]
    monkeypatch.setenv("WORLD_SIZE", "2")
    shares = []
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        shares += own_share(list(range(5)))
    assert sorted(shares) == [0, 1, 2, 3, 4]
