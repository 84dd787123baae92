"""What is wanted, on the command line: prompts, goals, strength and dials."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from ivif_cli.app import app
from ivif_cli.commands.goals import named_after, parse_dials, slug
from ivif_cli.core.data.images import read_image, write_image
from ivif_cli.core.errors import UsageError
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.language import wanted
from ivif_cli.core.language.goal import Goal
from ivif_cli.core.network import save_network
from tests.made_up import SeededEncoder, goals, small_network


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a small network with the goals of a made-up encoder."""
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_network(path, *small_network())
    return path


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(1)
    ir, vis = tmp_path / "in" / "a_ir.png", tmp_path / "in" / "a_vis.png"
    write_image(ir, rng.integers(0, 256, (31, 45), dtype=np.uint8))
    write_image(vis, rng.integers(0, 256, (31, 45, 3), dtype=np.uint8))
    return ir, vis


def fuse(model: Path, pair: tuple[Path, Path], output: Path, *more: object) -> Result:
    arguments = ["fuse", "--ir", pair[0], "--vis", pair[1], "-o", output, "-m", model, "--device", "cpu", *more]
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def expected(model: Path, pair: tuple[Path, Path], *said: str | None, **more: object) -> list[np.ndarray]:
    fuser = Fuser(model, device="cpu")
    sources = read_image(pair[0]), read_image(pair[1])
    return [fuser.fuse(*sources, goal=fuser.goal(each, **more)) for each in said]  # type: ignore[arg-type]


def test_every_prompt_gets_a_picture_named_after_it(model: Path, pair: tuple[Path, Path], tmp_path: Path) -> None:
    texts = ("a bright image", "A dark image!")
    done = fuse(model, pair, tmp_path / "o.png", "--prompt", texts[0], "--prompt", texts[1], "--goal", "contrast")
    assert done.exit_code == 0, done.output
    paths = [tmp_path / f"o-{name}.png" for name in ("bright", "dark", "contrast")]
    assert done.stdout.split() == [str(path) for path in paths]
    for path, fused in zip(paths, expected(model, pair, "bright", "dark", "contrast"), strict=True):
        assert np.array_equal(read_image(path), fused)
    assert not np.array_equal(read_image(paths[0]), read_image(paths[1]))
    assert not (tmp_path / "o.png").exists()


def test_one_prompt_gives_the_output_itself(model: Path, pair: tuple[Path, Path], tmp_path: Path) -> None:
    assert fuse(model, pair, tmp_path / "o.png", "--goal", "dark").exit_code == 0
    assert np.array_equal(read_image(tmp_path / "o.png"), *expected(model, pair, "dark"))


def test_free_text_is_understood_and_told(
    model: Path, pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wanted, "_text_encoder", SeededEncoder)
    text = "a bright image of people"
    done = fuse(model, pair, tmp_path / "o.png", "--prompt", text)
    assert done.exit_code == 0, done.output
    assert "is understood as" in done.stderr and text in done.stderr
    assert np.array_equal(read_image(tmp_path / "o.png"), *expected(model, pair, text))


def test_strength_and_dials_reach_the_picture(model: Path, pair: tuple[Path, Path], tmp_path: Path) -> None:
    dials = ("--dial", "contrast=-0.5", "--dial", "bright = 1")
    assert fuse(model, pair, tmp_path / "o.png", "--goal", "bright", "--strength", "0.5", *dials).exit_code == 0
    (fused,) = expected(model, pair, "bright", strength=0.5, dials={"contrast": -0.5, "bright": 1.0})
    assert np.array_equal(read_image(tmp_path / "o.png"), fused)
    assert not np.array_equal(fused, *expected(model, pair, "bright"))


def test_the_report_says_what_was_wanted(model: Path, pair: tuple[Path, Path], tmp_path: Path) -> None:
    done = fuse(model, pair, tmp_path / "o.png", "--goal", "bright", "--dial", "contrast=1", "--strength", 2, "--json")
    (item,) = json.loads(done.stdout)["fused"]
    text = goals()["bright"].texts.fused
    assert item["goal"] == {
        "name": "bright",
        "text": text,
        "strength": 2.0,
        "dials": {"contrast": 1.0},
        "encoder_sha256": "ab" * 32,
    }


def test_folders_are_fused_for_every_goal(model: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    folders = tmp_path / "ir", tmp_path / "vis"
    for name in ("1", "s/2"):
        for folder in folders:
            write_image(folder / f"{name}.png", rng.integers(0, 256, (16, 24), dtype=np.uint8))
    done = fuse(model, folders, tmp_path / "out", "--goal", "bright", "--goal", "dark")
    assert done.exit_code == 0, done.output
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png"))
    assert found == ["1-bright.png", "1-dark.png", "s/2-bright.png", "s/2-dark.png"]
    for name in ("1", "s/2"):
        sources = tuple(folder / f"{name}.png" for folder in folders)
        for goal, fused in zip(("bright", "dark"), expected(model, sources, "bright", "dark"), strict=True):  # type: ignore[arg-type]
            written = read_image(tmp_path / "out" / f"{name}-{goal}.png")
            assert np.abs(written.astype(int) - fused).max() <= 1


def test_no_picture_is_replaced_unasked(model: Path, pair: tuple[Path, Path], tmp_path: Path) -> None:
    write_image(tmp_path / "o-dark.png", np.zeros((2, 2), np.uint8))
    done = fuse(model, pair, tmp_path / "o.png", "--goal", "bright", "--goal", "dark")
    assert done.exit_code == 1 and "o-dark.png" in done.stderr and "--overwrite" in done.stderr
    assert not (tmp_path / "o-bright.png").exists()
    assert fuse(model, pair, tmp_path / "o.png", "--goal", "bright", "--goal", "dark", "--overwrite").exit_code == 0
    assert read_image(tmp_path / "o-dark.png").shape == (31, 45, 3)


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--goal", "brightt"], 2, "unknown goal: brightt (did you mean bright?; or say it: --prompt)"),
        (
            ["--goal", "brightt", "--goal", "dark", "--goal", "drak"],
            2,
            "unknown goal: brightt, drak (did you mean bright, dark?",
        ),
        (["--prompt", ""], 2, "text is empty"),
        (["--prompt", " . "], 2, "no word of the text is known"),
        (["--dial", "brihgt=1"], 2, "unknown dial: brihgt (did you mean bright?)"),
        (["--dial", "bright"], 2, "not a number"),
        (["--dial", "bright=much"], 2, "not a number"),
        (["--dial", "bright=1.5"], 2, "dials go from -1 to 1"),
        (["--dial", "bright=nan"], 2, "dials go from -1 to 1"),
        (["--dial", "bright=0.1", "--dial", "bright=0.2"], 2, "given twice"),
    ],
)
def test_what_cannot_be_wanted_is_one_line(
    model: Path, pair: tuple[Path, Path], tmp_path: Path, options: list[str], status: int, said: str
) -> None:
    done = fuse(model, pair, tmp_path / "o.png", *options)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert (done.exit_code, done.stdout, len(errors)) == (status, "", 1), done.output
    assert said in errors[0]
    assert not (tmp_path / "o.png").exists()


def test_all_prompts_are_read_before_anything_is_loaded(
    model: Path, pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ivif_cli.core.fusing.fuser.open_fuser", lambda *_, **__: pytest.fail("a network was loaded"))
    done = fuse(
        model, pair, tmp_path / "o.png", "--prompt", "bright", "--prompt", "qwxz", "--prompt", "ein helles Bild"
    )
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1
    assert "qwxz" in done.stderr and "German" in done.stderr


def test_free_text_for_weights_of_another_encoder_is_refused(
    model: Path, pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wanted, "_text_encoder", lambda: SeededEncoder("other", "cd" * 32))
    done = fuse(model, pair, tmp_path / "o.png", "--prompt", "people at night")
    assert done.exit_code == 1 and "other" in done.stderr
    assert not (tmp_path / "o.png").exists()


def test_names_of_files_are_words_and_never_the_same_twice() -> None:
    def after(*names: str) -> list[str]:
        wants: list[Goal] = [replace(goals()["bright"], name=name) for name in names]
        return [path.name for path in named_after(Path("out/a.tif"), wants)]

    assert after("anything/at all") == ["a.tif"]
    assert after("Bright!", "bright", "bright ") == ["a-bright.tif", "a-bright-2.tif", "a-bright-3.tif"]
    assert after("夜", "../../etc") == ["a-goal.tif", "a-etc.tif"]


def test_long_texts_are_cut_at_a_word() -> None:
    assert slug("one two three", 9) == "one-two"
    assert slug("x" * 100, 48) == "x" * 48
    assert slug("Clear, with  people.") == "clear-with-people"


def test_dials_are_read() -> None:
    assert parse_dials(None) == {}
    assert parse_dials(["bright=0.5", "contrast = -1"]) == {"bright": 0.5, "contrast": -1.0}
    with pytest.raises(UsageError):
        parse_dials(["=1"])


def test_a_video_follows_a_file_of_goals_over_time(model: Path, pair: tuple[Path, Path], tmp_path: Path) -> None:
    """One frame a second: the first by default, the second as the file says."""
    sources = read_image(pair[0]), read_image(pair[1])
    for name, picture in zip(("ir", "vis"), sources, strict=True):
        for number in (1, 2):
            write_image(tmp_path / name / f"{number}.png", picture)
    wishes = tmp_path / "wishes.txt"
    wishes.write_text("# seconds, text\n1, dark\n")
    frames = [tmp_path / name / "%d.png" for name in ("ir", "vis")]
    out = tmp_path / "out" / "%d.png"
    done = fuse(model, (frames[0], frames[1]), out, "--fps", "1", "--goals-over-time", wishes)
    assert done.exit_code == 0, done.output
    first, second = (read_image(tmp_path / "out" / f"{number}.png") for number in (1, 2))
    by_default, dark = expected(model, pair, None, "dark")
    assert np.array_equal(first, by_default)
    assert np.abs(second.astype(int) - dark).mean() < np.abs(second.astype(int) - by_default).mean()


@pytest.mark.parametrize("more", [("--goal", "dark"), ()])
def test_goals_over_time_are_for_videos_and_stand_alone(
    model: Path, pair: tuple[Path, Path], tmp_path: Path, more: tuple[str, ...]
) -> None:
    wishes = tmp_path / "wishes.txt"
    wishes.write_text("1, dark\n")
    where = (pair[0].with_name("a_%d.png"), pair[1].with_name("b_%d.png")) if more else pair
    done = fuse(model, where, tmp_path / "o_%d.png" if more else tmp_path / "o.png", "--goals-over-time", wishes, *more)
    assert done.exit_code == 2
    assert "--goals-over-time" in done.stderr and "Traceback" not in done.stderr


def test_a_strength_of_nothing_is_refused(model: Path, pair: tuple[Path, Path], tmp_path: Path) -> None:
    for dial in ((), ("--dial", "bright=0.5")):
        done = fuse(model, pair, tmp_path / "o.png", "--strength", "2", *dial)
        assert done.exit_code == 2 and "--strength scales" in done.stderr and not (tmp_path / "o.png").exists()


def test_no_picture_of_several_goals_replaces_an_input(model: Path, pair: tuple[Path, Path], tmp_path: Path) -> None:
    before = tmp_path / "a-bright.png"
    before.write_bytes(pair[1].read_bytes())
    two = ("--goal", "bright", "--goal", "dark", "--overwrite")
    done = fuse(model, (pair[0], before), tmp_path / "a.png", *two)
    assert done.exit_code == 2 and "is an input" in done.stderr
    assert before.read_bytes() == pair[1].read_bytes() and not (tmp_path / "a-dark.png").exists()
