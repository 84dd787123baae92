"""What `ivif evaluate` reads: pairs as `ivif fuse` reads them, and bad input."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ivif_cli import evaluate_pair
from tests.commands.evaluating import NAMES, run, sources


def test_a_single_pair_of_files(folders: Path) -> None:
    files = (str(folders / folder / "01.png") for folder in ("ir", "vi", "max"))
    result = run("--ir", next(files), "--vis", next(files), "--fused", next(files), "--json", "--metrics", "en,SSIM")
    (method,) = json.loads(result.stdout)["methods"]
    assert list(method["mean"]) == ["EN", "SSIM"]


def test_pairs_are_read_as_fuse_reads_them(folders: Path) -> None:
    """Half-size infrared: refused as `fuse` refuses it, then resized as `fuse` does."""
    for path in (folders / "ir").iterdir():
        cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path), 0), (30, 24)))
    plain = run(*sources(folders), "--fused", folders / "mean")
    assert plain.exit_code == 1
    assert "--resize" in plain.stderr
    result = run(*sources(folders), "--fused", folders / "mean", "--resize", "--json")
    assert result.exit_code == 0
    ir, vis, fused = (cv2.imread(str(folders / folder / "01.png"), 0) for folder in ("ir", "vi", "mean"))
    ir = cv2.resize(ir, (60, 48), interpolation=cv2.INTER_LINEAR)
    image = json.loads(result.stdout)["methods"][0]["images"][0]
    assert image == {"name": "01"} | evaluate_pair(ir, vis, fused, NAMES)


def test_black_hot_infrared_is_turned_as_fuse_turns_it(folders: Path) -> None:
    scored = (*sources(folders), "--fused", folders / "mean", "--metrics", "CC", "--json")
    white = json.loads(run(*scored).stdout)["methods"][0]["images"]
    for path in (folders / "ir").iterdir():
        cv2.imwrite(str(path), ~cv2.imread(str(path), 0))
    turned = json.loads(run(*scored, "--ir-polarity", "black").stdout)["methods"][0]["images"]
    assert turned == white
    assert json.loads(run(*scored).stdout)["methods"][0]["images"] != white


def test_pairs_are_cropped_as_fuse_crops_them(folders: Path) -> None:
    for path in (folders / "vi").iterdir():
        cv2.imwrite(str(path), cv2.copyMakeBorder(cv2.imread(str(path)), 0, 0, 7, 13, cv2.BORDER_REFLECT))
    scored = (*sources(folders), "--fused", folders / "mean", "--crop", "7,0,60,48")
    result = run(*scored, "--json")
    assert result.exit_code == 0, result.stderr
    ir, vis, fused = (cv2.imread(str(folders / folder / "01.png"), 0) for folder in ("ir", "vi", "mean"))
    image = json.loads(result.stdout)["methods"][0]["images"][0]
    assert image == {"name": "01"} | evaluate_pair(ir, vis[:, 7:67], fused, NAMES)
    refused = run(*scored, "--labels", folders)
    assert refused.exit_code == 2 and "--labels are about whole pictures" in refused.stderr


def test_a_manifest_names_the_pairs(folders: Path) -> None:
    (folders / "pairs.csv").write_text("ir,vis\nir/01.png,vi/01.png\n")
    scored = ("--fused", folders / "mean", "--metrics", "EN", "--json")
    report = json.loads(run("--manifest", folders / "pairs.csv", *scored).stdout)
    assert report["pair_names"] == ["01"]
    assert run("--manifest", folders / "pairs.csv", *sources(folders), *scored).exit_code == 2


def test_counts_are_mapped_by_one_range_over_the_run_as_fuse_maps_them(folders: Path) -> None:
    from ivif_cli.core.data.held_range import hold_range
    from ivif_cli.core.data.sources import SourceOptions, load_pair

    paths = sorted((folders / "ir").iterdir())
    for step, path in enumerate(paths):
        counts = 7000 + 300 * step + 4 * cv2.imread(str(path), 0).astype(np.uint16)
        cv2.imwrite(str(path), counts)
    scored = (*sources(folders), "--fused", folders / "mean", "--metrics", "MI", "--json")
    refused = run(*scored)
    assert refused.exit_code == 1
    assert "--bit-depth 8" in refused.stderr
    image = json.loads(run(*scored, "--bit-depth", "8").stdout)["methods"][0]["images"][0]
    held = SourceOptions(held=hold_range(paths, "auto"))
    ir, vis, *_ = load_pair(folders / "ir" / "01.png", folders / "vi" / "01.png", held)
    fused = cv2.imread(str(folders / "mean" / "01.png"), 0)
    levels = ((ir.astype(np.uint32) + 128) // 257).astype(np.uint8)
    assert image == {"name": "01"} | evaluate_pair(levels, vis, fused, ("MI",))


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--metrics", "VIFF"), 2, "unknown metric: VIFF (did you mean VIF?)"),
        (("--convention", "vibf"), 2, "unknown convention: vibf (did you mean vifb?)"),
        (("--format", "jsn"), 2, "unknown format 'jsn' (did you mean json?)"),
        (("--min", "VIF"), 2, "--min VIF: not of the form METRIC=VALUE"),
        (("--tolerance", "lots"), 2, "--tolerance lots"),
        (("--tolerance", "5"), 2, "--tolerance 5: 5 of what? (5% is a share of the old mean"),
        (("--tolerance", "5%"), 2, "--tolerance goes with --baseline"),
        (("--format", "html"), 2, "--report FILE.html writes a page"),
        (("--json", "--format", "csv"), 2, "--json and --format csv exclude each other"),
        (("--report", "report.doc"), 2, "the suffix says the kind of report (known are .json, .csv"),
        (("--min", "VIF:@77=1"), 2, "this run has no such pair"),
        (("--bit-depth", "16"), 2, "a bit depth of 16 cannot be scored"),
        (("--baseline", "missing.json"), 1, "cannot read the report missing.json"),
        (("--report", "missing/report.html"), 1, "lies in a folder that does not exist"),
        (("--fused", "nowhere"), 1, "nowhere does not exist"),
        (("--model", "."), 1, "Is a directory (name the file in it, as model.safetensors)"),
        (("--fused", "=x"), 2, "not of the form NAME=DIR"),
        (("--metrics", ","), 2, "--metrics names no metric"),
    ],
)
def test_bad_options_get_one_line(folders: Path, arguments: tuple[str, ...], status: int, message: str) -> None:
    result = run(*sources(folders), "--fused", folders / "mean", *arguments)
    assert result.exit_code == status
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not result.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--dataset", "TNOO"), 2, "did you mean TNO?"),
        (("--dataset", "TNO", "--data-root", "."), 1, "figshare"),
        (("--dataset", "TNO", "--dataset", "MSRS"), 2, "--dataset is given twice"),
        (("--dataset", "TNO", "--ir", "."), 2, "--dataset takes the place of --ir and --vis"),
        (("--ir", "."), 2, "--vis is missing"),
        ((), 2, "--ir is missing"),
        (("--ir", "missing", "--vis", "."), 1, "missing does not exist"),
    ],
)
def test_bad_sources_get_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], status: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == status
    assert message in result.stderr
    assert "Traceback" not in result.stderr
