"""Situations out of public issue threads, each rebuilt in a few lines; the log stands in docs/trust.md.

Each test is named in `docs/trust.md` beside the thread it comes from.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ivif_cli.core.aligning.alignment import Alignment
from ivif_cli.core.data.images import read_image, write_image
from ivif_cli.core.data.luma import to_bits
from ivif_cli.core.data.metadata import read_metadata
from ivif_cli.core.data.pairing import Pair, pair_folders
from ivif_cli.core.data.palettes import palettes
from ivif_cli.core.data.sources import SourceOptions, load_pair, read_infrared
from ivif_cli.core.errors import InputError
from ivif_cli.core.fusing.folder import fuse_jobs
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.fusing.jobs import Job
from ivif_cli.core.scoring.contenders import ModelContender
from ivif_cli.core.scoring.task import ReadOptions, read_task
from ivif_cli.core.viewing.gallery import Gallery
from tests.made_up import lively_network

SIZE = (48, 64)


def noise(low: int, high: int, kind: type = np.uint8, size: tuple[int, ...] = SIZE) -> np.ndarray:
    return np.random.default_rng(1).integers(low, high, size).astype(kind)


@pytest.fixture
def vis(tmp_path: Path) -> Path:
    write_image(tmp_path / "vi.png", noise(0, 256, size=(*SIZE, 3)))
    return tmp_path / "vi.png"


def test_a_visible_picture_of_more_pixels(tmp_path: Path, vis: Path) -> None:
    write_image(tmp_path / "ir.png", noise(0, 256, size=(24, 32)))
    with pytest.raises(InputError, match=r"32 x 24 .* 64 x 48 .*--resize"):
        load_pair(tmp_path / "ir.png", vis, SourceOptions())
    assert load_pair(tmp_path / "ir.png", vis, SourceOptions(resize=True)).ir.shape == SIZE


def test_a_thermal_picture_of_16_bits_that_viewers_show_black(tmp_path: Path, vis: Path) -> None:
    write_image(tmp_path / "ir.png", noise(29_000, 31_000, np.uint16))
    ir = load_pair(tmp_path / "ir.png", vis, SourceOptions()).ir
    assert ir.min() < 1000 and ir.max() > 64_000


def test_raw_counts_with_dead_pixels_that_become_white_or_black(tmp_path: Path, vis: Path) -> None:
    counts = noise(7000, 7200, np.uint16, (200, 300))
    counts[3, 4], counts[9, 9] = 65_535, 0
    assert read_infrared_of(tmp_path, counts).std() > 0.2 * 65_535


def read_infrared_of(folder: Path, image: np.ndarray) -> np.ndarray:
    write_image(folder / "ir.tif", image)
    return read_infrared(folder / "ir.tif").grey()


def test_16_bit_tiff_that_counts_from_white(tmp_path: Path) -> None:
    counts = noise(7000, 7200, np.uint16)
    encoded = bytearray(cv2.imencode(".tif", counts)[1].tobytes())
    at = encoded.index(b"\x06\x01\x03\x00\x01\x00\x00\x00\x01\x00")  # photometric interpretation, one short: 1
    encoded[at + 8] = 0
    (tmp_path / "ir.tif").write_bytes(bytes(encoded))
    assert read_infrared(tmp_path / "ir.tif").values.dtype == np.uint16


def test_black_edges_that_registration_left(tmp_path: Path, vis: Path) -> None:
    scene = noise(80, 200)
    write_image(tmp_path / "ir.png", cv2.warpAffine(scene, np.float64([[1, 0, 9], [0, 1, 6]]), SIZE[::-1]))
    ir, visible, *_ = load_pair(tmp_path / "ir.png", vis, SourceOptions())
    assert np.array_equal(ir[:5, :8], cv2.cvtColor(visible, cv2.COLOR_BGR2GRAY)[:5, :8])


def folders(root: Path, *extra: str) -> None:
    for name in ("ir", "vi"):
        write_image(root / name / "1001.png", noise(0, 256))
        for other in extra:
            (root / name / other).write_bytes(b"Mac OS X or Windows")


def test_files_that_the_finder_leaves(tmp_path: Path) -> None:
    folders(tmp_path, ".DS_Store", "._1001.png")
    found = pair_folders(tmp_path / "ir", tmp_path / "vi")
    assert [pair.name for pair in found.pairs] == ["1001"] and not found.complaints()


def test_thumbnails_that_the_explorer_leaves(tmp_path: Path) -> None:
    folders(tmp_path, "Thumbs.db", "desktop.ini")
    found = pair_folders(tmp_path / "ir", tmp_path / "vi")
    assert [pair.name for pair in found.pairs] == ["1001"] and not found.complaints()


@pytest.mark.parametrize("suffix", ["tif", "png"])
def test_where_a_picture_was_taken_is_kept(tmp_path: Path, suffix: str) -> None:
    write_image(tmp_path / "ir.png", noise(0, 256))
    visible = Image.fromarray(noise(0, 256, size=(*SIZE, 3)))
    gps = visible.getexif().get_ifd(0x8825)
    gps[1], gps[2], gps[6] = "N", (51.0, 30.0, 5.5), 120.25
    visible.save(tmp_path / "vi.jpg", exif=visible.getexif())
    facts = load_pair(tmp_path / "ir.png", tmp_path / "vi.jpg", SourceOptions()).facts
    write_image(tmp_path / f"out.{suffix}", noise(0, 256), label="made", metadata=facts.metadata)
    kind = {"tif": "TIFF", "png": "PNG"}[suffix]
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + read_metadata(kind, np.fromfile(tmp_path / f"out.{suffix}", np.uint8)).exif)
    assert exif.get_ifd(0x8825) == {1: "N", 2: (51.0, 30.0, 5.5), 6: 120.25}


def test_names_of_a_drone(tmp_path: Path) -> None:
    write_image(tmp_path / "ir" / "DJI_20251111001903_0047_T.jpg", noise(0, 256))
    write_image(tmp_path / "vi" / "DJI_20251111001903_0047_W.jpg", noise(0, 256))
    assert [pair.name for pair in pair_folders(tmp_path / "ir", tmp_path / "vi").pairs] == ["DJI_20251111001903_0047"]


def test_the_colour_of_the_visible_picture_is_kept(tmp_path: Path, vis: Path) -> None:
    write_image(tmp_path / "ir.png", np.full(SIZE, 120, np.uint8))
    visible = np.full((*SIZE, 3), (40, 90, 160), np.uint8)
    fused = Fuser(lively_network(), device="cpu").fuse(np.full(SIZE, 120, np.uint8), visible).astype(int)
    assert (fused[..., 2] - fused[..., 0] == 120).all() and (fused[..., 1] - fused[..., 0] == 50).all()


def test_a_picture_that_was_exported_in_a_palette(tmp_path: Path) -> None:
    grey = cv2.GaussianBlur(noise(0, 256), (0, 0), 5)
    grey = cv2.normalize(grey, None, 0, 255, cv2.NORM_MINMAX)
    write_image(tmp_path / "ir.jpg", palettes()["ironbow"][grey])
    assert np.abs(read_infrared(tmp_path / "ir.jpg").values.astype(int) - grey).mean() < 4


def test_a_thermal_camera_that_sees_less_of_the_scene(tmp_path: Path, vis: Path) -> None:
    write_image(tmp_path / "ir.png", np.full((20, 30), 200, np.uint8))
    rig = Alignment(np.float64([[1, 0, 17], [0, 1, 14], [0, 0, 1]]))
    ir, visible, *_ = load_pair(tmp_path / "ir.png", vis, SourceOptions(align=rig.for_pair))
    assert ir.shape == SIZE and ir[24, 32] == 200
    assert np.array_equal(ir[:10], cv2.cvtColor(visible, cv2.COLOR_BGR2GRAY)[:10])


def test_a_constant_or_empty_frame_is_a_picture(tmp_path: Path, vis: Path) -> None:
    write_image(tmp_path / "ir.png", np.full(SIZE, 7000, np.uint16))
    ir = load_pair(tmp_path / "ir.png", vis, SourceOptions()).ir
    assert (ir == ir[0, 0]).all()


def test_a_cold_sky_that_the_range_makes_black_is_no_border(tmp_path: Path, vis: Path) -> None:
    counts = noise(7500, 8500, np.uint16)
    counts[:16] = 7000
    write_image(tmp_path / "ir.png", counts)
    fuser = Fuser(lively_network(), device="cpu")
    expected = fuser.fuse(counts, read_image(vis))
    pair = Pair("a", tmp_path / "ir.png", vis)
    assert not fuse_jobs(fuser, [Job(pair, tmp_path / "out.png")], SourceOptions()).failed
    np.testing.assert_array_equal(read_image(tmp_path / "out.png"), expected)
    with ThreadPoolExecutor(1) as thread:
        task = read_task(pair, [ModelContender(fuser, thread)], ReadOptions(to_eight_bits=True))
    np.testing.assert_array_equal(task.fused[0], to_bits(expected, 8))
    np.testing.assert_array_equal(Gallery(fuser, [pair], tmp_path).show("a").look.fuse(), expected)
