"""Pairs of unequal fields of view are cut to what both see, and nothing is stretched."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ivif_cli.core.aligning.alignment import Alignment
from ivif_cli.core.data.cropping import Crop, largest_window, parse_crop
from ivif_cli.core.data.images import write_image
from ivif_cli.core.data.sources import SourceOptions, load_pair
from ivif_cli.core.errors import InputError, UsageError

RIG = Alignment(np.float64([[2, 0, 20], [0, 2, 10], [0, 0, 1]]))
"""An infrared picture of twice as coarse pixels whose corner lies at (20, 10) of the visible one."""


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """An infrared picture of 4:3 and a visible one of 16:9 whose pixels say where they lie."""
    rows, columns = np.mgrid[:90, :160]
    write_image(tmp_path / "ir.png", cv2.resize(np.arange(192, dtype=np.uint8).reshape(12, 16), (40, 30)))
    write_image(tmp_path / "vi.png", np.dstack([columns, rows, rows * 0]).astype(np.uint8))
    return tmp_path / "ir.png", tmp_path / "vi.png"


@pytest.mark.row("`centre`")
def test_the_middle_of_the_visible_picture_has_the_ratio_of_the_infrared_one(pair: tuple[Path, Path]) -> None:
    loaded = load_pair(*pair, SourceOptions(crop=parse_crop("centre")))
    assert loaded.vis.shape == (90, 120, 3) and loaded.ir.shape == (90, 120)
    assert loaded.vis[0, 0].tolist() == [20, 0, 0] and loaded.vis[-1, -1].tolist() == [139, 89, 0]
    assert not loaded.facts.notes


def test_a_flat_infrared_picture_cuts_the_height(pair: tuple[Path, Path], tmp_path: Path) -> None:
    write_image(tmp_path / "wide.png", np.full((20, 80), 90, np.uint8))
    assert load_pair(tmp_path / "wide.png", pair[1], SourceOptions(crop=Crop("centre"))).vis.shape == (40, 160, 3)


@pytest.mark.row("`X,Y,WIDTH,HEIGHT`")
def test_a_box_is_what_the_infrared_camera_sees(pair: tuple[Path, Path]) -> None:
    loaded = load_pair(*pair, SourceOptions(crop=parse_crop("30, 20,80,60")))
    assert loaded.ir.shape == (60, 80) and loaded.vis.shape == (60, 80, 3)
    assert loaded.vis[0, 0].tolist() == [30, 20, 0] and loaded.vis[-1, -1].tolist() == [109, 79, 0]
    assert np.abs(loaded.ir[1::2, 1::2].astype(int) - cv2.imread(str(pair[0]), -1)).max() <= 8  # a ramp, twice as fine
    with pytest.raises(InputError, match=r"beyond .*vi\.png of 160 x 90"):
        load_pair(*pair, SourceOptions(crop=parse_crop("100,20,80,60")))


@pytest.mark.row("`seen`")
def test_what_a_rig_shows_is_kept_alone(pair: tuple[Path, Path]) -> None:
    options = SourceOptions(align=RIG.for_pair, crop=parse_crop("seen"), keep_aligned=True)
    loaded = load_pair(*pair, options)
    assert loaded.vis[0, 0].tolist() == [20, 10, 0] and loaded.vis[-1, -1].tolist() == [98, 68, 0]
    assert loaded.aligned is not None and loaded.aligned.shape == loaded.ir.shape == loaded.vis.shape[:2]
    assert loaded.aligned[2, 4] == cv2.imread(str(pair[0]), -1)[1, 2]


@pytest.mark.row("`seen`")
@pytest.mark.parametrize("kind", [np.float32, np.uint8])
def test_what_has_data_is_kept_alone(pair: tuple[Path, Path], tmp_path: Path, kind: type) -> None:
    """NaN, and the black border of a warp, on the left and at the top."""
    values = np.full((90, 160), 120, kind)
    values[:12], values[:, :30] = (np.nan, np.nan) if kind is np.float32 else (0, 0)
    cv2.imwrite(str(tmp_path / "warped.tif"), values)
    loaded = load_pair(tmp_path / "warped.tif", pair[1], SourceOptions(crop=parse_crop("seen")))
    left, top, _ = loaded.vis[0, 0].tolist()
    assert 30 <= left <= 31 and 12 <= top <= 13 and loaded.vis[-1, -1].tolist() == [159, 89, 0]
    assert (loaded.ir == loaded.ir[0, 0]).all()


@pytest.mark.parametrize("text", ["", "middle", "1,2,3", "1,2,0,4", "-1,2,3,4", "1,2,3,4,5", "1;2;3;4", "9" * 40])
def test_what_is_no_crop_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--crop"):
        parse_crop(text)


@pytest.mark.parametrize("seed", range(6))
def test_the_largest_window_is_the_largest(seed: int) -> None:
    """Against every rectangle there is."""
    seen = np.random.default_rng(seed).random((9, 11)) < 0.75
    window = largest_window(seen)
    every = [
        (bottom - top) * (right - left)
        for top in range(9)
        for bottom in range(top + 1, 10)
        for left in range(11)
        for right in range(left + 1, 12)
        if seen[top:bottom, left:right].all()
    ]
    assert seen[window].all() and seen[window].size == max(every)


def test_nothing_that_both_see_is_an_error() -> None:
    with pytest.raises(InputError, match="shows nothing"):
        largest_window(np.zeros((400, 300), bool))


def test_the_window_of_a_large_picture_is_found_to_a_block() -> None:
    seen = np.zeros((3000, 4000), bool)
    seen[500:2500, 700:3300] = True
    rows, columns = largest_window(seen)
    assert seen[rows, columns].all()
    assert rows.stop - rows.start >= 2000 - 50 and columns.stop - columns.start >= 2600 - 50
