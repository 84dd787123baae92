"""Each kind of file that docs/inputs.md names is read right, whole, and its loss is said."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ivif_cli.core.data.images import as_levels, read_picture
from ivif_cli.core.data.pairing import pair_folders
from ivif_cli.core.data.sources import SourceOptions, load_pair, read_infrared
from ivif_cli.core.errors import InputError
from tests.data.tiff_file import tiff

GREY = np.random.default_rng(6).integers(0, 256, (24, 32), dtype=np.uint8)
COUNTS = np.random.default_rng(7).integers(7000, 9000, (24, 32), dtype=np.uint16)
COLOUR = np.random.default_rng(8).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def by_pillow(image: np.ndarray, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, kind, **options)
    return stream.getvalue()


def by_numpy(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, image)
    return stream.getvalue()


def by_opencv(image: np.ndarray, suffix: str) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


def graymap(image: np.ndarray, white: int) -> bytes:
    values = image.astype(">u2" if white > 255 else "u1").tobytes()
    return b"P5\n# a camera\n%d %d\n%d\n" % (image.shape[1], image.shape[0], white) + values


LOSSLESS = {
    "grey.gif": (by_pillow(GREY, "GIF"), GREY),
    "grey.pgm": (graymap(GREY, 255), GREY),
    "counts.pgm": (graymap(COUNTS, 65535), COUNTS),
    "counts.jp2": (by_pillow(COUNTS, "JPEG2000", irreversible=False), COUNTS),
    "grey.npy": (by_numpy(GREY), GREY),
    "columns.npy": (by_numpy(np.asfortranarray(COUNTS)), COUNTS),
    "big_endian.npy": (by_numpy(COUNTS.astype(">u2")), COUNTS),
    "celsius.npy": (by_numpy(COUNTS / 100.0 - 60), (COUNTS / 100.0 - 60).astype(np.float32)),
    "signed.npy": (by_numpy(COUNTS.astype(np.int16) - 8000), COUNTS.astype(np.float32) - 8000),
    "integers.tif": (by_pillow(COUNTS.astype(np.int32), "TIFF"), COUNTS.astype(np.float32)),
    "float.tif": (by_opencv(COUNTS.astype(np.float32), ".tif"), COUNTS.astype(np.float32)),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_infrared_of_each_kind_keeps_its_values(tmp_path: Path, name: str) -> None:
    data, expected = LOSSLESS[name]
    (tmp_path / name).write_bytes(data)
    values = read_infrared(tmp_path / name).values
    assert values.dtype == expected.dtype and np.array_equal(values, expected)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.webp", by_pillow(COLOUR[..., ::-1], "WEBP", lossless=True)),
        ("a.ppm", by_opencv(COLOUR, ".ppm")),
        ("a.jp2", by_pillow(COLOUR[..., ::-1], "JPEG2000", irreversible=False)),
    ],
)
def test_visible_pictures_of_each_kind_keep_their_colour(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    assert np.array_equal(read_picture(tmp_path / name).pixels, COLOUR)


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP"])
def test_the_first_of_several_pictures_is_read_and_said(tmp_path: Path, kind: str) -> None:
    second = Image.fromarray(255 - GREY)
    options = {"lossless": True} if kind == "WEBP" else {}
    (tmp_path / "a").write_bytes(by_pillow(GREY, kind, save_all=True, append_images=[second], **options))
    found = read_infrared(tmp_path / "a")
    assert np.array_equal(found.values, GREY)
    assert "the first of its 2 pages" in found.notes


@pytest.mark.parametrize("kind", ["tif", "npy"])
def test_where_there_is_no_data_the_visible_picture_shows(tmp_path: Path, kind: str) -> None:
    celsius = COUNTS.astype(np.float32)
    celsius[:5] = np.nan
    (tmp_path / f"ir.{kind}").write_bytes(by_numpy(celsius) if kind == "npy" else by_opencv(celsius, ".tif"))
    (tmp_path / "vis.png").write_bytes(by_opencv(GREY, ".png"))
    ir = load_pair(tmp_path / f"ir.{kind}", tmp_path / "vis.png", SourceOptions()).ir
    assert np.array_equal(ir[:4], GREY[:4].astype(np.uint16) * 257)


@pytest.mark.parametrize("name", [*(name for name in LOSSLESS if not name.endswith(".tif")), "a.webp"])
def test_a_file_that_is_cut_is_refused(tmp_path: Path, name: str) -> None:
    data = by_pillow(COLOUR, "WEBP", lossless=True) if name == "a.webp" else LOSSLESS[name][0]
    (tmp_path / name).write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(InputError, match="is truncated") as caught:
        read_picture(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((4, 5, 3), np.uint8), "save colour as PNG"),
        (np.zeros(7, np.uint8), "shape"),
        (np.array([[object()]], object), "object values"),
        (np.zeros((3, 3), complex), "complex128 values"),
    ],
)
def test_arrays_that_are_no_picture_are_refused(tmp_path: Path, array: np.ndarray, reason: str) -> None:
    (tmp_path / "a.npy").write_bytes(by_numpy(array))
    with pytest.raises(InputError, match=reason):
        read_picture(tmp_path / "a.npy")


def test_all_kinds_pair_in_folders(tmp_path: Path) -> None:
    for folder in ("ir", "vi"):
        (tmp_path / folder).mkdir()
    for index, suffix in enumerate(("webp", "gif", "pgm", "jp2", "npy")):
        (tmp_path / "ir" / f"{index}.{suffix}").touch()
        (tmp_path / "vi" / f"{index}.png").touch()
    assert len(pair_folders(tmp_path / "ir", tmp_path / "vi").pairs) == 5


def test_deep_tiffs_of_which_zero_is_white_are_turned_round_and_said(tmp_path: Path) -> None:
    for name, values in (("deep.tif", COUNTS), ("plain.tif", GREY)):
        (tmp_path / name).write_bytes(tiff(values, white_is_zero=True))
        found = read_infrared(tmp_path / name)
        assert np.array_equal(found.values, np.iinfo(values.dtype).max - values)
    assert read_infrared(tmp_path / "deep.tif").notes == ("turned round, since its 0 is white",)
    (tmp_path / "celsius.tif").write_bytes(tiff(COUNTS.astype(np.float32), white_is_zero=True))
    found = read_infrared(tmp_path / "celsius.tif")
    assert np.array_equal(found.values, COUNTS) and "--ir-polarity black" in found.notes[0]
    (tmp_path / "plain.png").write_bytes(by_opencv(GREY, ".png"))
    unit = COUNTS / np.float32(65535)
    (tmp_path / "unit.tif").write_bytes(tiff(unit, white_is_zero=True))
    pair = load_pair(tmp_path / "plain.png", tmp_path / "unit.tif", SourceOptions())
    assert np.array_equal(pair.vis, ~as_levels(unit, ""))
    assert pair.facts.notes == (f"{tmp_path / 'unit.tif'}: turned round, since its smallest value is white",)


def test_colours_in_planes_are_read_right_or_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(COLOUR[..., ::-1], planar=True))
    assert np.array_equal(read_picture(tmp_path / "a.tif").pixels, COLOUR)
    deep = COLOUR.astype(np.uint16) * 257
    (tmp_path / "b.tif").write_bytes(tiff(deep[..., ::-1]))
    assert np.array_equal(read_picture(tmp_path / "b.tif").pixels, deep)
    (tmp_path / "c.tif").write_bytes(tiff(deep[..., ::-1], planar=True))
    with pytest.raises(InputError, match="planes of more than 8 bits"):
        read_picture(tmp_path / "c.tif")


@pytest.mark.parametrize(("kind", "no_data"), [(np.float32, "-9999"), (np.uint16, "0"), (np.float32, "-3.4e+38")])
def test_what_a_file_declares_as_no_data_is_none(tmp_path: Path, kind: type, no_data: str) -> None:
    values = COUNTS.astype(kind)
    values[:5] = float(no_data)
    (tmp_path / "ir.tif").write_bytes(tiff(values, no_data=no_data))
    (tmp_path / "vis.png").write_bytes(by_opencv(GREY, ".png"))
    pair = load_pair(tmp_path / "ir.tif", tmp_path / "vis.png", SourceOptions())
    assert np.array_equal(pair.ir[:4], GREY[:4].astype(np.uint16) * 257)
    assert pair.facts.thermal_range.low >= 7000 and pair.facts.kind == ("float" if kind is np.float32 else "counts")
    assert any("20.8% of it is" in note for note in pair.facts.notes)
    assert np.array_equal(read_infrared(tmp_path / "ir.tif", "full").values, values)
    values[:] = float(no_data)
    (tmp_path / "ir.tif").write_bytes(tiff(values, no_data=no_data))
    with pytest.raises(InputError, match="every value"):
        read_infrared(tmp_path / "ir.tif")


@pytest.mark.parametrize("declared", ["nan", "none", "", "7"])
def test_a_declared_value_that_stands_nowhere_changes_nothing(tmp_path: Path, declared: str) -> None:
    (tmp_path / "ir.tif").write_bytes(tiff(COUNTS, no_data=declared))
    found = read_infrared(tmp_path / "ir.tif")
    assert found.values.dtype == np.uint16 and np.array_equal(found.values, COUNTS) and not found.notes
