"""Named datasets are found in the plain layout and in the layout of their authors."""

from pathlib import Path

import pytest

from ivif_cli.core.data.datasets import DATASETS, open_dataset, open_folder
from ivif_cli.core.data.find_pairs import find_many
from ivif_cli.core.errors import DatasetError, UsageError

LAYOUTS = [
    ("TNO", "ir/01.png", "vi/01.png"),
    ("TNO", "IR1.bmp", "VIS1.bmp"),
    ("TNO", "Kaptein_IR.png", "Kaptein_Vis.png"),
    ("RoadScene", "cropinfrared/1.jpg", "crop_LR_visible/1.jpg"),
    ("MSRS", "test/ir/1.png", "test/vi/1.png"),
    ("MSRS", "train/ir/1.png", "train/vi/1.png"),
    ("M3FD", "Ir/1.png", "Vis/1.png"),
    ("LLVIP", "infrared/test/1.jpg", "visible/test/1.jpg"),
    ("VIFB", "IR/1.jpg", "VI/1.jpg"),
    ("FMB", "test/Infrared/00001.png", "test/Visible/00001.png"),
    ("PST900", "test/thermal/a.png", "test/rgb/a.png"),
    ("KAIST", "images/set06/V000/lwir/I00019.jpg", "images/set06/V000/visible/I00019.jpg"),
    ("FLIR", "train/thermal_8_bit/FLIR_00001.jpeg", "train/RGB/FLIR_00001.jpg"),
    ("FLIR", "val/thermal_8_bit/FLIR_08863.jpeg", "val/RGB/FLIR_08863.jpg"),
    ("CVC-14", "Night/FIR/NewTest/FramesPos/2014_1.tif", "Night/Visible/NewTest/FramesPos/2014_1.tif"),
    ("VTUAV", "test/ST/bus_001/ir/000000.jpg", "test/ST/bus_001/rgb/000000.jpg"),
]


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.mark.parametrize(("name", "ir", "vis"), LAYOUTS)
def test_native_layouts_in_the_root_or_under_its_name(tmp_path: Path, name: str, ir: str, vis: str) -> None:
    put(tmp_path / "data" / name, ir, vis)
    assert len(open_dataset(name, tmp_path / "data").pairs) == 1
    assert len(open_dataset(name.lower(), tmp_path / "data" / name).pairs) == 1
    assert len(open_folder(tmp_path / "data" / name).pairs) == 1


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


def test_infrared_as_a_fourth_channel_is_refused_with_the_way_out(tmp_path: Path) -> None:
    put(tmp_path, "images/00001D.png", "labels/00001D.png")
    with pytest.raises(DatasetError, match=r"images holds infrared as a fourth channel.*ir/NAME\.png"):
        open_dataset("MFNet", tmp_path)


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
