"""Named datasets are found in the plain layout and in the layout of their authors."""

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ivif_cli.core.data.datasets import DATASETS, open_dataset, open_folder
from ivif_cli.core.data.find_pairs import find_many
from ivif_cli.core.data.pairing import Pairing
from ivif_cli.core.data.sources import SourceOptions, load_pair
from ivif_cli.core.errors import DatasetError, IvifError, UsageError


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def shot(root: Path, ir: str, vis: str, level: int) -> None:
    """A pair of that infrared level, the visible picture 100 levels brighter; JPEG, PNG, BMP or TIFF by its name."""
    for name, picture in ((ir, np.full((8, 8), level, np.uint8)), (vis, np.full((8, 8, 3), level + 100, np.uint8))):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(root / name), picture)


def levels(pairing: Pairing) -> list[tuple[int, int]]:
    """Infrared and visible level of each pair, as its files are read."""
    loaded = (load_pair(pair.ir, pair.vis, SourceOptions()) for pair in pairing.pairs)
    return [(int(one.ir[4, 4]), int(one.vis[4, 4].min())) for one in loaded]


def row(cell: str, ir: str, vis: str, *parts: str) -> Any:
    """A layout of a row of docs/inputs.md; `parts`: folders of what was held out and of the training part."""
    name = re.split("[ ,]", cell)[0]
    return pytest.param(name, ir, vis, parts, marks=pytest.mark.row(cell), id=cell)


@pytest.mark.parametrize(
    ("name", "ir", "vis", "parts"),
    [
        row("TNO", "IR1.bmp", "VIS1.bmp"),
        row("RoadScene", "cropinfrared/1.jpg", "crop_LR_visible/1.jpg"),
        row("MSRS", "test/ir/1.png", "test/vi/1.png", "test", "train"),
        row("M3FD", "Ir/1.png", "Vis/1.png"),
        row("LLVIP", "infrared/test/1.jpg", "visible/test/1.jpg", "test", "train"),
        row("VIFB", "IR/1.jpg", "VI/1.jpg"),
        row("FMB", "test/Infrared/00001.png", "test/Visible/00001.png", "test", "train"),
        row("PST900", "test/thermal/a.png", "test/rgb/a.png", "test", "train"),
        row("KAIST", "images/set06/V000/lwir/I9.jpg", "images/set06/V000/visible/I9.jpg", "set06", "set05"),
        row("FLIR ADAS v1", "val/thermal_8_bit/FLIR_08863.jpeg", "val/RGB/FLIR_08863.jpg", "val", "train"),
        row("FLIR, aligned", "align/JPEGImages/FLIR_2_PreviewData.jpeg", "align/JPEGImages/FLIR_2_RGB.jpg"),
        row("CVC-14", "Night/FIR/NewTest/Pos/2014_1.tif", "Night/Visible/NewTest/Pos/2014_1.tif", "NewTest", "Train"),
        row("VTUAV", "test_ST/animal_001/ir/000000.jpg", "test_ST/animal_001/rgb/000000.jpg", "test_ST", "train_ST"),
        ("TNO", "ir/01.png", "vi/01.png", ()),
        ("TNO", "Kaptein_IR.png", "Kaptein_Vis.png", ()),
        ("MSRS", "train/ir/1.png", "train/vi/1.png", ()),
        ("FLIR", "train/thermal_8_bit/FLIR_00001.jpeg", "train/RGB/FLIR_00001.jpg", ()),
        ("VTUAV", "test/ST/bus_001/ir/000000.jpg", "test/ST/bus_001/rgb/000000.jpg", ("test", "train")),
    ],
)
def test_native_layouts_in_the_root_or_under_its_name(
    tmp_path: Path, name: str, ir: str, vis: str, parts: tuple[str, str]
) -> None:
    root = tmp_path / "data" / name
    shot(root, ir, vis, 50)
    if parts:
        shot(root, ir.replace(*parts), vis.replace(*parts), 120)
        assert levels(open_dataset(name, root, split="train")) == [(120, 220)]
    assert levels(open_dataset(name, tmp_path / "data")) == [(50, 150)]
    assert levels(open_dataset(name.lower(), root)) == [(50, 150)]
    assert (50, 150) in levels(open_folder(root))


@pytest.mark.parametrize("name", DATASETS)
def test_every_set_may_have_the_plain_layout(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / name, "ir/1.png", "vi/1.png")
    monkeypatch.setenv("IVIF_DATA", str(tmp_path))
    assert len(open_dataset(name).pairs) == 1


def test_the_aligned_visible_folder_of_roadscene_is_taken(tmp_path: Path) -> None:
    put(tmp_path, "cropinfrared/1.jpg", "crop_LR_visible/1.jpg", "crop_HR_visible/1.jpg")
    assert open_dataset("RoadScene", tmp_path).pairs[0].vis.parent.name == "crop_LR_visible"


def test_the_test_part_is_taken_unless_another_is_named(tmp_path: Path) -> None:
    put(tmp_path, *(f"{part}/{kind}/{part}.png" for part in ("train", "test") for kind in ("ir", "vi")))
    assert open_dataset("MSRS", tmp_path).pairs[0].name == "test"
    assert open_dataset("MSRS", tmp_path, split="train").pairs[0].name == "train"


def test_a_missing_dataset_says_layout_place_and_publisher(tmp_path: Path) -> None:
    for root in (tmp_path, None):
        with pytest.raises(DatasetError) as caught:
            open_dataset("RoadScene", root)
        text = str(caught.value)
        assert "crop_LR_visible" in text and "github.com/hanna-xu/RoadScene" in text and "IVIF_DATA" in text
    with pytest.raises(DatasetError, match=str(tmp_path)):
        open_dataset("TNO", tmp_path)
    with pytest.raises(DatasetError, match="ir/ and vi/"):
        open_folder(tmp_path)


def test_folders_of_scenes_keep_apart_and_the_test_part_is_taken(tmp_path: Path) -> None:
    for scene in ("train/ST/a", "test/ST/a", "test/LT/b"):
        put(tmp_path, f"{scene}/ir/000000.jpg", f"{scene}/rgb/000000.jpg")
    names = [pair.name for pair in open_dataset("VTUAV", tmp_path).pairs]
    assert names == ["test/LT/b/000000", "test/ST/a/000000"]
    assert [pair.name for pair in open_dataset("VTUAV", tmp_path, split="train").pairs] == ["train/ST/a/000000"]


def test_the_sets_of_kaist_and_the_parts_of_vtuav_are_told_apart(tmp_path: Path) -> None:
    for scene in ("set05/V000", "set06/V001", "set11/V000"):
        put(tmp_path / "KAIST", f"images/{scene}/lwir/I00000.jpg", f"images/{scene}/visible/I00000.jpg")
    names = [pair.name for pair in open_dataset("KAIST", tmp_path).pairs]
    assert names == ["images/set06/V001/I00000", "images/set11/V000/I00000"]
    assert len(open_dataset("KAIST", tmp_path, split="train").pairs) == 1
    for scene in ("train_ST/bus_001", "test_LT/bus_002"):
        put(tmp_path / "VTUAV", f"{scene}/ir/000000.jpg", f"{scene}/rgb/000000.jpg")
    assert [pair.name for pair in open_dataset("VTUAV", tmp_path).pairs] == ["test_LT/bus_002/000000"]
    assert [pair.name for pair in open_dataset("VTUAV", tmp_path, split="train").pairs] == ["train_ST/bus_001/000000"]


def test_the_held_out_part_of_flir_is_taken_and_pictures_with_drawn_boxes_are_not(tmp_path: Path) -> None:
    for part in ("train", "val"):
        put(tmp_path / "1" / "FLIR", f"{part}/thermal_8_bit/{part}.jpeg", f"{part}/RGB/{part}.jpg")
    assert [pair.name for pair in open_dataset("FLIR", tmp_path / "1").pairs] == ["val"]
    for folder in ("JPEGImages", "AnnotatedImages"):
        put(tmp_path / "2", f"{folder}/FLIR_00002_PreviewData.jpeg", f"{folder}/FLIR_00002_RGB.jpg")
    (pair,) = open_dataset("FLIR", tmp_path / "2").pairs
    assert pair.name == "FLIR_00002" and pair.ir.parent.name == "JPEGImages"


@pytest.mark.row("FLIR ADAS v2")
@pytest.mark.parametrize("below", ["", "FLIR_ADAS_v2/"])
def test_the_map_of_flir_adas_v2_makes_its_pairs(tmp_path: Path, below: str) -> None:
    ir, vis = f"{below}video_thermal_test/data", f"{below}video_rgb_test/data"
    shot(tmp_path, f"{ir}/video-a-frame-000001-x.jpg", f"{vis}/video-b-frame-000009-y.jpg", 50)
    put(tmp_path, f"{vis}/video-b-frame-2-z.jpg")
    shot(tmp_path, *(f"{below}images_{kind}_train/data/video-c-frame-1-w.jpg" for kind in ("thermal", "rgb")), 120)
    pairs = {
        "video-b-frame-000009-y.jpg": "video-a-frame-000001-x.jpg",
        "video-b-frame-2-z.jpg": "video-a-frame-000002-gone.jpg",
    }
    (tmp_path / "rgb_to_thermal_vid_map.json").write_text(json.dumps(pairs))
    for found in (open_dataset("FLIR", tmp_path), open_folder(tmp_path)):
        assert [(pair.name, pair.vis.name) for pair in found.pairs] == [
            ("video-a-frame-000001-x", "video-b-frame-000009-y.jpg")
        ]
        assert [path.name for path in found.unmatched_vis] == ["video-b-frame-2-z.jpg"] and levels(found) == [(50, 150)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "cannot read"),
        ("[1]", "no map of pairs"),
        ('{"../a.jpg": "b.jpg"}', "no map of pairs"),
        ('{"a.jpg": 3}', "no map of pairs"),
        ('{"a.jpg": "b.jpg"}', "none of the 1 pairs"),
        ("{}", "none of the 0 pairs"),
        ("[" * 100_000, "cannot read"),
    ],
)
def test_a_map_that_names_no_pairs_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "rgb_to_thermal_vid_map.json").write_text(text)
    with pytest.raises(IvifError, match=reason):
        open_dataset("FLIR", tmp_path)


@pytest.mark.row("MFNet")
def test_infrared_as_a_fourth_channel_is_refused_with_the_way_out(tmp_path: Path) -> None:
    four = np.dstack([np.full((8, 8, 3), 150, np.uint8), np.full((8, 8), 50, np.uint8)])
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "00001D.png"), four)
    with pytest.raises(DatasetError, match=r"images holds infrared as a fourth channel.*ir/NAME\.png"):
        open_dataset("MFNet", tmp_path)
    for folder, channels in (("ir", four[..., 3]), ("vi", four[..., :3])):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "00001D.png"), channels)
    assert levels(open_dataset("MFNet", tmp_path)) == [(50, 150)]


def test_several_sources_are_named_apart_and_manifests_are_sources_too(tmp_path: Path) -> None:
    put(tmp_path / "own", "ir/1.png", "vi/1.png", "ir/alone.png")
    (tmp_path / "list.csv").write_text("ir,vis\nown/ir/1.png,own/vi/1.png\n")
    pairs, complaints = find_many([tmp_path / "own", tmp_path / "list.csv"], [], None)
    assert [pair.name for pair in pairs] == ["own/1", "list/1"]
    assert len(complaints) == 1 and "alone.png" in complaints[0]
    assert [pair.name for pair in find_many([tmp_path / "list.csv"], [], None)[0]] == ["1"]
    with pytest.raises(UsageError, match="nothing to train on"):
        find_many([], [], None)


def test_an_unknown_name_gets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean RoadScene"):
        open_dataset("roadscenes", tmp_path)


def test_real_sets_are_read_whole(shared_data: Path) -> None:
    for name, count in {"TNO": 42, "RoadScene": 64, "MSRS": 40, "M3FD": 6, "LLVIP": 8}.items():
        pairing = open_dataset(name, shared_data / "test")
        assert len(pairing.pairs) == count
        assert pairing.complaints() == []
