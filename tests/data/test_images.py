"""Reading keeps every bit and refuses what is not a whole picture; writing is whole or not at all."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ivif_cli.core import files
from ivif_cli.core.data import images
from ivif_cli.core.data.images import picture_size, read_image, read_picture, write_image
from ivif_cli.core.data.sources import SourceOptions, load_pair, read_visible
from ivif_cli.core.errors import InputError, OutputError, UsageError

SHAPES = [(7, 5), (7, 5, 3), (1, 1), (1, 1, 3)]


def encoded(suffix: str, image: np.ndarray) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


def noise(rng: np.random.Generator, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    return rng.integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [(".png", np.uint8), (".png", np.uint16), (".tif", np.uint8), (".TIFF", np.uint16), (".bmp", np.uint8)],
)
def test_lossless_kinds_come_back_bit_for_bit(
    tmp_path: Path, rng: np.random.Generator, shape: tuple[int, ...], suffix: str, dtype: type
) -> None:
    image = noise(rng, shape, dtype)
    write_image(tmp_path / f"a{suffix}", image)
    again = read_image(tmp_path / f"a{suffix}")
    assert again.dtype == dtype
    assert np.array_equal(again, image)


def test_jpeg_comes_back_close_and_in_its_own_channels(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))
    for image in (ramp, cv2.merge([ramp, ramp[::-1], ramp.T.copy()])):
        write_image(tmp_path / "a.jpg", image, overwrite=True)
        again = read_image(tmp_path / "a.jpg")
        assert again.shape == image.shape
        assert np.abs(again.astype(int) - image).mean() < 4


@pytest.mark.parametrize("name", ["a b.png", "für [x]*?.png", "红外 {1}.png", "-leading.png"])
def test_any_file_name_is_read_and_written(tmp_path: Path, name: str) -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    write_image(tmp_path / name, image)
    assert np.array_equal(read_image(tmp_path / name), image)


def test_alpha_is_dropped(tmp_path: Path, rng: np.random.Generator) -> None:
    image = noise(rng, (6, 6, 4), np.uint8)
    (tmp_path / "a.png").write_bytes(encoded(".png", image))
    assert np.array_equal(read_image(tmp_path / "a.png"), image[:, :, :3])
    assert read_picture(tmp_path / "a.png").notes == ("its transparency is left out",)
    image[..., 3] = 255
    (tmp_path / "b.png").write_bytes(encoded(".png", image))
    assert not read_picture(tmp_path / "b.png").notes


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_a_truncated_file_is_refused(tmp_path: Path, rng: np.random.Generator, suffix: str) -> None:
    whole = encoded(suffix, noise(rng, (40, 40, 3), np.uint8))
    for share in (0.02, 0.3, 0.9):
        (tmp_path / f"cut{suffix}").write_bytes(whole[: max(4, int(len(whole) * share))])
        with pytest.raises(InputError, match="truncated"):
            read_image(tmp_path / f"cut{suffix}")


def test_a_flipped_bit_in_a_png_is_found(tmp_path: Path, rng: np.random.Generator) -> None:
    whole = bytearray(encoded(".png", noise(rng, (40, 40), np.uint8)))
    whole[len(whole) // 2] ^= 1
    (tmp_path / "a.png").write_bytes(whole)
    with pytest.raises(InputError, match="corrupt"):
        read_image(tmp_path / "a.png")


def test_missing_empty_foreign_and_folder_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "folder.png").mkdir()
    for name, words in {
        "gone.png": "does not exist",
        "empty.png": "empty",
        "text.png": "not a PNG",
        "folder.png": "folder",
    }.items():
        with pytest.raises(InputError, match=words) as caught:
            read_image(tmp_path / name)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg_claiming(width: int, height: int) -> bytes:
    whole = encoded(".jpg", np.zeros((8, 8), np.uint8))
    at = whole.index(b"\xff\xc0") + 5
    return whole[:at] + struct.pack(">HH", height, width) + whole[at + 4 :]


def bmp_claiming(width: int, height: int) -> bytes:
    whole = encoded(".bmp", np.zeros((8, 8), np.uint8))
    return whole[:18] + struct.pack("<ii", width, height) + whole[26:]


def tiff_claiming(width: int, height: int) -> bytes:
    entries = [(256, 4, 1, width), (257, 4, 1, height), (273, 4, 1, 8), (279, 4, 1, 1)]
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + directory + b"\0\0\0\0"


@pytest.mark.parametrize(
    ("suffix", "make", "side"),
    [
        (".png", png_claiming, 60_000),
        (".jpg", jpeg_claiming, 65_000),
        (".bmp", bmp_claiming, 60_000),
        (".tif", tiff_claiming, 60_000),
    ],
)
def test_a_header_that_claims_billions_of_pixels_is_refused_before_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, make: object, side: int
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(images, "_decode", never)
    (tmp_path / f"huge{suffix}").write_bytes(make(side, side))  # type: ignore[operator]
    with pytest.raises(InputError, match=f"{side} x {side}"):
        read_image(tmp_path / f"huge{suffix}")


def test_zero_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none.png").write_bytes(png_claiming(0, 5))
    with pytest.raises(InputError, match="no pixels"):
        read_image(tmp_path / "none.png")


def test_float_tiff_is_scaled_or_kept_and_nan_is_refused(tmp_path: Path) -> None:
    image = np.array([[0.0, 0.5, 1.0]], np.float32)
    (tmp_path / "unit.tif").write_bytes(encoded(".tif", image))
    assert read_image(tmp_path / "unit.tif").tolist() == [[0, 32768, 65535]]
    assert np.array_equal(read_picture(tmp_path / "unit.tif").pixels, image)
    (tmp_path / "nan.tif").write_bytes(encoded(".tif", np.array([[0.0, np.nan]], np.float32)))
    with pytest.raises(InputError, match="NaN"):
        read_image(tmp_path / "nan.tif")


@pytest.mark.parametrize(("values", "told"), [([30.0, 90.0, 255.0], "30 to 255"), ([-0.5, 0.0, 1.0], "-0.5 to 1")])
def test_a_visible_float_picture_beyond_zero_to_one_is_refused(tmp_path: Path, values: list, told: str) -> None:
    image = np.array([values], np.float32)
    write_image(tmp_path / "grey.png", np.zeros((1, 3), np.uint8))
    (tmp_path / "a.tif").write_bytes(encoded(".tif", image))
    np.save(tmp_path / "a.npy", image)
    for name in ("a.tif", "a.npy"):
        with pytest.raises(InputError, match=rf"{name} holds values from {told}; .* \[0, 1\]"):
            read_visible(tmp_path / name)
        with pytest.raises(InputError, match="8 or 16 bits"):
            load_pair(tmp_path / "grey.png", tmp_path / name, SourceOptions())
        assert np.array_equal(read_picture(tmp_path / name).pixels, image)


def test_the_size_of_a_file_is_that_of_the_picture_that_is_read(tmp_path: Path) -> None:
    image = Image.fromarray(np.zeros((6, 9), np.uint8))
    for name in ("a.jpg", "a.png", "a.tif", "a.webp"):
        for orientation in (1, 3, 6):
            exif = Image.Exif()
            exif[0x0112] = orientation
            image.save(tmp_path / name, exif=exif)
            assert picture_size(tmp_path / name) == read_image(tmp_path / name).shape[1::-1]


def test_an_existing_file_is_kept_unless_told(tmp_path: Path) -> None:
    first, second = np.zeros((2, 2), np.uint8), np.ones((2, 2), np.uint8)
    write_image(tmp_path / "a.png", first)
    with pytest.raises(OutputError, match="exists"):
        write_image(tmp_path / "a.png", second)
    assert np.array_equal(read_image(tmp_path / "a.png"), first)
    write_image(tmp_path / "a.png", second, overwrite=True)
    assert np.array_equal(read_image(tmp_path / "a.png"), second)


def test_sixteen_bits_are_not_written_to_a_kind_of_eight(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="8 bits"):
        write_image(tmp_path / "a.jpg", np.zeros((2, 2), np.uint16))
    with pytest.raises(UsageError, match="webp"):
        write_image(tmp_path / "a.webp", np.zeros((2, 2), np.uint8))


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        write_image(tmp_path / "a.png", np.zeros((2, 2), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_while_writing_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_image(tmp_path / "a.png", np.zeros((2, 2), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_every_real_picture_is_read(shared_data: Path) -> None:
    for name in ("TNO/ir/01.png", "TNO_extra/vi", "LLVIP/ir", "RoadScene/vi"):
        place = shared_data / "test" / name
        for path in [place] if place.is_file() else sorted(place.iterdir())[:3]:
            assert read_image(path).dtype == np.uint8
