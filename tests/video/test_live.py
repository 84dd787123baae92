"""Live sources over true sockets: paired by time, connected again, ended whole; what is wrong is one line."""

import os
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from ivif_cli.app import app
from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.network import save_network
from ivif_cli.core.video import live_pairs, live_source
from ivif_cli.core.video.decoding import Frame, RawFormat
from ivif_cli.core.video.frames import Clip, is_video, open_frames
from ivif_cli.core.video.fuse import fuse_video
from ivif_cli.core.video.live_source import Clock, LiveSettings, _without_backlog, is_live, shown_address
from ivif_cli.core.video.pairs import VideoOptions
from ivif_cli.core.video.writer import check_output
from tests.made_up import lively_network, small_network
from tests.video.cameras import Camera, paced, transport_stream
from tests.video.clips import tags, times


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return transport_stream(tmp_path_factory.mktemp("streams"), "clip")


@pytest.fixture(scope="module")
def fuser() -> Fuser:
    return Fuser(lively_network(), device="cpu", threads=1)


def settings(said: list[str] | None = None, **given: Any) -> VideoOptions:
    given = {"timeout": 1.5, "retries": 3, "pause": 0.05, "max_gap": 0.5} | given
    return VideoOptions(live=LiveSettings(say=[].append if said is None else said.append, **given))


def test_two_streams_are_fused_to_their_end(tmp_path: Path, stream: bytes, fuser: Fuser) -> None:
    out = str(tmp_path / "out.mp4")
    with Camera(stream) as ir, Camera(stream) as vis:
        report = fuse_video(fuser, ir.address, vis.address, out, settings(retries=0))
    assert report.frames > 10 and report.rate == 60 and not report.lost
    assert any(note.endswith(" ended") for note in report.notes)
    shown = times(out, 7)
    assert len(shown) == report.frames and shown[0] == 0 and shown == sorted(set(shown)) and shown[-1] < 1.5


def test_a_stream_that_dies_and_returns_is_gone_on_with(tmp_path: Path, stream: bytes, fuser: Fuser) -> None:
    said: list[str] = []
    with Camera(stream, (0.6, 1.0)) as ir, Camera(stream, (1.0, 1.0)) as vis:
        report = fuse_video(fuser, ir.address, vis.address, str(tmp_path / "out.mkv"), settings(said))
    assert f"{ir.address} ended: connecting again (1 of 3)" in said and f"{ir.address} is back" in said
    assert len(times(str(tmp_path / "out.mkv"))) == report.frames > 10


def test_a_stream_that_falls_silent_for_good_leaves_a_whole_file(tmp_path: Path, stream: bytes, fuser: Fuser) -> None:
    out, said = str(tmp_path / "out.mkv"), []
    with Camera(stream, hangs=True) as ir, Camera(stream * 9, frames=810) as vis:
        report = fuse_video(fuser, ir.address, vis.address, out, settings(said, timeout=1.0, retries=1))
    assert report.lost == [ir.address]
    assert f"{ir.address} gave nothing for 1 s: connecting again (1 of 1)" in said
    assert len(times(out)) == report.frames > 10


def test_a_source_that_never_answers_is_one_line(tmp_path: Path, stream: bytes, fuser: Fuser) -> None:
    with Camera(b"", hangs=True) as silent:
        gone = Camera(stream)
        gone._server.close()
        for address, why in ((silent.address, "gave nothing for 0.5 s"), (gone.address, "failed .Connection refused.")):
            # A camera of its own for each: one that has sent all may be gone, too.
            with Camera(stream) as vis, pytest.raises(InputError, match=f"{address} {why}.*is the address right"):
                fuse_video(fuser, address, vis.address, str(tmp_path / "out.mp4"), settings(timeout=0.5))
    assert not list(tmp_path.iterdir())


def test_datagrams_are_read_too(tmp_path: Path, stream: bytes, fuser: Fuser) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free, socket.socket(type=socket.SOCK_DGRAM) as sender:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        over = threading.Event()
        send = lambda part: sender.sendto(part, ("127.0.0.1", port))  # noqa: E731
        threading.Thread(target=paced, args=(stream * 3, 4.5, send, over), daemon=True).start()
        with Camera(stream, (1.0, 1.0)) as vis:
            options = settings(timeout=3, retries=0)
            report = fuse_video(fuser, f"udp://127.0.0.1:{port}", vis.address, str(tmp_path / "out.mkv"), options)
        over.set()
    assert report.frames > 5


def test_raw_frames_of_a_pipe_go_with_a_stream(tmp_path: Path, stream: bytes, fuser: Fuser) -> None:
    pipe = tmp_path / "thermal"
    os.mkfifo(pipe)
    over = threading.Event()

    def thermal() -> None:
        with pipe.open("wb", buffering=0) as end:
            paced(bytes(64 * 48) * 60, 1.5, end.write, over, size=64 * 48)

    threading.Thread(target=thermal, daemon=True).start()
    with Camera(stream) as vis:
        options = VideoOptions(raw_ir=RawFormat(64, 48), live=settings(retries=0).live)
        report = fuse_video(fuser, str(pipe), vis.address, str(tmp_path / "out.mkv"), options)
    assert report.frames > 10 and not report.lost


@pytest.mark.parametrize("other", ["a.mp4", "f_%d.png"])
def test_a_stream_and_a_file_do_not_go_together(tmp_path: Path, stream: bytes, fuser: Fuser, other: str) -> None:
    (tmp_path / "a.mp4").write_bytes(stream)
    (tmp_path / "f_1.png").touch()
    with pytest.raises(UsageError, match=r"tcp://127\.0\.0\.1:9 is live and .* is not"):
        fuse_video(fuser, "tcp://127.0.0.1:9", str(tmp_path / other), str(tmp_path / "out.mp4"))


def test_passwords_are_shown_nowhere(tmp_path: Path, stream: bytes, fuser: Fuser) -> None:
    out = str(tmp_path / "out.mkv")
    with Camera(stream) as ir, Camera(stream) as vis:
        secret = ir.address.replace("//", "//me:s3cret@")
        report = fuse_video(fuser, secret, vis.address, out, settings(retries=0))
    assert ir.address in tags(out)["comment"] and "s3cret" not in tags(out)["comment"] + str(report)
    assert shown_address("rtsp://me:a@b@cam:554/x?key=1") == "rtsp://cam:554/x"


@pytest.mark.parametrize("output", ["rtsp://me:s3cret@cam/1", "rtsp:/me:s3cret@cam/1", "out.mp4"])
def test_errors_show_no_password(fuser: Fuser, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where no folder is called as the output
    ir = "rtsp://me:s3cret@cam/1"
    with pytest.raises(UsageError, match="cam/1") as caught:
        fuse_video(fuser, ir, ir, output)
    with pytest.raises(UsageError, match="not a video") as checked:
        check_output(output.replace(".mp4", ""), None, False)
    assert "s3cret" not in f"{caught.value} {checked.value}"
    assert shown_address("a?.mp4") == "a?.mp4"


def test_what_counts_as_live() -> None:
    for name in ("rtsp://cam/1", "udp://@239.0.0.1:5000", "/dev/video0", "http://cam/a.mjpg", "srt://h:1"):
        assert is_live(name) and is_video(name) and open_frames(name).file is None
    assert not any(map(is_live, ("a.mp4", "C:/a.mp4", "video0", "-", "rtsp:/collapsed")))


@pytest.mark.parametrize("opening", [0, 1.1])
def test_what_gathered_before_the_start_is_passed_over(opening: float) -> None:
    def frames() -> Iterator[Frame]:
        time.sleep(opening)
        for number in range(30):
            if number > 20:
                time.sleep(0.01)
            yield Frame(number, number / 100)

    assert 18 < next(_without_backlog(frames()))[0].pixels < 24
    assert next(_without_backlog(iter([Frame(0)])))[0].pixels == 0


def test_a_clock_follows_the_frame_of_the_least_delay_and_begins_anew_where_stamps_do() -> None:
    clock = Clock()
    assert clock.local(5.0, 100.0) == 100.0
    assert clock.local(5.1, 100.3) == pytest.approx(100.1, abs=1e-3)
    assert clock.local(5.2, 100.15) == pytest.approx(100.15)
    assert clock.local(0.0, 101.0) == 101.0
    assert clock.local(None, 102.0) == 102.0
    slow = [Clock().local(0.0, 0.0)] + [clock.local(second, 200 + second * 1.0001) for second in np.arange(0, 999, 0.1)]
    assert abs(slow[-1] - (200 + 998.9 * 1.0001)) < 1e-3


class Given:
    """A source whose frames are there already."""

    def __init__(self, *seconds: float) -> None:
        base = time.monotonic() - 50
        self.frames = deque(Frame(second, base + second) for second in seconds)
        self.count, self.dropped, self.ended, self.lost, self.name, self.rate = (
            len(seconds),
            0,
            "ended",
            False,
            "x",
            None,
        )

    def close(self) -> None:
        """Nothing to let go."""


@contextmanager
def given(ir: Given, vis: Given) -> Iterator[list[tuple[Any, Any]]]:
    sources = iter((ir, vis))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live_pairs, "LiveSource", lambda *_, **how: next(sources))
        clip = Clip("x", None, None, "tcp://x")
        pairs = live_pairs.LivePairs(clip, clip, LiveSettings(max_gap=0.1))
        yield [(a.pixels, v.pixels) for a, v in pairs.pairs()]


def test_each_visible_frame_gets_the_infrared_one_nearest_in_time() -> None:
    with given(Given(0.0, 0.11, 0.22, 0.33), Given(0.01, 0.04, 0.08, 0.12, 0.18, 0.30)) as met:
        assert met == [(0.0, 0.01), (0.0, 0.04), (0.11, 0.08), (0.11, 0.12), (0.22, 0.18), (0.33, 0.30)]
    with given(Given(0.0), Given(0.05, 0.2)) as met:
        assert met == [(0.0, 0.05)]


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    save_network(tmp_path / "small.safetensors", *small_network())
    return ["fuse", "-m", str(tmp_path / "small.safetensors"), "--device", "cpu", "--max-gap", "0.5"]


def run(words: list[str], ir: str, vis: str, output: Path, *more: str) -> Result:
    return CliRunner().invoke(app, [*words, "--ir", ir, "--vis", vis, "-o", str(output), *more])


def test_the_command_says_what_was_lost(tmp_path: Path, stream: bytes, words: list[str]) -> None:
    with Camera(stream, hangs=True) as ir, Camera(stream * 9, frames=810) as vis:
        done = run(words, ir.address, vis.address, tmp_path / "out.mkv", "--timeout", "1", "--retries", "0")
    assert done.exit_code == 1 and times(str(tmp_path / "out.mkv"))
    assert f"warning: {ir.address} gave nothing for 1 s" in done.stderr


def test_the_command_refuses_what_does_not_go_together(tmp_path: Path, words: list[str]) -> None:
    for more, said in (
        (["--goal", "bright", "--goal", "dark"], "one wish"),
        (["--crop", "centre"], "--crop only goes"),
    ):
        done = run(words, "tcp://127.0.0.1:9", "tcp://127.0.0.1:9/b", tmp_path / "out.mkv", *more)
        assert done.exit_code == 2 and said in done.stderr
    done = run(words[:-2], "a.png", "b.png", tmp_path / "out.png", "--retries", "0")
    assert done.exit_code == 2 and "--retries only goes with videos" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_whole(tmp_path: Path, stream: bytes, words: list[str], number: signal.Signals) -> None:
    def interrupt() -> None:
        end = time.monotonic() + 60
        while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.2)
        os.kill(os.getpid(), number)

    with Camera(stream * 40, frames=3600) as ir, Camera(stream * 40, frames=3600) as vis:
        thread = threading.Thread(target=interrupt)
        thread.start()
        done = run(words, ir.address, vis.address, tmp_path / "out.mp4")
        thread.join()
    assert done.exit_code == 0 and times(str(tmp_path / "out.mp4")), done.stderr


def test_a_source_whose_reader_breaks_ends_and_says_so(
    tmp_path: Path, stream: bytes, fuser: Fuser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(frame: object, **how: object) -> np.ndarray:
        raise ValueError("no such layout")

    monkeypatch.setattr(live_source, "upright", broken)
    with Camera(stream) as ir, Camera(stream) as vis, pytest.raises(InputError, match="no such layout"):
        fuse_video(fuser, ir.address, vis.address, str(tmp_path / "out.mp4"), settings(retries=0))
