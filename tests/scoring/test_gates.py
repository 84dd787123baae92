"""Gates: how they are read, when they pass, and what an earlier report has to have in common."""

import json
from pathlib import Path

import numpy as np
import pytest

from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.metrics import METRICS, Facts
from ivif_cli.core.reports.json_report import as_json
from ivif_cli.core.reports.report import Report
from ivif_cli.core.scoring.gates import Allowance, Bound, Gates, Tolerance, parse_bound, parse_gates, parse_tolerance
from ivif_cli.core.scoring.results import Evaluation, Failure, GateResult, MethodScores, PictureScores
from ivif_cli.core.scoring.saved import read_report

FACTS = {name: METRICS[name].facts for name in ("VIF", "MSE")}
OLD = tuple(0.70 + 0.01 * step for step in range(12))


def _method(*values: float, name: str = "ivif", failed: tuple[Failure, ...] = ()) -> MethodScores:
    pictures = [PictureScores(f"{i:02}", {"VIF": value, "MSE": value / 10}) for i, value in enumerate(values)]
    return MethodScores(name, "folder", tuple(pictures), failed)


def _evaluation(*methods: MethodScores, data: dict[str, str] | None = None) -> Evaluation:
    names = tuple(picture.name for picture in methods[0].pictures)
    return Evaluation("TNO", "ivif", tuple(FACTS), names, methods, data or {})


def _saved(path: Path, evaluation: Evaluation) -> Path:
    path.write_text(json.dumps(as_json(Report(evaluation, FACTS))))
    return path


def _judged(old: Path, method: MethodScores, *tolerance: str) -> dict[str, GateResult]:
    gates = parse_gates((), (), old, tolerance, list(METRICS))
    evaluation = _evaluation(method)
    gates.check(evaluation.pairs, {}, FACTS)
    return {result.metric: result for result in gates.judge(evaluation, FACTS)}


@pytest.mark.parametrize(
    ("text", "kind", "bound"),
    [
        ("vif=0.75", "min", Bound("VIF", "min", 0.75)),
        ("MSE = 0.1", "max", Bound("MSE", "max", 0.1)),
        ("vif:P10=0.5", "min", Bound("VIF", "min", 0.5, "p10")),
        ("VIF:each=.3", "min", Bound("VIF", "min", 0.3, "each")),
        ("VIF:@a=b/01=1", "min", Bound("VIF", "min", 1.0, "@a=b/01")),
    ],
)
def test_bounds_are_read_in_any_case(text: str, kind: str, bound: Bound) -> None:
    assert parse_bound(text, kind, METRICS) == bound


@pytest.mark.parametrize("text", ["VIF", "VIF=", "VIF=high", "VIF=nan", "XYZ=1", "VIF:p101=1", "VIF:=1", "VIF:worst=1"])
def test_bad_bounds_are_usage_errors(text: str) -> None:
    with pytest.raises(UsageError, match="--min"):
        parse_bound(text, "min", METRICS)


def test_tolerances_name_their_unit() -> None:
    assert parse_tolerance(["1%"], METRICS) == Tolerance(Allowance(0.01, True))
    mixed = parse_tolerance(["2%", "sd=0.5", "VIF=1%"], METRICS)
    assert mixed == Tolerance(Allowance(0.02, True), {"SD": Allowance(0.5, False), "VIF": Allowance(0.01, True)})
    for text in ("-1%", "much", "inf", "5", "100%", "XYZ=1"):
        with pytest.raises(UsageError, match="--tolerance"):
            parse_tolerance([text], METRICS)
    with pytest.raises(UsageError, match="--tolerance goes with --baseline"):
        parse_gates((), (), None, ["1%"], list(METRICS))


def test_a_value_on_the_bound_passes_and_a_missing_one_never_does() -> None:
    method = _method(0.2, 0.5, 0.8)
    empty = _method(float("nan"))
    for statistic in ("mean", "median", "p50", "@01"):
        bounds = (Bound("VIF", "min", 0.5, statistic), Bound("VIF", "max", 0.5, statistic))
        assert [gate.passed for gate in Gates(bounds).judge(_evaluation(method), FACTS)] == [True, True]
        assert [gate.passed for gate in Gates(bounds).judge(_evaluation(empty), FACTS)] == [False, False]


def test_statistics_are_numpys_and_each_is_every_picture() -> None:
    values = (0.9, 0.1, 0.4, 0.35)
    method = _method(*values)
    assert Bound("VIF", "min", 0, "p10").find(method) == pytest.approx(np.percentile(values, 10))
    assert Bound("VIF", "min", 0, "each").find(method) == 0.1
    assert Bound("VIF", "max", 0, "each").find(method) == 0.9
    assert Bound("VIF", "min", 0, "each").find(_method(0.9, failed=(Failure("x", "broken"),))) is None


def test_a_judged_gate_tells_its_margin() -> None:
    (kept, missed) = Gates((Bound("VIF", "min", 0.25), Bound("VIF", "max", 0.25))).judge(
        _evaluation(_method(0.5)), FACTS
    )
    assert str(kept) == "VIF is 0.5, must be at least 0.25 (margin +0.25)"
    assert str(missed) == "VIF is 0.5, must be at most 0.25 (margin -0.25)"


def test_a_baseline_bounds_each_metric_on_its_bad_side(tmp_path: Path) -> None:
    old = _saved(tmp_path / "old.json", _evaluation(_method(*OLD)))
    better_vif = _judged(old, _method(*(value + 0.05 for value in OLD)))
    assert better_vif["VIF"].passed
    assert not better_vif["MSE"].passed
    assert better_vif["MSE"].bound == pytest.approx(np.mean(OLD) / 10)
    assert all(result.passed for result in _judged(old, _method(*OLD)).values())


def test_a_tolerance_is_a_share_or_an_amount(tmp_path: Path) -> None:
    old = _saved(tmp_path / "old.json", _evaluation(_method(*OLD)))
    worse = _method(*(value - 0.02 for value in OLD))
    assert not _judged(old, worse, "1%")["VIF"].passed
    assert _judged(old, worse, "5%")["VIF"].passed
    assert _judged(old, worse, "VIF=0.03")["VIF"].passed
    assert not _judged(old, worse, "VIF=0.01")["VIF"].passed


def test_noise_between_pictures_misses_no_gate_but_a_steady_loss_does(tmp_path: Path) -> None:
    old = _saved(tmp_path / "old.json", _evaluation(_method(*OLD)))
    noise = [0.05, -0.06] * 6
    noisy = _judged(old, _method(*(value + change for value, change in zip(OLD, noise, strict=True))))["VIF"]
    assert noisy.passed
    assert "within noise" in str(noisy)
    steady = _judged(old, _method(*(value - 0.005 for value in OLD)))["VIF"]
    assert not steady.passed
    assert steady.regression is not None
    assert steady.regression.p < 0.05


def test_round_off_is_no_loss(tmp_path: Path) -> None:
    old = _saved(tmp_path / "old.json", _evaluation(_method(*OLD)))
    assert _judged(old, _method(*(value - 1e-9 for value in OLD)))["VIF"].passed


def test_what_the_baseline_has_and_the_run_lacks_is_missed(tmp_path: Path) -> None:
    old = _saved(tmp_path / "old.json", _evaluation(_method(*OLD)))
    gates = parse_gates((), (), old, (), list(METRICS))
    results = gates.judge(_evaluation(_method(*OLD)), {"VIF": FACTS["VIF"]})
    assert {result.metric: result.passed for result in results} == {"VIF": True, "MSE": False}
    assert "was not scored" in str(results[1])
    undefined = _judged(old, _method(float("nan"), *OLD[1:]))["VIF"]
    assert not undefined.passed
    assert "has no value for 00" in str(undefined)


def test_other_pairs_files_and_conventions_are_refused(tmp_path: Path) -> None:
    old = _saved(tmp_path / "old.json", _evaluation(_method(*OLD), data={"00": "aa"}))
    gates = parse_gates((), (), old, (), list(METRICS))
    names = [f"{i:02}" for i in range(12)]
    gates.check(names, {"00": "aa"}, FACTS)
    with pytest.raises(UsageError, match="other pairs: 12 pairs, this run 12; only it has 11, only the run has x"):
        gates.check([*names[:-1], "x"], {}, FACTS)
    with pytest.raises(UsageError, match="other files of pair 00"):
        gates.check(names, {"00": "bb"}, FACTS)
    foreign = Facts("VIF", True, "cddfuse", "", "", "")
    with pytest.raises(UsageError, match="VIF of convention ivif, this run for cddfuse"):
        gates.check(names, {}, {"VIF": foreign})
    with pytest.raises(UsageError, match="no such pair"):
        Gates((Bound("VIF", "min", 0, "@77"),)).check(names, {}, FACTS)


def test_a_report_is_read_back_as_it_was(tmp_path: Path) -> None:
    broken = PictureScores("12", {"VIF": float("nan"), "MSE": 0.5}, {"VIF": "constant"})
    method = MethodScores("m", "model", (*_method(*OLD).pictures, broken), (Failure("13", "gone"),), "ab" * 32, 3)
    evaluation = Evaluation(None, "ivif", tuple(FACTS), tuple(f"{i:02}" for i in range(14)), (method,), {"00": "aa"})
    saved = read_report(_saved(tmp_path / "old.json", evaluation))
    assert saved.metrics == FACTS
    assert repr(saved.evaluation) == repr(evaluation)


def test_a_baseline_file_must_be_a_report(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    for text in ("[]", "{", '{"schema": 2, "methods": [1]}', '{"schema": 1, "methods": []}'):
        path.write_text(text)
        with pytest.raises(InputError):
            read_report(path)
    with pytest.raises(InputError, match="cannot read"):
        read_report(tmp_path / "missing.json")
