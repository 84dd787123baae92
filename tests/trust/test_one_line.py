"""What a user sees of a damaged picture: one line, and nothing of what the decoders say among themselves."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from ivif_cli.core.network import save_network
from tests.fuzz.pictures import mend_checksums
from tests.made_up import small_network


def damaged_png() -> bytes:
    """A PNG whose compressed data are wrong, though its checksums are right: libpng itself complains of it."""
    data = bytearray(cv2.imencode(".png", np.random.default_rng(1).integers(0, 256, (40, 40)).astype(np.uint8))[1])
    data[700] ^= 16
    return mend_checksums(bytes(data))


@pytest.mark.parametrize(("debug", "lines"), [("", 1), ("1", 2)])
def test_decoders_are_not_heard(tmp_path: Path, debug: str, lines: int) -> None:
    for name in ("a_ir.png", "a_vis.png"):
        (tmp_path / name).write_bytes(damaged_png())
    model = tmp_path / "small.safetensors"
    save_network(model, *small_network())
    pair = ["--ir", tmp_path / "a_ir.png", "--vis", tmp_path / "a_vis.png", "-o", tmp_path / "out.png", "-m", model]
    done = subprocess.run(
        [sys.executable, "-m", "ivif_cli", "fuse", *map(str, pair)],
        env={**os.environ, "IVIF_DEBUG": debug},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    said = done.stderr.splitlines()
    assert said[-1].startswith("error: ")
    assert "cannot be decoded" in said[-1]
    assert len(said) >= lines
    assert ("libpng" in done.stderr) == bool(debug)
    assert len(said) == 1 or debug
