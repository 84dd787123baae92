"""--ir-range run for videos: one range for all frames, which torn, dead, saturated and shutter frames do not decide."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ivif_cli.app import app
from ivif_cli.core.data.images import write_image
from ivif_cli.core.data.ir_range import ThermalRange
from ivif_cli.core.data.sources import read_infrared
from ivif_cli.core.errors import UsageError
from ivif_cli.core.network import save_network
from ivif_cli.core.video.decoding import RawFormat
from ivif_cli.core.video.frames import Clip, open_frames
from ivif_cli.core.video.pairs import FramePairs, VideoOptions
from ivif_cli.core.video.range_tracker import RangeTracker, run_range
from tests.made_up import small_network
from tests.video import clips


def counts(low: float, high: float) -> np.ndarray:
    return np.linspace(low, high, 48 * 64).astype(np.uint16).reshape(48, 64)


def video(path: Path, frames: list[np.ndarray]) -> Clip:
    seconds = [number / 25 for number in range(len(frames))]
    return open_frames(clips.make_clip(path, frames, seconds, kind="gray16le", codec="ffv1"), counts=True)


def test_one_range_holds_the_middle_of_all_frames(tmp_path: Path) -> None:
    found = run_range(video(tmp_path / "ir.mkv", [counts(20000 + 100 * n, 22000 + 100 * n) for n in range(20)]))
    assert isinstance(found, ThermalRange)
    assert found.low < 20101 and found.high > 23799


@pytest.mark.parametrize("bad", ["dead", "saturated", "torn", "shutter"])
def test_bad_frames_do_not_decide_it(tmp_path: Path, bad: str) -> None:
    frames = [counts(20000, 22000)] * 30
    torn = counts(20000, 22000)
    torn[20:] = 0
    strange = {
        "dead": np.zeros((48, 64), np.uint16),
        "saturated": np.full((48, 64), 65535, np.uint16),
        "torn": torn,
        "shutter": counts(30000, 30050),
    }[bad]
    clean = run_range(video(tmp_path / "clean.mkv", frames))
    assert run_range(video(tmp_path / "ir.mkv", [strange, *frames[:15], strange, *frames[15:]])) == clean


def test_a_scene_that_is_hot_for_long_counts(tmp_path: Path) -> None:
    found = run_range(video(tmp_path / "ir.mkv", [counts(20000, 22000)] * 20 + [counts(20000, 40000)] * 5))
    assert isinstance(found, ThermalRange) and found.high > 38000


def test_every_frame_is_mapped_by_it(tmp_path: Path) -> None:
    for number, (low, high) in enumerate([(20000, 22000), (20000, 24000), (20000, 22000)]):
        write_image(tmp_path / "ir" / f"{number}.png", counts(low, high))
        write_image(tmp_path / "vis" / f"{number}.png", np.zeros((48, 64), np.uint8))
    both = open_frames(str(tmp_path / "ir"), read=read_infrared), open_frames(str(tmp_path / "vis"))
    shown = [ir for ir, _ in FramePairs(both, VideoOptions(ir_range="run")).pairs([])]
    assert np.array_equal(shown[0], shown[2])
    assert shown[0].max() < 36000 < 60000 < shown[1].max()


def test_frames_that_come_once_are_refused_and_eight_bits_stay(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"once.*LOW,HIGH"):
        run_range(open_frames("-", raw=RawFormat(64, 48, "gray16le")))
    grey = [np.full((48, 64), 90, np.uint8)] * 2
    clip = clips.make_clip(tmp_path / "a.mkv", grey, [0, 0.04], kind="gray", codec="ffv1")
    assert run_range(open_frames(clip)) == "auto"


def test_the_range_is_said(tmp_path: Path) -> None:
    save_network(tmp_path / "small.safetensors", *small_network())
    ir = video(tmp_path / "ir.mkv", [counts(20000, 22000)] * 3).path
    vis = clips.make_clip(tmp_path / "vis.mkv", [np.full((48, 64, 3), 90, np.uint8)] * 3, [0, 0.04, 0.08])
    words = ["fuse", "--ir", ir, "--vis", vis, "-m", str(tmp_path / "small.safetensors"), "--device", "cpu"]
    done = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "a.mkv"), "--ir-range", "run", "--json"])
    assert done.exit_code == 0, done.stderr
    said = json.loads(done.stdout)["video"]["infrared"]
    assert (said["kind"], said["rule"]) == ("counts", "run") and 20000 <= said["low"] < said["high"] <= 22000
    plain = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "b.mkv"), "--ir-range", "20000,22000"])
    assert "from 20000 to 22000 became black to white in all frames" in plain.stderr


def test_a_range_that_follows_holds_through_a_shutter_and_ends_holding_where_it_lasts() -> None:
    tracker = RangeTracker(frames=100)
    held = tracker.update(counts(20000, 22000))
    assert {tracker.update(counts(30000, 30050)) for _ in range(25)} == {held}
    assert tracker.update(counts(20000, 22000)) == held
    for _ in range(26):
        last = tracker.update(counts(30000, 30050))
    assert last.low > 29900


def test_a_range_that_began_on_a_shutter_begins_anew() -> None:
    tracker = RangeTracker(frames=100)
    tracker.update(counts(21000, 21050))
    assert tracker.update(counts(20000, 22000)).high > 21900
