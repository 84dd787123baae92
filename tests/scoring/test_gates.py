"""Gates: how they are read, when they pass, and what an earlier report has to have in common."""

import json
from pathlib import Path

import pytest

from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.metrics import METRICS
from ivif_cli.core.scoring.gates import (
    Bound,
    Tolerance,
    baseline_bounds,
    check_gates,
    parse_bound,
    parse_tolerance,
    read_baseline,
)
from ivif_cli.core.scoring.results import MethodScores, PictureScores


def test_bounds_are_read_in_any_case() -> None:
    assert parse_bound("vif=0.75", "min", METRICS) == Bound("VIF", "min", 0.75, True)
    assert parse_bound("MSE = 0.1", "max", METRICS) == Bound("MSE", "max", 0.1, False)


@pytest.mark.parametrize("text", ["VIF", "VIF=", "VIF=high", "VIF=nan", "XYZ=1"])
def test_bad_bounds_are_usage_errors(text: str) -> None:
    with pytest.raises(UsageError, match="--min"):
        parse_bound(text, "min", METRICS)


def test_tolerances_are_shares_or_amounts() -> None:
    assert parse_tolerance("1%") == Tolerance(0.01, True)
    assert parse_tolerance("0.02") == Tolerance(0.02, False)
    for text in ("-1%", "much", "inf"):
        with pytest.raises(UsageError, match="--tolerance"):
            parse_tolerance(text)


def test_a_mean_on_the_bound_passes_and_a_missing_one_never_does() -> None:
    method = MethodScores("m", "folder", (PictureScores("01", {"VIF": 0.5}, {}),))
    empty = MethodScores("m", "folder", (PictureScores("01", {"VIF": float("nan")}, {"VIF": "constant"}),))
    bounds = [Bound("VIF", "min", 0.5, True), Bound("VIF", "max", 0.5, False)]
    assert [result.passed for result in check_gates(bounds, method)] == [True, True]
    assert [result.passed for result in check_gates(bounds, empty)] == [False, False]
    assert str(check_gates([Bound("VIF", "min", 0.75, True)], method)[0]) == "VIF is 0.5, must be at least 0.75"


def _report(**changes: object) -> dict[str, object]:
    methods = [{"name": "ivif", "mean": {"VIF": 0.8, "MSE": 0.05, "EN": None}}]
    return {"schema": 1, "dataset": "TNO", "convention": "ivif", "methods": methods} | changes


def test_a_baseline_bounds_each_metric_on_its_bad_side() -> None:
    metrics = {name: METRICS[name] for name in ("VIF", "MSE", "EN")}
    bounds = baseline_bounds(_report(), "ivif", metrics, Tolerance(0.01, True), conditions={"dataset": "TNO"})
    assert [(b.metric, b.is_lower) for b in bounds] == [("VIF", True), ("MSE", False)]
    assert [b.bound for b in bounds] == pytest.approx([0.792, 0.0505])


def test_a_baseline_of_other_conditions_is_refused() -> None:
    with pytest.raises(UsageError, match="baseline is for convention cddfuse"):
        baseline_bounds(
            _report(convention="cddfuse"), "ivif", METRICS, Tolerance(0, False), conditions={"convention": "ivif"}
        )


def test_a_baseline_file_must_be_a_report(tmp_path: Path) -> None:
    for text in ("[]", "{", '{"schema": 2, "methods": [1]}'):
        path = tmp_path / "old.json"
        path.write_text(text)
        with pytest.raises(InputError):
            read_baseline(path)
    with pytest.raises(InputError, match="cannot read"):
        read_baseline(tmp_path / "missing.json")
    path.write_text(json.dumps(_report()))
    assert read_baseline(path)["dataset"] == "TNO"
