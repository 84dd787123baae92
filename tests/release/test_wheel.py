"""The wheel in an empty environment outside the repository: it has its weights, fuses a pair, and knows its version."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

import ivif_cli
from ivif_cli.core.data.images import read_image
from ivif_cli.core.packaged import recipe_names
from ivif_cli.core.weights import SHA256

pytestmark = pytest.mark.slow


def run(*command: object, cwd: Path, **more: str) -> str:
    """Output of a command that must succeed; the checkout is on no path of its."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "IVIF"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**environment, **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the sdist and the wheel that is built from it."""
    pytest.importorskip("hatchling")
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, repository, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of a fresh environment with the wheel; a path file lends it this interpreter's dependencies."""
    home = tmp_path_factory.mktemp("elsewhere")
    run(sys.executable, "-m", "venv", "--without-pip", home / "venv", cwd=home)
    python = home / "venv" / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel, cwd=home)
    own = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home).strip()
    Path(own, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def test_the_wheel_carries_all_it_needs_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"ivif_cli/weights/{name}" for name in SHA256} <= set(names)
    assert {f"ivif_cli/recipes/{name}.toml" for name in recipe_names()} <= set(names)
    assert {f"ivif_cli/core/reports/report.{kind}" for kind in ("css", "js", "html.j2")} <= set(names)
    assert "ivif_cli/core/scoring/frozen_lists.json" in names
    assert all(name.startswith(("ivif_cli/", f"ivif_cli-{ivif_cli.__version__}.dist-info/")) for name in names)
    assert not [name for name in names if name.endswith((".pyc", ".pt", ".pth", ".pkl"))]


def test_the_sdist_can_be_tested_and_built(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "Makefile", "README.md", "CHANGELOG.md", "LICENSE", "tests/conftest.py"} <= names
    assert {"weights/base.safetensors", "examples/demo_ir.png", "recipes/base.toml"} <= names


def test_it_fuses_its_own_pair_outside_the_repository(installed: Path, tmp_path: Path) -> None:
    place = run(installed / "python", "-c", "import ivif_cli; print(ivif_cli.__file__)", cwd=tmp_path)
    assert Path(place.strip()).is_relative_to(installed.parent)
    told = run(installed / "ivif", "demo", "--device", "cpu", cwd=tmp_path, OMP_NUM_THREADS="1")
    fused = read_image(tmp_path / told.splitlines()[0])
    assert fused.shape == read_image(tmp_path / "ivif-demo" / "vis.png").shape
    assert np.std(fused) > 10


def test_one_version_everywhere(installed: Path, wheel: Path, repository: Path, tmp_path: Path) -> None:
    assert run(installed / "ivif", "--version", cwd=tmp_path).strip() == f"ivif {ivif_cli.__version__}"
    assert wheel.name.startswith(f"ivif_cli-{ivif_cli.__version__}-")
    assert 'dynamic = ["version"]' in (repository / "pyproject.toml").read_text()


def test_typed(wheel: Path) -> None:
    assert "ivif_cli/py.typed" in zipfile.ZipFile(wheel).namelist()
