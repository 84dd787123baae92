"""File names that lead elsewhere: results stay in the folder that was named, links are not written through."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from ivif_cli.app import app
from ivif_cli.core.data.images import write_image
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.errors import IvifError
from ivif_cli.core.fusing.jobs import plan_jobs

PICTURE = np.full((8, 8), 90, np.uint8)
CRAFTED = (
    "..\\..\\evil",
    "...",
    "..evil",
    "-rf",
    "%2e%2e%2fevil",
    "a\nb",
    "\x1b[31mred",
    "con",
    "'; rm x",
    "$(id)",
    "~",
)


def fuse(tmp_path: Path) -> int:
    folders = ["--ir", str(tmp_path / "ir"), "--vis", str(tmp_path / "vi")]
    return CliRunner().invoke(app, ["fuse", *folders, "-o", str(tmp_path / "box" / "out"), "--device", "cpu"]).exit_code


def test_crafted_names_stay_in_the_output_folder(tmp_path: Path) -> None:
    for folder in ("ir", "vi"):
        (tmp_path / folder).mkdir()
        for name in CRAFTED:
            (tmp_path / folder / f"{name}.png").write_bytes(cv2.imencode(".png", PICTURE)[1].tobytes())
    before = {path for path in tmp_path.rglob("*") if "box" not in path.parts}
    assert fuse(tmp_path) == 0
    assert {path for path in tmp_path.rglob("*") if "box" not in path.parts} == before
    visible = {f"{name}.png" for name in CRAFTED if not name.startswith(".")}
    assert {path.name for path in (tmp_path / "box" / "out").iterdir()} == visible


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil"])
def test_a_pair_name_that_climbs_out_is_refused(tmp_path: Path, name: str) -> None:
    pair = Pair(name, tmp_path / "a.png", tmp_path / "b.png")
    with pytest.raises(IvifError, match="outside"):
        plan_jobs([pair], tmp_path / "out")


def test_writing_over_a_link_replaces_the_link_and_not_its_target(tmp_path: Path) -> None:
    target = tmp_path / "precious.png"
    target.write_bytes(b"precious")
    (tmp_path / "out.png").symlink_to(target)
    write_image(tmp_path / "out.png", PICTURE, overwrite=True)
    assert target.read_bytes() == b"precious"
    assert not (tmp_path / "out.png").is_symlink()


def test_temporary_names_are_not_guessable_and_never_opened_if_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    original = Path.open

    def spy(self: Path, mode: str = "r", *rest: object, **more: object) -> object:
        if "ivif-" in self.name:
            made.append(self.name)
            assert "x" in mode
        return original(self, mode, *rest, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", spy)
    write_image(tmp_path / "1.png", PICTURE)
    write_image(tmp_path / "2.png", PICTURE)
    assert len(set(made)) == 2
    assert all(len(name) > 32 and name.startswith(".") for name in made)
