"""`ivif evaluate` from outside: results, schema, formats, statuses, bad input."""

import csv
import hashlib
import io
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from ivif_cli import evaluate_pair
from ivif_cli.app import app

NAMES = ("EN", "SD", "SF", "MI", "VIF", "Qabf", "K")


@pytest.fixture
def folders(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Three pairs in `ir` and `vi`, fused by two methods in `mean` and `max`."""
    for folder in ("ir", "vi", "mean", "max"):
        (tmp_path / folder).mkdir()
    for name in ("01", "zwei <b>&", "три"):
        ir, vis = (cv2.blur(rng.integers(0, 256, (48, 60), dtype=np.uint8), (5, 5)) for _ in range(2))
        for folder, picture in (("ir", ir), ("vi", vis), ("mean", ir // 2 + vis // 2), ("max", np.maximum(ir, vis))):
            cv2.imwrite(str(tmp_path / folder / f"{name}.png"), picture)
    return tmp_path


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def _sources(folders: Path) -> tuple[str | Path, ...]:
    return "--ir", folders / "ir", "--vis", folders / "vi"


def test_json_keeps_its_schema(folders: Path) -> None:
    result = _run(*_sources(folders), "--fused", folders / "mean", "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["schema"] == 1
    assert report["ivif"]
    assert (report["dataset"], report["pairs"], report["convention"]) == (None, 3, "ivif")
    (method,) = report["methods"]
    assert method["name"] == "mean"
    assert set(method) >= {"name", "weights_sha256", "mean", "images", "failed"}
    assert list(method["mean"]) == list(NAMES)
    assert report["pair_names"] == sorted(("01", "zwei <b>&", "три"))
    digests = [hashlib.sha256((folders / f / "01.png").read_bytes()).digest() for f in ("ir", "vi")]
    assert report["data"]["01"] == hashlib.sha256(b"".join(digests)).hexdigest()
    assert report["options"]["fused"] == [str(folders / "mean")]
    read = [cv2.imread(str(folders / folder / "01.png"), 0) for folder in ("ir", "vi", "mean")]
    assert method["images"][0] == {"name": "01"} | evaluate_pair(*read, NAMES)
    for name, mean in method["mean"].items():
        assert mean == pytest.approx(np.mean([image[name] for image in method["images"]]))


def test_methods_are_ranked_and_tested(folders: Path) -> None:
    result = _run(
        *_sources(folders),
        "--fused",
        f"A={folders / 'mean'}",
        "--fused",
        f"B={folders / 'max'}",
        "--baselines",
        "--json",
    )
    report = json.loads(result.stdout)
    assert [method["name"] for method in report["methods"]] == ["A", "B", "average", "maximum", "laplacian"]
    by_name = {method["name"]: method for method in report["methods"]}
    assert by_name["B"]["mean"] == by_name["maximum"]["mean"]
    assert by_name["B"]["rank"] == by_name["maximum"]["rank"]
    assert {test["method"] for test in report["tests"]} == {"B", "average", "maximum", "laplacian"}
    assert all(test["p"] <= test["p_holm"] <= 1 for test in report["tests"])


def test_a_single_pair_of_files(folders: Path) -> None:
    files = (str(folders / folder / "01.png") for folder in ("ir", "vi", "max"))
    result = _run("--ir", next(files), "--vis", next(files), "--fused", next(files), "--json", "--metrics", "en,SSIM")
    (method,) = json.loads(result.stdout)["methods"]
    assert list(method["mean"]) == ["EN", "SSIM"]


def test_groups_of_metrics_can_be_mixed_with_names(folders: Path) -> None:
    def names(metrics: str, *more: str) -> list[str]:
        result = _run(*_sources(folders), "--fused", folders / "max", "--metrics", metrics, *more, "--json")
        return list(json.loads(result.stdout)["methods"][0]["mean"])

    assert names("six,ag") == ["EN", "SD", "SF", "MI", "VIF", "Qabf", "AG"]
    assert names("all", "--convention", "vifb") == ["EN", "SD", "SF", "MI", "Qabf", "AG", "MSE", "PSNR", "SSIM"]
    assert names("EN", "--min", "CC=0") == ["EN", "CC"]
    assert names("default") == list(NAMES)


def test_the_language_score_names_its_encoder(folders: Path) -> None:
    result = _run(*_sources(folders), "--fused", folders / "max", "--metrics", "EN,LDS", "--json")
    report = json.loads(result.stdout)
    assert -1 <= report["methods"][0]["mean"]["LDS"] <= 1
    assert report["metrics"]["LDS"]["convention"].startswith("encoder compact")
    assert "LDS: encoder compact" in result.stderr


def test_a_value_that_is_not_defined_is_null_and_named(folders: Path) -> None:
    cv2.imwrite(str(folders / "ir" / "01.png"), np.full((48, 60), 80, np.uint8))
    result = _run(*_sources(folders), "--fused", folders / "mean", "--json")
    (method,) = json.loads(result.stdout)["methods"]
    assert method["images"][0]["VIF"] is None
    assert method["undefined"] == {name: {"01": "constant picture: infrared"} for name in ("VIF", "K")}
    assert method["mean"]["VIF"] == pytest.approx(np.mean([image["VIF"] for image in method["images"][1:]]))
    assert "VIF has no value for 01 (constant picture: infrared)" in result.stderr


def test_csv_has_every_value(folders: Path) -> None:
    rows = list(
        csv.DictReader(io.StringIO(_run(*_sources(folders), "--fused", folders / "max", "--format", "csv").stdout))
    )
    assert [row["kind"] for row in rows] == ["image"] * 3 + ["mean", "low95", "high95", "p10"]
    assert float(rows[3]["EN"]) == pytest.approx(np.mean([float(row["EN"]) for row in rows[:3]]))


@pytest.mark.parametrize(("style", "best"), [("markdown", "**"), ("latex", r"\textbf{"), ("table", "*")])
def test_tables_mark_the_best(folders: Path, style: str, best: str) -> None:
    fused = ("--fused", f"a_b={folders / 'mean'}", "--fused", f"c={folders / 'max'}")
    result = _run(*_sources(folders), *fused, "--format", style)
    assert result.exit_code == 0
    assert best in result.stdout
    assert ("a\\_b" if style != "table" else "a_b") in result.stdout


def test_gates_decide_the_status_and_are_all_told(folders: Path) -> None:
    junit, page = folders / "gates.xml", folders / "page.md"
    gated = (*_sources(folders), "--fused", folders / "mean", "--report", junit, "--report", page)
    kept = _run(*gated, "--min", "EN=1", "--max", "MSE:each=1")
    assert kept.exit_code == 0
    assert "gate kept: EN is " in kept.stderr
    assert "gate kept: MSE:each is " in kept.stderr
    result = _run(*gated, "--min", "VIF:@01=50", "--max", "MSE=1")
    assert result.exit_code == 3
    assert "gate missed: VIF:@01 is " in result.stderr
    assert "must be at least 50 (margin -" in result.stderr
    assert junit.read_text().count("<failure") == 1
    assert "**missed**" in page.read_text()


def test_a_metric_of_a_gate_alone_moves_no_rank(folders: Path) -> None:
    both = (*_sources(folders), "--fused", folders / "mean", "--fused", folders / "max", "--json", "--metrics", "EN,SD")
    plain, gated = (json.loads(_run(*both, *more).stdout)["methods"] for more in ((), ("--min", "CC=-1")))
    assert [method["mean_rank"] for method in gated] == [method["mean_rank"] for method in plain]


def test_an_earlier_report_is_a_gate(folders: Path) -> None:
    old = folders / "old.json"
    assert _run(*_sources(folders), "--fused", folders / "mean", "--report", old).exit_code == 0
    again = (*_sources(folders), "--baseline", old)
    assert _run(*again, "--fused", folders / "mean").exit_code == 0
    worse = _run(*again, "--fused", folders / "max")
    assert worse.exit_code == 3
    assert "95 % interval" in worse.stderr
    assert _run(*again, "--fused", folders / "max", "--tolerance", "95%").exit_code == 0
    partial = _run(*again, "--fused", folders / "mean", "--metrics", "VIF")
    assert partial.exit_code == 3
    assert "gate missed: EN was not scored, but the baseline has it" in partial.stderr
    other = _run(*again, "--fused", folders / "mean", "--convention", "cddfuse")
    assert other.exit_code == 2
    assert "baseline is for EN of convention ivif" in other.stderr
    cv2.imwrite(str(folders / "ir" / "01.png"), np.full((48, 60), 80, np.uint8))
    changed = _run(*again, "--fused", folders / "mean")
    assert changed.exit_code == 2
    assert "other files of pair 01" in changed.stderr


def test_a_page_for_a_pull_request_says_what_changed(folders: Path) -> None:
    old, page = folders / "old.json", folders / "page.md"
    scored = (*_sources(folders), "--metrics", "EN,SD")
    assert _run(*scored, "--fused", folders / "mean", "--report", old).exit_code == 0
    flat = np.full((48, 60), 90, np.uint8)
    flat[:, 30:] = 200
    cv2.imwrite(str(folders / "mean" / "три.png"), flat)
    assert _run(*scored, "--fused", folders / "mean", "--baseline", old, "--report", page).exit_code in (0, 3)
    text = page.read_text()
    assert "**Better** than mean: nothing" in text
    assert text.count("→") == 2
    assert re.search(r"\| три \| (EN \S+ → 1.000, SD \S+ → 55.00|SD \S+ → 55.00, EN \S+ → 1.000) \|", text)
    strip = cv2.imread(str(folders / "page-1.jpg"))
    assert strip.shape == (48, 180, 3)
    assert abs(strip[:, 125:145].mean() - 90) < 3
    worse = _run(*scored, "--fused", folders / "max", "--baseline", old, "--format", "markdown")
    assert "**Worse** than mean:" in worse.stdout or "**Better** than mean:" in worse.stdout


def test_one_run_writes_every_kind_of_report(folders: Path) -> None:
    files = [folders / f"report{suffix}" for suffix in (".json", ".csv", ".md", ".tex", ".html", ".xml")]
    options = [option for file in files for option in ("--report", str(file))]
    both = (*_sources(folders), "--fused", folders / "mean", "--fused", folders / "max")
    first = _run(*both, *options)
    assert first.exit_code == 0, first.stderr
    assert all("max" in file.read_text() for file in files)
    assert "K p10" in first.stdout
    assert _run(*both, *options).exit_code == 0, "reports of ours are replaced"
    files[4].write_text("<!doctype html><title>my page</title>")
    refused = _run(*both, *options)
    assert refused.exit_code == 1
    assert "report.html exists and is not a report of ivif (--overwrite replaces it)" in refused.stderr
    assert _run(*both, *options, "--overwrite").exit_code == 0


def test_pairs_are_read_as_fuse_reads_them(folders: Path) -> None:
    """Half-size infrared: refused as `fuse` refuses it, then resized as `fuse` does."""
    for path in (folders / "ir").iterdir():
        cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path), 0), (30, 24)))
    plain = _run(*_sources(folders), "--fused", folders / "mean")
    assert plain.exit_code == 1
    assert "--resize" in plain.stderr
    result = _run(*_sources(folders), "--fused", folders / "mean", "--resize", "--json")
    assert result.exit_code == 0
    ir, vis, fused = (cv2.imread(str(folders / folder / "01.png"), 0) for folder in ("ir", "vi", "mean"))
    ir = cv2.resize(ir, (60, 48), interpolation=cv2.INTER_LINEAR)
    image = json.loads(result.stdout)["methods"][0]["images"][0]
    assert image == {"name": "01"} | evaluate_pair(ir, vis, fused, NAMES)


def test_black_hot_infrared_is_turned_as_fuse_turns_it(folders: Path) -> None:
    scored = (*_sources(folders), "--fused", folders / "mean", "--metrics", "CC", "--json")
    white = json.loads(_run(*scored).stdout)["methods"][0]["images"]
    for path in (folders / "ir").iterdir():
        cv2.imwrite(str(path), ~cv2.imread(str(path), 0))
    turned = json.loads(_run(*scored, "--ir-polarity", "black").stdout)["methods"][0]["images"]
    assert turned == white
    assert json.loads(_run(*scored).stdout)["methods"][0]["images"] != white


def test_a_manifest_names_the_pairs(folders: Path) -> None:
    (folders / "pairs.csv").write_text("ir,vis\nir/01.png,vi/01.png\n")
    scored = ("--fused", folders / "mean", "--metrics", "EN", "--json")
    report = json.loads(_run("--manifest", folders / "pairs.csv", *scored).stdout)
    assert report["pair_names"] == ["01"]
    assert _run("--manifest", folders / "pairs.csv", *_sources(folders), *scored).exit_code == 2


def test_counts_are_mapped_by_one_range_over_the_run_as_fuse_maps_them(folders: Path) -> None:
    from ivif_cli.core.data.held_range import hold_range
    from ivif_cli.core.data.sources import SourceOptions, load_sources

    paths = sorted((folders / "ir").iterdir())
    for step, path in enumerate(paths):
        counts = 7000 + 300 * step + 4 * cv2.imread(str(path), 0).astype(np.uint16)
        cv2.imwrite(str(path), counts)
    scored = (*_sources(folders), "--fused", folders / "mean", "--metrics", "MI", "--json")
    refused = _run(*scored)
    assert refused.exit_code == 1
    assert "--bit-depth 8" in refused.stderr
    image = json.loads(_run(*scored, "--bit-depth", "8").stdout)["methods"][0]["images"][0]
    held = SourceOptions(held=hold_range(paths, "auto").ranges)
    ir, vis = load_sources(folders / "ir" / "01.png", folders / "vi" / "01.png", held)
    fused = cv2.imread(str(folders / "mean" / "01.png"), 0)
    levels = ((ir.astype(np.uint32) + 128) // 257).astype(np.uint8)
    assert image == {"name": "01"} | evaluate_pair(levels, vis, fused, ("MI",))


def test_a_model_is_ranked_with_folders(folders: Path) -> None:
    result = _run(
        *_sources(folders), "--fused", folders / "mean", "-m", "fast", "-m", "base", "--metrics", "EN", "--json"
    )
    assert result.exit_code == 0, result.stderr
    assert [method["name"] for method in json.loads(result.stdout)["methods"]] == ["ivif-fast", "ivif", "mean"]


def test_each_prompt_and_goal_is_a_method(folders: Path) -> None:
    from ivif_cli import Fuser

    said = ("--prompt", "a dark image", "--goal", "salient", "--metrics", "EN", "-m", "base", "--device", "cpu")
    result = _run(*_sources(folders), *said, "--fused", folders / "mean", "--json")
    assert result.exit_code == 0, result.stderr
    dark, named, folder = json.loads(result.stdout)["methods"]
    assert (dark["name"], named["name"], folder["name"]) == ("ivif: dark", "ivif: salient", "mean")
    ir, vis = (cv2.imread(str(folders / source / "01.png"), 0) for source in ("ir", "vi"))
    for method, goal in ((dark, "a dark image"), (named, "salient")):
        expected = evaluate_pair(ir, vis, Fuser("base", device="cpu").fuse(ir, vis, goal=goal), ("EN",))
        assert method["images"][0] == {"name": "01"} | expected
    unknown = _run(*_sources(folders), "--goal", "nonsense")
    assert unknown.exit_code == 2
    assert "unknown goal: nonsense" in unknown.stderr


def test_missing_fused_pictures_are_a_partial_failure(folders: Path) -> None:
    (folders / "mean" / "01.png").unlink()
    both = ("--fused", folders / "mean", "--fused", folders / "max")
    result = _run(*_sources(folders), *both, "--json")
    assert result.exit_code == 1
    first, second = json.loads(result.stdout)["methods"]
    assert first["failed"] == [{"name": "01", "error": "no fused picture of this pair in mean"}]
    assert len(second["images"]) == 3
    assert "over different pictures" in result.stderr
    common = _run(*_sources(folders), *both, "--json", "--common")
    assert common.exit_code == 0
    assert [len(method["images"]) for method in json.loads(common.stdout)["methods"]] == [2, 2]


def test_sixteen_bits_need_to_be_asked_for(folders: Path) -> None:
    deep = cv2.imread(str(folders / "mean" / "01.png"), 0).astype(np.uint16) * 257
    cv2.imwrite(str(folders / "mean" / "01.png"), deep)
    arguments = (*_sources(folders), "--fused", folders / "mean", "--json")
    refused = _run(*arguments)
    assert refused.exit_code == 1
    assert "--bit-depth 8" in refused.stderr
    mapped = json.loads(_run(*arguments, "--bit-depth", "8").stdout)["methods"][0]["images"][0]
    read = [cv2.imread(str(folders / folder / "01.png"), 0) for folder in ("ir", "vi")]
    assert mapped == {"name": "01"} | evaluate_pair(*read, (deep // 257).astype(np.uint8), NAMES)


def test_explain_says_what_others_do() -> None:
    result = _run("--explain", "vif")
    assert result.exit_code == 0
    assert result.stdout.startswith("VIF\n")
    assert "Sheikh and Bovik" in result.stdout
    assert "zero-padded" in result.stdout
    assert _run("--explain", "LDS").stdout.startswith("LDS\n")
    assert {"VIF", "K", "LDS"} <= set(_run("--explain", "all").stdout.splitlines())


def test_conventions_differ_as_they_say(folders: Path) -> None:
    def mean(convention: str) -> float:
        arguments = ("--fused", folders / "max", "--metrics", "MI", "--convention", convention, "--json")
        report = json.loads(_run(*_sources(folders), *arguments).stdout)
        assert report["metrics"]["MI"]["convention"] == convention
        return float(report["methods"][0]["mean"]["MI"])

    assert mean("cddfuse") == pytest.approx(mean("ivif") * np.log(2))


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
        (("--fused", "=x"), 2, "not of the form NAME=DIR"),
        (("--metrics", ","), 2, "--metrics names no metric"),
    ],
)
def test_bad_options_get_one_line(folders: Path, arguments: tuple[str, ...], status: int, message: str) -> None:
    result = _run(*_sources(folders), "--fused", folders / "mean", *arguments)
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
    result = _run(*arguments)
    assert result.exit_code == status
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_two_methods_of_one_name_are_refused(folders: Path) -> None:
    result = _run(*_sources(folders), "--fused", folders / "mean", "--fused", f"mean={folders / 'max'}")
    assert result.exit_code == 2
    assert "two methods are called mean" in result.stderr


def test_without_fused_pictures_the_model_fuses_first(folders: Path) -> None:
    from ivif_cli import Fuser

    html = folders / "report.html"
    result = _run(*_sources(folders), "--json", "--device", "cpu", "--report", html)
    assert result.exit_code == 0, result.stderr
    (method,) = json.loads(result.stdout)["methods"]
    fuser = Fuser(device="cpu")
    assert (method["name"], method["weights_sha256"]) == ("ivif", fuser.sha256)
    ir, vis = (cv2.imread(str(folders / folder / "01.png"), 0) for folder in ("ir", "vi"))
    assert method["images"][0] == {"name": "01"} | evaluate_pair(ir, vis, fuser.fuse(ir, vis), NAMES)
    assert html.read_text().count("data:image/webp") >= 9
