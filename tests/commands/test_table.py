"""Tables of text: nothing is cut, whatever the width and the stream."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from ivif_cli.commands.console import lay_out

HEADS = ["method", *(f"metric {index} ↑" for index in range(14))]
ROWS = [[name, *(f"{index}.123*" for index in range(14))] for name in ("a_very_long_method_name", "短い", "c")]


def _words(text: str) -> set[str]:
    return set(text.split())


def test_without_a_width_a_table_is_one_block() -> None:
    lines = lay_out(HEADS, ROWS, None).splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("method")
    assert lines[2].split()[0] == "a_very_long_method_name"


def test_a_wide_table_of_few_methods_lies_on_its_side() -> None:
    lines = lay_out(HEADS, ROWS, 60).splitlines()
    assert lines[0].split() == ["method", "a_very_long_method_name", "短い", "c"]
    assert len(lines) == 2 + 14
    assert max(map(len, lines)) <= 60


def test_a_wide_table_of_many_methods_is_split_and_repeats_the_names() -> None:
    rows = [[f"method{index}", *ROWS[0][1:]] for index in range(20)]
    text = lay_out(HEADS, rows, 60)
    assert text.count("method7") > 1
    assert max(map(len, text.splitlines())) <= 60
    assert _words(" ".join([*HEADS, *(cell for row in rows for cell in row)])) <= _words(text)


def test_a_name_wider_than_the_terminal_is_whole() -> None:
    assert "n" * 90 in lay_out(["method", "EN"], [["n" * 90, "7.1"]], 40)


def test_a_stream_without_arrows_gets_words(tmp_path: Path, rng: np.random.Generator) -> None:
    for folder in ("ir", "vi", "метод"):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "01.png"), rng.integers(0, 256, (48, 60), dtype=np.uint8))
    options = ["--ir", tmp_path / "ir", "--vis", tmp_path / "vi", "--fused", tmp_path / "метод", "--metrics", "EN,MSE"]
    done = subprocess.run(
        [sys.executable, "-m", "ivif_cli", "evaluate", *map(str, options)],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "cp1252"},
    )
    assert done.returncode == 0, done.stderr
    assert b"EN (up)" in done.stdout
    assert b"MSE (down)" in done.stdout
    heads, dashes = done.stdout.splitlines()[1:3]
    assert len(heads) == len(dashes)
    assert b"\\u043c\\u0435" in done.stdout
