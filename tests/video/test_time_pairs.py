"""Two recordings of different frame rates, paired by the times of their frames."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ivif_cli.app import app
from ivif_cli.core.data.images import write_image
from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.network import save_network
from ivif_cli.core.video.decoding import Frame
from ivif_cli.core.video.fuse import fuse_video
from ivif_cli.core.video.pairs import VideoOptions, open_pairs
from ivif_cli.core.video.time_pairs import paired_by_time
from tests.made_up import lively_network, small_network
from tests.video.clips import make_clip, times

FAST = [number / 25 for number in range(25)]
SLOW = [number / 9 for number in range(9)]
UNEVEN = [0.0, 0.03, 0.3, 0.33, 0.7, 0.95]


def clip(path: Path, seconds: list[float]) -> str:
    """A video whose frames are as grey as their time says."""
    frames = [np.full((48, 64, 3), round(40 + 180 * second), np.uint8) for second in seconds]
    return make_clip(path, frames, seconds)


@pytest.mark.row("two video files with `--max-gap SECONDS`")
@pytest.mark.parametrize("seconds", [SLOW, UNEVEN])
def test_each_visible_frame_gets_the_infrared_one_nearest_in_time(tmp_path: Path, seconds: list[float]) -> None:
    ir, vis = clip(tmp_path / "ir.mp4", seconds), clip(tmp_path / "vis.mp4", FAST)
    pairs = list(open_pairs(ir, vis, VideoOptions(max_gap=0.3)).pairs([]))
    assert len(pairs) == 25
    for (thermal, _), shown in zip(pairs, FAST, strict=True):
        found = (float(thermal.mean()) - 40) / 180
        assert abs(found - shown) < min(abs(second - shown) for second in seconds) + 0.02


def test_the_result_has_the_times_of_the_visible_video(tmp_path: Path) -> None:
    ir, vis = clip(tmp_path / "ir.mp4", SLOW), clip(tmp_path / "vis.mp4", FAST)
    out = str(tmp_path / "out.mp4")
    report = fuse_video(Fuser(lively_network(), device="cpu"), ir, vis, out, VideoOptions(max_gap=0.1))
    assert report.frames == 25 and report.rate == 25 and times(out) == pytest.approx(FAST, abs=1e-3)


def test_frames_without_a_partner_are_left_out_and_counted(tmp_path: Path) -> None:
    ir, vis = clip(tmp_path / "ir.mp4", SLOW[:5]), clip(tmp_path / "vis.mp4", FAST)
    out = str(tmp_path / "out.mp4")
    report = fuse_video(Fuser(lively_network(), device="cpu"), ir, vis, out, VideoOptions(max_gap=0.06))
    notes = [note for note in report.notes if "left out" in note]
    kept = [second for second in FAST if second <= SLOW[4] + 0.06]
    assert times(out) == pytest.approx(kept, abs=1e-3)
    assert len(notes) == 1 and notes[0].startswith(f"{25 - len(kept)} of 25 frames of {vis}")


@pytest.mark.parametrize("suffix", ["avi", "mpg"])
def test_containers_of_one_rate_are_refused_since_gaps_would_close_up(tmp_path: Path, suffix: str) -> None:
    ir, vis, out = clip(tmp_path / "ir.mp4", SLOW), clip(tmp_path / "vis.mp4", FAST), str(tmp_path / f"out.{suffix}")
    fuser = Fuser(lively_network(), device="cpu")
    with pytest.raises(UsageError, match="cannot hold frames at their own times"):
        fuse_video(fuser, ir, vis, out, VideoOptions(max_gap=0.02))
    assert fuse_video(fuser, ir, vis, out, VideoOptions(max_gap=0.02, rate=25)).frames


def test_what_says_no_times_is_refused(tmp_path: Path) -> None:
    def timeless() -> Iterator[Frame]:
        yield Frame(np.zeros((2, 2), np.uint8))

    with pytest.raises(InputError, match="say no times"):
        list(paired_by_time(timeless(), timeless(), 0.1, ("ir", "vis"), []))
    vis = clip(tmp_path / "vis.mp4", FAST)
    write_image(tmp_path / "ir" / "1.png", np.zeros((48, 64), np.uint8))
    with pytest.raises(UsageError, match="--max-gap goes with video files"):
        next(open_pairs(str(tmp_path / "ir"), vis, VideoOptions(max_gap=0.1)).pairs([]))


def test_the_command_names_the_way_out_and_takes_it(tmp_path: Path) -> None:
    save_network(tmp_path / "small.safetensors", *small_network())
    ir, vis = clip(tmp_path / "ir.mp4", SLOW), clip(tmp_path / "vis.mp4", FAST)
    words = [
        "fuse",
        "--ir",
        ir,
        "--vis",
        vis,
        "-o",
        str(tmp_path / "out.mp4"),
        "-m",
        str(tmp_path / "small.safetensors"),
    ]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 1 and "frames/s" in refused.stderr and "--max-gap 0.1" in refused.stderr
    both = CliRunner().invoke(app, [*words, "--max-gap", "0.1", "--any-rate"])
    assert both.exit_code == 2 and "give one of them" in both.stderr
    done = CliRunner().invoke(app, [*words, "--max-gap", "0.1"])
    assert done.exit_code == 0 and "25 frames of 64 x 48 at 25/s" in done.stderr
