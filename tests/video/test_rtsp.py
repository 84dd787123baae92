"""Two RTSP cameras of 9 and 25 Hz through `ivif fuse`: paired by time, connected again; no answer is one line."""

import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from ivif_cli.app import app
from ivif_cli.core.network import save_network
from ivif_cli.core.video.frames import open_frames
from tests.made_up import small_network
from tests.video.rtsp import SIZE, RtspCamera, second_of

APART = 0.6
"""Far more than --max-gap, so that a busy machine does not count; pairs by number lie further apart after a second."""


def fuse(folder: Path, ir: RtspCamera, vis: RtspCamera, *more: str) -> Result:
    """The command as users type it, into `out.mkv`, where both sources stand beside the fused frames."""
    save_network(folder / "small.safetensors", *small_network())
    words = ["fuse", "--ir", ir.address, "--vis", vis.address, "-m", str(folder / "small.safetensors")]
    words += ["-o", str(folder / "out.mkv"), "--view", "side", "--device", "cpu", "--max-gap", "0.2", *more]
    return CliRunner().invoke(app, words)


def taken(folder: Path) -> np.ndarray:
    """When both frames of each pair were taken, N x 2 [s], by their grey levels."""
    frames = [
        picture if picture.ndim == 2 else picture[..., 0] for picture in open_frames(f"{folder}/out.mkv").stream()
    ]
    ir, vis = slice(8, SIZE[0] - 8), slice(SIZE[0] + 8, 2 * SIZE[0] - 8)
    return np.array([[second_of(frame[:, part].mean()) for part in (ir, vis)] for frame in frames])


@pytest.mark.slow
@pytest.mark.row("two [live sources](video.md#live-sources)")
def test_frames_of_two_rtsp_cameras_pair_by_the_time_they_were_taken(tmp_path: Path) -> None:
    begun = time.monotonic()
    with RtspCamera(9, begun, [9]) as ir, RtspCamera(25, begun, [9]) as vis:
        done = fuse(tmp_path, ir, vis, "--retries", "0")
    assert done.exit_code == 0, done.stderr
    pairs = taken(tmp_path)
    assert len(pairs) > 10 and np.ptp(pairs[:, 1]) > 1.5, "frames of more than a second"
    assert np.abs(pairs[:, 0] - pairs[:, 1]).max() < APART


@pytest.mark.slow
def test_an_rtsp_camera_that_dies_is_connected_again(tmp_path: Path) -> None:
    begun = time.monotonic()
    with RtspCamera(9, begun, [6, 9]) as ir, RtspCamera(25, begun, [16]) as vis:
        done = fuse(tmp_path, ir, vis, "--retries", "2")
    lines = done.stderr.splitlines()
    again = next(n for n, line in enumerate(lines) if ir.address in line and "connecting again (1 of 2)" in line)
    assert f"{ir.address} is back" in "\n".join(lines[again:]), done.stderr
    pairs = taken(tmp_path)
    assert pairs[-1, 0] - pairs[0, 0] > 6 and np.abs(pairs[:, 0] - pairs[:, 1]).max() < APART


def test_an_rtsp_camera_that_never_answers_is_one_line(tmp_path: Path) -> None:
    begun = time.monotonic()
    with RtspCamera(9, begun, silent=True) as ir, RtspCamera(25, begun, [60]) as vis:
        done = fuse(tmp_path, ir, vis, "--timeout", "1")
    said = [line for line in done.stderr.splitlines() if not line.startswith("fusing what comes")]
    assert done.exit_code == 1 and len(said) == 1 and said[0].startswith("error: "), done.stderr
    assert f"{ir.address} gave nothing for 1 s" in said[0] and "is the address right" in said[0]
    assert time.monotonic() - begun < 30 and not (tmp_path / "out.mkv").exists()
