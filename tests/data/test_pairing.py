"""Pairs are made by stem, and everything left out is named."""

from pathlib import Path

import pytest

from ivif_cli.core.data.pairing import match_outputs, pair_folders
from ivif_cli.core.errors import InputError, PairingError


def folder(root: Path, *names: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def paired(tmp_path: Path, ir: list[str], vis: list[str]) -> list[tuple[str, str, str]]:
    found = pair_folders(folder(tmp_path / "A", *ir), folder(tmp_path / "B", *vis))
    return [(p.name, p.ir.name, p.vis.name) for p in found.pairs]


def test_by_stem_and_never_by_order(tmp_path: Path) -> None:
    found = paired(tmp_path, ["01.png", "02.png", "04.png"], ["02.jpg", "03.png", "04.BMP"])
    assert found == [("02", "02.png", "02.jpg"), ("04", "04.png", "04.BMP")]


@pytest.mark.parametrize(
    ("ir", "vis", "name"),
    [
        ("a_ir.png", "a_vis.png", "a"),
        ("a_IR.bmp", "a_Vis.bmp", "a"),
        ("IR1.bmp", "VIS1.bmp", "1"),
        ("street-thermal.png", "street-rgb.jpg", "street"),
        ("street.png", "street_visible.jpg", "street"),
        ("Athena 1i.png", "Athena 1v.png", "Athena 1"),
        ("a/ir.png", "a/vis.png", "a"),
        ("Scene.png", "scene.png", "Scene"),
        ("u\u0308.png", "\u00fc.png", "\u00fc"),
    ],
)
def test_markers_case_and_unicode_forms_do_not_matter(tmp_path: Path, ir: str, vis: str, name: str) -> None:
    assert [p[0] for p in paired(tmp_path, [ir], [vis])] == [name]


@pytest.mark.parametrize(("ir", "vis"), [("fair.png", "fa.png"), ("air.png", "avis.png"), ("a1.png", "a2.png")])
def test_letters_that_only_look_like_a_marker_are_part_of_the_name(tmp_path: Path, ir: str, vis: str) -> None:
    with pytest.raises(PairingError, match="no pair"):
        paired(tmp_path, [ir], [vis])


def test_exact_stems_come_before_stripped_ones(tmp_path: Path) -> None:
    found = paired(tmp_path, ["a.png", "a_ir.png"], ["a.png", "a_vis.png"])
    assert found == [("a", "a.png", "a.png"), ("a_ir", "a_ir.png", "a_vis.png")]


def test_sub_folders_keep_scenes_apart(tmp_path: Path) -> None:
    found = paired(tmp_path, ["x/01.png", "y/01.png"], ["x/01.png", "y/deep/01.png"])
    assert [p[0] for p in found] == ["x/01"]


def test_unmatched_and_duplicates_are_named(tmp_path: Path) -> None:
    found = pair_folders(
        folder(tmp_path / "A", "1.png", "2.png", "3.png", "3.tif"), folder(tmp_path / "B", "1.png", "3.png", "4.png")
    )
    assert [p.name for p in found.pairs] == ["1"]
    assert [p.name for p in found.unmatched_ir] == ["2.png"]
    assert [p.name for p in found.unmatched_vis] == ["3.png", "4.png"]
    assert [[p.name for p in group] for group in found.duplicates] == [["3.png", "3.tif"]]
    text = "\n".join(found.complaints())
    assert all(name in text for name in ("2.png", "4.png", "3.tif"))


def test_other_files_and_hidden_ones_are_passed_over(tmp_path: Path) -> None:
    assert len(paired(tmp_path, ["1.png", "notes.txt", ".1.png"], ["1.png", "Thumbs.db"])) == 1


def test_no_pair_and_no_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(PairingError, match="no pair in"):
        paired(tmp_path, ["1.png"], ["2.png"])
    with pytest.raises(InputError, match="does not exist"):
        pair_folders(tmp_path / "gone", tmp_path / "B")
    with pytest.raises(InputError, match="not a folder"):
        pair_folders(tmp_path / "A" / "1.png", tmp_path / "B")


def test_symlink_loops_end(tmp_path: Path) -> None:
    ir, vis = folder(tmp_path / "A", "s/1.png"), folder(tmp_path / "B", "s/1.png")
    (ir / "s" / "loop").symlink_to(ir)
    (vis / "s" / "loop").symlink_to(vis / "s")
    assert [p.name for p in pair_folders(ir, vis).pairs] == ["s/1"]


def test_links_to_other_folders_are_followed(tmp_path: Path) -> None:
    ir, vis = folder(tmp_path / "A", "s/1.png"), folder(tmp_path / "B", "s/1.png")
    (ir / "t").symlink_to(ir / "s")
    (vis / "t").symlink_to(vis / "s")
    assert [p.name for p in pair_folders(ir, vis).pairs] == ["s/1", "t/1"]


def test_names_with_spaces_unicode_and_globs(tmp_path: Path) -> None:
    names = ["a b.png", "[1]*.png", "红外?.png"]
    assert [p[1] for p in paired(tmp_path, names, names)] == sorted(names)


def test_outputs_are_matched_by_stem(tmp_path: Path) -> None:
    pairing = pair_folders(
        folder(tmp_path / "A", "1_ir.png", "2.png", "s/3.png", "4.png"),
        folder(tmp_path / "B", "1_vis.png", "2.png", "s/3.png", "4.png"),
    )
    fused = folder(tmp_path / "F", "1.png", "2_fused.jpg", "s/3.bmp")
    found = {name: path.name for name, path in match_outputs(pairing.pairs, fused).items()}
    assert found == {"1": "1.png", "2": "2_fused.jpg", "s/3": "3.bmp"}


def test_two_outputs_of_one_pair_are_refused(tmp_path: Path) -> None:
    pairing = pair_folders(folder(tmp_path / "A", "1.png"), folder(tmp_path / "B", "1.png"))
    with pytest.raises(PairingError, match="claim"):
        match_outputs(pairing.pairs, folder(tmp_path / "F", "1.png", "1.jpg"))


@pytest.mark.parametrize(
    ("ir", "vis"),
    [
        ("DJI_20251111001903_0047_T.png", "DJI_20251111001903_0047_W.png"),
        ("DJI_20251111001903_0047_T.png", "DJI_20251111001903_0047_V.png"),
        ("82.png", "00082.png"),
        ("frame_7_ir.png", "frame_007_vis.png"),
    ],
)
def test_names_of_cameras_and_other_padding_pair(tmp_path: Path, ir: str, vis: str) -> None:
    pairing = pair_folders(folder(tmp_path / "ir", ir), folder(tmp_path / "vi", vis))
    assert len(pairing.pairs) == 1


def test_fused_pictures_may_carry_the_name_of_their_method(tmp_path: Path) -> None:
    stems = "00000", "00000_b"
    sources = (folder(tmp_path / name, *(f"{stem}.png" for stem in stems)) for name in ("ir", "vi"))
    fused = folder(tmp_path / "fused", *(f"{stem}_SeAFusion.png" for stem in stems))
    found = match_outputs(pair_folders(*sources).pairs, fused)
    assert {name: path.stem for name, path in found.items()} == {
        "00000": "00000_SeAFusion",
        "00000_b": "00000_b_SeAFusion",
    }


@pytest.mark.parametrize(
    ("pairs", "fused", "expected"),
    [
        (("car", "car_2"), ("car_2.png",), {"car_2": "car_2.png"}),
        (("night",), ("night_2.png",), {}),
        (("1700000000",), ("1700000000.500.png",), {}),
        (("car", "car_b"), ("car_b.png", "car_a.png"), {"car_b": "car_b.png", "car": "car_a.png"}),
        (("1", "2"), ("1_SeAFusion.png", "2.png"), {"1": "1_SeAFusion.png", "2": "2.png"}),
    ],
)
def test_a_fused_picture_is_of_one_pair_and_not_of_another(
    tmp_path: Path, pairs: tuple[str, ...], fused: tuple[str, ...], expected: dict[str, str]
) -> None:
    sources = (folder(tmp_path / name, *(f"{stem}.png" for stem in pairs)) for name in ("ir", "vi"))
    found = match_outputs(pair_folders(*sources).pairs, folder(tmp_path / "fused", *fused))
    assert {name: path.name for name, path in found.items()} == expected


@pytest.mark.parametrize(
    ("pairs", "fused", "said"),
    [
        (("1", "2"), ("1_SeAFusion.png", "2_IFCNN.png"), "end in _IFCNN, _SeAFusion"),
        (("a_1", "a_01"), ("a_001.png",), "could be of the pairs a_01, a_1"),
    ],
)
def test_fused_pictures_that_could_be_of_several_are_refused(
    tmp_path: Path, pairs: tuple[str, ...], fused: tuple[str, ...], said: str
) -> None:
    sources = (folder(tmp_path / name, *(f"{stem}.png" for stem in pairs)) for name in ("ir", "vi"))
    with pytest.raises(PairingError, match=said):
        match_outputs(pair_folders(*sources).pairs, folder(tmp_path / "fused", *fused))
