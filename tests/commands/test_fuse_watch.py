"""ivif fuse --watch: what arrives is fused once, when it is whole; what was made already is not made again."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from ivif_cli.app import app
from ivif_cli.commands.fuse_watch import _together
from ivif_cli.core.data.images import read_image, write_image
from ivif_cli.core.data.ir_range import ThermalRange
from ivif_cli.core.data.metadata import Metadata
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.data.sources import Facts
from ivif_cli.core.fusing.jobs import Fused, Job, Report
from ivif_cli.core.network import save_network
from tests.made_up import small_network


def png(seed: int) -> bytes:
    picture = np.random.default_rng(seed).integers(0, 256, (48, 64), dtype=np.uint8)
    return cv2.imencode(".png", cv2.GaussianBlur(picture, (5, 5), 2))[1].tobytes()


@pytest.fixture
def yard(tmp_path: Path) -> Path:
    """Weights, two empty folders."""
    save_network(tmp_path / "small.safetensors", *small_network())
    (tmp_path / "ir").mkdir()
    (tmp_path / "vi").mkdir()
    return tmp_path


def words(yard: Path, *more: str) -> list[str]:
    names = ("--ir", yard / "ir", "--vis", yard / "vi", "-o", yard / "out", "-m", yard / "small.safetensors")
    return ["fuse", *map(str, names), "--device", "cpu", "--watch", "--json", *more]


def watch(yard: Path, *more: str, meanwhile: Callable[[], None] = lambda: None, idle: str = "2") -> Result:
    thread = threading.Thread(target=meanwhile)
    thread.start()
    try:
        return CliRunner().invoke(app, words(yard, "--idle", idle, *more))
    finally:
        thread.join()


def told(result: Result, status: int = 0) -> Any:
    assert result.exit_code == status, result.stderr
    return json.loads(result.stdout)


def add(yard: Path, name: str, seed: int = 0) -> None:
    (yard / "ir" / name).write_bytes(png(seed))
    (yard / "vi" / name).write_bytes(png(seed + 100))


def names(entries: Any) -> list[str]:
    return sorted(entry["name"] for entry in entries)


def test_what_is_there_and_what_arrives_is_fused_once(yard: Path) -> None:
    add(yard, "a.png")

    def arrive() -> None:
        time.sleep(1.2)
        add(yard, "b.png", 1)

    report = told(watch(yard, meanwhile=arrive))
    assert names(report["fused"]) == ["a", "b"] and not report["skipped"]
    assert sorted(path.name for path in (yard / "out").iterdir()) == ["a.png", "b.png"]
    made = {path: path.stat().st_mtime_ns for path in (yard / "out").iterdir()}
    again = told(watch(yard, idle="0.5"))
    assert names(again["skipped"]) == ["a", "b"] and not again["fused"]
    assert {path: path.stat().st_mtime_ns for path in (yard / "out").iterdir()} == made
    other = told(watch(yard, "--gray", idle="0.5"))
    assert names(other["fused"]) == names(other["remade"]) == ["a", "b"]


def test_a_file_that_grows_is_waited_for(yard: Path) -> None:
    whole = png(3)
    (yard / "vi" / "a.png").write_bytes(png(4))

    def grow() -> None:
        with (yard / "ir" / "a.png").open("wb", buffering=0) as stream:
            for start in range(0, len(whole), len(whole) // 8):
                stream.write(whole[start : start + len(whole) // 8])
                time.sleep(0.25)

    result = watch(yard, meanwhile=grow)
    assert names(told(result)["fused"]) == ["a"] and "warning" not in result.stderr


def test_a_file_that_stopped_halfway_is_tried_again_when_it_goes_on(yard: Path) -> None:
    add(yard, "a.png")
    whole = (yard / "ir" / "a.png").read_bytes()
    (yard / "ir" / "a.png").write_bytes(whole[: len(whole) // 2])

    def go_on() -> None:
        end = time.monotonic() + 60
        while not said and time.monotonic() < end:
            time.sleep(0.1)
        (yard / "ir" / "a.png").write_bytes(whole)

    said: list[str] = []
    from ivif_cli.commands.console import Console

    before = Console.warn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Console, "warn", lambda self, text: (said.append(text), before(self, text))[1])
        report = told(watch(yard, meanwhile=go_on))
    assert "a: " in said[0] and "tried again" in said[0]
    assert names(report["fused"]) == ["a"] and not report["failed"]


def test_what_stays_broken_or_alone_is_named(yard: Path) -> None:
    add(yard, "a.png")
    add(yard, "b.png")
    (yard / "ir" / "b.png").write_bytes(b"no picture")
    (yard / "ir" / "c.png").write_bytes(png(1))
    result = watch(yard, idle="1")
    assert names(told(result, 1)["failed"]) == ["b"]
    assert "c.png: infrared without a visible partner" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_with_a_report(yard: Path, number: signal.Signals) -> None:
    add(yard, "a.png")
    command = [sys.executable, "-m", "ivif_cli", *words(yard)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 240
    while not (yard / "out" / "a.png").exists() and time.monotonic() < end and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(number)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert names(json.loads(out)["fused"]) == ["a"] and "Traceback" not in err
    assert read_image(yard / "out" / "a.png").shape == (48, 64)


def test_deep_pictures_have_a_range_each_and_it_is_said(yard: Path) -> None:
    write_image(yard / "ir" / "a.png", np.linspace(20000, 22000, 48 * 64).astype(np.uint16).reshape(48, 64))
    (yard / "vi" / "a.png").write_bytes(png(1))
    result = watch(yard, idle="0.5")
    assert told(result)["fused"] and "a range of its own" in result.stderr


def test_what_does_not_go_together_is_refused(yard: Path) -> None:
    for more, said in (
        (["--ir-range", "run"], "has not arrived"),
        (["--strict"], "--strict does not go"),
        (["--max-gap", "1"], "--max-gap does not go"),
        (["--ir", str(yard / "none")], "two folders"),
        (["-o", str(yard / "ir" / "out")], "inside the input folder"),
    ):
        result = CliRunner().invoke(app, words(yard, "--idle", "0", *more))
        assert result.exit_code == 2 and said in result.stderr, result.stderr
    pair = [str(yard / "small.safetensors")] * 2
    alone = CliRunner().invoke(app, ["fuse", "--ir", pair[0], "--vis", pair[1], "-o", "x.png", "--idle", "1"])
    assert alone.exit_code == 2 and "--watch" in alone.stderr


def test_it_waits_without_being_busy(yard: Path) -> None:
    watch(yard, idle="0")
    before = os.times()
    watch(yard, idle="4")
    after = os.times()
    assert after.user + after.system - before.user - before.system < 2.5


def test_of_a_pair_that_was_fused_and_then_broke_the_last_counts() -> None:
    pairs = [Pair(name, Path("ir", name), Path("vis", name)) for name in "abc"]
    a, b, c = (Job(pair, Path("out", pair.name)) for pair in pairs)
    facts = Facts("8-bit", ThermalRange(0, 255), "", "", Metadata())

    def made(job: Job) -> Fused:
        return Fused(job, 8, 8, 8, facts)

    first = Report(fused=[made(a), made(c)], failed=[(b, "cut short")], total=1.0)
    found = _together([first, Report(fused=[made(b), made(c)], failed=[(a, "damaged")], total=2.0)])
    assert [item.job.pair.name for item in found.fused] == ["b", "c"]
    assert [(job.pair.name, why) for job, why in found.failed] == [("a", "damaged")] and found.total == 3.0
    seen = _together([Report(skipped=[a], fused=[made(c)]), Report(skipped=[a, c]), Report(failed=[(a, "damaged")])])
    assert [item.job for item in seen.fused] == [c] and not seen.skipped and [job for job, _ in seen.failed] == [a]
