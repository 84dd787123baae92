"""Views: only what is hot is coloured, by percentile or temperature, and three pictures stand side by side."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ivif_cli.core.data.images import read_image, write_image
from ivif_cli.core.data.ir_range import ThermalRange
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.data.palettes import palettes
from ivif_cli.core.data.sources import SourceOptions, infrared_from, prepare_pair
from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.fusing.folder import fuse_jobs
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.fusing.jobs import Job
from ivif_cli.core.fusing.views import View, overlay, parse_view, side_by_side
from ivif_cli.core.network import LoadedNetwork
from ivif_cli.core.video.fuse import fuse_video
from ivif_cli.core.video.pairs import VideoOptions

VIS = np.random.default_rng(4).integers(0, 256, (40, 60, 3), np.uint8)


@pytest.fixture
def ir() -> np.ndarray:
    """A cool ramp with a person of 4 % of the picture."""
    scene = np.tile(np.linspace(10, 90, 60).astype(np.uint8), (40, 1))
    scene[10:22, 20:28] = 200
    return scene


def test_only_what_is_hot_is_coloured(ir: np.ndarray) -> None:
    shown = overlay(ir, VIS, View("overlay", 97).level(ir, "8-bit", ThermalRange(0, 255)))
    hot = ir == 200
    assert np.array_equal(shown[~hot], VIS[~hot])
    inferno = palettes()["inferno"].astype(int)
    away = shown[hot].astype(int) - np.rint(0.25 * VIS[hot]).astype(int)
    assert np.abs(away[:, None] - 0.75 * inferno[None]).max(2).min(1).max() <= 1


def test_a_temperature_is_the_threshold(ir: np.ndarray) -> None:
    used = ThermalRange(10.0, 60.0)
    deep = ir.astype(np.uint16) * np.uint16(257)
    level = View("overlay", 30.0, "C").level(deep, "celsius", used)
    assert level == pytest.approx(0.4 * 65535)
    assert View("overlay", 303.15, "K").level(deep, "celsius", used) == pytest.approx(level)
    with pytest.raises(InputError, match="temperatures"):
        View("overlay", 30.0, "C").level(deep, "counts", used)


def test_nothing_is_hot_in_a_flat_picture() -> None:
    flat = np.full(VIS.shape[:2], 80, np.uint8)
    assert np.array_equal(overlay(flat, VIS, 80.0), VIS)


def test_where_the_infrared_has_no_data_nothing_is_hot() -> None:
    values = np.full(VIS.shape[:2], 20.0, np.float32)
    values[:, :30] = np.nan
    values[5:9, 40:44] = 35.0
    ir = prepare_pair(infrared_from(values), np.full_like(VIS, 250), SourceOptions(dark_holes=True)).ir
    assert (ir[:, :30] == 0).all() and ir.max() == ir[6, 42]


@pytest.mark.parametrize(
    ("kind", "hot", "said"),
    [
        ("x", None, "unknown view"),
        ("side", "95%", "overlay"),
        ("overlay", "hot", "no threshold"),
        ("overlay", "101%", "no"),
    ],
)
def test_views_that_cannot_be(kind: str, hot: str | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_view(kind, hot)


def test_pictures_and_videos_are_written_as_the_view_shows_them(
    tmp_path: Path, ir: np.ndarray, lively: LoadedNetwork
) -> None:
    write_image(tmp_path / "ir" / "f_1.png", ir)
    write_image(tmp_path / "vi" / "f_1.png", VIS)
    fuser = Fuser(lively, device="cpu")
    expected = {
        "side": np.hstack([cv2.merge([ir] * 3), VIS, fuser.fuse(ir, VIS)]),
        "overlay": overlay(ir, VIS, float(np.percentile(ir, 97))),
    }
    for kind, picture in expected.items():
        view = View(kind, 97)
        job = Job(Pair("1", tmp_path / "ir" / "f_1.png", tmp_path / "vi" / "f_1.png"), tmp_path / f"{kind}.png")
        assert not fuse_jobs(fuser, [job], SourceOptions(), view=view).failed
        assert np.array_equal(read_image(job.output), picture)
        assert fuse_jobs(fuser, [job], SourceOptions(), view=view).skipped
        out = str(tmp_path / kind / "f_%d.png")
        names = str(tmp_path / "ir" / "f_%d.png"), str(tmp_path / "vi" / "f_%d.png")
        fuse_video(fuser, *names, out, VideoOptions(view=view))
        assert np.array_equal(read_image(tmp_path / kind / "f_1.png"), picture)
    assert fuse_jobs(fuser, [job], SourceOptions(), view=View("overlay", 90)).remade


def test_grey_pictures_stay_grey_side_by_side(ir: np.ndarray) -> None:
    deep = ir.astype(np.uint16) * np.uint16(257)
    assert np.array_equal(side_by_side(ir, ir, deep), np.hstack([deep] * 3))
