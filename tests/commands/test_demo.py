"""`ivif demo`: the packaged pair becomes a picture, and the command that is named next can be typed as it stands."""

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ivif_cli.app import app
from ivif_cli.core.data.images import read_image
from ivif_cli.core.errors import InputError
from ivif_cli.core.packaged import packaged, recipe_names

runner = CliRunner()


def test_demo_fuses_and_names_a_next_command_that_works(tmp_path: Path) -> None:
    folder = tmp_path / "a demo"
    done = runner.invoke(app, ["demo", "-o", str(folder), "-m", "fast", "--device", "cpu"])
    assert done.exit_code == 0, done.stderr
    pictures = [Path(line) for line in done.stdout.splitlines()]
    assert pictures[0] == folder / "fused.png"
    assert len({picture.read_bytes() for picture in pictures}) == len(pictures) == 5
    assert read_image(folder / "fused.png").shape == read_image(packaged("examples/demo_vis.png")).shape
    words = shlex.split(done.stderr.splitlines()[-1].removeprefix("next: "))
    after = runner.invoke(app, words[words.index("fuse") :])
    assert after.exit_code == 0, after.stderr
    assert (folder / "mine.png").is_file()


def test_demo_can_be_run_again(tmp_path: Path) -> None:
    command = ["demo", "-o", str(tmp_path), "-m", "fast", "--device", "cpu"]
    assert [runner.invoke(app, command).exit_code for _ in range(2)] == [0, 0]


def test_demo_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = runner.invoke(app, ["demo", "-o", str(tmp_path / "file")])
    assert done.exit_code == 1
    assert "cannot write into" in done.stderr


def test_packaged_files_are_found_or_named() -> None:
    assert packaged("recipes/base.toml").is_file()
    assert {"base", "fast"} <= set(recipe_names())
    with pytest.raises(InputError, match=r"recipes/none\.toml is not part of this installation"):
        packaged("recipes/none.toml")
