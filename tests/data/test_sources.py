"""One reader of a pair: whichever door a scene comes through, its infrared picture becomes the same grey levels."""

import ast
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from ivif_cli.core.data.images import read_picture, write_image
from ivif_cli.core.data.ir_range import ThermalRange
from ivif_cli.core.data.luma import to_bits
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.data.sources import (
    SourceOptions,
    infrared_from,
    load_pair,
    read_infrared,
    read_visible,
)
from ivif_cli.core.errors import InputError
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.scoring.task import ReadOptions, read_task
from ivif_cli.core.training.lumas import read_lumas
from ivif_cli.core.video.frames import open_frames
from ivif_cli.core.video.pairs import FramePairs, VideoOptions
from tests.made_up import lively_network

TURNS = {2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1], 6: lambda a: np.rot90(a, 3)}
"""What a viewer does for an EXIF orientation (EXIF 2.32, tag 0x0112)."""


@pytest.fixture
def counts() -> np.ndarray:
    """A room of 7000 to 7300 counts with a person of 8200, as an uncooled camera gives it."""
    scene = np.random.default_rng(3).integers(7000, 7301, (48, 64)).astype(np.uint16)
    scene[10:30, 20:28] = 8200
    return scene


@pytest.fixture
def pair(tmp_path: Path, counts: np.ndarray) -> Pair:
    write_image(tmp_path / "ir" / "1.png", counts)
    write_image(tmp_path / "vi" / "1.png", np.random.default_rng(4).integers(0, 256, (48, 64, 3), np.uint8))
    return Pair("1", tmp_path / "ir" / "1.png", tmp_path / "vi" / "1.png")


def stretched(counts: np.ndarray) -> np.ndarray:
    """The rule of docs/inputs.md for one picture, from its definition."""
    low, high = np.percentile(counts, (0.1, 99.9))
    return np.clip((counts - low) / (high - low), 0, 1) * 65535


def test_every_door_gives_the_same_grey_levels(pair: Pair, counts: np.ndarray, tmp_path: Path) -> None:
    files = load_pair(pair.ir, pair.vis, SourceOptions()).ir
    assert np.abs(files - stretched(counts)).max() <= 0.5
    clips = open_frames(str(pair.ir.parent), read=read_infrared), open_frames(str(pair.vis.parent))
    (frame, _), *_ = FramePairs(clips, VideoOptions()).pairs([])
    assert np.array_equal(frame, files)
    assert np.array_equal(infrared_from(counts).grey(), files)
    assert np.array_equal(infrared_from(str(pair.ir)).grey(), files)
    eight = to_bits(files, 8)
    assert np.array_equal(read_lumas(pair)[0], eight)
    assert np.array_equal(read_task(pair, (), ReadOptions(to_eight_bits=True)).ir, eight)


def test_the_same_temperatures_in_every_frame_of_a_sequence_give_the_same_level(tmp_path: Path) -> None:
    """One hot pixel in every second frame of a floating-point TIFF sequence (REVIEW D1)."""
    scene = np.random.default_rng(5).uniform(20, 30, (40, 50)).astype(np.float32)
    scene[:, 25] = 25
    for index in range(4):
        frame = scene.copy()
        if index % 2:
            frame[0, 0] = 400
        (tmp_path / "ir").mkdir(exist_ok=True)
        (tmp_path / "ir" / f"{index}.tif").write_bytes(cv2.imencode(".tif", frame)[1].tobytes())
        write_image(tmp_path / "vi" / f"{index}.png", np.zeros((40, 50), np.uint8))
    clips = open_frames(str(tmp_path / "ir"), read=read_infrared), open_frames(str(tmp_path / "vi"))
    levels = [int(ir[20, 25]) for ir, _ in FramePairs(clips, VideoOptions()).pairs([])]
    assert len(levels) == 4 and max(levels) - min(levels) < 0.01 * 65535


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_pictures_stand_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    stored = np.zeros((24, 40), np.uint8)
    stored[:8, :16] = 255
    picture = Image.fromarray(stored).convert("RGB")
    exif = picture.getexif()
    exif[0x0112] = orientation
    picture.save(tmp_path / f"a.{suffix}", exif=exif)
    found = read_picture(tmp_path / f"a.{suffix}")
    shown = TURNS[orientation](stored)
    assert found.pixels.shape[:2] == shown.shape
    assert np.abs(found.pixels[..., 0].astype(int) - shown).max() < 40
    assert "orientation" in found.notes[0]


@pytest.mark.parametrize("behind", [False, True])
def test_a_png_is_turned_wherever_its_exif_stands_and_decoded_once(
    tmp_path: Path, behind: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (40, 24)).save(tmp_path / "a.png", exif=exif)
    data = (tmp_path / "a.png").read_bytes()
    start = data.index(b"eXIf") - 4
    chunk = data[start : start + 12 + int.from_bytes(data[start : start + 4])]
    decoded = []
    load = PngImagePlugin.PngImageFile.load
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", lambda image: decoded.append(1) or load(image))
    if behind:
        (tmp_path / "a.png").write_bytes(data.replace(chunk, b"")[:-12] + chunk + data[-12:])
    assert read_picture(tmp_path / "a.png").pixels.shape[:2] == (40, 24)
    assert bool(decoded) == behind


def test_a_larger_infrared_picture_is_averaged_at_every_door(tmp_path: Path) -> None:
    fine = np.tile(np.array([[0, 255], [255, 0]], np.uint8), (48, 64))
    write_image(tmp_path / "ir" / "1.png", fine)
    write_image(tmp_path / "vi" / "1.png", np.zeros((24, 32), np.uint8))
    pictures = load_pair(tmp_path / "ir" / "1.png", tmp_path / "vi" / "1.png", SourceOptions(resize=True)).ir
    assert np.abs(pictures.astype(int) - 128).max() <= 1
    clips = open_frames(str(tmp_path / "ir"), read=read_infrared), open_frames(str(tmp_path / "vi"))
    ((frame, _),) = FramePairs(clips, VideoOptions(resize=True)).pairs([])
    assert np.array_equal(frame, pictures)


@pytest.mark.parametrize(("small", "large"), [((30, 40), (480, 640)), ((60, 80), (3000, 4000))])
def test_a_small_infrared_picture_grows_without_blocks_or_overshoot(
    tmp_path: Path, small: tuple[int, int], large: tuple[int, int]
) -> None:
    rng = np.random.default_rng(6)
    write_image(tmp_path / "ir.png", np.where(rng.random(small) > 0.5, 200, 50).astype(np.uint8))
    write_image(tmp_path / "vi.png", np.zeros(large, np.uint8))
    grown = load_pair(tmp_path / "ir.png", tmp_path / "vi.png", SourceOptions(resize=True)).ir
    assert grown.min() >= 50 and grown.max() <= 200
    steps = np.abs(np.diff(grown.astype(int), axis=1))
    assert steps.max() <= 2 * 150 / (large[1] / small[1])


def test_values_without_data_are_covered_by_the_visible_picture(tmp_path: Path) -> None:
    celsius = np.random.default_rng(7).uniform(15, 35, (30, 40)).astype(np.float32)
    celsius[:, :10] = np.nan
    (tmp_path / "ir.tif").write_bytes(cv2.imencode(".tif", celsius)[1].tobytes())
    write_image(tmp_path / "vi.png", np.full((30, 40), 120, np.uint8))
    thermal = load_pair(tmp_path / "ir.tif", tmp_path / "vi.png", SourceOptions()).ir
    assert (thermal[:, :10] == 120 * 257).all()
    assert np.abs(thermal[:, 10:] - stretched(celsius[:, 10:])).max() <= 0.5


@pytest.mark.parametrize("source", [None, "nowhere.png", np.zeros((2, 2, 7)), np.array([["a"]]), object()])
def test_what_is_no_picture_is_refused_in_one_line(source: object) -> None:
    with pytest.raises(InputError):
        infrared_from(source)


def test_ranges_in_degrees_need_temperatures(counts: np.ndarray) -> None:
    with pytest.raises(InputError, match="temperatures"):
        infrared_from(counts).range(ThermalRange(10, 40, "C"))


def test_only_the_reader_decodes_pictures() -> None:
    root = Path(__file__).parents[2]
    decoders = {"read_image", "read_picture", "imread", "imdecode"}
    users = {
        path.relative_to(root).as_posix()
        for folder in ("ivif_cli", "tools", "benchmarks")
        for path in (root / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in decoders)
        or (isinstance(node, ast.ImportFrom) and any(alias.name in decoders for alias in node.names))
    }
    # The public name; thumbnails that the report made itself; damaged files for the decoder, pictures stored worse.
    others = {"ivif_cli/__init__.py", "ivif_cli/core/reports/scenes.py"}
    others |= {"tools/fuzz_coverage.py", "tools/compact_clip/degradations.py"}
    assert {user for user in users if not user.startswith("ivif_cli/core/data/")} <= others


def test_python_and_the_command_line_fuse_the_same(pair: Pair, counts: np.ndarray) -> None:
    """Raw counts handed to `Fuser.fuse` keep their person (AUDIT 1)."""
    fuser = Fuser(lively_network(), device="cpu")
    wanted = fuser.fuse(*load_pair(pair.ir, pair.vis, SourceOptions())[:2], ir_range="full")
    visible = read_visible(pair.vis)
    for ir, vis in ((counts, visible), (str(pair.ir), str(pair.vis)), (pair.ir, visible)):
        assert np.array_equal(fuser.fuse(ir, vis), wanted)
    assert np.array_equal(fuser.fuse_batch([counts], [visible])[0], wanted)
    assert np.array_equal(fuser.look(counts, visible).fuse(), wanted)
    assert not np.array_equal(fuser.fuse(counts, visible, ir_range="full"), wanted)
    assert np.array_equal(
        fuser.fuse(counts, visible, ir_range="7000,8200"),
        fuser.fuse(counts, visible, ir_range=ThermalRange(7000, 8200)),
    )


@pytest.mark.parametrize("kind", ["grey", "colour", "counts", "unit", "holes", "signed"])
def test_full_takes_arrays_as_it_takes_files(tmp_path: Path, kind: str) -> None:
    """With the black border of a warp, which shows the visible picture under every rule."""
    rng, seen = np.random.default_rng(9), np.zeros((48, 64), bool)
    seen[6:, 9:] = True
    ir = {
        "grey": rng.integers(1, 256, seen.shape).astype(np.uint8),
        "colour": rng.integers(1, 256, (*seen.shape, 3)).astype(np.uint8),
        "counts": rng.integers(1, 65536, seen.shape).astype(np.uint16),
        "unit": rng.uniform(0.1, 1, seen.shape).astype(np.float32),
        "holes": rng.uniform(-1, 3, seen.shape).astype(np.float32),
        "signed": rng.integers(-5, 6, seen.shape).astype(np.int32),
    }[kind]
    ir[~seen] = np.nan if kind == "holes" else 0
    vis = rng.integers(0, 256, (*seen.shape, 3)).astype(np.uint8)
    assert cv2.imwrite(str(tmp_path / "ir.tif"), ir) and cv2.imwrite(str(tmp_path / "vis.png"), vis)
    paths = tmp_path / "ir.tif", tmp_path / "vis.png"
    pair = load_pair(*paths, SourceOptions("full"))
    shown = to_bits(cv2.cvtColor(vis, cv2.COLOR_BGR2GRAY), 8 * pair.ir.itemsize)
    assert np.array_equal(pair.ir[~seen], shown[~seen]) or kind == "signed"
    fuser = Fuser(lively_network(), device="cpu")
    wanted = fuser.fuse(pair.ir, pair.vis, ir_range=None)
    assert np.array_equal(fuser.fuse(ir, vis, ir_range="full"), wanted)
    assert np.array_equal(fuser.fuse(*paths, ir_range="full"), wanted)
    assert np.array_equal(fuser.look(ir, vis, ir_range="full").fuse(), wanted)
    assert np.array_equal(fuser.fuse_batch([ir], [vis], ir_range="full")[0], wanted)
    if kind == "colour":
        rgb = fuser.fuse(ir[..., ::-1].copy(), vis[..., ::-1].copy(), ir_range="full", order="RGB")
        assert np.array_equal(rgb[..., ::-1], wanted)
    if kind in ("grey", "colour"):
        image = Image.fromarray(ir if ir.ndim == 2 else ir[..., ::-1].copy())
        assert np.array_equal(fuser.fuse(image, vis, ir_range="full"), wanted)


def test_a_tinted_infrared_beside_a_grey_visible_picture_is_asked_about(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 200, (40, 50), dtype=np.uint8)
    tinted = cv2.merge([grey, grey + 6, grey + 12])
    for name, picture in (("grey.png", grey), ("tinted.png", tinted)):
        cv2.imwrite(str(tmp_path / name), picture)
    paths = tmp_path / "tinted.png", tmp_path / "grey.png"
    assert any("swapped?" in note for note in load_pair(*paths, SourceOptions()).facts.notes)
    assert load_pair(*paths[::-1], SourceOptions()).facts.notes == ()
    assert not any("swapped?" in note for note in load_pair(paths[0], paths[0], SourceOptions()).facts.notes)
