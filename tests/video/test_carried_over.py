"""What a fused video takes over from the visible one: the times of its frames, its sound, what it says of itself."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ivif_cli.core.data.images import write_image
from ivif_cli.core.data.labels import read_label
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.network import LoadedNetwork
from ivif_cli.core.video.frames import open_frames
from ivif_cli.core.video.fuse import fuse_video
from ivif_cli.core.video.pairs import VideoOptions, open_pairs
from ivif_cli.core.video.timed_goals import TimedGoals
from tests.video import clips

UNEVEN = [0.0, 0.04, 0.08, 0.2, 0.25, 0.4, 0.8, 1.0]


@pytest.fixture
def fuser(lively: LoadedNetwork) -> Fuser:
    return Fuser(lively, device="cpu")


def scenes(count: int = len(UNEVEN)) -> list[np.ndarray]:
    """A disc that moves over a ramp, H x W x 3."""
    ramp = np.tile(np.linspace(40, 160, 64).astype(np.uint8), (48, 1))
    discs = [cv2.circle(ramp.copy(), (10 + 4 * number, 24), 8, 230, -1) for number in range(count)]
    return [cv2.merge([disc, disc // 2, 255 - disc]) for disc in discs]


def heat(count: int = len(UNEVEN)) -> list[np.ndarray]:
    """The same in grey, H x W x 3."""
    return [cv2.merge([scene[..., 0]] * 3) for scene in scenes(count)]


@pytest.fixture
def uneven(tmp_path: Path) -> tuple[str, str]:
    """Two clips of one uneven pace, the visible one with sound and a title."""
    ir = clips.make_clip(tmp_path / "ir.mp4", heat(), UNEVEN)
    vis = clips.make_clip(tmp_path / "vis.mp4", scenes(), UNEVEN, sound="aac", tags={"title": "a yard"})
    return ir, vis


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov", "ts"])
def test_frames_keep_their_times_and_the_sound_is_copied(
    tmp_path: Path, fuser: Fuser, uneven: tuple[str, str], suffix: str
) -> None:
    out = str(tmp_path / f"out.{suffix}")
    assert fuse_video(fuser, *uneven, out).notes == []
    shown = clips.times(out)
    assert np.diff(shown) == pytest.approx(np.diff(UNEVEN), abs=0.002)
    if suffix != "ts":
        assert clips.sound_bytes(out) == clips.sound_bytes(uneven[1])
    else:  # its packets of sound have headers of their own
        assert len(clips.sound_bytes(out)) >= len(UNEVEN)


def test_frames_of_a_wmv_come_in_the_order_of_their_times(tmp_path: Path, fuser: Fuser) -> None:
    seconds = [number / 25 for number in range(30)]
    ir = clips.make_clip(tmp_path / "ir.mp4", heat(30), seconds)
    vis = clips.make_clip(tmp_path / "vis.mp4", scenes(30), seconds)
    fuse_video(fuser, ir, vis, out := str(tmp_path / "out.wmv"))
    # ffmpeg, reading H.264 out of a WMV, guesses the time of the last frame
    assert np.diff(clips.times(out))[:-1] == pytest.approx(np.diff(seconds)[:-1], abs=0.002)


def test_frames_that_begin_after_the_sound_stay_behind_it(tmp_path: Path, fuser: Fuser) -> None:
    late = [second + 0.5 for second in UNEVEN]
    ir = clips.make_clip(tmp_path / "ir.mkv", heat(), UNEVEN)
    vis = clips.make_clip(tmp_path / "vis.mkv", scenes(), late, sound="aac")
    fuse_video(fuser, ir, vis, str(tmp_path / "out.mkv"))
    assert clips.times(str(tmp_path / "out.mkv")) == pytest.approx(late, abs=0.03)


def test_what_a_container_cannot_hold_is_said(tmp_path: Path, fuser: Fuser, uneven: tuple[str, str]) -> None:
    out = str(tmp_path / "out.webm")
    (note,) = fuse_video(fuser, *uneven, out).notes
    assert "aac" in note and ".webm" in note
    assert clips.sound_bytes(out) == []
    assert np.diff(clips.times(out)) == pytest.approx(np.diff(UNEVEN), abs=0.002)


def test_a_given_rate_takes_the_place_of_the_times_and_leaves_the_sound_out(
    tmp_path: Path, fuser: Fuser, uneven: tuple[str, str]
) -> None:
    out = str(tmp_path / "out.mp4")
    (note,) = fuse_video(fuser, *uneven, out, VideoOptions(rate=10)).notes
    assert "sound" in note and "--fps" in note
    assert clips.times(out) == pytest.approx([number / 10 for number in range(len(UNEVEN))], abs=0.002)
    assert clips.sound_bytes(out) == []


def test_containers_of_an_even_pace_take_the_frames_one_after_the_other(
    tmp_path: Path, fuser: Fuser, uneven: tuple[str, str]
) -> None:
    out = str(tmp_path / "out.avi")
    fuse_video(fuser, *uneven, out)
    assert len(clips.times(out)) == len(UNEVEN)
    assert len(set(np.round(np.diff(clips.times(out))[1:], 3))) == 1


def test_the_sound_ends_with_the_last_frame(tmp_path: Path, fuser: Fuser) -> None:
    even = [number / 25 for number in range(50)]
    ir = clips.make_clip(tmp_path / "ir.mp4", heat(10), even[:10])
    vis = clips.make_clip(tmp_path / "vis.mp4", scenes(50), even, sound="aac")
    fuse_video(fuser, ir, vis, str(tmp_path / "out.mp4"))
    kept, whole = (len(clips.sound_bytes(str(tmp_path / name))) for name in ("out.mp4", "vis.mp4"))
    assert 0.15 < kept / whole < 0.3


@pytest.mark.row("video")
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm", "avi", "wmv"])
def test_a_video_says_what_made_it_and_what_the_visible_one_said(
    tmp_path: Path, fuser: Fuser, uneven: tuple[str, str], suffix: str
) -> None:
    out = str(tmp_path / f"out.{suffix}")
    fuse_video(fuser, *uneven, out, VideoOptions(gray=True, goal=fuser.goal("bright")))
    said = clips.tags(out)
    assert said["title"] == "a yard"
    record = json.loads(said["comment"])
    assert record["weights_sha256"] == fuser.sha256
    assert record["goal"]["text"] == fuser.goal("bright").texts.fused
    assert record["options"]["gray"] is True
    hashes = [hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in uneven]
    assert record["sources"] == [
        {"file": "ir.mp4", "sha256": hashes[0]},
        {"file": "vis.mp4", "sha256": hashes[1]},
    ]


def test_pictures_of_a_sequence_say_it_too(tmp_path: Path, fuser: Fuser) -> None:
    for folder in ("ir", "vis"):
        for number, scene in enumerate(scenes(3), start=1):
            write_image(tmp_path / folder / f"{number}.png", scene if folder == "vis" else scene[..., 0])
    timed = TimedGoals([0.0, 1.0], [fuser.goal("bright"), fuser.goal("dark")])
    names = str(tmp_path / "ir" / "%d.png"), str(tmp_path / "vis" / "%d.png"), str(tmp_path / "out" / "%d.png")
    fuse_video(fuser, *names, VideoOptions(goal=timed))
    record = json.loads(read_label(tmp_path / "out" / "2.png"))
    assert [goal["from"] for goal in record["goals"]] == [0.0, 1.0]
    assert record["sources"][0]["file"] == names[0]


def test_a_telephone_held_upright_is_shown_upright(tmp_path: Path) -> None:
    scene = np.zeros((48, 64, 3), np.uint8)
    scene[:, :16] = 255
    clip = clips.turned(clips.make_clip(tmp_path / "a.mp4", [scene] * 3, [0, 0.04, 0.08]))
    frame = next(open_frames(clip).stream())
    assert frame.shape == (64, 48, 3)
    assert frame[:14].min() > 230 and frame[18:].max() < 25


@pytest.mark.parametrize(("kind", "white"), [("gray10le", 1023), ("gray12le", 4095), ("gray16le", 65535)])
def test_deep_grey_video_keeps_its_counts(tmp_path: Path, kind: str, white: int) -> None:
    counts = np.linspace(0, white, 48 * 64).astype(np.uint16).reshape(48, 64)
    clip = clips.make_clip(tmp_path / "a.mkv", [counts], [0.0], kind=kind, codec="ffv1")
    assert np.array_equal(next(open_frames(clip, counts=True).stream()), counts)
    shown = next(open_frames(clip).stream())
    assert np.array_equal(shown, np.round(counts * (65535 / white)).astype(np.uint16))
    ir, vis = (one.stream() for one in open_pairs(f"{tmp_path}/./a.mkv", clip, VideoOptions()).clips)
    assert np.array_equal(next(ir), counts) and np.array_equal(next(vis), shown)


def test_a_name_with_a_colon_is_a_file(tmp_path: Path) -> None:
    clip = clips.make_clip(tmp_path / "12:30.mp4", scenes(2), UNEVEN[:2])
    assert len(list(open_frames(clip).stream())) == 2
