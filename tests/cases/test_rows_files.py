"""The rows of the table of files of docs/inputs.md: made here by the means of other programs, read, brought to grey."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ivif_cli.core.data.ir_range import parse_ir_range
from ivif_cli.core.data.palettes import palettes
from ivif_cli.core.data.sources import LoadedPair, SourceOptions, load_pair, read_infrared
from ivif_cli.core.errors import InputError
from tests.data.flir_file import celsius_of, write_flir
from tests.data.test_flir_jpeg import dji_file

SIZE = (24, 32)
GREY = cv2.GaussianBlur(np.random.default_rng(6).integers(0, 256, SIZE, dtype=np.uint8), (5, 5), 0)
COUNTS = np.random.default_rng(7).integers(7000, 9000, SIZE, dtype=np.uint16)
CLEAR = np.full(SIZE, 120, np.uint8)
VIS = np.random.default_rng(8).integers(1, 256, SIZE, dtype=np.uint8)


def loaded(folder: Path, name: str, data: bytes | None = None, ir_range: str = "auto") -> LoadedPair:
    """The file as `ivif fuse` takes it, beside a grey visible picture."""
    if data is not None:
        (folder / name).write_bytes(data)
    cv2.imwrite(str(folder / "visible.png"), VIS)
    return load_pair(folder / name, folder / "visible.png", SourceOptions(parse_ir_range(ir_range)))


def between(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """What `LOW,HIGH` says: LOW is black, HIGH white, on 16 bits."""
    return np.clip((values.astype(np.float64) - low) / (high - low), 0, 1) * 65535


def by_pillow(image: np.ndarray | Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, kind, **options)
    return stream.getvalue()


def by_numpy(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, image)
    return stream.getvalue()


def tiff(image: np.ndarray) -> bytes:
    """A TIFF of H x W samples of any kind, as TIFF 6.0 lays it out."""
    height, width = image.shape
    data, kind = image.tobytes(), {"u": 1, "i": 2, "f": 3}[image.dtype.kind]
    tags = {256: width, 257: height, 258: 8 * image.itemsize, 259: 1, 262: 1, 273: 8, 277: 1, 278: height}
    tags |= {279: len(data), 339: kind}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + bytes(4)


def graymap(image: np.ndarray, white: int) -> bytes:
    values = image.astype(">u2" if white > 255 else "u1").tobytes()
    return b"P5\n# a camera\n%d %d\n%d\n" % (*SIZE[::-1], white) + values


def transparent(kind: str, **options: object) -> bytes:
    return by_pillow(Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(CLEAR)]), kind, **options)


EIGHT = {
    "a.png": by_pillow(GREY, "PNG"),
    "a.bmp": by_pillow(GREY, "BMP"),
    "a.tif": by_pillow(GREY, "TIFF", compression="tiff_lzw"),
    "a.jpg": by_pillow(GREY, "JPEG", quality=95),
    "clear.png": transparent("PNG"),
    "clear.tif": transparent("TIFF"),
}


@pytest.mark.row("8-bit PNG, JPEG, BMP, TIFF")
@pytest.mark.parametrize("name", EIGHT)
def test_grey_levels_of_8_bits_are_taken_as_they_are_without_alpha(tmp_path: Path, name: str) -> None:
    pair = loaded(tmp_path, name, EIGHT[name])
    assert pair.facts.kind == "8-bit" and pair.ir.dtype == np.uint8
    assert np.abs(pair.ir.astype(int) - GREY).max() <= (6 if name == "a.jpg" else 0)


@pytest.mark.row("16-bit PNG, TIFF")
@pytest.mark.parametrize("data", [by_pillow(COUNTS, "PNG"), by_pillow(COUNTS, "TIFF"), tiff(COUNTS)])
def test_counts_of_16_bits_are_kept_and_ranged(tmp_path: Path, data: bytes) -> None:
    assert np.array_equal(loaded(tmp_path, "a.tif", data, "full").ir, COUNTS)
    pair = loaded(tmp_path, "a.tif", data, "7500,8500")
    assert pair.facts.kind == "counts" and np.abs(pair.ir - between(COUNTS, 7500, 8500)).max() <= 0.5


@pytest.mark.row("TIFF of floating-point, signed or 32-bit values")
@pytest.mark.parametrize("kind", ["float32", "float64", "int8", "int16", "int32", "uint32"])
def test_values_of_their_own_unit_are_ranged_and_where_there_are_none_the_visible_picture_shows(
    tmp_path: Path, kind: str
) -> None:
    values = ((COUNTS.astype(int) - 8000) // 10).astype(kind) if kind[0] != "u" else COUNTS.astype(kind) * 1000
    if kind[0] == "f":
        values[:5] = np.nan
    if kind == "float64":
        values[5] = 1e39  # no float32 holds it
    pair = loaded(tmp_path, "a.tif", tiff(values), "-50,50" if kind[0] != "u" else "7500000,8500000")
    data = np.abs(values.astype(np.float64)) < 1e38
    wanted = between(values, -50, 50) if kind[0] != "u" else between(COUNTS, 7500, 8500)
    assert pair.facts.kind == "float" and np.abs(pair.ir - wanted)[data].max() <= 0.5
    assert np.array_equal(pair.ir[~data], VIS[~data].astype(np.uint16) * 257)


def test_of_integers_beyond_float32_the_nearest_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(np.full(SIZE, 2**24 + 1, np.int32)))
    assert (read_infrared(tmp_path / "a.tif").values == 2**24).all()


@pytest.mark.row("WebP, GIF (8 bits)")
@pytest.mark.parametrize("kind", ["WEBP", "GIF"])
def test_the_first_picture_of_an_animation_is_taken_as_it_is(tmp_path: Path, kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    more = [Image.fromarray(255 - GREY)]
    pair = loaded(tmp_path, f"a.{kind.lower()}", by_pillow(GREY, kind, save_all=True, append_images=more, **options))
    assert pair.facts.kind == "8-bit" and np.array_equal(pair.ir, GREY)
    assert "the first of its 2 pages" in pair.facts.notes[0]
    if kind == "WEBP":
        assert np.array_equal(loaded(tmp_path, "b.webp", transparent(kind, lossless=True, exact=True)).ir, GREY)


DEEP = {
    "a.pgm": graymap(COUNTS, 65535),
    "twelve.pgm": graymap(COUNTS // 4, 4095),
    "a.jp2": by_pillow(COUNTS, "JPEG2000", irreversible=False),
}


@pytest.mark.row("PGM, JPEG 2000 (`.jp2`)")
@pytest.mark.parametrize("name", DEEP)
def test_counts_of_other_kinds_are_read_as_they_are_stored(tmp_path: Path, name: str) -> None:
    stored = COUNTS // 4 if name == "twelve.pgm" else COUNTS
    assert np.array_equal(loaded(tmp_path, name, DEEP[name], "full").ir, stored)
    pair = loaded(tmp_path, name, DEEP[name], "1000,8500")
    assert pair.facts.kind == "counts" and np.abs(pair.ir - between(stored, 1000, 8500)).max() <= 0.5


@pytest.mark.row("PGM, JPEG 2000 (`.jp2`)")
@pytest.mark.parametrize("name", ["a.pgm", "a.jp2"])
def test_8_bits_of_other_kinds_are_taken_as_they_are(tmp_path: Path, name: str) -> None:
    data = graymap(GREY, 255) if name == "a.pgm" else by_pillow(GREY, "JPEG2000", irreversible=False)
    pair = loaded(tmp_path, name, data)
    assert pair.ir.dtype == np.uint8 and np.array_equal(pair.ir, GREY)


@pytest.mark.row("numpy's `.npy`, H x W")
def test_arrays_in_files_are_grey_levels_counts_or_values_of_their_own_unit(tmp_path: Path) -> None:
    for grey in (GREY, np.asfortranarray(GREY), GREY[..., None]):
        assert np.array_equal(loaded(tmp_path, "a.npy", by_numpy(grey)).ir, GREY)
    assert np.array_equal(loaded(tmp_path, "a.npy", by_numpy(COUNTS), "full").ir, COUNTS)
    celsius = COUNTS / 100.0 - 60
    celsius[:5], celsius[5] = np.nan, 1e39
    pair = loaded(tmp_path, "a.npy", by_numpy(celsius), "12,28")
    assert pair.facts.kind == "float" and np.abs(pair.ir - between(celsius, 12, 28))[6:].max() < 0.51
    assert np.array_equal(pair.ir[:6], VIS[:6].astype(np.uint16) * 257)
    signed = loaded(tmp_path, "a.npy", by_numpy(COUNTS.astype(np.int16) - 8000), "-500,500")
    assert np.abs(signed.ir - between(COUNTS, 7500, 8500)).max() <= 0.5


@pytest.mark.row("radiometric FLIR JPEG (extra `thermal`)")
@pytest.mark.parametrize("unit", ["", "C", "K"])
def test_the_temperatures_of_flir_are_ranged_and_full_takes_what_was_rendered(tmp_path: Path, unit: str) -> None:
    pytest.importorskip("flyr", reason="the extra `thermal` is not installed")
    counts = np.linspace(14_000, 20_000, SIZE[0] * SIZE[1]).reshape(SIZE).astype(np.uint16)
    celsius, zero = celsius_of(counts), 273.15 if unit == "K" else 0
    low, high = (float(f"{np.percentile(celsius, share):.2f}") for share in (20, 80))
    write_flir(tmp_path / "a.jpg", counts)
    pair = loaded(tmp_path, "a.jpg", None, f"{low + zero:.2f}{unit},{high + zero:.2f}{unit}")
    assert pair.facts.kind == "celsius"
    assert np.abs(pair.ir - between(celsius, low, high)).max() < 65535 * 0.02 / (high - low) + 1
    assert np.abs(loaded(tmp_path, "a.jpg", None, "full").ir.astype(int) - 77).max() <= 2


@pytest.mark.row("DJI R-JPEG")
def test_of_dji_the_rendered_picture_is_read_and_said(tmp_path: Path) -> None:
    pair = loaded(tmp_path, dji_file(tmp_path / "DJI_0001_T.JPG", np.full(SIZE, 90, np.uint8)).name)
    assert pair.facts.kind == "8-bit" and np.abs(pair.ir.astype(int) - 90).max() < 3
    assert "DJI's temperatures are not read" in pair.facts.notes[0]
    with pytest.raises(InputError, match="does not say its temperatures"):
        loaded(tmp_path, "DJI_0001_T.JPG", None, "10C,40C")


@pytest.mark.row("false colour of a known palette")
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("palette", sorted(palettes()))
def test_false_colour_goes_back_to_grey(tmp_path: Path, palette: str, kind: str) -> None:
    grey = cv2.resize(GREY[:6, :8], (320, 240), interpolation=cv2.INTER_CUBIC)
    grey = cv2.normalize(grey, None, 0, 255, cv2.NORM_MINMAX)
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    (tmp_path / "a").write_bytes(by_pillow(palettes()[palette][grey][..., ::-1], kind, **options))
    found = read_infrared(tmp_path / "a")
    assert found.kind == "8-bit" and palette in found.notes[0]
    off = np.abs(found.values.astype(int) - grey)
    assert off.max() <= 2 if kind == "PNG" else off.mean() < 3  # colours are told apart in steps of 4


@pytest.mark.row("other colour")
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_other_colour_is_refused_and_full_takes_its_luma(tmp_path: Path, kind: type) -> None:
    colours = np.random.default_rng(4).integers(0, np.iinfo(kind).max, (*SIZE, 3)).astype(kind)
    data = cv2.imencode(".png", colours)[1].tobytes()
    with pytest.raises(
        InputError, match=r"in colour, of no thermal palette .* \(export it in grey, or --ir-range full"
    ):
        loaded(tmp_path, "a.png", data)
    assert np.abs(loaded(tmp_path, "a.png", data, "full").ir - colours @ [0.114, 0.587, 0.299]).max() < 2


@pytest.mark.row("AVIF, DNG, ASCII PGM")
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.avif", b"\0\0\0\x1cftypavif" + bytes(64)),
        ("a.dng", tiff(COUNTS).replace(struct.pack("<HHII", 262, 4, 1, 1), struct.pack("<HHII", 262, 4, 1, 32803))),
        ("a.pgm", b"P2\n2 2\n255\n1 2 3 4\n"),
    ],
)
def test_what_is_not_read_is_refused_in_one_line(tmp_path: Path, name: str, data: bytes) -> None:
    with pytest.raises(InputError, match=name) as caught:
        loaded(tmp_path, name, data)
    assert "\n" not in str(caught.value)


VISIBLE: dict[str, Callable[[np.ndarray], bytes]] = {
    "a.png": lambda grey: by_pillow(grey.astype(np.uint16) * 257, "PNG"),
    "a.tif": lambda grey: tiff(grey / np.float32(255)),
    "a.gif": lambda grey: by_pillow(grey, "GIF"),
    "a.webp": lambda grey: by_pillow(grey, "WEBP", lossless=True),
    "a.pgm": lambda grey: graymap(grey, 255),
    "a.jp2": lambda grey: by_pillow(grey, "JPEG2000", irreversible=False),
    "a.npy": by_numpy,
}


@pytest.mark.parametrize("name", VISIBLE)
def test_visible_pictures_may_be_of_all_these_kinds(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(VISIBLE[name](VIS))
    (tmp_path / "ir.png").write_bytes(by_pillow(GREY, "PNG"))
    shown = load_pair(tmp_path / "ir.png", tmp_path / name, SourceOptions()).vis
    wanted = VIS if shown.dtype == np.uint8 else VIS.astype(np.uint16) * 257
    assert np.array_equal(shown, wanted if shown.ndim == 2 else np.dstack([wanted] * 3))


def test_the_known_palettes_are_those_that_the_page_names(repository: Path) -> None:
    page = (repository / "docs" / "inputs.md").read_text(encoding="utf-8")
    named = page.split("Known palettes: OpenCV's ")[1].split(" as R =")[0].replace("and ", "").replace("\n", " ")
    assert {name.strip() for name in named.split(",")} == set(palettes())
