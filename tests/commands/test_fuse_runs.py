"""Runs of `ivif fuse` over a folder: one range for all, a record in every picture, polarity, palettes, borders."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from ivif_cli.app import app
from ivif_cli.core.aligning.alignment import Alignment, save_alignment
from ivif_cli.core.data.images import read_image, write_image
from ivif_cli.core.data.palettes import palettes
from ivif_cli.core.data.placing import warp_border
from ivif_cli.core.data.sources import SourceOptions, load_pair, read_infrared
from ivif_cli.core.fusing.provenance import read_record
from ivif_cli.core.network import save_network
from tests.made_up import small_network


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Weights of a small fresh network."""
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_network(path, *small_network())
    return str(path)


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """Two thermal frames of equal background; an engine enters in the second (AUDIT 6)."""
    rng = np.random.default_rng(1)
    frame = rng.integers(7000, 7400, (120, 160)).astype(np.uint16)
    frame[40:80, 30:38] = 7900
    for name in ("1", "2"):
        if name == "2":
            frame[90:110, 120:136] = 16000
        write_image(tmp_path / "ir" / f"{name}.png", frame)
        write_image(tmp_path / "vi" / f"{name}.png", np.full((120, 160), 60, np.uint8))
    return tmp_path


def fuse(model: str, root: Path, *more: object) -> Result:
    given = ["fuse", "--ir", root / "ir", "--vis", root / "vi", "-o", root / "out", "-m", model, "--device", "cpu"]
    return CliRunner().invoke(app, [str(argument) for argument in (*given, *more)])


def report(result: Result) -> dict:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_hot_object_does_not_darken_the_others_of_its_run(model: str, street: Path) -> None:
    made = report(fuse(model, street, "--json", "--bit-depth", "8"))
    low, high = made["ir_range"]["held"]["counts"]
    assert made["ir_range"]["scope"] == "run"
    assert low < 7010 and 7390 < high < 8000
    one, two = (read_image(street / "out" / f"{name}.png").astype(int) for name in ("1", "2"))
    assert abs(one[45:75, 31:37].mean() - two[45:75, 31:37].mean()) < 3
    assert made["fused"][0]["infrared"]["high"] == high


def test_each_picture_by_itself_where_asked(model: str, street: Path) -> None:
    made = report(fuse(model, street, "--json", "--ir-range", "picture"))
    assert made["ir_range"] == {"rule": "picture", "scope": "picture", "held": {}}
    assert made["fused"][1]["infrared"]["high"] > 15000 > made["fused"][0]["infrared"]["high"]


def test_what_auto_did_is_said_once(model: str, street: Path) -> None:
    said = fuse(model, street).stderr.splitlines()
    assert sum("became black to white in all pictures" in line for line in said) == 1


def test_only_pictures_of_the_same_settings_and_sources_are_reused(model: str, street: Path) -> None:
    assert len(report(fuse(model, street, "--json"))["fused"]) == 2
    assert len(report(fuse(model, street, "--json"))["skipped"]) == 2
    again = report(fuse(model, street, "--json", "--ir-range", "full"))
    assert [item["name"] for item in again["remade"]] == ["1", "2"]
    assert again["remade"][0]["other"][0] == "ir_range"
    write_image(street / "vi" / "2.png", np.full((120, 160), 90, np.uint8), overwrite=True)
    changed = report(fuse(model, street, "--json", "--ir-range", "full"))
    assert [(item["name"], item["other"]) for item in changed["remade"]] == [("2", ["sources"])]


def test_pictures_that_do_not_say_what_made_them_are_kept_and_named(model: str, street: Path) -> None:
    write_image(street / "out" / "1.png", np.zeros((3, 3), np.uint8))
    done = fuse(model, street)
    assert "do not say what made them" in done.stderr
    assert read_image(street / "out" / "1.png").shape == (3, 3)


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg"])
def test_pictures_say_what_made_them_and_keep_what_their_source_said(model: str, tmp_path: Path, suffix: str) -> None:
    write_image(tmp_path / "ir.png", np.random.default_rng(2).integers(0, 256, (32, 48), np.uint8))
    visible = Image.new("RGB", (32, 48), (90, 60, 30))
    exif = visible.getexif()
    exif[0x010F], exif[0x0112] = "ACME", 6
    exif.get_ifd(0x8825)[1] = "N"
    visible.save(tmp_path / "vi.jpg", exif=exif)
    out = tmp_path / f"out.{suffix}"
    given = ["fuse", "--ir", tmp_path / "ir.png", "--vis", tmp_path / "vi.jpg", "-o", out, "-m", model, "--json"]
    done = CliRunner().invoke(app, [str(argument) for argument in given])
    assert "orientation" in report(done)["fused"][0]["notes"][0]
    record = read_record(out)
    assert record and record["weights_sha256"] == report(done)["weights_sha256"]
    assert [source["file"] for source in record["sources"]] == ["ir.png", "vi.jpg"]
    with Image.open(out) as made:
        assert made.size == (48, 32)
        kept = made.getexif()
        assert kept[0x010F] == "ACME" and kept.get(0x0112, 1) == 1 and kept.get_ifd(0x8825)[1] == "N"


def test_black_hot_is_turned_round(model: str, street: Path) -> None:
    white = cv2.normalize(read_image(street / "ir" / "1.png"), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    for name in ("1", "2"):
        write_image(street / "ir" / f"{name}.png", 255 - white, overwrite=True)
    report(fuse(model, street, "--json", "--ir-polarity", "black"))
    turned = read_image(street / "out" / "1.png")
    assert turned[45:75, 31:37].mean() > turned[5:35].mean()
    assert fuse(model, street, "--ir-polarity", "grey").exit_code == 2


@pytest.mark.parametrize("name", sorted(palettes()))
def test_false_colour_of_a_known_palette_goes_back_to_grey(name: str, tmp_path: Path) -> None:
    grey = cv2.resize(np.random.default_rng(3).integers(0, 256, (6, 8), np.uint8), (80, 60))
    write_image(tmp_path / "ir.jpg", palettes()[name][grey])
    found = read_infrared(tmp_path / "ir.jpg")
    assert np.abs(found.values.astype(int) - grey).mean() < 3 and name in found.notes[0]


def test_colour_of_no_palette_is_refused_with_the_way_out(model: str, street: Path) -> None:
    colours = np.random.default_rng(4).integers(0, 256, (120, 160, 3), np.uint8)
    for name in ("1", "2"):
        write_image(street / "ir" / f"{name}.png", colours, overwrite=True)
    refused = fuse(model, street)
    assert refused.exit_code == 1 and "swapped" in refused.stderr and "--ir-range full" in refused.stderr
    assert fuse(model, street, "--ir-range", "full").exit_code == 0


def test_the_border_of_a_warp_shows_the_visible_picture(tmp_path: Path) -> None:
    warp = np.float64([[1, 0.05, 14], [0.02, 1, 9], [0, 0, 1]])
    scene = np.random.default_rng(5).integers(60, 200, (120, 160), np.uint8)
    write_image(tmp_path / "ir.png", cv2.warpPerspective(scene, warp, (160, 120)))
    write_image(tmp_path / "vi.png", np.full((120, 160), 150, np.uint8))
    covered = load_pair(tmp_path / "ir.png", tmp_path / "vi.png", SourceOptions()).ir
    assert covered.min() >= 60 and (covered[:6, :10] == 150).all()
    scored = load_pair(tmp_path / "ir.png", tmp_path / "vi.png", SourceOptions()).scored
    assert np.array_equal(scored, read_image(tmp_path / "ir.png"))


def test_a_dark_sky_is_scene() -> None:
    scene = np.full((120, 160), 90, np.uint8)
    for column in range(160):
        scene[: 30 + int(20 * np.sin(column / 9)), column] = 0
    assert warp_border(scene) is None


def test_a_manifest_names_pairs_and_outputs(model: str, street: Path) -> None:
    (street / "pairs.csv").write_text("ir,vis,out,name\nir/1.png,vi/2.png,a/first.png,\nir/2.png,vi/1.png,,other\n")
    out = street / "made"
    given = ["fuse", "--manifest", street / "pairs.csv", "-o", out, "-m", model, "--json"]
    made = report(CliRunner().invoke(app, [str(argument) for argument in given]))
    assert [(Path(item["ir"]).name, Path(item["vis"]).name) for item in made["fused"]] == [
        ("1.png", "2.png"),
        ("2.png", "1.png"),
    ]
    assert (out / "a" / "first.png").exists() and (out / "other.png").exists()


@pytest.mark.parametrize(
    ("text", "said"), [("a,b\n1,2\n", "columns"), ("", "columns"), ("ir,vis,name\na,b,x\nc,d,x\n", "called x")]
)
def test_a_manifest_that_is_none_is_refused(model: str, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "pairs.csv").write_text(text)
    given = ["fuse", "--manifest", tmp_path / "pairs.csv", "-o", tmp_path / "out", "-m", model]
    refused = CliRunner().invoke(app, [str(argument) for argument in given])
    assert refused.exit_code == 1 and said in refused.stderr


def test_patterns_in_quotes_are_pairs_too(model: str, street: Path) -> None:
    out = street / "made"
    given = ["fuse", "--ir", street / "ir" / "*.png", "--vis", street / "vi" / "*.png", "-o", out, "-m", model]
    assert CliRunner().invoke(app, [str(argument) for argument in given]).exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == ["1.png", "2.png"]


def test_strict_refuses_before_any_work(model: str, street: Path) -> None:
    write_image(street / "ir" / "alone.png", np.zeros((4, 4), np.uint8))
    refused = fuse(model, street, "--strict")
    assert refused.exit_code == 1 and "alone.png" in refused.stderr and not (street / "out").exists()


def test_a_file_that_no_goal_writes_does_not_stand_in_the_way(model: str, street: Path) -> None:
    write_image(street / "one.png", np.zeros((2, 2), np.uint8))
    given = ["fuse", "--ir", street / "ir" / "1.png", "--vis", street / "vi" / "1.png", "-o", street / "one.png"]
    given += ["-m", model, "--goal", "bright", "--goal", "dark"]
    for status in (0, 1):
        result = CliRunner().invoke(app, [str(argument) for argument in given])
        assert result.exit_code == status, result.output
    assert "one-bright.png exists already" in result.stderr
    assert read_image(street / "one.png").shape == (2, 2)


def test_pictures_of_two_clocks_pair_within_the_stated_gap(model: str, street: Path) -> None:
    for folder, names in (("ir", ("1700000000.100", "1700000001.100")), ("vi", ("1700000000.117", "1700000001.190"))):
        for old, new in zip(("1", "2"), names, strict=True):
            (street / folder / f"{old}.png").rename(street / folder / f"{new}.png")
    refused = fuse(model, street)
    assert refused.exit_code == 1 and "--max-gap" in refused.stderr
    refused = fuse(model, street, "--max-gap", "0.05", "--strict")
    assert refused.exit_code == 1 and "1700000001.100.png" in refused.stderr and not (street / "out").exists()
    made = fuse(model, street, "--max-gap", "0.05", "--json")
    assert [item["name"] for item in report(made)["fused"]] == ["1700000000.100"]
    assert report(made)["unmatched_vis"] == [str(street / "vi" / "1700000001.190.png")]
    assert "1 pairs by time stamps, at most 0.017 s apart" in fuse(model, street, "--max-gap", "0.05").stderr
    assert (street / "out" / "1700000000.100.png").exists()


def test_the_infrared_pictures_are_written_as_they_lie_on_the_visible_ones(model: str, street: Path) -> None:
    (street / "rig.txt").write_text("1 0 20  0 1 10  0 0 1")
    aligned = street / "aligned"
    given = ("--align", street / "rig.txt", "--save-aligned", aligned)
    assert len(report(fuse(model, street, *given, "--json"))["fused"]) == 2
    written, source = read_image(aligned / "1.png"), read_image(street / "ir" / "1.png")
    assert (
        np.array_equal(written[10:, 20:], source[:-10, :-20]) and not written[:10].any() and not written[:, :20].any()
    )
    (aligned / "1.png").unlink()
    again = report(fuse(model, street, *given, "--json"))
    assert [item["other"] for item in again["remade"]] == [["aligned infrared"]] and (aligned / "1.png").exists()
    plain = report(fuse(model, street, "--json", "--overwrite"))
    assert [Path(item["output"]).name for item in plain["fused"]] == ["1.png", "2.png"]


def test_pictures_of_another_are_not_replaced_by_aligned_ones(model: str, street: Path) -> None:
    for folder in (street / "ir", street / "out", street):
        refused = fuse(model, street, "--save-aligned", folder)
        assert refused.exit_code == 2 and "folder of its own" in refused.stderr
    write_image(street / "mine" / "1.png", np.zeros((3, 3), np.uint8))
    partly = fuse(model, street, "--save-aligned", street / "mine")
    assert partly.exit_code == 1 and "another picture" in partly.stderr
    assert read_image(street / "mine" / "1.png").shape == (3, 3) and (street / "out" / "2.png").exists()


def test_another_field_of_view_is_cropped(model: str, street: Path) -> None:
    for name in ("1", "2"):
        write_image(street / "vi" / f"{name}.png", np.full((270, 480), 60, np.uint8), overwrite=True)
    made = report(fuse(model, street, "--crop", "centre", "--json"))
    assert {(item["width"], item["height"]) for item in made["fused"]} == {(360, 270)}
    again = report(fuse(model, street, "--crop", "0,0,160,120", "--json"))
    assert {tuple(item["other"]) for item in again["remade"]} == {("crop",)}
    assert fuse(model, street, "--crop", "everything").exit_code == 2


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("ir/1.png,vi/1.png,vi/1.png", "ir/2.png,vi/2.png,b.png"), "is an input"),
        (("ir/1.png,vi/1.png,same.png", "ir/2.png,vi/2.png,./same.png"), "two pairs of"),
        (("ir/1.png,vi/1.png,same.png,a", "ir/2.png,vi/2.png,./same.png,b"), "two pairs are written to"),
        (("ir/1.png,vi/1.png,2.png,a", "ir/2.png,vi/2.png,,"), "two pairs are written to"),
        (("ir/1.png,vi/1.png,a.png", "ir/2.png,,b.png"), "row 2 of"),
    ],
)
def test_a_manifest_that_would_lose_a_picture_is_refused(
    model: str, street: Path, rows: tuple[str, ...], said: str
) -> None:
    (street / "pairs.csv").write_text("\n".join(["ir,vis,out,name", *rows]))
    before = (street / "vi" / "1.png").read_bytes()
    given = ["fuse", "--manifest", street / "pairs.csv", "-o", street, "-m", model, "--overwrite"]
    done = CliRunner().invoke(app, [str(argument) for argument in given])
    assert done.exit_code != 0 and said in done.stderr
    assert (street / "vi" / "1.png").read_bytes() == before and len(list(street.glob("*.png"))) == 0


def test_pictures_of_another_alignment_are_made_again(model: str, street: Path) -> None:
    shifts = {name: np.array([[1, 0, shift], [0, 1, 0], [0, 0, 1.0]]) for name, shift in (("a", 0), ("b", 9))}
    rig = street / "rig.json"

    def aligned(name: str) -> dict:
        save_alignment(rig, Alignment(shifts[name], (160, 120), (160, 120)))
        return report(fuse(model, street, "--json", "--align", rig))

    assert len(aligned("a")["fused"]) == 2 and len(aligned("a")["skipped"]) == 2
    again = aligned("b")
    assert [item["name"] for item in again["remade"]] == ["1", "2"] and again["remade"][0]["other"] == ["align"]
    moved = rig.rename(street / "moved.json")
    assert len(report(fuse(model, street, "--json", "--align", moved))["skipped"]) == 2, "the same by another name"


def test_a_video_is_refused_where_several_processes_run(
    model: str, street: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    given = [
        "fuse",
        "--ir",
        street / "ir/%d.png",
        "--vis",
        street / "vi/%d.png",
        "-o",
        street / "out/%d.png",
        "-m",
        model,
    ]
    result = CliRunner().invoke(app, list(map(str, given)))
    assert result.exit_code == 2 and "videos are fused in one process" in result.stderr
    assert not (street / "out").exists()
