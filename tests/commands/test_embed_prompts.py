"""`ivif embed-prompts`: files, table, warnings, refusals."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ivif_cli.app import app
from ivif_cli.core.language.encoder import load_encoder
from ivif_cli.core.language.prompts import load_goals

pytest.importorskip("open_clip")
RUNNER = CliRunner()


def run(*arguments: object) -> tuple[int, str, str]:
    result = RUNNER.invoke(app, ["embed-prompts", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_the_papers_texts_are_the_default(tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    status, out, _ = run("-o", path)
    assert status == 0
    assert "cos(fused, ir)" in out
    (embedded,) = load_goals(path, encoder=load_encoder())
    assert embedded.texts.ir == "an infrared image"


def test_a_toml_file_of_sets_as_json(tmp_path: Path) -> None:
    sets = tmp_path / "sets.toml"
    sets.write_text('[one]\n[two]\nfused = "a bright image with visible people"\n')
    status, out, _ = run("-p", sets, "-o", tmp_path / "p.safetensors", "--ensemble", "--json")
    report = json.loads(out)
    assert status == 0
    assert set(report["sets"]) == {"one", "two"}
    assert report["encoder"]["name"] == "compact"


def test_unknown_words_are_named_in_a_warning(tmp_path: Path) -> None:
    status, _, err = run("-o", tmp_path / "p.safetensors", "--fused", "a clear zzyzx")
    assert status == 0
    assert "does not know: zzyzx" in err
    assert "full CLIP" in err


def test_a_text_that_is_too_long_is_named(tmp_path: Path) -> None:
    _, _, err = run("-o", tmp_path / "p.safetensors", "--fused", "a clear image " * 20)
    assert "only the beginning of a text is read" in err


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--template", "{}", "--ensemble"], 2, "do not go together"),
        (["-p", "none.toml"], 2, "cannot read the prompt file"),
        (["-p", "none.toml", "--ir", "x"], 2, "does not go with"),
        (["--clip", "compakt"], 2, "did you mean compact"),
        (["--clip-weights", "none.safetensors"], 1, "no such weights file"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, options: list[str], status: int, said: str) -> None:
    path = tmp_path / "p.safetensors"
    code, out, err = run("-o", path, *options)
    assert (code, out) == (status, "")
    assert said in err
    assert err.count("\n") == 1
    assert not path.exists()


def test_an_existing_file_is_kept_without_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    path.write_text("mine")
    assert run("-o", path)[0] == 1
    assert path.read_text() == "mine"
    assert run("-o", path, "--overwrite", "-q")[0] == 0
    assert run("-o", tmp_path / "p.txt")[0] == 2
