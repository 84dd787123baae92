"""Each row of the tables of docs/inputs.md has a test that makes the file or the folders that it speaks of."""

import ast
import re
from pathlib import Path

import pytest

from ivif_cli.core.data.datasets import DATASETS

KINDS, RUNS = "data/test_kinds.py", "commands/test_fuse_runs.py"
ROWS = {
    "8-bit PNG, JPEG, BMP, TIFF": ("data/test_images.py", "test_lossless_kinds_come_back_bit_for_bit"),
    "16-bit PNG, TIFF": ("data/test_images.py", "test_lossless_kinds_come_back_bit_for_bit"),
    "floating-point or int32 TIFF": (KINDS, "test_where_there_is_no_data_the_visible_picture_shows"),
    "WebP, GIF (8 bits)": (KINDS, "test_the_first_of_several_pictures_is_read_and_said"),
    "PGM, JPEG 2000 (`.jp2`)": (KINDS, "test_infrared_of_each_kind_keeps_its_values"),
    "numpy's `.npy`, H x W": (KINDS, "test_infrared_of_each_kind_keeps_its_values"),
    "radiometric FLIR JPEG (extra `thermal`)": (
        "data/test_flir_jpeg.py",
        "test_temperatures_are_mapped_by_the_range",
    ),
    "DJI R-JPEG": (
        "data/test_flir_jpeg.py",
        "test_pictures_of_dji_are_read_as_rendered_and_temperatures_are_refused",
    ),
    "false colour of a known palette": (RUNS, "test_false_colour_of_a_known_palette_goes_back_to_grey"),
    "other colour": (RUNS, "test_colour_of_no_palette_is_refused_with_the_way_out"),
    "two folders, at any depth": ("data/test_pairing.py", "test_markers_case_and_unicode_forms_do_not_matter"),
    "patterns in quotes, `'a/*_ir.png'`": (RUNS, "test_patterns_in_quotes_are_pairs_too"),
    "two folders or patterns with `--max-gap SECONDS`": (
        RUNS,
        "test_pictures_of_two_clocks_pair_within_the_stated_gap",
    ),
    "two [live sources](video.md#live-sources)": (
        "video/test_live.py",
        "test_each_visible_frame_gets_the_infrared_one_nearest_in_time",
    ),
    "two video files with `--max-gap SECONDS`": (
        "video/test_time_pairs.py",
        "test_each_visible_frame_gets_the_infrared_one_nearest_in_time",
    ),
    "`--manifest pairs.csv`": (RUNS, "test_a_manifest_names_pairs_and_outputs"),
    "`--fused NAME=DIR` of `evaluate`": (
        "data/test_pairing.py",
        "test_fused_pictures_may_carry_the_name_of_their_method",
    ),
    "`centre`": ("data/test_cropping.py", "test_the_middle_of_the_visible_picture_has_the_ratio_of_the_infrared_one"),
    "`X,Y,WIDTH,HEIGHT`": ("data/test_cropping.py", "test_a_box_is_what_the_infrared_camera_sees"),
    "`seen`": ("data/test_cropping.py", "test_what_a_rig_shows_is_kept_alone"),
}
"""First cell of a row -> file below tests/ and name of the test."""


@pytest.fixture(scope="module")
def tables(repository: Path) -> dict[str, list[str]]:
    """First cells of the rows of every table of the page, by the first cell of its head."""
    found: dict[str, list[str]] = {}
    rows: list[str] = []
    for line in (repository / "docs" / "inputs.md").read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            rows = []
            continue
        cell = line.strip("|").split("|")[0].strip()
        if not rows:
            rows = found.setdefault(cell, [])
            rows.append(cell)
        elif not re.fullmatch(r"[-: ]+", cell):
            rows.append(cell)
    return {head: cells[1:] for head, cells in found.items()}


def test_each_row_of_files_pairs_and_crops_has_its_test(tables: dict[str, list[str]], repository: Path) -> None:
    assert {*tables["infrared file"], *tables["files"], *tables["`--crop`"]} == set(ROWS)
    for file, name in ROWS.values():
        tree = ast.parse((repository / "tests" / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (file, name)


def test_each_data_set_has_its_row(tables: dict[str, list[str]]) -> None:
    named = {re.split(r"[ ,]", cell)[0] for cell in tables["name"]}
    assert named == set(DATASETS)
