"""`ivif evaluate` from outside: results, methods, metrics, what has no value."""

import csv
import hashlib
import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ivif_cli import evaluate_pair
from tests.commands.evaluating import NAMES, run, sources


def test_json_keeps_its_schema(folders: Path) -> None:
    result = run(*sources(folders), "--fused", folders / "mean", "--json")
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
    result = run(
        *sources(folders),
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


def test_groups_of_metrics_can_be_mixed_with_names(folders: Path) -> None:
    def names(metrics: str, *more: str) -> list[str]:
        result = run(*sources(folders), "--fused", folders / "max", "--metrics", metrics, *more, "--json")
        return list(json.loads(result.stdout)["methods"][0]["mean"])

    assert names("six,ag") == ["EN", "SD", "SF", "MI", "VIF", "Qabf", "AG"]
    assert names("all", "--convention", "vifb") == ["EN", "SD", "SF", "MI", "Qabf", "AG", "MSE", "PSNR", "SSIM"]
    assert names("EN", "--min", "CC=0") == ["EN", "CC"]
    assert names("default") == list(NAMES)


def test_the_language_score_names_its_encoder(folders: Path) -> None:
    result = run(*sources(folders), "--fused", folders / "max", "--metrics", "EN,LDS", "--json")
    report = json.loads(result.stdout)
    assert -1 <= report["methods"][0]["mean"]["LDS"] <= 1
    assert report["metrics"]["LDS"]["convention"].startswith("encoder compact")
    assert "LDS: encoder compact" in result.stderr


def test_a_value_that_is_not_defined_is_null_and_named(folders: Path) -> None:
    cv2.imwrite(str(folders / "ir" / "01.png"), np.full((48, 60), 80, np.uint8))
    result = run(*sources(folders), "--fused", folders / "mean", "--json")
    (method,) = json.loads(result.stdout)["methods"]
    assert method["images"][0]["VIF"] is None
    assert method["undefined"] == {name: {"01": "constant picture: infrared"} for name in ("VIF", "K")}
    assert method["mean"]["VIF"] == pytest.approx(np.mean([image["VIF"] for image in method["images"][1:]]))
    assert "VIF has no value for 01 (constant picture: infrared)" in result.stderr


def test_csv_has_every_value(folders: Path) -> None:
    rows = list(
        csv.DictReader(io.StringIO(run(*sources(folders), "--fused", folders / "max", "--format", "csv").stdout))
    )
    assert [row["kind"] for row in rows] == ["image"] * 3 + ["mean", "low95", "high95", "p10"]
    assert float(rows[3]["EN"]) == pytest.approx(np.mean([float(row["EN"]) for row in rows[:3]]))


@pytest.mark.parametrize(("style", "best"), [("markdown", "**"), ("latex", r"\textbf{"), ("table", "*")])
def test_tables_mark_the_best(folders: Path, style: str, best: str) -> None:
    fused = ("--fused", f"a_b={folders / 'mean'}", "--fused", f"c={folders / 'max'}")
    result = run(*sources(folders), *fused, "--format", style)
    assert result.exit_code == 0
    assert best in result.stdout
    assert ("a\\_b" if style != "table" else "a_b") in result.stdout


def test_a_model_is_ranked_with_folders(folders: Path) -> None:
    result = run(
        *sources(folders), "--fused", folders / "mean", "-m", "fast", "-m", "base", "--metrics", "EN", "--json"
    )
    assert result.exit_code == 0, result.stderr
    assert [method["name"] for method in json.loads(result.stdout)["methods"]] == ["ivif-fast", "ivif", "mean"]


def test_models_of_one_name_are_told_apart_by_what_was_typed(folders: Path) -> None:
    again = folders / "fast.safetensors"
    again.write_bytes(Path("weights/fast.safetensors").read_bytes())
    result = run(*sources(folders), "-m", "fast", "-m", again, "-m", "base", "--metrics", "EN", "--json")
    assert result.exit_code == 0, result.stderr
    names = [method["name"] for method in json.loads(result.stdout)["methods"]]
    assert names == ["ivif-fast (fast)", f"ivif-fast ({again})", "ivif"]
    twice = run(*sources(folders), "-m", "fast", "-m", "fast")
    assert twice.exit_code == 2 and "two methods are called ivif-fast (fast)" in twice.stderr


def test_each_prompt_and_goal_is_a_method(folders: Path) -> None:
    from ivif_cli import Fuser

    said = ("--prompt", "a dark image", "--goal", "salient", "--metrics", "EN", "-m", "base", "--device", "cpu")
    result = run(*sources(folders), *said, "--fused", folders / "mean", "--json")
    assert result.exit_code == 0, result.stderr
    dark, named, folder = json.loads(result.stdout)["methods"]
    assert (dark["name"], named["name"], folder["name"]) == ("ivif: dark", "ivif: salient", "mean")
    ir, vis = (cv2.imread(str(folders / source / "01.png"), 0) for source in ("ir", "vi"))
    for method, goal in ((dark, "a dark image"), (named, "salient")):
        expected = evaluate_pair(ir, vis, Fuser("base", device="cpu").fuse(ir, vis, goal=goal), ("EN",))
        assert method["images"][0] == {"name": "01"} | expected
    unknown = run(*sources(folders), "--goal", "nonsense")
    assert unknown.exit_code == 2
    assert "unknown goal: nonsense" in unknown.stderr


def test_missing_fused_pictures_are_a_partial_failure(folders: Path) -> None:
    (folders / "mean" / "01.png").unlink()
    both = ("--fused", folders / "mean", "--fused", folders / "max")
    result = run(*sources(folders), *both, "--json")
    assert result.exit_code == 1
    first, second = json.loads(result.stdout)["methods"]
    assert first["failed"] == [{"name": "01", "error": "no fused picture of this pair in mean"}]
    assert len(second["images"]) == 3
    assert "over different pictures" in result.stderr
    common = run(*sources(folders), *both, "--json", "--common")
    assert common.exit_code == 0
    assert [len(method["images"]) for method in json.loads(common.stdout)["methods"]] == [2, 2]


def test_sixteen_bits_need_to_be_asked_for(folders: Path) -> None:
    deep = cv2.imread(str(folders / "mean" / "01.png"), 0).astype(np.uint16) * 257
    cv2.imwrite(str(folders / "mean" / "01.png"), deep)
    arguments = (*sources(folders), "--fused", folders / "mean", "--json")
    refused = run(*arguments)
    assert refused.exit_code == 1
    assert "--bit-depth 8" in refused.stderr
    mapped = json.loads(run(*arguments, "--bit-depth", "8").stdout)["methods"][0]["images"][0]
    read = [cv2.imread(str(folders / folder / "01.png"), 0) for folder in ("ir", "vi")]
    assert mapped == {"name": "01"} | evaluate_pair(*read, (deep // 257).astype(np.uint8), NAMES)


def test_explain_says_what_others_do() -> None:
    result = run("--explain", "vif")
    assert result.exit_code == 0
    assert result.stdout.startswith("VIF\n")
    assert "Sheikh and Bovik" in result.stdout
    assert "zero-padded" in result.stdout
    assert run("--explain", "LDS").stdout.startswith("LDS\n")
    assert {"VIF", "K", "LDS"} <= set(run("--explain", "all").stdout.splitlines())


def test_conventions_differ_as_they_say(folders: Path) -> None:
    def mean(convention: str) -> float:
        arguments = ("--fused", folders / "max", "--metrics", "MI", "--convention", convention, "--json")
        report = json.loads(run(*sources(folders), *arguments).stdout)
        assert report["metrics"]["MI"]["convention"] == convention
        return float(report["methods"][0]["mean"]["MI"])

    assert mean("cddfuse") == pytest.approx(mean("ivif") * np.log(2))


def test_methods_in_colour_are_named_in_one_line(folders: Path) -> None:
    for name in ("mean", "max"):
        for path in (folders / name).iterdir():
            picture = cv2.imread(str(path), 0)
            cv2.imwrite(str(path), cv2.merge([picture, picture, 255 - picture]))
    both = ("--fused", folders / "mean", "--fused", folders / "max", "--metrics", "EN")
    lines = run(*sources(folders), *both).stderr.splitlines()
    assert [line for line in lines if "colour" in line] == [
        "In colour, scored by their luma (in vifb by channel): mean, max."
    ]


def test_two_methods_of_one_name_are_refused(folders: Path) -> None:
    result = run(*sources(folders), "--fused", folders / "mean", "--fused", f"mean={folders / 'max'}")
    assert result.exit_code == 2
    assert "two methods are called mean" in result.stderr


def test_without_fused_pictures_the_model_fuses_first(folders: Path) -> None:
    from ivif_cli import Fuser

    html = folders / "report.html"
    result = run(*sources(folders), "--json", "--device", "cpu", "--report", html)
    assert result.exit_code == 0, result.stderr
    (method,) = json.loads(result.stdout)["methods"]
    fuser = Fuser(device="cpu")
    assert (method["name"], method["weights_sha256"]) == ("ivif", fuser.sha256)
    ir, vis = (cv2.imread(str(folders / folder / "01.png"), 0) for folder in ("ir", "vi"))
    assert method["images"][0] == {"name": "01"} | evaluate_pair(ir, vis, fuser.fuse(ir, vis), NAMES)
    assert html.read_text().count("data:image/webp") >= 9
