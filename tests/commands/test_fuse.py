"""`ivif fuse` as users call it: what it writes, what it says, and how it refuses bad input."""

import json
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from ivif_cli.app import app
from ivif_cli.core.data.images import read_image, write_image
from ivif_cli.core.network import save_network
from tests.made_up import small_network


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Weights of a small network with the goals of a made-up encoder."""
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_network(path, *small_network())
    return str(path)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(1)
    ir, vis = tmp_path / "in" / "a_ir.png", tmp_path / "in" / "a_vis.png"
    write_image(ir, rng.integers(0, 256, (31, 45), dtype=np.uint8))
    write_image(vis, rng.integers(0, 256, (31, 45, 3), dtype=np.uint8))
    return ir, vis


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(2)
    for name in ("1", "2", "s/3"):
        write_image(tmp_path / "ir" / f"{name}.png", rng.integers(0, 256, (16, 24), dtype=np.uint8))
        write_image(tmp_path / "vis" / f"{name}.jpg", rng.integers(0, 256, (16, 24, 3), dtype=np.uint8))
    return tmp_path / "ir", tmp_path / "vis"


def ivif(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def fuse(model: str, sources: tuple[Path, Path], output: Path, *more: object) -> Result:
    return ivif(
        "fuse", "--ir", sources[0], "--vis", sources[1], "-o", output, "--model", model, "--device", "cpu", *more
    )


def refused(result: Result, status: int, *words: str) -> None:
    """One line on stderr with these words, nothing on stdout, no traceback."""
    assert result.exit_code == status, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1, lines
    assert all(word in lines[0] for word in words), lines
    assert result.stdout == ""


def test_one_pair(model: str, pair: tuple[Path, Path], tmp_path: Path) -> None:
    done = fuse(model, pair, tmp_path / "new" / "out.png")
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(tmp_path / "new" / "out.png")
    assert read_image(tmp_path / "new" / "out.png").shape == (31, 45, 3)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp"])
def test_the_suffix_chooses_the_kind(model: str, pair: tuple[Path, Path], tmp_path: Path, suffix: str) -> None:
    assert fuse(model, pair, tmp_path / f"out{suffix}").exit_code == 0
    assert read_image(tmp_path / f"out{suffix}").shape == (31, 45, 3)


def test_grey_sixteen_bits_and_a_folder_as_output(model: str, pair: tuple[Path, Path], tmp_path: Path) -> None:
    done = fuse(model, pair, tmp_path, "--gray", "--bit-depth", 16)
    assert done.stdout.strip() == str(tmp_path / "a.png")
    fused = read_image(tmp_path / "a.png")
    assert fused.shape == (31, 45) and fused.dtype == np.uint16


@pytest.mark.parametrize(("depth", "kind"), [((), np.uint16), (("--bit-depth", 8), np.uint8)])
def test_sixteen_bit_thermal_stays_sixteen_unless_told(
    model: str, pair: tuple[Path, Path], tmp_path: Path, depth: tuple[object, ...], kind: type
) -> None:
    write_image(pair[0], (7000 + read_image(pair[0]).astype(np.uint16)), overwrite=True)
    assert fuse(model, pair, tmp_path / "out.png", *depth, "--ir-range", "7000,7255").exit_code == 0
    assert read_image(tmp_path / "out.png").dtype == kind


def test_sixteen_bit_thermal_into_a_jpeg_is_refused_and_not_cut(
    model: str, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    write_image(pair[0], read_image(pair[0]).astype(np.uint16), overwrite=True)
    refused(fuse(model, pair, tmp_path / "out.jpg"), 1, "16", "--bit-depth 8")
    assert fuse(model, pair, tmp_path / "out.jpg", "--bit-depth", 8).exit_code == 0


def test_sizes_that_differ_name_both_and_the_way_out(model: str, pair: tuple[Path, Path], tmp_path: Path) -> None:
    write_image(pair[0], np.zeros((10, 20), np.uint8), overwrite=True)
    refused(fuse(model, pair, tmp_path / "out.png"), 1, "20 x 10", "45 x 31", "--resize")
    assert fuse(model, pair, tmp_path / "out.png", "--resize").exit_code == 0
    assert read_image(tmp_path / "out.png").shape == (31, 45, 3)


def test_one_pixel(model: str, pair: tuple[Path, Path], tmp_path: Path) -> None:
    for path in pair:
        write_image(path, np.full((1, 1), 9, np.uint8), overwrite=True)
    assert fuse(model, pair, tmp_path / "out.png").exit_code == 0
    assert read_image(tmp_path / "out.png").shape == (1, 1)


def test_a_format_that_the_name_of_one_picture_contradicts_is_refused(
    model: str, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    refused(fuse(model, pair, tmp_path / "o.png", "--format", "jpg"), 2, "--format jpg and o.png are two kinds")
    assert fuse(model, pair, tmp_path / "o.tiff", "--format", "tif").exit_code == 0


def test_folders_and_continuing(model: str, folders: tuple[Path, Path], tmp_path: Path) -> None:
    first = fuse(model, folders, tmp_path / "out", "--json")
    report = json.loads(first.stdout)
    assert first.exit_code == 0 and first.stderr == ""
    assert [item["name"] for item in report["fused"]] == ["1", "2", "s/3"]
    assert report["fused"][0].pop("goal")["name"] == "default"
    assert report["fused"][0].pop("infrared") == {"kind": "8-bit", "low": 0.0, "high": 255.0}
    assert report["fused"][0].pop("notes") == [] and report["fused"][0].pop("alignment") is None
    assert report["fused"][0] | {"ir": "", "vis": "", "output": ""} == {
        "name": "1", "ir": "", "vis": "", "output": "", "width": 24, "height": 16, "bits": 8,
    }  # fmt: skip
    assert len(report["weights_sha256"]) == 64
    (tmp_path / "out" / "2.png").unlink()
    again = json.loads(fuse(model, folders, tmp_path / "out", "--json").stdout)
    assert len(again["fused"]) == 1 and len(again["skipped"]) == 2
    assert "fused 3, skipped 0" in fuse(model, folders, tmp_path / "out", "--overwrite").stdout
    nothing = fuse(model, folders, tmp_path / "out").stdout
    assert "3 were there already, made of the same sources by the same settings" in nothing and "pairs/s" not in nothing


def test_a_bad_pair_in_a_folder_is_named_and_the_rest_is_fused(
    model: str, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    (folders[0] / "2.png").write_bytes(b"\x89PNG")
    done = fuse(model, folders, tmp_path / "out")
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1 and "error: 2:" in done.stderr
    assert "fused 2, skipped 0, failed 1" in done.stdout


def test_unmatched_and_duplicates_are_named(model: str, folders: tuple[Path, Path], tmp_path: Path) -> None:
    (folders[0] / "lonely.png").touch()
    (folders[1] / "1.png").touch()
    done = fuse(model, folders, tmp_path / "out")
    assert done.exit_code == 0
    assert "lonely.png" in done.stderr and "1.png" in done.stderr and "1.jpg" in done.stderr
    assert "fused 2" in done.stdout


def test_a_dataset(model: str, folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IVIF_DATA", str(tmp_path))
    (tmp_path / "TNO").mkdir()
    for folder in folders:
        folder.rename(tmp_path / "TNO" / folder.name)
    done = ivif("fuse", "--dataset", "tno", "-o", tmp_path / "out", "--model", model, "--device", "cpu")
    assert "fused 3" in done.stdout, done.output


def test_names_with_spaces_unicode_and_globs(model: str, tmp_path: Path) -> None:
    sources = tmp_path / "ir [1]", tmp_path / "видимое *"
    for name in ("夜 景?", "-o", "a{b}"):
        for folder in sources:
            write_image(folder / f"{name}.png", np.full((8, 8), 50, np.uint8))
    assert fuse(model, sources, tmp_path / "out ✓").exit_code == 0
    assert sorted(path.stem for path in (tmp_path / "out ✓").iterdir()) == ["-o", "a{b}", "夜 景?"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_text(model: str, tmp_path: Path) -> None:
    name = os.fsdecode(b"a\xff.png")
    for kind in ("ir", "vis"):
        write_image(tmp_path / kind / name, np.full((8, 8), 50, np.uint8))
    done = fuse(model, (tmp_path / "ir", tmp_path / "vis"), tmp_path / "out", "--json")
    assert json.loads(done.stdout)["fused"][0]["name"] == "a\udcff"
    (tmp_path / "ir" / name).write_bytes(b"")
    single = fuse(model, (tmp_path / "ir" / name, tmp_path / "vis" / name), tmp_path / "o.png")
    refused(single, 1, r"a\udcff.png is empty")


def huge_png() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 70_000, 70_000, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"hello", "not a PNG"),
        (cv2.imencode(".png", np.arange(900, dtype=np.uint8).reshape(30, 30))[1].tobytes()[:60], "truncated"),
        (huge_png(), "70000 x 70000"),
        (cv2.imencode(".tif", np.array([[np.nan, np.nan]], np.float32))[1].tobytes(), "no finite value"),
    ],
)
def test_unusable_files(model: str, pair: tuple[Path, Path], tmp_path: Path, content: bytes, word: str) -> None:
    pair[0].write_bytes(content)
    refused(fuse(model, pair, tmp_path / "out.png"), 1, "a_ir.png", word)


def test_missing_sources_and_options(
    model: str, pair: tuple[Path, Path], folders: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out.png"
    refused(fuse(model, (tmp_path / "gone.png", pair[1]), out), 1, "gone.png", "does not exist")
    refused(ivif("fuse", "--ir", pair[0], "-o", out), 2, "--vis is missing")
    refused(fuse(model, (pair[0], folders[1]), out), 2, "folder and a file")
    refused(ivif("fuse", "--ir", pair[0], "--dataset", "TNO", "-o", out), 2, "--dataset")
    refused(ivif("fuse", "--dataset", "TNOO", "-o", out), 2, "did you mean TNO")
    refused(ivif("fuse", "--dataset", "TNO", "-o", out), 1, "IVIF_DATA", "figshare")


def test_unknown_names_get_the_nearest(pair: tuple[Path, Path], model: str, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    refused(fuse(model, pair, out, "--device", "cdua"), 2, "did you mean cuda")
    refused(fuse("bse", pair, out), 2, "did you mean base")
    refused(fuse(model, pair, out, "--precision", "fp23"), 2, "did you mean fp32")
    refused(fuse(model, pair, out, "--ir-range", "low"), 2, "--ir-range")
    refused(fuse(model, pair, out, "--bit-depth", 12), 2, "12")
    refused(fuse(model, pair, tmp_path / "out.webp"), 2, ".webp")
    refused(fuse(model, pair, tmp_path / "out.bmp", "--bit-depth", 16), 2, "8 bits")
    refused(fuse(str(tmp_path / "gone.safetensors"), pair, out), 1, "gone.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"PK\x03\x04 pickled")
    refused(fuse(str(tmp_path / "bad.safetensors"), pair, out), 1, "bad.safetensors")


def test_outputs_that_may_not_be(
    model: str, pair: tuple[Path, Path], folders: tuple[Path, Path], tmp_path: Path
) -> None:
    refused(fuse(model, pair, pair[0], "--overwrite"), 2, "is an input")
    refused(fuse(model, folders, folders[0] / "fused"), 2, "inside the input")
    write_image(tmp_path / "there.png", np.zeros((2, 2), np.uint8))
    refused(fuse(model, pair, tmp_path / "there.png"), 1, "--overwrite")
    assert fuse(model, pair, tmp_path / "there.png", "--overwrite").exit_code == 0
    refused(fuse(model, folders, tmp_path / "there.png"), 1, "is a file")
    refused(fuse(model, pair, tmp_path / "there.png" / "x.png"), 1, "cannot write")
    refused(fuse(model, pair, tmp_path / "sub"), 2, "or make the folder")


def test_folders_without_a_pair_and_symlink_loops(model: str, folders: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    refused(fuse(model, (folders[0], tmp_path / "none"), tmp_path / "out"), 1, "no pair")
    (folders[0] / "loop").symlink_to(folders[0])
    assert "fused 3" in fuse(model, folders, tmp_path / "out").stdout


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="permissions do not bind root")
def test_unreadable_and_unwritable_paths(model: str, pair: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    refused(fuse(model, pair, tmp_path / "locked" / "out.png"), 1, "Permission denied")
    pair[0].chmod(0)
    refused(fuse(model, pair, tmp_path / "out.png"), 1, "a_ir.png", "Permission denied")


def test_a_reader_that_goes_away_is_no_defect(model: str, pair: tuple[Path, Path], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ivif_cli", "fuse", "--ir", *map(str, pair[:1]), "--vis", str(pair[1])]
    process = subprocess.Popen(
        [*command, "-o", str(tmp_path / "o.png"), "-m", model, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    message = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait() == 141
    assert message == ""


BLOCKED = """
import sys
import time
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("open_clip", "torchvision"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Block())
sys.argv = ["ivif", *sys.argv[1:]]
from ivif_cli.app import main
main()
"""


def test_fuse_runs_without_open_clip_and_torchvision(model: str, pair: tuple[Path, Path], tmp_path: Path) -> None:
    arguments = ["fuse", "--ir", pair[0], "--vis", pair[1], "-o", tmp_path / "out.png", "-m", model]
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.png").exists()


def test_evaluate_runs_without_open_clip_and_torchvision(model: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    for kind in ("ir", "vis"):
        write_image(tmp_path / kind / "1.png", rng.integers(0, 256, (64, 64), dtype=np.uint8))
    arguments = ["evaluate", "--ir", tmp_path / "ir", "--vis", tmp_path / "vis", "--model", model, "--json"]
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pairs"] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_leaves_whole_pictures_and_the_run_can_be_continued(
    model: str, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    rng = np.random.default_rng(3)
    for index in range(40):
        for kind in ("ir", "vis"):
            write_image(tmp_path / kind / f"{index:02}.png", rng.integers(0, 256, (300, 400), dtype=np.uint8))
    out = tmp_path / "out"
    folders = ["--ir", str(tmp_path / "ir"), "--vis", str(tmp_path / "vis"), "-o", str(out), "-m", model]
    command = [sys.executable, "-m", "ivif_cli", "fuse", *folders, "--device", "cpu"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (out.is_dir() and any(out.glob("*.png"))) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    _, message = process.communicate(timeout=60)
    assert process.returncode == status, message
    assert "Traceback" not in message
    left = sorted(path.name for path in out.iterdir())
    assert 0 < len(left) < 40
    assert all(name.endswith(".png") and read_image(out / name).shape == (300, 400) for name in left)
    done = ivif("fuse", *folders, "--device", "cpu")
    assert f"skipped {len(left)}, failed 0" in done.stdout
    assert len(list(out.iterdir())) == 40
