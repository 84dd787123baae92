"""`ivif evaluate` on videos and sequences: frames are pairs, read and fused as by `ivif fuse`; flicker is a metric."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from ivif_cli import evaluate_pair
from ivif_cli.app import app
from ivif_cli.core.video.frames import open_frames
from tests.commands.evaluating import NAMES, run

SIZE = (64, 48)
FRAMES = 5


def write_video(path: Path, frames: list[np.ndarray], rate: float = 10.0) -> Path:
    """Lossless where the suffix is .avi."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), rate, SIZE)
    for frame in frames:
        writer.write(frame if frame.ndim == 3 else cv2.merge([frame] * 3))
    writer.release()
    return path


@pytest.fixture
def clips(tmp_path: Path, rng: np.random.Generator) -> dict[str, list[np.ndarray]]:
    """Five frames of both sources and of a fused video that flickers, each as `NAME.avi` and in the folder `NAME`."""
    ground = [cv2.blur(rng.integers(0, 256, (60, 80), dtype=np.uint8), (5, 5)) for _ in range(2)]
    moving = [[picture[i : i + 48, i : i + 64] for i in range(FRAMES)] for picture in ground]
    mean = [a // 2 + b // 2 + 12 * (number % 2) for number, (a, b) in enumerate(zip(*moving, strict=True))]
    made = {"ir": moving[0], "vis": moving[1], "mean": [frame.astype(np.uint8) for frame in mean]}
    for name, frames in made.items():
        write_video(tmp_path / f"{name}.avi", frames)
        (tmp_path / name).mkdir()
        for number, frame in enumerate(frames, start=1):
            cv2.imwrite(str(tmp_path / name / f"f_{number}.png"), frame)
    return made


def videos(folder: Path) -> tuple[str | Path, ...]:
    return "--ir", folder / "ir.avi", "--vis", folder / "vis.avi"


def second_differences(frames: list[np.ndarray]) -> list[float]:
    """Flicker from the third frame on, by hand: means of 8 x 8 blocks of 6 x 8 px."""
    blocks = [frame.reshape(8, 6, 8, 8).mean(axis=(1, 3)).round() for frame in frames]
    return [
        float(np.abs(after - 2 * middle + before).mean())
        for before, middle, after in zip(blocks, blocks[1:], blocks[2:], strict=False)
    ]


@pytest.mark.parametrize("kind", ["videos", "a sequence and a video", "sequences"])
def test_every_frame_is_scored_as_a_pair(tmp_path: Path, clips: dict[str, list[np.ndarray]], kind: str) -> None:
    pattern = {"videos": "{}.avi", "sequences": "{}/f_%d.png"}
    ir, vis, fused = (tmp_path / pattern.get(kind, "{}.avi").format(name) for name in clips)
    if kind == "a sequence and a video":
        ir = tmp_path / "ir"
    result = run("--ir", ir, "--vis", vis, "--fused", f"mean={fused}", "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    (method,) = report["methods"]
    assert report["pair_names"] == ["0001", "0002", "0003", "0004", "0005"]
    flicker = [None, None, *map(pytest.approx, second_differences(clips["mean"]))]
    for number, image in enumerate(method["images"]):
        expected = evaluate_pair(*(frames[number] for frames in clips.values()), NAMES)
        assert image == {"name": report["pair_names"][number], **expected, "Flicker": flicker[number]}
    assert method["mean"]["EN"] == pytest.approx(np.mean([image["EN"] for image in method["images"]]))
    assert method["mean"]["Flicker"] == pytest.approx(report["video"]["flicker"]["fused: mean"])
    assert report["video"]["flicker"]["ir"] == pytest.approx(np.mean(second_differences(clips["ir"])))
    assert report["video"]["rate"] == (None if kind == "sequences" else 10.0)


def test_the_border_of_a_warp_is_scored_as_in_pictures(tmp_path: Path, clips: dict[str, list[np.ndarray]]) -> None:
    for number, frame in enumerate(clips["ir"], start=1):
        moved = cv2.warpAffine(cv2.max(frame, 1), np.float64([[1, 0, 14], [0, 1, 9]]), SIZE)
        cv2.imwrite(str(tmp_path / "ir" / f"f_{number}.png"), moved)
    folders = [tmp_path / name for name in clips]
    scored = []
    for ir, vis, fused in (folders, [folder / "f_%d.png" for folder in folders]):
        result = run("--ir", ir, "--vis", vis, "--fused", f"mean={fused}", "--baselines", "--metrics", "MI,K", "--json")
        assert result.exit_code == 0, result.stderr
        scored.append(
            [[image | {"name": ""} for image in one["images"]] for one in json.loads(result.stdout)["methods"]]
        )
    assert scored[0] == scored[1]


def test_a_model_fuses_a_video_as_fuse_does(tmp_path: Path, clips: dict[str, list[np.ndarray]]) -> None:
    made = tmp_path / "made" / "%03d.png"
    fuse = ["fuse", *map(str, videos(tmp_path)), "-o", str(made), "-m", "fast", "--device", "cpu", "--json"]
    fused = CliRunner().invoke(app, [*fuse, "--goal", "bright"])
    assert fused.exit_code == 0, fused.stderr
    html = tmp_path / "report.html"
    scored = (*videos(tmp_path), "-m", "fast", "--goal", "bright", "--device", "cpu", "--fused", f"made={made}")
    result = run(*scored, "--json", "--report", html)
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    model, folder = report["methods"]
    assert (model["kind"], model["name"]) == ("model", "ivif-fast: bright")
    assert model["images"] == folder["images"]
    assert model["mean"]["Flicker"] == json.loads(fused.stdout)["video"]["flicker"]["fused"]
    assert html.read_text().count("data:image/webp") >= 4 * FRAMES


def test_flicker_is_a_metric_like_others(tmp_path: Path, clips: dict[str, list[np.ndarray]]) -> None:
    files = [tmp_path / f"report{suffix}" for suffix in (".json", ".csv", ".md", ".tex", ".html", ".xml")]
    options = [option for file in files for option in ("--report", file)]
    scored = (*videos(tmp_path), "--fused", f"mean={tmp_path / 'mean.avi'}", "--metrics", "EN,Flicker")
    kept = run(*scored, *options, "--max", "Flicker:each=30", "--max", "Flicker:p90=30")
    assert kept.exit_code == 0, kept.stderr
    assert "gate kept: Flicker:each is " in kept.stderr
    assert all("Flicker" in file.read_text() for file in files)
    assert "Flicker in shares of the contrast: ir " in kept.stderr
    assert run(*scored, "--max", "Flicker=10").exit_code == 3
    assert run(*scored, "--baseline", files[0]).exit_code == 0
    steady = [frame - 12 * np.uint8(number % 2) for number, frame in enumerate(clips["mean"])]
    write_video(tmp_path / "mean.avi", steady)
    page = tmp_path / "page.md"
    assert run(*scored, "--baseline", files[0], "--report", page).exit_code == 0
    assert "**Better**: Flicker -" in page.read_text()
    again = CliRunner().invoke(app, ["report", str(files[0]), "--json"])
    assert json.loads(again.stdout)["video"] == json.loads(files[0].read_text())["video"]


def test_a_gate_on_each_frame_counts_frames_that_failed(tmp_path: Path, clips: dict[str, list[np.ndarray]]) -> None:
    short = write_video(tmp_path / "short.avi", clips["mean"][:4])
    result = run(*videos(tmp_path), "--fused", short, "--max", "Flicker:each=255")
    assert result.exit_code == 3
    assert "has 4 frames, the sources 5" in result.stderr
    assert "short.avi ends before this frame" in result.stderr
    assert "gate missed: Flicker:each has no value" in result.stderr
    common = run(*videos(tmp_path), "--fused", short, "--common", "--json")
    assert common.exit_code == 0
    assert json.loads(common.stdout)["pairs"] == 4


def test_counts_and_black_hot_frames_are_mapped_as_fuse_maps_them(
    tmp_path: Path, clips: dict[str, list[np.ndarray]]
) -> None:
    for number, frame in enumerate(clips["ir"], start=1):
        cv2.imwrite(str(tmp_path / "ir" / f"f_{number}.png"), 60000 - 40 * frame.astype(np.uint16))
    sources = ("--ir", tmp_path / "ir", "--vis", tmp_path / "vis.avi")
    turned = ("--ir-polarity", "black", "--ir-range", "49800,60000")
    scored = (*sources, *turned, "--fused", tmp_path / "mean.avi", "--metrics", "CC", "--json")
    refused = run(*scored)
    assert refused.exit_code == 1
    assert "--bit-depth 8" in refused.stderr
    images = json.loads(run(*scored, "--bit-depth", "8").stdout)["methods"][0]["images"]
    for number, image in enumerate(images):
        expected = evaluate_pair(*(frames[number] for frames in clips.values()), ("CC",))
        assert image["CC"] == pytest.approx(expected["CC"], abs=1e-4)
    fused = CliRunner().invoke(
        app, ["fuse", *map(str, (*sources, *turned)), "-o", str(tmp_path / "out" / "%d.png"), "-m", "fast"]
    )
    assert fused.exit_code == 0, fused.stderr
    light = [cv2.imread(str(tmp_path / "out" / f"{n}.png"), 0) for n in range(1, FRAMES + 1)]
    assert np.corrcoef(np.ravel(light), np.ravel(clips["ir"]))[0, 1] > 0.3


def test_workers_change_no_value(tmp_path: Path, clips: dict[str, list[np.ndarray]]) -> None:
    scored = (*videos(tmp_path), "--fused", tmp_path / "mean.avi", "--baselines", "--json")
    alone, shared = (json.loads(run(*scored, "--workers", count).stdout)["methods"] for count in ("1", "2"))
    assert alone == shared


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--fused", "none.avi"), 1, "none.avi does not exist"),
        (("--fused", "fast.avi"), 1, "fast.avi has 20 frames/s, the sources 10 (--any-rate"),
        (("--fused", "mean.avi", "--strict"), 2, "--strict only goes with pictures"),
        (("--fused", "mean.avi", "--dataset", "TNO"), 2, "--dataset only goes with pictures"),
        (("--fused", "mean.avi", "--min", "EN:@0009=1"), 2, "this run has no such pair"),
        (("--fused", "mean.avi", "--bit-depth", "16"), 2, "a bit depth of 16 cannot be scored"),
        (("--vis", "ir.avi", "--fused", "mean.avi"), 2, "are the same"),
        (("--vis", "broken.avi", "--fused", "mean.avi"), 1, "broken.avi"),
    ],
)
def test_bad_videos_get_one_line(
    tmp_path: Path,
    clips: dict[str, list[np.ndarray]],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "fast.avi", clips["mean"], rate=20.0)
    (tmp_path / "broken.avi").write_bytes(b"RIFF no video")
    result = run("--ir", "ir.avi", "--vis", "vis.avi", *arguments)
    assert result.exit_code == status
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_options_and_metrics_of_videos_are_refused_with_pictures(tmp_path: Path) -> None:
    for name in ("ir", "vi", "fused"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.arange(48 * 64, dtype=np.uint8).reshape(48, 64))
    pictures = ("--ir", tmp_path / "ir.png", "--vis", tmp_path / "vi.png", "--fused", tmp_path / "fused.png")
    refused = run(*pictures, "--fps", "10")
    assert (refused.exit_code, "--fps only goes with videos" in refused.stderr) == (2, True)
    refused = run(*pictures, "--max", "flicker=1")
    assert (refused.exit_code, "Flicker is of videos" in refused.stderr) == (2, True)
    assert "Flicker" not in run(*pictures, "--metrics", "all").stdout
    assert run("--explain", "flicker").stdout.startswith("Flicker\n")


@pytest.fixture
def two_rates(tmp_path: Path) -> tuple[str | Path, ...]:
    """An infrared clip of 9 frames/s that ends after five, and a visible one of 25; each frame brighter."""
    for name, rate, count in (("ir9", 9, 5), ("vis25", 25, 25)):
        ramp = np.tile(np.arange(0, 128, 2, dtype=np.uint8), (48, 1))
        frames = [ramp + np.uint8(round(120 * number / rate)) for number in range(count)]
        write_video(tmp_path / f"{name}.avi", frames, rate)
    return "--ir", tmp_path / "ir9.avi", "--vis", tmp_path / "vis25.avi"


def test_two_rates_are_scored_by_the_times_of_frames(tmp_path: Path, two_rates: tuple[str | Path, ...]) -> None:
    """Against pairs by the definition: of each visible frame the nearest infrared one, at most 0.06 s away."""
    gap, made = ("--max-gap", "0.06"), tmp_path / "made.mkv"
    pairs = [(min(range(5), key=lambda a: abs(a / 9 - v / 25)), v) for v in range(25)]
    pairs = [(a, v) for a, v in pairs if abs(a / 9 - v / 25) <= 0.06]
    fuse = ["fuse", *map(str, two_rates), *gap, "-o", str(made), "--codec", "ffv1", "-m", "fast", "--device", "cpu"]
    assert CliRunner().invoke(app, fuse).exit_code == 0
    scored = (*two_rates, *gap, "--fused", f"made={made}", "-m", "fast", "--device", "cpu")
    result = run(*scored, "--metrics", "EN,MI,Qabf", "--json")
    assert result.exit_code == 0, result.stderr
    assert (
        f"{25 - len(pairs)} of 25 frames of {two_rates[3]} have none of {two_rates[1]} within 0.06 s" in result.stderr
    )
    model, folder = json.loads(result.stdout)["methods"]
    assert len(pairs) < 25 and model["images"] == folder["images"]
    ir, vis, fused = (list(open_frames(str(path)).stream()) for path in (two_rates[1], two_rates[3], made))
    assert len(folder["images"]) == len(pairs) == len(fused)
    for (a, v), picture, image in zip(pairs, fused, folder["images"], strict=True):
        expected = evaluate_pair(ir[a][..., 0], vis[v], picture, ("EN", "MI", "Qabf"))
        assert {name: image[name] for name in expected} == pytest.approx(expected)


def test_what_does_not_fit_pairs_by_time_is_refused(tmp_path: Path, two_rates: tuple[str | Path, ...]) -> None:
    refused = run(*two_rates, "--fused", tmp_path / "vis25.avi")
    assert refused.exit_code == 1 and "--max-gap 0.1 pairs them by their times" in refused.stderr
    refused = run(*two_rates, "--max-gap", "0.06", "--fused", tmp_path / "vis25.avi")
    assert refused.exit_code == 1 and "vis25.avi has 25 frames, and " in refused.stderr
    assert "`ivif fuse --max-gap 0.06` makes one frame a pair" in refused.stderr
    assert run(*two_rates, "--max-gap", "0.1", "--any-rate", "--fused", tmp_path / "vis25.avi").exit_code == 2
