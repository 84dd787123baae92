"""What Python callers hand in becomes a picture, or is refused with the way out."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

import ivif_cli
from ivif_cli.core.data.arrays import as_picture
from ivif_cli.core.errors import InputError, UsageError

BGR = np.arange(2 * 5 * 3, dtype=np.uint8).reshape(2, 5, 3)
RGB = np.ascontiguousarray(BGR[..., ::-1])
OPAQUE = np.full((2, 5, 1), 255, np.uint8)


@pytest.mark.parametrize(
    ("source", "order"),
    [
        (BGR, "BGR"),
        (RGB, "RGB"),
        (Image.fromarray(RGB), "BGR"),
        (Image.fromarray(np.concatenate([RGB, OPAQUE], 2)), "RGB"),
        (np.concatenate([BGR, OPAQUE], 2), "BGR"),
        (np.concatenate([RGB, OPAQUE], 2), "RGB"),
        (torch.from_numpy(BGR), "BGR"),
        (torch.from_numpy(RGB).permute(2, 0, 1), "RGB"),
    ],
)
def test_colour_comes_out_as_bgr(source: Any, order: str) -> None:
    np.testing.assert_array_equal(as_picture(source, "visible", order), BGR)


@pytest.mark.parametrize(
    "source",
    [BGR[..., 0], BGR[..., :1], Image.fromarray(BGR[..., 0]), torch.from_numpy(BGR[..., 0]).clone()[None]],
)
def test_grey_comes_out_as_height_and_width(source: Any) -> None:
    np.testing.assert_array_equal(as_picture(source, "infrared"), BGR[..., 0])


@pytest.mark.parametrize("make", [np.asarray, torch.tensor])
def test_floats_between_zero_and_one_are_taken_on_16_bits(make: Any) -> None:
    picture = as_picture(make([[0.0, 0.5, 1.0]]), "infrared")
    assert picture.dtype == np.uint16
    assert picture.tolist() == [[0, 32768, 65535]]


def test_paths_are_read(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), BGR)
    for path in (tmp_path / "a.png", str(tmp_path / "a.png")):
        np.testing.assert_array_equal(as_picture(path, "visible"), BGR)


def test_16_bits_of_pil_are_kept() -> None:
    deep = np.array([[0, 256, 65535]], np.uint16)
    np.testing.assert_array_equal(as_picture(Image.fromarray(deep), "infrared"), deep)


def test_what_is_an_array_already_is_not_copied() -> None:
    assert as_picture(BGR, "visible") is BGR


@pytest.mark.parametrize(
    ("source", "way_out"),
    [
        (None, "give a path, a PIL image, a tensor or an array"),
        ([[1, 2]], "give a path"),
        (np.array([[0.0, 300.0]]), r"spans 0 to 300 \(scale floats to \[0, 1\]"),
        (np.array([[0.0, np.nan]]), "holds NaN"),
        (np.array([[1, 2]]), r"astype\(np.uint8\)"),
        (np.array([[True]]), r"astype\(np.uint8\)"),
        (np.zeros((2, 5, 4), np.uint8), r"image\[..., :3\]"),
        (np.zeros((2, 5, 2), np.uint8), r"shape \(2, 5, 2\)"),
        (np.zeros((7, 2, 5, 3), np.uint8), "one picture at a time"),
        (Image.new("F", (3, 3)), r'image.convert\("RGB"\)'),
    ],
)
def test_the_rest_is_refused_with_the_way_out(source: Any, way_out: str) -> None:
    with pytest.raises(InputError, match=way_out):
        as_picture(source, "visible")


def test_the_order_of_channels_has_two_names() -> None:
    with pytest.raises(UsageError, match="BGR or RGB"):
        as_picture(BGR, "visible", "GBR")


def test_the_fuser_takes_them_and_answers_in_the_order_it_was_asked_in(tmp_path: Path) -> None:
    fuser = ivif_cli.Fuser("fast", device="cpu")
    ir, vis = (image[200:240, 200:264] for image in ivif_cli.example_pair())
    fused = fuser.fuse(ir, vis)
    rgb = np.ascontiguousarray(vis[..., ::-1])
    np.testing.assert_array_equal(fuser.fuse(torch.from_numpy(ir.copy()), rgb, order="RGB")[..., ::-1], fused)
    np.testing.assert_array_equal(fuser.fuse(ir, Image.fromarray(rgb)), fused)
    ivif_cli.write_image(tmp_path / "vis.png", vis)
    np.testing.assert_array_equal(fuser.look(ir, tmp_path / "vis.png").fuse(), fused)


def test_public_names_are_shown_and_there() -> None:
    assert {"Fuser", "evaluate_pair", "example_pair"} <= set(dir(ivif_cli))
    assert all(getattr(ivif_cli, name) is not None for name in dir(ivif_cli))
    assert "Any" not in dir(ivif_cli)
