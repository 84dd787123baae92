"""The rows of docs/inputs.md's tables of ranges and of what a result says, by the command and by Python."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ivif_cli.core.data.images import read_image
from ivif_cli.core.fusing.fuser import Fuser
from tests.cases.runs import GREY, VIS, fuse, made, refused, thermal
from tests.data.flir_file import celsius_of, write_flir

CLOSED = np.random.default_rng(5).integers(7190, 7200, thermal().shape).astype(np.uint16)
"""What a closed shutter gives."""


def ranges(yard: Path, ir: str, rule: str, *more: object) -> list[tuple[float, float]]:
    """Black and white of each picture of a run, as `--json` says them."""
    words = ("--ir-range", rule, "--json", "--overwrite", *more)
    fused = json.loads(
        made(fuse(yard, ir, "vi/1.png" if "." in ir else "vi", f"out-{Path(ir).stem}.png", *words)).stdout
    )
    return [(item["infrared"]["low"], item["infrared"]["high"]) for item in fused["fused"]]


def held(yard: Path, rule: str) -> tuple[float, float]:
    """Black and white of the last frame of a sequence."""
    words = ("--ir-range", rule, "--json", "--overwrite")
    said = json.loads(made(fuse(yard, "counts/%d.png", "vi/%d.png", "out/%d.png", *words)).stdout)["video"]["infrared"]
    return said["low"], said["high"]


def percentiles(image: np.ndarray, low: float, high: float) -> tuple[float, float]:
    return pytest.approx(tuple(np.percentile(image, (low, high))))


def folder(yard: Path, *images: np.ndarray) -> None:
    (yard / "counts").mkdir()
    for number, image in enumerate(images, start=1):
        Image.fromarray(image).save(yard / "counts" / f"{number}.png")
        Image.fromarray(VIS).save(yard / "vi" / f"{number}.png")


@pytest.mark.row("`auto`")
def test_auto_takes_8_bits_as_they_are_and_the_pictures_of_a_folder_by_one_range(yard: Path) -> None:
    folder(yard, thermal(), thermal(engine=True))
    assert ranges(yard, "ir", "auto") == [(0, 255), (0, 255)]
    assert ranges(yard, "counts/2.png", "auto") == [percentiles(thermal(engine=True), 0.1, 99.9)]
    assert ranges(yard, "counts", "auto") == ranges(yard, "counts", "run")
    said = fuse(yard, "counts", "vi", "said").stderr
    assert said.count("became black to white in all pictures") == 1


@pytest.mark.row("`auto`")
def test_auto_follows_a_video_slowly(yard: Path) -> None:
    """One frame later at 25 a second: a hundredth of 4 s, by the exponential law of docs/video.md."""
    folder(yard, thermal(), thermal() + np.uint16(300))
    low, high = np.percentile(thermal(), (0.1, 99.9))
    moved = 300 * (1 - np.exp(-1 / 100))
    assert held(yard, "auto") == pytest.approx((low + moved, high + moved))


@pytest.mark.row("`picture`")
def test_picture_takes_the_percentiles_of_each(yard: Path) -> None:
    folder(yard, thermal(), thermal(engine=True))
    assert ranges(yard, "counts", "picture") == [
        percentiles(thermal(), 0.1, 99.9),
        percentiles(thermal(engine=True), 0.1, 99.9),
    ]
    assert held(yard, "picture") == percentiles(thermal(engine=True), 0.1, 99.9)


@pytest.mark.row("`run`")
def test_run_is_decided_by_no_engine_no_dead_pixel_and_no_shutter(yard: Path) -> None:
    dead = thermal()
    dead[0, :2] = 0, 65535
    folder(yard, thermal(), thermal(engine=True), dead, CLOSED, thermal() + np.uint16(40))
    ((low, high), *others) = ranges(yard, "counts", "run")
    assert others == [(low, high)] * 4
    assert low <= np.percentile(thermal(), 5) and high >= np.percentile(thermal() + 40, 95)
    assert low > 6900 and 8900 <= high < 9000
    assert held(yard, "run") == (low, high)


@pytest.mark.row("`full`")
def test_full_takes_all_that_the_type_holds(yard: Path) -> None:
    folder(yard, thermal())
    Image.fromarray(thermal() / np.float32(65535)).save(yard / "unit.tif")
    wide = {"ir/1.png": (0, 255), "counts/1.png": (0, 65535), "unit.tif": (0, 1)}
    assert {name: ranges(yard, name, "full")[0] for name in wide} == wide


@pytest.mark.row("`LOW,HIGH`")
def test_values_are_those_of_the_files_own_unit(yard: Path) -> None:
    folder(yard, thermal())
    Image.fromarray(thermal() / np.float32(100) - 60).save(yard / "celsius.tif")
    assert ranges(yard, "counts", "7000,9000") == [(7000, 9000)] == ranges(yard, "counts/1.png", "7000,9000")
    made(fuse(yard, "counts/1.png", "vi/1.png", "a.png", "--ir-range", "7000,9000"))
    made(fuse(yard, "celsius.tif", "vi/1.png", "b.png", "--ir-range", "10,30"))
    both = [read_image(yard / f"{name}.png").astype(int) for name in "ab"]
    assert np.abs(both[0] - both[1]).max() <= 1 and np.ptp(both[0]) > 20_000


@pytest.mark.row("`2%,98%`")
def test_percentiles_are_those_of_each_picture(yard: Path) -> None:
    folder(yard, thermal(), thermal(engine=True))
    assert ranges(yard, "counts", "2%,98%") == [
        percentiles(thermal(), 2, 98),
        percentiles(thermal(engine=True), 2, 98),
    ]


@pytest.mark.row("`10C,45C`, `280K,320K`")
def test_temperatures_are_those_that_the_file_knows(yard: Path) -> None:
    pytest.importorskip("flyr", reason="the extra `thermal` is not installed")
    counts = np.linspace(14_000, 20_000, GREY.size // 4).reshape(60, 80).astype(np.uint16)
    write_flir(yard / "flir.jpg", counts)
    folder(yard, thermal())
    assert ranges(yard, "flir.jpg", "10C,45C", "--resize") == [(10, 45)]
    assert ranges(yard, "flir.jpg", "283.15K,318.15K", "--resize") == [pytest.approx((10, 45))]
    celsius = celsius_of(counts)
    assert ranges(yard, "flir.jpg", "auto", "--resize")[0] == pytest.approx(
        tuple(np.percentile(celsius, (0.1, 99.9))), abs=0.02
    )
    refused(
        fuse(yard, "counts/1.png", "vi/1.png", "o.png", "--ir-range", "10C,45C"), 1, "does not say its temperatures"
    )


@pytest.mark.parametrize("rule", ["auto", "picture", "run", "full", "7000,9000", "2%,98%"])
def test_python_does_the_same_by_the_same_names(yard: Path, rule: str) -> None:
    folder(yard, thermal(engine=True))
    made(fuse(yard, "counts/1.png", "vi/2.png", "o.png", "--ir-range", rule))
    fuser = Fuser(yard / "first.safetensors", device="cpu")
    vis = read_image(yard / "vi" / "2.png")
    assert np.array_equal(fuser.fuse(thermal(engine=True), vis, ir_range=rule), read_image(yard / "o.png"))


def taken(path: Path) -> Path:
    """A visible JPEG as a camera writes it: its maker, where it was taken, turned, with a profile."""
    picture = Image.fromarray(np.rot90(VIS[..., ::-1]).copy())
    exif = picture.getexif()
    exif[0x010F], exif[0x0112] = "ACME", 6
    exif.get_ifd(0x8825)[1] = "N"
    picture.save(path, exif=exif, icc_profile=bytes(16) + b"RGB XYZ " + bytes(104))
    return path


def said(picture: Image.Image) -> str:
    """What the record's place in a file holds, as Pillow finds it."""
    if picture.format == "TIFF":
        return str(picture.tag_v2[270])  # type: ignore[attr-defined]
    found: Any = picture.info["ivif" if picture.format == "PNG" else "comment"]
    return found if isinstance(found, str) else found.decode()


@pytest.mark.parametrize(
    "suffix",
    [
        pytest.param("png", marks=pytest.mark.row("PNG")),
        pytest.param("jpg", marks=pytest.mark.row("JPEG")),
        pytest.param("tif", marks=pytest.mark.row("TIFF")),
    ],
)
def test_a_picture_says_what_made_it_and_keeps_what_its_source_said(yard: Path, suffix: str) -> None:
    taken(yard / "camera.jpg")
    made(fuse(yard, "ir/1.png", "camera.jpg", f"out.{suffix}", "--goal", "bright", "--gray"))
    made(fuse(yard, "ir/1.png", "camera.jpg", f"colour.{suffix}"))
    with Image.open(yard / f"out.{suffix}") as picture:
        record = json.loads(said(picture))
    files = "ir/1.png", "camera.jpg"
    digests = [hashlib.sha256((yard / name).read_bytes()).hexdigest() for name in (*files, "first.safetensors")]
    assert record["sources"] == [{"file": Path(a).name, "sha256": b} for a, b in zip(files, digests, strict=False)]
    assert record["weights_sha256"] == digests[2] and record["ivif"] and record["goal"]["strength"] == 1
    assert record["options"]["gray"] is True and record["infrared"] == {"kind": "8-bit", "low": 0, "high": 255}
    with Image.open(yard / f"colour.{suffix}") as picture:
        exif = picture.getexif()
        assert exif[0x010F] == "ACME" and exif.get(0x0112, 1) == 1 and exif.get_ifd(0x8825)[1] == "N"
        assert picture.size == GREY.shape[::-1] and picture.info["icc_profile"][16:20] == b"RGB "


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_what_a_bigtiff_said_is_kept_too(yard: Path, suffix: str) -> None:
    picture = Image.fromarray(VIS[..., ::-1].copy())
    exif = picture.getexif()
    exif[0x010F] = "ACME"
    picture.save(yard / "camera.tif", exif=exif, big_tiff=True)
    made(fuse(yard, "ir/1.png", "camera.tif", f"out.{suffix}"))
    with Image.open(yard / f"out.{suffix}") as fused:
        assert fused.getexif()[0x010F] == "ACME"


@pytest.mark.row("BMP")
def test_a_bmp_says_nothing_so_that_a_folder_of_them_is_kept_with_a_warning(yard: Path) -> None:
    taken(yard / "camera.jpg")
    made(fuse(yard, "ir/1.png", "camera.jpg", "out.bmp"))
    with Image.open(yard / "out.bmp") as picture:
        assert not picture.getexif() and "ACME" not in str(picture.info) and "ivif" not in str(picture.info)
    made(fuse(yard, "ir", "vi", "many", "--format", "bmp"))
    assert (
        "2 picture(s) kept that do not say what made them" in fuse(yard, "ir", "vi", "many", "--format", "bmp").stderr
    )
