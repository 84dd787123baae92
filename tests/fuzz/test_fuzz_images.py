"""Reading pictures: damaged ones, ones built from absurd claims, and any bytes."""

import resource
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivif_cli.core.data.image_header import read_header
from ivif_cli.core.data.images import read_image
from tests.fuzz.budget import fuzzed, value_or_line
from tests.fuzz.pictures import built_bmp, built_png, built_tiff, damaged

MOST_PIXELS = 1 << 20
MOST_MEMORY = 256 << 20
"""What reading pictures of at most 2^20 pixels may add to the process, whatever their files claim [bytes]."""
_SCALE = 1 if sys.platform == "darwin" else 1024


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _SCALE


def check(box: Path, data: bytes) -> None:
    path = box / "picture"
    path.write_bytes(data)
    before = peak()
    image = value_or_line("images", lambda: read_image(path, max_pixels=MOST_PIXELS))
    if image is not None:
        assert image.dtype in (np.uint8, np.uint16)
        assert image.ndim == 2 or image.shape[2] == 3
        assert 0 < image.shape[0] * image.shape[1] <= MOST_PIXELS
    assert peak() - before < MOST_MEMORY


@given(data=damaged())
@fuzzed(0.2)
def test_damaged_files(box: Path, data: bytes) -> None:
    check(box, data)


@given(data=built_png())
@fuzzed(0.06)
def test_png_of_any_claim(box: Path, data: bytes) -> None:
    check(box, data)


@given(data=built_tiff())
@fuzzed(0.1)
def test_tiff_of_any_claim(box: Path, data: bytes) -> None:
    check(box, data)


@given(data=built_bmp())
@fuzzed(0.04)
def test_bmp_of_any_claim(box: Path, data: bytes) -> None:
    check(box, data)


@given(
    start=st.sampled_from((b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*", b"II+\0")),
    rest=st.binary(max_size=200),
)
@fuzzed(0.05)
def test_any_bytes(box: Path, start: bytes, rest: bytes) -> None:
    header = read_header(start + rest)
    assert header is None or header.pixels >= 0
    check(box, start + rest)


@pytest.mark.parametrize("name", ["a\nb.png", "nul\0.png", "x" * 300 + ".png", ""])
def test_names_that_no_file_can_have(box: Path, name: str) -> None:
    assert value_or_line("image names", lambda: read_image(box / name)) is None
