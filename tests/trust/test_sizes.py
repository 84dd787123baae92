"""Sizes that files claim: refused from the header, before memory is spent on them."""

import json
import resource
import struct
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from ivif_cli.core.data.images import MAX_PIXELS, read_image
from ivif_cli.core.errors import InputError, WeightsError
from ivif_cli.core.weights import read_weights
from tests.fuzz.pictures import mend_checksums

SMALL = 32 << 20


def png(width: int, height: int) -> bytes:
    data = bytearray(cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1])
    data[16:24] = struct.pack(">II", width, height)
    return mend_checksums(bytes(data))


def tiff(width: int, height: int) -> bytes:
    """An uncompressed grey TIFF of one strip of 64 bytes."""
    values = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 64}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values.items())
    return b"II*\0" + struct.pack("<I", 72) + bytes(64) + struct.pack("<H", len(values)) + entries + bytes(4)


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.parametrize("make", [png, tiff])
@pytest.mark.parametrize("side", [19_000, 60_000, 2**31 - 1])
def test_a_few_bytes_that_claim_very_many_pixels(tmp_path: Path, make, side: int) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "a").write_bytes(make(side, side))
    before = peak()
    with pytest.raises(InputError, match=f"{side} x {side}"):
        read_image(tmp_path / "a")
    assert peak() - before < SMALL


def test_the_emptiest_picture_that_is_allowed_is_not_taken_for_a_lie(tmp_path: Path) -> None:
    side = 6000
    assert cv2.imwrite(str(tmp_path / "flat.png"), np.zeros((side, side), np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert read_image(tmp_path / "flat.png").shape == (side, side)
    bits = zlib.compress(bytes(side * (1 + side // 8)), 9)
    assert side * side / len(bits) < 8_500
    assert side * side < MAX_PIXELS


@pytest.mark.parametrize("shape", [[1 << 40], [1 << 20, 1 << 20], [1 << 62, 4]])
def test_tensors_that_claim_more_than_their_file(tmp_path: Path, shape: list[int]) -> None:
    header = json.dumps(
        {"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4 * int(np.prod(shape, dtype=object))]}}
    )
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", len(header)) + header.encode() + bytes(64))
    torch.zeros(1)  # loaded before, so that what is measured is the reading
    before = peak()
    with pytest.raises(WeightsError):
        read_weights(tmp_path / "w.safetensors")
    assert peak() - before < SMALL


@pytest.mark.parametrize("length", [2**20 + 1, 2**40, 2**64 - 1])
def test_headers_that_claim_more_than_their_bound(tmp_path: Path, length: int) -> None:
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", length) + bytes(1000))
    with pytest.raises(WeightsError):
        read_weights(tmp_path / "w.safetensors")
