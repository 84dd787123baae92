"""`ivif info` tells what is there and never fails for what is not."""

import json
import re
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ivif_cli.app import app
from ivif_cli.core import installation
from ivif_cli.core.weights import SHA256

runner = CliRunner()


def test_json_names_versions_devices_weights_and_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IVIF_DATA", raising=False)
    result = runner.invoke(app, ["info", "--json"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["packages"]["torch"]
    assert found["devices"][0]["name"] == "cpu"
    assert {item["name"]: item["sha256"] for item in found["weights"]} == SHA256
    assert all(item["state"] == "pinned" for item in found["weights"])
    assert found["data"] == {"root": None, "exists": False, "datasets": {}}


def test_the_names_that_options_take_are_listed() -> None:
    known = json.loads(runner.invoke(app, ["info", "--json"]).stdout)["known"]
    assert {"base", "fast"} <= set(known["models"]) and "TNO" in known["datasets"] and "VIF" in known["metrics"]
    assert "base" in known["recipes"] and "matlab" in known["conventions"]


def test_plain_output_shows_the_hashes() -> None:
    result = runner.invoke(app, ["info"])
    assert result.exit_code == 0
    assert SHA256["base.safetensors"] in result.stdout


def test_open_clip_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("open_clip", "torchvision"):
        monkeypatch.setitem(sys.modules, name, None)
    assert runner.invoke(app, ["info"]).exit_code == 0


def test_datasets_below_the_data_root_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    for kind in ("ir", "vi"):
        (tmp_path / "TNO" / kind).mkdir(parents=True)
        (tmp_path / "TNO" / kind / "01.png").write_bytes(b"x")
    monkeypatch.setenv("IVIF_DATA", str(tmp_path))
    assert installation.describe_installation()["data"]["datasets"] == {"TNO": 1}


def test_changed_and_missing_weights_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(installation, "weights_folder", lambda: tmp_path)
    (tmp_path / "base.safetensors").write_bytes(b"other")
    states = {item["name"]: item["state"] for item in installation.describe_installation()["weights"]}
    assert states["base.safetensors"] == "changed" and states["fast.safetensors"] == "missing"


def test_packages_and_extras_are_those_that_are_declared(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]

    def names(requirements: list[str]) -> set[str]:
        return {re.match(r"[\w-]+", requirement)[0] for requirement in requirements}  # type: ignore[index]

    assert names(project["dependencies"]) <= set(installation.PACKAGES)
    declared = {extra: names(needed) for extra, needed in project["optional-dependencies"].items()}
    assert {extra: set(packages) for extra, packages in installation.EXTRAS.items()} == declared
