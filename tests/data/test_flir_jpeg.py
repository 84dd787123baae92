"""Radiometric FLIR JPEGs give temperatures where flyr is installed, and a way out where it is not."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

import cv2
import numpy as np
import pytest

from ivif_cli.core.data.flir_jpeg import is_flir, read_flir
from ivif_cli.core.data.images import write_image
from ivif_cli.core.data.ir_range import ThermalRange, parse_ir_range
from ivif_cli.core.data.sources import SourceOptions, load_pair, read_infrared
from ivif_cli.core.errors import InputError
from tests.data.flir_file import celsius_of, write_flir


@pytest.fixture
def flir(tmp_path: Path) -> Path:
    """A JPEG whose header carries a FLIR record; the record itself is made up."""
    jpeg = cv2.imencode(".jpg", np.full((6, 8, 3), 77, np.uint8))[1].tobytes()
    record = b"FLIR\0" + b"\1" * 20
    path = tmp_path / "flir.jpg"
    path.write_bytes(jpeg[:2] + b"\xff\xe1" + (len(record) + 2).to_bytes(2, "big") + record + jpeg[2:])
    return path


def temperatures(monkeypatch: pytest.MonkeyPatch, celsius: np.ndarray) -> None:
    def unpack(stream: BinaryIO) -> SimpleNamespace:
        assert stream.read(2) == b"\xff\xd8"
        return SimpleNamespace(celsius=celsius)

    monkeypatch.setitem(sys.modules, "flyr", SimpleNamespace(unpack=unpack))


def test_only_flir_records_count(flir: Path, tmp_path: Path) -> None:
    write_image(tmp_path / "plain.jpg", np.zeros((4, 4), np.uint8))
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe1\x00")
    assert is_flir(flir)
    assert not any(is_flir(tmp_path / name) for name in ("plain.jpg", "cut.jpg", "gone.jpg", "other.png"))


def test_temperatures_are_mapped_by_the_range(flir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temperatures(monkeypatch, np.linspace(10, 40, 48).reshape(6, 8))
    write_image(tmp_path / "vis.png", np.zeros((6, 8), np.uint8))
    ir = load_pair(flir, tmp_path / "vis.png", SourceOptions(ir_range=parse_ir_range("10,40"))).ir
    assert ir.dtype == np.uint16
    assert ir[0, 0] == 0 and ir[-1, -1] == 65535


def test_full_takes_the_rendered_picture(flir: Path, tmp_path: Path) -> None:
    write_image(tmp_path / "vis.png", np.zeros((6, 8), np.uint8))
    ir = load_pair(flir, tmp_path / "vis.png", SourceOptions(ir_range="full")).ir
    assert ir.dtype == np.uint8 and abs(int(ir[0, 0]) - 77) <= 2


def test_without_flyr_both_ways_out_are_named(flir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flyr", None)
    with pytest.raises(InputError, match=r"thermal.*--ir-range full"):
        read_flir(flir)


def test_damaged_and_empty_records_are_named(flir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temperatures(monkeypatch, np.full((2, 2), np.nan))
    with pytest.raises(InputError, match="no usable"):
        read_flir(flir)
    monkeypatch.setitem(sys.modules, "flyr", SimpleNamespace(unpack=lambda stream: 1 / 0))
    with pytest.raises(InputError, match="flyr cannot read"):
        read_flir(flir)


def test_temperatures_of_a_real_record_follow_plancks_law(tmp_path: Path) -> None:
    pytest.importorskip("flyr", reason="the extra `thermal` is not installed")
    counts = np.linspace(14_000, 20_000, 60 * 80).reshape(60, 80).astype(np.uint16)
    path = write_flir(tmp_path / "flir.jpg", counts)
    assert is_flir(path)
    celsius = read_flir(path)
    assert celsius.dtype == np.float32 and 0 < celsius.min() < celsius.max() < 250
    np.testing.assert_allclose(celsius, celsius_of(counts), atol=0.02)


def test_a_real_record_is_fused_by_its_temperatures(tmp_path: Path) -> None:
    pytest.importorskip("flyr", reason="the extra `thermal` is not installed")
    counts = np.linspace(14_000, 20_000, 60 * 80).reshape(60, 80).astype(np.uint16)
    write_flir(tmp_path / "flir.jpg", counts)
    write_image(tmp_path / "vis.png", np.zeros((60, 80), np.uint8))
    low, high = celsius_of(counts[[0, -1], [0, -1]])
    options = SourceOptions(ir_range=parse_ir_range(f"{low},{high}"))
    ir = load_pair(tmp_path / "flir.jpg", tmp_path / "vis.png", options).ir
    assert ir.dtype == np.uint16
    assert ir[0, 0] < 100 and ir[-1, -1] > 65_400
    assert (np.diff(ir.astype(int).ravel()) >= 0).all()


def dji_file(path: Path, rendered: np.ndarray) -> Path:
    """A JPEG with what marks DJI's thermal ones: their name in the EXIF block and raw values in APP3."""
    plain = cv2.imencode(".jpg", rendered)[1].tobytes()
    parts = ((0xE1, b"Exif\0\0DJI ZH20T"), (0xE3, bytes(500)))
    segments = b"".join(bytes((0xFF, m)) + (len(d) + 2).to_bytes(2, "big") + d for m, d in parts)
    path.write_bytes(plain[:2] + segments + plain[2:])
    return path


def test_pictures_of_dji_are_read_as_rendered_and_temperatures_are_refused(tmp_path: Path) -> None:
    found = read_infrared(dji_file(tmp_path / "DJI_0001_T.JPG", np.full((16, 24), 90, np.uint8)))
    assert found.kind == "8-bit" and abs(int(found.values[3, 3]) - 90) < 3
    assert "DJI's temperatures are not read" in found.notes[0]
    with pytest.raises(InputError, match=r"does not say its temperatures .*float TIFF"):
        found.range(ThermalRange(10, 40, "C"))
    (tmp_path / "plain.jpg").write_bytes(cv2.imencode(".jpg", np.zeros((9, 9), np.uint8))[1].tobytes())
    assert not read_infrared(tmp_path / "plain.jpg").notes
