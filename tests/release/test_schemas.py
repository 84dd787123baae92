"""What commands print with --json holds to the schema files of the package."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

import ivif_cli
from ivif_cli.app import app

SCHEMAS = Path(ivif_cli.__file__).parent / "schemas"
NAMES = tuple(sorted(path.stem for path in SCHEMAS.glob("*.json")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pairs in `ir` and `vi`, of which one is constant, and an unreadable fused picture."""
    folder = tmp_path_factory.mktemp("schemas")
    rng = np.random.default_rng(3)
    for name in ("ir", "vi", "fused"):
        (folder / name).mkdir()
        for index in range(3):
            picture = cv2.blur(rng.integers(0, 256, (48, 60), dtype=np.uint8), (3, 3))
            cv2.imwrite(str(folder / name / f"{index}.png"), picture)
    cv2.imwrite(str(folder / "ir" / "1.png"), np.full((48, 60), 9, np.uint8))
    (folder / "fused" / "2.png").write_bytes(b"no picture")
    return folder


def _output(*arguments: str | Path, status: int = 0) -> Any:
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert result.exit_code == status, result.stderr
    return json.loads(result.stdout)


def _check(name: str, document: Any) -> None:
    Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text())).validate(document)


def _sources(folder: Path) -> tuple[str | Path, ...]:
    return "--ir", folder / "ir", "--vis", folder / "vi"


@pytest.mark.parametrize("name", NAMES)
def test_schemas_are_schemas_that_demand_their_version(name: str) -> None:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    assert "schema" in schema["required"]
    assert schema["properties"]["schema"] == {"const": 1}


def test_evaluate_and_report(folder: Path) -> None:
    old = folder / "old.json"
    scored = ("evaluate", *_sources(folder), "--fused", folder / "fused", "--baselines", "--report", old)
    document = _output(*scored, "--min", "EN=0", "--max", "VIF:each=1", status=3)
    _check("evaluate", document)
    _check("evaluate", json.loads(old.read_text()))
    gated = _output(*scored[:-2], "--baseline", old, status=1)
    _check("evaluate", gated)
    assert {gate["kind"] for gate in gated["gates"]} == {"baseline"}
    _check("evaluate", _output("report", old))
    other = folder / "other.json"
    other.write_text(old.read_text())
    _check("evaluate", _output("report", old, other))


def test_fuse(folder: Path) -> None:
    document = _output("fuse", *_sources(folder), "-o", folder / "out", "-m", "fast", "--device", "cpu")
    assert [item["alignment"] for item in document["fused"]] == [None] * 3
    _check("fuse", document)


def test_info() -> None:
    _check("info", _output("info"))


def test_embed_prompts(folder: Path) -> None:
    pytest.importorskip("open_clip")
    _check("embed-prompts", _output("embed-prompts", "--fused", "a bright image", "-o", folder / "p.safetensors"))


def test_align(folder: Path) -> None:
    rng = np.random.default_rng(4)
    scene = cv2.GaussianBlur(rng.integers(0, 256, (240, 320), dtype=np.uint8), (0, 0), 2)
    scene = cv2.normalize(scene, scene, 0, 255, cv2.NORM_MINMAX)
    cv2.imwrite(str(folder / "a_ir.png"), scene[10:210, 12:292])
    cv2.imwrite(str(folder / "a_vis.png"), scene[12:212, 16:296])
    pair = ("--ir", folder / "a_ir.png", "--vis", folder / "a_vis.png")
    rig = _output("align", *pair, "-o", folder / "rig.json")
    _check("align", rig)
    for how in ("ecc", folder / "rig.json"):
        model = ("-m", "fast", "--device", "cpu", "--overwrite")
        document = _output("fuse", *pair, "-o", folder / "a.png", *model, "--align", how)
        _check("fuse", document)
        found = document["fused"][0]["alignment"]
        assert found == {name: rig[name] for name in found}, "the rig of the pair alone is what ivif align finds of it"
    assert found["quality"] > found["quality_before"]


@pytest.mark.slow
@pytest.mark.usefixtures("traced_once")
def test_export(folder: Path) -> None:
    pytest.importorskip("onnxruntime")
    _check("export", _output("export", "-m", "fast", "-o", folder / "fast.onnx"))


@pytest.mark.slow
def test_video(folder: Path) -> None:
    size = (64, 48)
    rng = np.random.default_rng(5)
    for name in ("ir", "vis"):
        writer = cv2.VideoWriter(str(folder / f"{name}.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, size)
        for _ in range(3):
            writer.write(cv2.blur(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8), (5, 5)))
        writer.release()
    clips = ("--ir", folder / "ir.avi", "--vis", folder / "vis.avi", "-o", folder / "fused.mp4")
    _check("fuse-video", _output("fuse", *clips, "-m", "fast", "--device", "cpu"))
    _check("fuse-video", _output("fuse", *clips, "-m", "fast", "--device", "cpu", "--goal", "bright", "--goal", "dark"))
