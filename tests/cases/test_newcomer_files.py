"""Kinds of files, of infrared pictures, and names that a newcomer has; numbered as in `test_newcomer.py`."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ivif_cli.core.data.images import read_image, write_image
from tests.cases.runs import GREY, VIS, fuse, ivif, made, people, refused, thermal


@pytest.mark.parametrize("suffix", ["webp", "gif", "pgm", "jp2", "npy"])
def test_infrared_of_a_common_kind_is_fused(yard: Path, suffix: str) -> None:
    """13: refused, although the decoders know it."""
    if suffix == "npy":
        np.save(yard / "ir.npy", GREY)
    elif suffix in ("pgm", "jp2"):
        cv2.imwrite(str(yard / f"ir.{suffix}"), GREY, [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000])
    else:
        Image.fromarray(GREY).save(yard / f"ir.{suffix}", lossless=True)
    made(fuse(yard, f"ir.{suffix}", "vi/1.png", "out.png"))
    made(fuse(yard, "ir/1.png", "vi/1.png", "plain.png"))
    assert np.array_equal(read_image(yard / "out.png"), read_image(yard / "plain.png"))


def test_integers_of_32_bits_and_degrees_without_data_at_the_edge_are_fused(yard: Path) -> None:
    """13: TIFF of int32, and of float with NaN, as registration leaves it."""
    Image.fromarray(thermal().astype(np.int32)).save(yard / "wide.tif")
    celsius = thermal() / np.float32(100) - 60
    celsius[:20] = np.nan
    write_image(yard / "celsius.tif", celsius)
    for name in ("wide", "celsius"):
        made(fuse(yard, f"{name}.tif", "vi/1.png", f"{name}.png"))
        assert people(read_image(yard / f"{name}.png")) > 40


def test_avif_is_refused_in_one_line(yard: Path) -> None:
    """13: not read, and said with what is."""
    (yard / "ir.avif").write_bytes(b"\0\0\0\x1cftypavif" + bytes(64))
    refused(fuse(yard, "ir.avif", "vi/1.png", "o.png"), 1, "is not a PNG, TIFF, JPEG, BMP, WebP, GIF")


def test_pages_and_transparency_that_are_left_out_are_said(yard: Path) -> None:
    """13: the first page alone was read, and alpha dropped, in silence."""
    Image.fromarray(GREY).save(yard / "ir.tif", save_all=True, append_images=[Image.fromarray(255 - GREY)])
    write = np.dstack([VIS, np.full(GREY.shape, 120, np.uint8)])
    cv2.imwrite(str(yard / "clear.png"), write)
    said = made(fuse(yard, "ir.tif", "clear.png", "o.png")).stderr
    assert "the first of its 2 pages" in said and "its transparency is left out" in said
    made(fuse(yard, "ir/1.png", "vi/1.png", "plain.png"))
    assert np.array_equal(read_image(yard / "o.png"), read_image(yard / "plain.png"))


def test_what_the_camera_wrote_beside_the_pixels_is_kept(yard: Path) -> None:
    """13: EXIF and the colour profile were lost."""
    visible = Image.fromarray(np.ascontiguousarray(VIS[..., ::-1]))
    exif = visible.getexif()
    exif[0x010F] = "ACME"
    profile = bytes(16) + b"RGB XYZ " + bytes(104)
    visible.save(yard / "vi.jpg", exif=exif, icc_profile=profile)
    made(fuse(yard, "ir/1.png", "vi.jpg", "o.png"))
    with Image.open(yard / "o.png") as fused:
        assert fused.getexif()[0x010F] == "ACME" and fused.info["icc_profile"] == profile


@pytest.mark.parametrize("mode", ["P", "CMYK", "1", "L"])
def test_visible_pictures_of_other_modes_are_fused(yard: Path, mode: str) -> None:
    """13: a palette, CMYK, one bit and grey worked, but were said nowhere."""
    name = "vi.jpg" if mode == "CMYK" else "vi.png"
    Image.fromarray(np.ascontiguousarray(VIS[..., ::-1])).convert(mode).save(yard / name)
    made(fuse(yard, "ir/1.png", name, "o.png"))
    assert read_image(yard / "o.png").ndim == (2 if mode in "1L" else 3) and people(read_image(yard / "o.png")) > 40


def test_black_hot_is_turned_round_where_asked(yard: Path) -> None:
    """14: black-hot pictures gave dark people, and there was no way to turn them."""
    write_image(yard / "black.png", 255 - GREY)
    made(fuse(yard, "black.png", "vi/1.png", "o.png", "--ir-polarity", "black"))
    made(fuse(yard, "ir/1.png", "vi/1.png", "plain.png"))
    assert np.array_equal(read_image(yard / "o.png"), read_image(yard / "plain.png"))
    refused(fuse(yard, "black.png", "vi/1.png", "p.png", "--ir-range", "255,0"), 2, "--ir-polarity black")


def test_jet_goes_back_to_grey_and_it_is_said(yard: Path) -> None:
    """14: false colour was taken by its luma, which is not monotonic in Jet."""
    write_image(yard / "jet.png", cv2.applyColorMap(GREY, cv2.COLORMAP_JET))
    assert "palette jet" in made(fuse(yard, "jet.png", "vi/1.png", "o.png")).stderr
    made(fuse(yard, "ir/1.png", "vi/1.png", "plain.png"))
    both = [read_image(yard / f"{name}.png").astype(int) for name in ("o", "plain")]
    assert np.abs(both[0] - both[1]).mean() < 1


def test_swapped_inputs_and_one_file_twice_are_asked_about(yard: Path) -> None:
    """14: no hint."""
    colours = np.random.default_rng(4).integers(0, 256, (120, 160, 3), np.uint8)
    write_image(yard / "garden.png", colours)
    refused(fuse(yard, "garden.png", "ir/1.png", "o.png"), 1, "are --ir and --vis swapped?")
    assert "the same file" in made(fuse(yard, "ir/1.png", "ir/1.png", "o.png")).stderr


@pytest.mark.parametrize(
    ("ir", "vis", "name"), [("82", "00082", "82"), ("DJI_0001_T", "DJI_0001_W", "DJI_0001"), ("FLIR7", "flir_7", None)]
)
def test_names_of_cameras_pair_or_the_run_says_that_none_does(yard: Path, ir: str, vis: str, name: str | None) -> None:
    """15: numbers of other padding and DJI's marks found no partner."""
    write_image(yard / "a" / f"{ir}.png", GREY)
    write_image(yard / "b" / f"{vis}.png", VIS)
    result = fuse(yard, "a", "b", "o", "--json")
    if name is None:
        refused(result, 1, "no pair in")
    else:
        assert [item["name"] for item in json.loads(made(result).stdout)["fused"]] == [name]


def test_time_stamps_pair_within_a_stated_gap_which_the_error_names(yard: Path) -> None:
    """15: pictures of two clocks found no partner."""
    write_image(yard / "a" / "1700000000.100.png", GREY)
    write_image(yard / "b" / "1700000000.117.png", VIS)
    refused(fuse(yard, "a", "b", "o"), 1, "--max-gap 0.05")
    made(fuse(yard, "a", "b", "o", "--max-gap", "0.05"))


def test_patterns_in_quotes_and_the_name_of_a_method_behind_the_stem_pair(yard: Path) -> None:
    """15: `'ir/*.png'` was no folder, and `1_SeAFusion.png` no fused picture of `1`."""
    made(fuse(yard, "ir/*.png", "vi/*.png", "out"))
    for picture in (yard / "out").iterdir():
        picture.rename(picture.with_name(f"{picture.stem}_SeAFusion.png"))
    words = ("--ir", yard / "ir", "--vis", yard / "vi", "--fused", f"SeAFusion={yard / 'out'}", "--metrics", "EN")
    rows = list(csv.reader(made(ivif("evaluate", *words, "--format", "csv")).stdout.splitlines()))
    assert {"1", "2"} <= {cell for row in rows for cell in row}
