"""One scene through every door of `ivif fuse`: arrays, files, folder, manifest, sequence, lossless video and pipes."""

import io
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from ivif_cli.app import app
from ivif_cli.commands.fuse_task import refuse_terminal
from ivif_cli.core.data.images import read_image, write_image
from ivif_cli.core.errors import UsageError
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.network import save_network
from ivif_cli.core.video.frames import open_frames
from ivif_cli.core.video.writer import open_writer
from tests.made_up import small_network

IR = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (48, 64), dtype=np.uint8), (5, 5), 2)
VIS = cv2.GaussianBlur(np.random.default_rng(2).integers(0, 256, (48, 64, 3), dtype=np.uint8), (5, 5), 2)


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Weights, and one pair in two folders."""
    save_network(tmp_path / "small.safetensors", *small_network())
    write_image(tmp_path / "ir" / "f_1.png", IR)
    write_image(tmp_path / "vi" / "f_1.png", VIS)
    return tmp_path


def fuse(scene: Path, ir: object, vis: object, out: object, *more: object, given: bytes = b"") -> Result:
    sources = () if ir is None else ("--ir", ir, "--vis", vis)
    words = ("fuse", *sources, "-o", out, "-m", scene / "small.safetensors", "--device", "cpu", *more)
    return CliRunner().invoke(app, [str(word) for word in words], input=given)


def done(result: Result) -> bytes:
    assert result.exit_code == 0, result.output
    return result.stdout_bytes


def decoded(png: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)


def by_arrays(scene: Path) -> np.ndarray:
    return Fuser(scene / "small.safetensors", device="cpu").fuse(IR, VIS)


def by_files(scene: Path) -> np.ndarray:
    done(fuse(scene, scene / "ir" / "f_1.png", scene / "vi" / "f_1.png", scene / "file.png"))
    return read_image(scene / "file.png")


def by_folder(scene: Path) -> np.ndarray:
    done(fuse(scene, scene / "ir", scene / "vi", scene / "folder"))
    return read_image(scene / "folder" / "f_1.png")


def by_manifest(scene: Path) -> np.ndarray:
    (scene / "pairs.csv").write_text("ir,vis,out\nir/f_1.png,vi/f_1.png,one.png\n")
    done(fuse(scene, None, None, scene / "listed", "--manifest", scene / "pairs.csv"))
    return read_image(scene / "listed" / "one.png")


def by_sequence(scene: Path) -> np.ndarray:
    done(fuse(scene, scene / "ir" / "f_%d.png", scene / "vi" / "f_%d.png", scene / "out" / "f_%d.png"))
    return read_image(scene / "out" / "f_1.png")


def by_video(scene: Path) -> np.ndarray:
    for name, picture in (("ir", cv2.merge([IR] * 3)), ("vi", VIS)):
        with open_writer(str(scene / f"{name}.mkv"), (64, 48), Fraction(25), codec="ffv1") as writer:
            writer.write(picture, 0.0)
    done(fuse(scene, scene / "ir.mkv", scene / "vi.mkv", scene / "out.mkv", "--codec", "ffv1"))
    return next(open_frames(str(scene / "out.mkv")).stream())


def by_pipe(scene: Path) -> np.ndarray:
    given = (scene / "ir" / "f_1.png").read_bytes()
    return decoded(done(fuse(scene, "-", scene / "vi" / "f_1.png", "-", "-q", given=given)))


def by_raw_pipe(scene: Path) -> np.ndarray:
    shape = ("--size", "64x48", "--pixel-format", "gray8")
    raw = done(fuse(scene, "-", scene / "vi" / "f_%d.png", "-", "-q", *shape, given=IR.tobytes()))
    return np.frombuffer(raw, np.uint8).reshape(VIS.shape)


@pytest.mark.parametrize(
    "door",
    [by_files, by_folder, by_manifest, by_sequence, by_video, by_pipe, by_raw_pipe],
    ids=lambda door: door.__name__,
)
def test_every_door_gives_the_pixels_of_arrays(scene: Path, door: Callable[[Path], np.ndarray]) -> None:
    assert np.array_equal(door(scene), by_arrays(scene))


def test_what_a_pipe_cannot_take_is_refused(scene: Path) -> None:
    one = scene / "ir" / "f_1.png", scene / "vi" / "f_1.png"
    for arguments, said in (
        ((scene / "ir", scene / "vi", "-"), "one picture"),
        ((*one, "-", "--goal", "bright", "--goal", "dark"), "one picture"),
        ((*one, "-", "--json"), "nothing beside"),
        (("-", "-", "-"), "stdin holds one picture"),
    ):
        result = fuse(scene, *arguments)
        assert result.exit_code == 2 and said in result.stderr and not result.stdout_bytes
    assert "stdin is empty" in fuse(scene, "-", one[1], "-").stderr


def test_pixels_do_not_go_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(UsageError, match="terminal"):
        refuse_terminal(Path("-"))
    refuse_terminal(Path("out.png"))


def test_views_from_the_command_line(scene: Path) -> None:
    one = scene / "ir" / "f_1.png", scene / "vi" / "f_1.png"
    done(fuse(scene, *one, scene / "side.png", "--view", "side"))
    assert np.array_equal(read_image(scene / "side.png")[:, 64:128], VIS)
    done(fuse(scene, *one, scene / "hot.png", "--view", "overlay", "--hot", "90%"))
    coloured = (read_image(scene / "hot.png") != VIS).any(axis=2)
    assert coloured[np.percentile(IR, 90) < IR].mean() > 0.99 and not coloured[np.percentile(IR, 90) > IR].any()
    assert "temperatures" in fuse(scene, *one, scene / "warm.png", "--view", "overlay", "--hot", "35C").stderr
    assert "ivif align" in fuse(scene, *one, scene / "x.png", "--view", "overlay", "--align", "ecc").stderr
