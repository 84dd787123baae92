"""The rows of the table of pairs of docs/inputs.md: both pictures of a scene are of one grey level, to tell pairs."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ivif_cli import evaluate_pair
from ivif_cli.core.data.find_pairs import find_pairs
from ivif_cli.core.data.images import read_image, write_image
from ivif_cli.core.data.pairing import Pairing
from tests.cases.runs import GREY, fuse, ivif, made


def put(root: Path, **levels: int) -> None:
    """Flat pictures: name -> grey level."""
    for name, level in levels.items():
        write_image(root / name, np.full((8, 8), level, np.uint8))


def met(pairing: Pairing) -> dict[str, tuple[int, int]]:
    """Name of each pair -> the levels of its pictures."""
    return {pair.name: (int(read_image(pair.ir)[0, 0]), int(read_image(pair.vis)[0, 0])) for pair in pairing.pairs}


@pytest.mark.row("two folders, at any depth")
def test_folders_pair_by_stem_then_without_marks_case_and_padding(tmp_path: Path) -> None:
    put(tmp_path / "ir", **{"01.png": 1, "b/deep/01.bmp": 2, "street_ir.png": 3, "night/yard-thermal.png": 4})
    put(tmp_path / "vi", **{"01.bmp": 1, "b/deep/01.png": 2, "street_vis.png": 3, "night/yard-rgb.png": 4})
    put(tmp_path / "ir", **{"DJI_0001_T.png": 5, "DJI_0002_T.png": 6, "Scene.png": 7, "82.png": 8, "f_007_ir.png": 9})
    put(tmp_path / "vi", **{"DJI_0001_W.png": 5, "DJI_0002_V.png": 6, "scene.png": 7, "00082.png": 8, "F_7_rgb.png": 9})
    put(tmp_path / "ir", **{"c/02.png": 100})
    put(tmp_path / "vi", **{"d/02.png": 101, "b/deep/03.png": 102})
    found = find_pairs(tmp_path / "ir", tmp_path / "vi").pairing
    assert sorted(met(found).values()) == [(level, level) for level in range(1, 10)]
    assert {"b/deep/01", "night/yard", "DJI_0001"} <= met(found).keys()
    assert [path.name for path in found.unmatched_ir + found.unmatched_vis] == ["02.png", "03.png", "02.png"]


@pytest.mark.row("patterns in quotes, `'a/*_ir.png'`")
def test_patterns_pair_likewise(tmp_path: Path) -> None:
    put(
        tmp_path / "a", **{"1_ir.png": 1, "1_vis.png": 1, "02_ir.png": 2, "2_VIS.png": 2, "x/3_ir.png": 3, "x/3.png": 3}
    )
    flat = find_pairs(tmp_path / "a" / "*_ir.png", tmp_path / "a" / "*_[vV]*.png").pairing
    assert met(flat) == {"1": (1, 1), "02": (2, 2)}
    deep = find_pairs(tmp_path / "a" / "**" / "*_ir.png", tmp_path / "a" / "**" / "3.png").pairing
    assert met(deep) == {"x/3": (3, 3)}


@pytest.mark.row("two folders or patterns with `--max-gap SECONDS`")
def test_what_is_left_pairs_by_the_nearest_time_stamps_of_one_sub_folder(tmp_path: Path) -> None:
    put(tmp_path / "ir", **{"same_ir.png": 1, "1700000000.100.png": 2, "1700000003.000.png": 103, "x/10.00.png": 4})
    put(tmp_path / "vi", **{"same_vis.png": 1, "1700000000.117.png": 2, "1700000000.150.png": 102, "x/10.04.png": 4})
    put(tmp_path / "vi", **{"1700000003.060.png": 104, "y/10.00.png": 105})
    found = find_pairs(tmp_path / "ir", tmp_path / "vi", max_gap=0.05).pairing
    assert sorted(met(found).values()) == [(1, 1), (2, 2), (4, 4)]
    assert len(found.unmatched_ir) == 1 and len(found.unmatched_vis) == 3 and found.by_time == 2
    patterns = find_pairs(tmp_path / "ir" / "1*.png", tmp_path / "vi" / "1*.png", max_gap=0.05).pairing
    assert list(met(patterns).values()) == [(2, 2)]


@pytest.mark.row("`--manifest pairs.csv`")
def test_a_manifest_pairs_by_its_columns_relative_to_itself(yard: Path) -> None:
    (yard / "lists").mkdir()
    rows = ("vis,ir,name,out", "../vi/2.png,../ir/1.png,,a/first.png", "../vi/1.png,../ir/2.png,other,")
    (yard / "lists" / "pairs.csv").write_text("\n".join(rows) + "\n")
    write_image(yard / "ir" / "2.png", 255 - GREY, overwrite=True)
    words = (
        "--manifest",
        yard / "lists" / "pairs.csv",
        "-o",
        yard / "made",
        "-m",
        yard / "first.safetensors",
        "--json",
    )
    fused = json.loads(made(ivif("fuse", *words)).stdout)["fused"]
    assert [(Path(one["ir"]).name, Path(one["vis"]).name) for one in fused] == [("1.png", "2.png"), ("2.png", "1.png")]
    for ir, vis, out in (("1", "2", "a/first"), ("2", "1", "other")):
        made(fuse(yard, f"ir/{ir}.png", f"vi/{vis}.png", f"{ir}.png"))
        assert np.array_equal(read_image(yard / "made" / f"{out}.png"), read_image(yard / f"{ir}.png"))


@pytest.mark.row("`--fused NAME=DIR` of `evaluate`")
def test_fused_pictures_pair_with_a_method_behind_their_stem(tmp_path: Path) -> None:
    rng, pictures = np.random.default_rng(3), {}
    for stem in ("00000", "00000_b", "7_ir"):
        ir, vis, fused = (cv2.blur(rng.integers(0, 256, (40, 40), np.uint8), (3, 3)) for _ in range(3))
        pictures[stem.removesuffix("_ir")] = ir, vis, fused
        names = ("ir", stem), ("vi", stem.replace("ir", "vis")), ("made", f"{stem.removesuffix('_ir')}_SeAFusion")
        for (folder, name), picture in zip(names, (ir, vis, fused), strict=True):
            write_image(tmp_path / folder / f"{name}.png", picture)
    words = ("--ir", tmp_path / "ir", "--vis", tmp_path / "vi", "--fused", f"SeA={tmp_path / 'made'}", "--json")
    (method,) = json.loads(made(ivif("evaluate", *words, "--metrics", "EN,MI")).stdout)["methods"]
    scores = {image["name"]: (image["EN"], image["MI"]) for image in method["images"]}
    expected = {name: evaluate_pair(*three, ("EN", "MI")) for name, three in pictures.items()}
    assert method["name"] == "SeA"
    assert scores == {name: (pytest.approx(one["EN"]), pytest.approx(one["MI"])) for name, one in expected.items()}
