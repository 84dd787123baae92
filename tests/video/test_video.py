"""Videos: same frames, size and rate out as in; what differs is named; nothing half-written stays; no pumping."""

import io
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ivif_cli.core.aligning.register import Alignment
from ivif_cli.core.data.images import read_image, write_image
from ivif_cli.core.errors import InputError, IvifError, OutputError, UsageError
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.network import LoadedNetwork
from ivif_cli.core.scoring.footage import open_footage
from ivif_cli.core.video.decoding import RawFormat
from ivif_cli.core.video.flicker import Flicker
from ivif_cli.core.video.frames import as_rate, is_video, open_frames, read_ahead
from ivif_cli.core.video.fuse import fuse_video
from ivif_cli.core.video.pairs import VideoOptions, open_pairs
from ivif_cli.core.video.writer import open_writer

SIZE = (64, 48)


@pytest.fixture(scope="module")
def fuser() -> Fuser:
    return Fuser("fast", device="cpu", threads=1)


def frame(number: int, size: tuple[int, int] = SIZE, colour: bool = True) -> np.ndarray:
    """A bright disc that moves over a ramp."""
    ramp = np.broadcast_to(np.linspace(40, 160, size[0]).astype(np.uint8), size[::-1]).copy()
    cv2.circle(ramp, (10 + 2 * number, size[1] // 2), 8, 230, -1)
    return cv2.merge([ramp, ramp // 2, 255 - ramp]) if colour else ramp


def make_video(path: Path, frames: int = 12, rate: float = 25, size: tuple[int, int] = SIZE) -> str:
    with open_writer(str(path), size, as_rate(rate)) as writer:
        for number in range(frames):
            picture = frame(number, size)
            grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
            writer.write(grey if "ir" in path.stem else picture, number / rate)
    return str(path)


def make_sequence(folder: Path, images: list[np.ndarray]) -> str:
    for number, image in enumerate(images, start=1):
        write_image(folder / f"f_{number}.png", image)
    return str(folder / "f_%d.png")


def decoded(path: str) -> list[np.ndarray]:
    return list(open_frames(path).stream())


def test_video_keeps_frames_size_and_rate(tmp_path: Path, fuser: Fuser) -> None:
    ir, vis = (make_video(tmp_path / f"{kind}.mp4", rate=29.97) for kind in ("ir", "vis"))
    out, steps = str(tmp_path / "out.mp4"), []
    report = fuse_video(fuser, ir, vis, out, on_frame=steps.append)
    clip = open_frames(out)
    assert (report.frames, len(steps), len(decoded(out))) == (12, 12, 12)
    assert abs(float(clip.rate or 0) - 30000 / 1001) < 0.01
    assert decoded(out)[0].shape == (SIZE[1], SIZE[0], 3)
    assert report.notes == []


def test_fused_frames_equal_fused_pictures_up_to_the_smoothed_descriptors(tmp_path: Path, fuser: Fuser) -> None:
    irs, viss = [frame(n, colour=False) for n in range(3)], [frame(n) for n in range(3)]
    ir, vis = make_sequence(tmp_path / "ir", irs), make_sequence(tmp_path / "vis", viss)
    fuse_video(fuser, ir, vis, str(tmp_path / "out" / "%03d.png"), VideoOptions(smooth=0))
    for number in range(3):
        written = read_image(tmp_path / "out" / f"{number + 1:03d}.png")
        np.testing.assert_array_equal(written, fuser.fuse(irs[number], viss[number]))


def test_a_video_is_fused_for_its_goal(tmp_path: Path, lively: LoadedNetwork) -> None:
    fuser = Fuser(lively, device="cpu")
    irs, viss = [frame(n, colour=False) for n in range(2)], [frame(n) for n in range(2)]
    ir, vis = make_sequence(tmp_path / "ir", irs), make_sequence(tmp_path / "vis", viss)
    goal = fuser.goal("bright")
    for smooth, name in ((0.0, "single"), (1.0, "smooth")):
        fuse_video(fuser, ir, vis, str(tmp_path / name / "%03d.png"), VideoOptions(smooth=smooth, goal=goal, rate=25))
        first = read_image(tmp_path / name / "001.png")
        np.testing.assert_array_equal(first, fuser.fuse(irs[0], viss[0], goal=goal))
        assert not np.array_equal(first, fuser.fuse(irs[0], viss[0]))


def test_odd_sizes_are_kept(tmp_path: Path) -> None:
    odd = (63, 47)
    with open_writer(str(tmp_path / "b.mp4"), odd, Fraction(25)) as writer:
        writer.write(frame(0, odd), 0.0)
    assert decoded(str(tmp_path / "b.mp4"))[0].shape[:2] == (47, 63)


def test_a_thermal_video_in_colour_is_refused_and_full_takes_its_luma(tmp_path: Path, fuser: Fuser) -> None:
    colours = np.random.default_rng(1).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    for name, picture in (("ir", colours), ("vis", frame(0))):
        with open_writer(str(tmp_path / f"{name}.mkv"), SIZE, Fraction(25), codec="ffv1") as writer:
            writer.write(picture, 0.0)
    ir, vis, out = (str(tmp_path / f"{name}.mkv") for name in ("ir", "vis", "out"))
    with pytest.raises(InputError, match=r"the frames of .*ir\.mkv is in colour.*--ir-range full takes its luma"):
        fuse_video(fuser, ir, vis, out)
    fuse_video(fuser, ir, vis, out, VideoOptions(ir_range="full", codec="ffv1"))
    wanted = fuser.fuse(cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY), frame(0), ir_range="full")
    np.testing.assert_array_equal(decoded(out)[0], wanted)


def test_different_lengths_are_named_and_the_shorter_one_counts(tmp_path: Path, fuser: Fuser) -> None:
    ir, vis = make_video(tmp_path / "ir.mp4", 5), make_video(tmp_path / "vis.mp4", 9)
    report = fuse_video(fuser, ir, vis, str(tmp_path / "out.mp4"))
    assert report.frames == 5
    assert len(report.notes) == 1 and "ir.mp4 ends after 5 frames" in report.notes[0]


def test_different_rates_are_named_and_refused_unless_allowed(tmp_path: Path, fuser: Fuser) -> None:
    ir, vis = make_video(tmp_path / "ir.mp4", rate=25), make_video(tmp_path / "vis.mp4", rate=30)
    with pytest.raises(InputError, match=r"25 frames/s.*30"):
        fuse_video(fuser, ir, vis, str(tmp_path / "out.mp4"))
    report = fuse_video(fuser, ir, vis, str(tmp_path / "out.mp4"), VideoOptions(any_rate=True))
    assert report.rate == 30


def test_different_sizes_need_resize_or_align(tmp_path: Path, fuser: Fuser) -> None:
    ir, vis = make_video(tmp_path / "ir.mp4", 3, size=(32, 24)), make_video(tmp_path / "vis.mp4", 3)
    with pytest.raises(InputError, match=r"32 x 24.*64 x 48"):
        fuse_video(fuser, ir, vis, str(tmp_path / "out.mp4"))
    assert fuse_video(fuser, ir, vis, str(tmp_path / "a.mp4"), VideoOptions(resize=True)).width == 64
    double = Alignment(np.diag([2.0, 2.0, 1.0]))
    assert fuse_video(fuser, ir, vis, str(tmp_path / "b.mp4"), VideoOptions(align=double)).width == 64


def test_a_failure_leaves_no_file(tmp_path: Path, fuser: Fuser) -> None:
    ir, vis = make_video(tmp_path / "ir.mp4"), make_video(tmp_path / "vis.mp4")

    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fuse_video(fuser, ir, vis, str(tmp_path / "out.mp4"), on_frame=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ir.mp4", "vis.mp4"]


def test_existing_result_is_kept_without_overwrite(tmp_path: Path, fuser: Fuser) -> None:
    ir, vis = make_video(tmp_path / "ir.mp4"), make_video(tmp_path / "vis.mp4")
    out = tmp_path / "out.mp4"
    out.write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists already"):
        fuse_video(fuser, ir, vis, str(out))
    assert out.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("source", "output"), [("vis", "vis/%06d.png"), ("vis/%06d.png", "vis"), ("vis/%06d.png", "./vis/../vis")]
)
def test_a_sequence_is_not_written_over_one_that_is_read(
    tmp_path: Path, fuser: Fuser, monkeypatch: pytest.MonkeyPatch, source: str, output: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for kind in ("ir", "vis"):
        write_image(Path(kind, "000001.png"), frame(1, colour=False))
    before = Path("vis/000001.png").read_bytes()
    with pytest.raises(UsageError, match="lies in the folder of the input"):
        fuse_video(fuser, "ir", source, output, VideoOptions(overwrite=True))
    assert Path("vis/000001.png").read_bytes() == before


def test_bad_sources_get_one_line(tmp_path: Path, fuser: Fuser) -> None:
    vis = make_video(tmp_path / "vis.mp4")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video\n" * 50)
    for name, reason in (("none.mp4", "does not exist"), ("empty.mp4", "empty"), ("text.mp4", "not a video")):
        with pytest.raises(IvifError, match=reason) as caught:
            fuse_video(fuser, str(tmp_path / name), vis, str(tmp_path / "out.mp4"))
        assert "\n" not in str(caught.value)


def test_raw_pipe_in_and_out(tmp_path: Path, fuser: Fuser, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [frame(n, colour=False) for n in range(4)]
    vis = make_sequence(tmp_path / "vis", [frame(n) for n in range(4)])
    given, taken = io.BytesIO(b"".join(x.tobytes() for x in frames)), io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(given))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(taken))
    report = fuse_video(fuser, "-", vis, "-", VideoOptions(raw_ir=RawFormat(*SIZE, "gray8")))
    assert report.frames == 4
    assert len(taken.getvalue()) == 4 * SIZE[0] * SIZE[1] * 3


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes")
@pytest.mark.parametrize("named", [False, True])
def test_frames_of_a_pipe_that_stays_open_come_at_once(tmp_path: Path, named: bool) -> None:
    path = str(tmp_path / "12:30") if named else "-"
    if named:
        os.mkfifo(path)
    words = "from ivif_cli.core.video.frames import *; import sys\n"
    words += "frames = read_ahead(open_frames(sys.argv[1], raw=RawFormat(8, 8)).timed())\n"
    words += "print([int(next(frames).pixels[0, 0]) for _ in range(2)], flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", words, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as reader:
        assert reader.stdin is not None and reader.stdout is not None
        end = open(path, "wb", buffering=0) if named else reader.stdin  # noqa: PTH123, SIM115
        end.write(bytes([7]) * 64 + bytes([8]) * 64)
        try:
            assert reader.wait(timeout=60) == 0
        finally:
            end.close()
        assert reader.stdout.read() == b"[7, 8]\n"


def test_raw_pipe_that_ends_within_a_frame_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(bytes(100))))
    with pytest.raises(InputError, match="stdin ends within frame 1"):
        list(open_frames("-", raw=RawFormat(*SIZE)).stream())
    with pytest.raises(UsageError, match="need their size"):
        open_frames("-")
    with pytest.raises(UsageError, match="yuv9"):
        RawFormat(4, 4, "yuv9")


def test_sequence_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    pattern = make_sequence(tmp_path, [np.full((4, 4), 10 * n, np.uint8) for n in range(12)])
    assert [int(image[0, 0]) for image in open_frames(pattern).stream()] == [10 * n for n in range(12)]
    with pytest.raises(InputError, match="no pictures"):
        open_frames(str(tmp_path / "other_%d.png"))


def test_two_numbered_sequences_are_paired_by_their_numbers(tmp_path: Path) -> None:
    for kind, numbers in (("ir", (1, 2, 4)), ("vis", (1, 3, 4))):
        for number in numbers:
            write_image(tmp_path / kind / f"{number:04d}.png", np.full((4, 4), 10 * number, np.uint8))
    ir, vis = (str(tmp_path / kind / "%04d.png") for kind in ("ir", "vis"))

    def paired(**options: Any) -> tuple[list[tuple[int, int]], list[str]]:
        notes: list[str] = []
        pairs = open_pairs(ir, vis, VideoOptions(**options)).pairs(notes)
        return [(int(a[0, 0]), int(v[0, 0])) for a, v in pairs], notes

    found, notes = paired()
    assert found == [(10, 10), (40, 40)]
    assert [note.partition(" pictures")[0] for note in notes] == ["1 of 3", "1 of 3"]
    assert paired(any_rate=True) == ([(10, 10), (20, 30), (40, 40)], [])
    assert [pair.ir.name for pair in open_footage(Path(ir), Path(vis), VideoOptions()).pairs] == [
        "0001.png",
        "0004.png",
    ]


@pytest.mark.parametrize(
    ("name", "video"), [("a.MP4", True), ("a.png", False), ("f_%05d.png", True), ("-", True), ("100%.png", False)]
)
def test_what_counts_as_a_video(name: str, video: bool) -> None:
    assert is_video(name) is video


@pytest.mark.parametrize("folder", ["run 50%/ir", "50%d"])
def test_a_folder_with_a_percent_sign_in_its_path_holds_pictures(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    assert not is_video(str(tmp_path / folder))


def test_only_the_number_in_the_name_of_a_sequence_is_replaced(tmp_path: Path) -> None:
    with open_writer(str(tmp_path / "50% %s" / "100%_%03d.png"), SIZE, None) as writer:
        writer.write(frame(1), 0.0)
    assert [path.name for path in (tmp_path / "50% %s").iterdir()] == ["100%_001.png"]


@pytest.mark.parametrize("codec", ["aac", "subrip", "none"])
def test_a_codec_that_is_not_for_pictures_is_one_line(tmp_path: Path, codec: str) -> None:
    with (
        pytest.raises(UsageError, match=f"cannot be written with the codec {codec}"),
        open_writer(str(tmp_path / "out.mp4"), SIZE, Fraction(25), codec=codec),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_read_ahead_hands_errors_on() -> None:
    def broken():  # type: ignore[no-untyped-def]
        yield np.zeros((1, 1), np.uint8)
        raise InputError("torn")

    frames = read_ahead(broken())
    assert next(frames).shape == (1, 1)
    with pytest.raises(InputError, match="torn"):
        next(frames)


def test_noisy_radiometric_video_does_not_flicker_more_than_frame_by_frame(tmp_path: Path, fuser: Fuser) -> None:
    rng = np.random.default_rng(0)
    base = cv2.resize(rng.uniform(0, 1, (6, 8)).astype(np.float32), SIZE, interpolation=cv2.INTER_CUBIC)
    irs, viss = [], []
    for number in range(16):
        counts = 20000 + 1500 * base + rng.normal(0, 20, base.shape)
        if number % 4 == 2:
            counts[:6, :6] = 26000
        irs.append(counts.astype(np.uint16))
        viss.append(np.clip(90 + 60 * base + rng.normal(0, 2, base.shape), 0, 255).astype(np.uint8))
    ir, vis = make_sequence(tmp_path / "ir", irs), make_sequence(tmp_path / "vis", viss)
    report = fuse_video(fuser, ir, vis, str(tmp_path / "out.avi"), VideoOptions(rate=25))
    single = Flicker()

    for a, v in zip(irs, viss, strict=True):
        single.add(fuser.fuse(a, v))
    assert report.flicker["fused"] is not None and single.value is not None
    assert report.flicker["fused"] < 0.5 * single.value
