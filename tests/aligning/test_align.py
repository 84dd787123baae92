"""Alignment: known warps of real pairs are found again, bad ones are refused, and files say what they are."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ivif_cli.core.aligning.register import Alignment, align_ecc, load_alignment, save_alignment
from ivif_cli.core.errors import InputError, UsageError

TRAIN = Path(__file__).parents[3] / "shared" / "data" / "train"
STEMS = ("FLIR_00018", "FLIR_04726", "FLIR_05252", "FLIR_07210")


def scene(seed: int = 0, size: tuple[int, int] = (256, 192)) -> np.ndarray:
    """Rectangles of many sizes and levels: edges of every position, as a stand-in for a picture."""
    rng = np.random.default_rng(seed)
    image = np.full(size[::-1], 90, np.uint8)
    for _ in range(40):
        x, y = rng.integers(-20, size[0]), rng.integers(-20, size[1])
        cv2.rectangle(
            image,
            (int(x), int(y)),
            (int(x + rng.integers(8, 60)), int(y + rng.integers(8, 60))),
            int(rng.integers(20, 235)),
            -1,
        )
    return image


def shifted_view(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The picture that has, at matrix @ x, what `image` has at x."""
    return cv2.warpPerspective(image, matrix, image.shape[::-1], borderMode=cv2.BORDER_REFLECT)


def corner_error(found: np.ndarray, true: np.ndarray, size: tuple[int, int]) -> float:
    corners = np.array([[[0, 0]], [[size[0] - 1, 0]], [[size[0] - 1, size[1] - 1]], [[0, size[1] - 1]]], float)
    ends = [cv2.perspectiveTransform(corners, matrix) for matrix in (found, true)]
    return float(np.linalg.norm(ends[0] - ends[1], axis=-1).mean())


MOVES = {
    "shift": np.array([[1, 0, 9.0], [0, 1, -6.5], [0, 0, 1]]),
    "turn and scale": np.vstack([cv2.getRotationMatrix2D((128, 96), 3.0, 1.04), [0, 0, 1]]),
    "perspective": np.array([[1.01, 0.02, -4], [-0.01, 0.99, 5], [4e-5, -3e-5, 1]]),
}


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("inverted", [False, True])
def test_known_move_of_a_scene_is_found_even_with_contrast_reversed(move: str, inverted: bool) -> None:
    vis = scene()
    ir = shifted_view(255 - vis if inverted else vis, MOVES[move])
    found = align_ecc(ir, vis, motion="homography")
    true = np.linalg.inv(MOVES[move])
    assert corner_error(found.matrix, true, (256, 192)) < 0.7
    assert found.quality > 0.9 > found.before
    assert found.residual < 0.5


def test_infrared_of_another_size_and_aspect_is_placed_in_the_frame() -> None:
    vis = scene(size=(400, 240))
    ir = cv2.resize(vis[:, 40:360], (160, 120), interpolation=cv2.INTER_AREA)
    found = align_ecc(ir, vis)
    true = np.array([[2, 0, 40.5], [0, 2, 0.5], [0, 0, 1]])
    assert corner_error(found.matrix, true, (160, 120)) < 2
    warped, reached = found.warp(ir, (400, 240))
    assert warped.shape == (240, 400)
    assert reached[120, 200] and not reached[120, 5]


def test_several_pairs_share_one_map() -> None:
    viss = [scene(seed) for seed in range(3)]
    irs = [shifted_view(vis, MOVES["perspective"]) for vis in viss]
    found = align_ecc(irs, viss, motion="homography")
    assert found.pairs == 3
    assert corner_error(found.matrix, np.linalg.inv(MOVES["perspective"]), (256, 192)) < 0.5


def test_unrelated_pictures_are_refused() -> None:
    with pytest.raises(InputError, match="alignment refused"):
        align_ecc(scene(1), scene(2))


def test_flat_and_tiny_pictures_are_refused() -> None:
    with pytest.raises(InputError, match="alignment refused"):
        align_ecc(np.full((100, 100), 7, np.uint8), scene(size=(100, 100)))
    with pytest.raises(InputError, match="too small"):
        align_ecc(np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8))


def test_unknown_motion_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="elastic"):
        align_ecc(scene(), scene(), motion="elastic")


def test_pairs_of_different_sizes_are_named() -> None:
    with pytest.raises(InputError, match="256 x 192"):
        align_ecc([scene(), scene(size=(128, 96))], [scene(), scene()])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_warp_keeps_the_kind_of_values(dtype: type) -> None:
    ir = (scene().astype(np.float32) * (100 if dtype != np.uint8 else 1)).astype(dtype)
    warped, reached = Alignment(MOVES["shift"]).warp(ir, (256, 192))
    assert warped.dtype == dtype
    assert reached[:, :9].sum() == 0
    np.testing.assert_allclose(
        warped[30:100, 60].astype(float), (ir[36:106, 51].astype(float) + ir[37:107, 51]) / 2, atol=1
    )


def test_placed_image_blends_into_the_visible_one_where_it_does_not_reach() -> None:
    ir, luma = np.full((192, 256), 200, np.uint8), np.full((192, 256), 100, np.uint8)
    placed = Alignment(np.array([[1, 0, 60.0], [0, 1, 0], [0, 0, 1]])).place(ir, luma)
    assert placed.dtype == np.uint8
    assert (placed[:, :59] == 100).all() and (placed[:, 75:] == 200).all()
    assert np.abs(np.diff(placed.astype(int), axis=1)).max() < 20
    np.testing.assert_array_equal(Alignment(np.eye(3)).place(ir, luma), ir)


def test_saved_alignment_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "rig.json"
    alignment = Alignment(MOVES["perspective"], (256, 192), (256, 192), 0.5, 0.2, 1.5, 4)
    save_alignment(path, alignment)
    found = load_alignment(path)
    np.testing.assert_array_equal(found.matrix, alignment.matrix)
    assert (found.ir_size, found.vis_size, found.quality, found.pairs) == ((256, 192), (256, 192), 0.5, 4)
    with pytest.raises(InputError, match="256 x 192"):
        found.warp(scene(size=(128, 96)), (256, 192))


@pytest.mark.parametrize("text", ["1 0 3\n0 1 4\n0 0 1\n", "1,0,3;0,1,4;0,0,1", "[[2, 0, 6], [0, 2, 8], [0, 0, 2]]"])
def test_plain_matrix_files_are_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "h.txt"
    path.write_text(text)
    np.testing.assert_array_equal(load_alignment(path).matrix, [[1, 0, 3], [0, 1, 4], [0, 0, 1]])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 2 3",
        "a b c d e f g h i",
        "nan 0 0 0 1 0 0 0 1",
        "1 0 0 0 -1 0 0 0 1",
        "0 0 0 0 0 0 0 0 1",
        "{}",
        "{",
        '{"ivif_alignment": 9}',
        json.dumps({"ivif_alignment": 1, "infrared_to_visible": np.eye(3).tolist(), "infrared_size": "big"}),
        json.dumps(
            {"ivif_alignment": 1, "infrared_to_visible": [[1, 0, 0], [0, 1, 0], [-1, 0, 1]], "infrared_size": [99, 99]}
        ),
    ],
)
def test_foreign_files_are_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "h.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"not an alignment file.*h\.json"):
        load_alignment(path)


def test_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read alignment"):
        load_alignment(tmp_path / "none.json")
