"""What fuzzing has found, each mended: refused in one line since."""

import json
import struct
from pathlib import Path

import pytest

from ivif_cli.core.aligning.register import load_alignment
from ivif_cli.core.data.image_header import read_header
from ivif_cli.core.data.images import read_image
from ivif_cli.core.data.pairing import IR_MARKERS, strip_markers
from ivif_cli.core.errors import EncoderError, InputError, TrainingError, UsageError
from ivif_cli.core.language.prompts import load_goals
from ivif_cli.core.scoring.saved import read_report
from ivif_cli.core.training.checkpoint import read_checkpoint
from ivif_cli.core.training.recipe import load_recipe, parse_setting


def safetensors(path: Path, metadata: dict[str, str]) -> Path:
    text = json.dumps({"__metadata__": metadata}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    return path


def test_a_name_with_a_zero_byte(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file can be called"):
        read_image(tmp_path / "a\0.png")


def test_a_big_tiff_whose_directory_lies_beyond_any_memory() -> None:
    header = read_header(b"II+\0" + struct.pack("<HHQ", 8, 0, (1 << 64) - 1))
    assert header is not None
    assert header.damage == "truncated"


@pytest.mark.parametrize("shape", [b"((((", b"(" + b"1" * 800, b"(3, -3)", b"(3, 3"])
def test_an_array_whose_header_is_no_header(tmp_path: Path, shape: bytes) -> None:
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': " + shape
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + bytes(9))
    with pytest.raises(InputError, match=r"corrupt \(header\)"):
        read_image(tmp_path / "a.npy")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "null", '{"schema": 1, "methods": [3]}', '{"schema": 1, "methods": [{"mean": []}]}']
)
def test_baselines_that_are_no_reports(tmp_path: Path, text: str) -> None:
    (tmp_path / "old.json").write_text(text)
    with pytest.raises(InputError):
        read_report(tmp_path / "old.json")


def test_recipes_nested_too_deep(tmp_path: Path) -> None:
    (tmp_path / "deep.toml").write_text("a = " + "[" * 100_000)
    with pytest.raises(UsageError):
        load_recipe(tmp_path / "deep.toml")


def test_a_number_of_too_many_digits_is_text() -> None:
    digits = "9" * 5000
    assert parse_setting(f"steps={digits}") == ("steps", digits)


@pytest.mark.parametrize("plain", ["", "null", "[null]", "[{}]", '{"step": 1}'])
def test_metadata_of_another_kind(tmp_path: Path, plain: str) -> None:
    with pytest.raises(EncoderError):
        load_goals(safetensors(tmp_path / "p.safetensors", {"format": "ivif-prompts-2", "goals": plain}))
    with pytest.raises(TrainingError):
        read_checkpoint(safetensors(tmp_path / "c.safetensors", {"format": "ivif-checkpoint-1", "state": plain}))


@pytest.mark.parametrize("name", ["IR_", "_ir", "ir_.a", "folder/IR_"])
def test_a_name_that_is_all_marker_is_kept(name: str) -> None:
    assert strip_markers(name, IR_MARKERS) == name


def test_an_alignment_of_numbers_beyond_arithmetic(tmp_path: Path) -> None:
    record = {
        "ivif_alignment": 1,
        "infrared_to_visible": [[0.0, 0.0, 5.6e145], [5.6e145, 0.0, 0.0], [0.0, 7.2e15, 0.5]],
    }
    (tmp_path / "a.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="at most"):
        load_alignment(tmp_path / "a.json")
