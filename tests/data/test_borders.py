"""The black border of a warp is no scene: no door lets it darken the fused picture or decide a range."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ivif_cli.core.data.held_range import hold_range
from ivif_cli.core.data.images import read_image, write_image
from ivif_cli.core.data.luma import to_bits
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.data.placing import warp_border
from ivif_cli.core.data.sources import SourceOptions, load_pair, read_infrared
from ivif_cli.core.fusing.folder import fuse_jobs
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.fusing.jobs import Job
from ivif_cli.core.scoring.contenders import Models
from ivif_cli.core.scoring.task import read_options, read_task
from ivif_cli.core.video.frames import open_frames
from ivif_cli.core.video.pairs import FramePairs, VideoOptions
from tests.made_up import lively_network

WARP = np.float64([[1, 0.05, 14], [0.02, 1, 9], [0, 0, 1]])
SIZE = (96, 128)


def scene(kind: type) -> np.ndarray:
    low, high = (60, 200) if kind is np.uint8 else (7000, 7300)
    values = np.random.default_rng(5).integers(low, high, SIZE).astype(np.uint16)
    return cv2.warpPerspective(values, WARP, SIZE[::-1]).astype(kind)


@pytest.fixture(params=[np.uint8, np.uint16, np.float32])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    """A bright visible picture and an infrared one with the black border of a warp, of each kind of values."""
    write_image(tmp_path / "ir" / "1.tif", scene(request.param))
    write_image(tmp_path / "vi" / "1.png", np.full(SIZE, 180, np.uint8))
    return Pair("1", tmp_path / "ir" / "1.tif", tmp_path / "vi" / "1.png")


def test_every_door_shows_the_visible_picture_there(pair: Pair, tmp_path: Path) -> None:
    fuser = Fuser(lively_network(), device="cpu")
    ir, vis, *_ = load_pair(pair.ir, pair.vis, SourceOptions())
    wanted = fuser.fuse(ir, vis, ir_range="full")
    assert (ir[:5, :10] == 180 * (1 if ir.dtype == np.uint8 else 257)).all()
    assert np.array_equal(fuser.fuse(pair.ir, pair.vis), wanted)
    assert np.array_equal(fuser.look(pair.ir, pair.vis).fuse(), wanted)
    assert np.array_equal(fuser.fuse_batch([pair.ir], [pair.vis])[0], wanted)
    clips = open_frames(str(pair.ir.parent), read=read_infrared), open_frames(str(pair.vis.parent))
    ((thermal, visible),) = FramePairs(clips, VideoOptions()).pairs([])
    assert np.array_equal(thermal, ir) and np.array_equal(visible, vis)
    fuse_jobs(fuser, [Job(pair, tmp_path / "out.png")], SourceOptions())
    assert np.array_equal(read_image(tmp_path / "out.png"), wanted)
    options = read_options(8, [pair], ir_range="auto", polarity="white", resize=False, align=None)
    (model,) = Models((lively_network(),), device="cpu").contenders()  # type: ignore[arg-type]
    task = read_task(pair, [model], options)
    assert task.ir[:5, :10].max() == 0, "scores see the infrared picture as it is"
    fused = task.fused[0]
    assert np.array_equal(fused, to_bits(wanted, 8))


def test_the_border_decides_no_range(tmp_path: Path) -> None:
    for name in ("1", "2"):
        write_image(tmp_path / f"{name}.png", scene(np.uint16))
    found = read_infrared(tmp_path / "1.png").range()
    assert 6990 < found.low < 7020 and 7280 < found.high <= 7300
    held = hold_range([tmp_path / "1.png", tmp_path / "2.png"], "auto")["counts"]
    assert 6990 < held.low < 7020


@pytest.mark.parametrize("size", [(48, 64), (192, 256)])
def test_it_is_covered_whole_in_another_size(tmp_path: Path, size: tuple[int, int]) -> None:
    write_image(tmp_path / "ir.png", scene(np.uint8))
    write_image(tmp_path / "vi.png", np.full(size, 180, np.uint8))
    ir = load_pair(tmp_path / "ir.png", tmp_path / "vi.png", SourceOptions(resize=True)).ir
    assert ir.min() >= 60


@pytest.mark.parametrize(
    "gap", [(slice(0, 20), slice(60, 66)), (slice(0, 4), slice(30, 90)), (slice(40, 70), slice(0, 3))]
)
def test_dark_gaps_at_the_edge_are_scene(gap: tuple[slice, slice]) -> None:
    """Between houses, or between clouds, as in real night scenes: what is left of the picture is no smaller frame."""
    values = np.random.default_rng(5).integers(60, 200, SIZE).astype(np.uint8)
    values[gap] = 0
    assert warp_border(values) is None


def test_single_dark_pixels_at_the_edge_are_scene() -> None:
    assert warp_border(np.tile(np.array([[0, 255], [255, 0]], np.uint8), (48, 64))) is None
