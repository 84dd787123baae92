"""Time stamps are read in the forms that cameras write, and pictures pair with the nearest within a stated gap."""

from pathlib import Path, PurePosixPath

import pytest

from ivif_cli.core.data.find_pairs import find_pairs
from ivif_cli.core.data.pairing import Pairing, pair_files, pair_folders
from ivif_cli.core.data.time_stamps import time_of
from ivif_cli.core.errors import PairingError, UsageError
from tests.data.test_pairing import folder

MIDNIGHT = 1762819200.0
"""2025-11-11 00:00:00 UTC, by `date -u -d 2025-11-11 +%s`."""


@pytest.mark.parametrize(
    ("stem", "seconds"),
    [
        ("1700000000.100", 1700000000.1),
        ("1700000000", 1700000000),
        ("1700000000125", 1700000000.125),
        ("thermal_1700000000125250", 1700000000.12525),
        ("1700000000125250500", 1700000000.1252505),
        ("1700000000_005000000", 1700000000.005),
        ("1700000000_5000000", 1700000000.005),
        ("20251111_000003", MIDNIGHT + 3),
        ("20251111T000003Z", MIDNIGHT + 3),
        ("IMG_20251111_000003_250", MIDNIGHT + 3.25),
        ("20251111000003250", MIDNIGHT + 3.25),
        ("2025-11-11T00-01-03.5", MIDNIGHT + 63.5),
        ("2025-11-11 00:01:03,125", MIDNIGHT + 63.125),
        ("DJI_20251111000003_0047_T", MIDNIGHT + 3),
        ("0.033", 0.033),
        ("frame_000123", None),
        ("00123", None),
        ("20259999_000003", None),
        ("FLIR_08863", None),
    ],
)
def test_the_forms_of_time_stamps(stem: str, seconds: float | None) -> None:
    assert time_of(stem) == (None if seconds is None else pytest.approx(seconds, abs=2e-6))


def paired(ir: list[str], vis: list[str], gap: float) -> Pairing:
    return pair_files(
        *({Path(side, n): PurePosixPath(n) for n in names} for side, names in (("i", ir), ("v", vis))), gap
    )


def names(pairing: Pairing) -> list[tuple[str, str]]:
    return [(pair.ir.name, pair.vis.name) for pair in pairing.pairs]


def test_the_nearest_within_the_gap_pair_and_the_rest_is_named() -> None:
    found = paired(
        ["1700000000.100.png", "1700000001.000.png", "1700000002.000.png"],
        ["1700000000.117.jpg", "1700000000.150.jpg", "1700000001.060.jpg", "1700000002.000.jpg"],
        0.05,
    )
    assert names(found) == [("1700000000.100.png", "1700000000.117.jpg"), ("1700000002.000.png", "1700000002.000.jpg")]
    assert [path.name for path in found.unmatched_ir] == ["1700000001.000.png"]
    assert [path.name for path in found.unmatched_vis] == ["1700000000.150.jpg", "1700000001.060.jpg"]
    assert found.by_time == 1 and found.widest == pytest.approx(0.017, abs=1e-6)


def test_each_picture_is_in_one_pair_the_nearer_one() -> None:
    found = paired(["10.00.png", "10.04.png"], ["10.03.png"], 0.1)
    assert names(found) == [("10.04.png", "10.03.png")]
    assert [path.name for path in found.unmatched_ir] == ["10.00.png"]


def test_two_that_are_equally_near_are_named_and_left_out() -> None:
    found = paired(["20251111_000003_500.png"], ["20251111_000003_000.png", "20251111_000004_000.png"], 1)
    assert not found.pairs and not found.unmatched_ir and not found.unmatched_vis
    assert "equally near in time" in found.complaints()[0] and "20251111_000004_000.png" in found.complaints()[0]


def test_a_picture_that_is_nearer_to_another_makes_nothing_ambiguous() -> None:
    found = paired(["10.50.png", "11.01.png"], ["10.00.png", "11.00.png"], 1)
    assert names(found) == [("10.50.png", "10.00.png"), ("11.01.png", "11.00.png")]


def test_names_that_agree_come_before_times_and_folders_stay_apart() -> None:
    found = paired(["a/20251111_000003_ir.png", "b/10.0.png"], ["a/20251111_000003_vis.png", "c/10.0.png"], 9)
    assert names(found) == [("20251111_000003_ir.png", "20251111_000003_vis.png")]
    assert found.by_time == 0


def test_decimals_are_no_padding() -> None:
    assert not pair_files(
        {Path("i"): PurePosixPath("1700000000.05.png")}, {Path("v"): PurePosixPath("1700000000.5.png")}
    ).pairs


def test_without_a_gap_the_error_says_the_way(tmp_path: Path) -> None:
    ir, vis = folder(tmp_path / "A", "1700000000.100.png"), folder(tmp_path / "B", "1700000000.117.png")
    with pytest.raises(PairingError, match=r"--max-gap 0\.05"):
        pair_folders(ir, vis)
    assert len(find_pairs(ir, vis, max_gap=0.05).pairing.pairs) == 1
    assert len(find_pairs(ir / "*.png", vis / "*.png", max_gap=0.05).pairing.pairs) == 1
    with pytest.raises(UsageError, match="--max-gap"):
        find_pairs(ir / "1700000000.100.png", vis / "1700000000.117.png", max_gap=0.05)
