"""Large pictures whose infrared holds nothing fine: the network's grid, and the visible detail that is put back."""

from typing import Any

import cv2
import numpy as np
import pytest

from ivif_cli.core.data.placing import resampled
from ivif_cli.core.fusing.coarse import coarseness, reduced, restored
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.network import LoadedNetwork
from ivif_cli.core.video.fuse import FrameFuser
from tests.made_up import lively_network

WIDE = 3200, 64


@pytest.fixture(scope="module")
def lively() -> LoadedNetwork:
    return lively_network()


def noise(seed: int, width: int, height: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def wide_pair() -> tuple[np.ndarray, np.ndarray]:
    """Infrared of 100 x 4 pixels brought to 3200 x 64, and a visible picture with detail in every pixel."""
    return resampled(noise(1, 100, 4) // 2 + 60, *WIDE), noise(2, *WIDE)


def test_the_grid_is_as_coarse_as_holds_all_of_the_infrared() -> None:
    ir, vis = wide_pair()
    assert coarseness(ir, vis) == 4
    assert coarseness(ir, vis, 2) == 2
    assert coarseness(ir[:, :3000], vis[:, :3000]) == 2, "never below 800 pixels"
    assert coarseness(noise(3, *WIDE), vis) == 1
    assert coarseness(resampled(noise(1, 3200 * 2 // 5, 26), *WIDE), vis) == 1, "2.5 times as large only"
    small = resampled(noise(1, 20, 4), 640, 64)
    assert coarseness(small, vis[:, :640]) == 1


def test_a_single_hot_pixel_row_is_not_lost() -> None:
    ir, vis = wide_pair()
    ir[30, 100:400] = 255
    assert coarseness(ir, vis) == 1


def test_where_the_visible_stands_in_the_infrared_has_nothing_of_its_own() -> None:
    ir, vis = wide_pair()
    ir[:, :1500] = vis[:, :1500]
    assert coarseness(ir, vis) == 4
    assert coarseness(vis, vis) == 4


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_an_unchanged_coarse_picture_gives_back_the_visible_one(kind: type) -> None:
    vis = noise(2, 333, 101).astype(kind)
    small = reduced(vis, 4)
    assert small.shape == (26, 84) and small.dtype == np.uint16
    white = np.iinfo(kind).max
    assert np.abs(restored(vis, small, small) * white - vis).max() < 1e-5 * white


def test_fine_structure_is_damped_as_the_network_damps_the_finest_that_it_sees() -> None:
    vis = cv2.GaussianBlur(noise(2, 512, 512), (0, 0), 0.8)
    small = reduced(vis, 2)
    flat = (small // 2 + int(small.mean()) // 2).astype(np.uint16)
    damped = restored(vis, small, flat)
    assert damped.std() == pytest.approx(vis.std() / 255 / 2, rel=0.05)


def test_all_ways_to_fuse_a_large_pair_agree(lively: LoadedNetwork) -> None:
    ir, vis = wide_pair()
    colour = np.dstack([vis, vis[::-1], vis])
    whole = Fuser(lively, device="cpu", tile=0)
    expected = whole.fuse(ir, colour, goal="bright")
    assert expected.shape == colour.shape and expected.dtype == np.uint8
    assert np.array_equal(whole.look(ir, colour).fuse("bright"), expected)
    for found in whole.fuse_batch([ir, ir], [colour, colour], "bright"):
        assert np.array_equal(found, expected)
    tiled = Fuser(lively, device="cpu", tile=128)
    for found in (tiled.fuse(ir, colour, goal="bright"), tiled.look(ir, colour).fuse("bright")):
        assert np.abs(found.astype(int) - expected).max() <= 1
    assert not np.array_equal(whole.fuse(ir, colour, goal="bright", coarse=1), expected)


def test_someone_warm_stands_out_more_than_on_the_finest_grid() -> None:
    thermal = np.full((45, 60), 40, np.uint8)
    thermal[16:28, 28:32] = 220
    ir = resampled(thermal, 1920, 1440)
    vis = cv2.GaussianBlur(noise(4, 1920, 1440), (0, 0), 2)
    vis = (vis.astype(int) // 2 + 20).astype(np.uint8)
    fuser = Fuser("base", device="cpu")

    def contrast(fused: np.ndarray) -> float:
        return float(fused[560:850, 910:1010].mean() - fused[400:1000, 600:800].mean())

    assert contrast(fuser.fuse(ir, vis)) > 1.1 * contrast(fuser.fuse(ir, vis, coarse=1))


def test_the_grid_of_a_video_gets_finer_but_never_coarser_again() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.seen: list[int] = []

        def fuse(self, ir: np.ndarray, vis: np.ndarray, *, coarse: int, **_: Any) -> np.ndarray:
            self.seen.append(coarse)
            return vis

    recorder: Any = Recorder()
    frames = FrameFuser(recorder, None, 0.0, 0.04)
    soft, vis = wide_pair()
    for ir in (soft, soft, noise(3, *WIDE), soft):
        frames.fuse(ir, vis)
    assert recorder.seen == [4, 4, 1, 1]
