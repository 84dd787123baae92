"""Ranks, intervals and paired tests, against SciPy and textbook values."""

import numpy as np
import pytest
from scipy import stats

from ivif_cli.core.scoring.comparison import (
    average_ranks,
    bootstrap_interval,
    holm,
    mean_ranks,
    metric_ranks,
    paired_tests,
    signed_rank_p,
)
from ivif_cli.core.scoring.results import Evaluation, MethodScores, PictureScores


def _method(name: str, values: list[float], metric: str = "VIF") -> MethodScores:
    return MethodScores(name, "folder", tuple(PictureScores(f"{i:02}", {metric: v}) for i, v in enumerate(values)))


def test_ranks_share_ties_as_in_scipy(rng: np.random.Generator) -> None:
    values = rng.integers(0, 8, 40).astype(float)
    assert average_ranks(values).tolist() == stats.rankdata(values).tolist()


@pytest.mark.parametrize("count", [5, 12, 30, 50])
def test_exact_p_values_are_scipys(count: int, rng: np.random.Generator) -> None:
    differences = rng.normal(0.3, 1, count)
    expected = stats.wilcoxon(differences, method="exact").pvalue
    assert signed_rank_p(differences.tolist()) == pytest.approx(expected, rel=1e-9)


def test_ties_and_many_pictures_use_scipys_normal_approximation(rng: np.random.Generator) -> None:
    for differences in (rng.integers(-5, 8, 45).astype(float), rng.normal(0.1, 1, 120)):
        nonzero = differences[differences != 0]
        expected = stats.wilcoxon(nonzero, method="asymptotic", correction=False).pvalue
        assert signed_rank_p(differences.tolist()) == pytest.approx(expected, rel=1e-9)


def test_no_difference_is_no_evidence() -> None:
    assert signed_rank_p([0.0, 0.0, 0.0]) == 1.0


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == pytest.approx([1.0, 1.0])


def test_bootstrap_interval_is_close_to_the_normal_one(rng: np.random.Generator) -> None:
    values = rng.normal(10, 2, 200)
    interval = bootstrap_interval(values.tolist())
    assert interval is not None
    half = 1.96 * values.std() / np.sqrt(200)
    assert interval.low == pytest.approx(values.mean() - half, abs=0.06)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.06)
    assert bootstrap_interval(values.tolist()) == interval
    assert bootstrap_interval([1.0]) is None


def test_ranks_follow_the_direction_of_the_metric() -> None:
    methods = [_method("a", [1, 2]), _method("b", [3, 4]), _method("c", [float("nan")] * 2), _method("d", [1, 2])]
    assert metric_ranks(methods, "VIF", True) == [2.5, 1.0, None, 2.5]
    assert metric_ranks(methods, "VIF", False) == [1.5, 3.0, None, 1.5]
    assert mean_ranks([[1.0, 2.0], [2.0, None]]) == [1.5, None]


def test_paired_tests_use_common_pictures_only() -> None:
    ours = _method("ours", [0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    theirs = _method("theirs", [0.4, 0.5, 0.6, 0.7, 0.8, float("nan")])
    evaluation = Evaluation(None, "ivif", ("VIF",), tuple(p.name for p in ours.pictures), (ours, theirs))
    (test,) = paired_tests(evaluation)
    assert (test.method, test.metric, test.pictures) == ("theirs", "VIF", 5)
    assert test.difference == pytest.approx(-0.1)


def test_bootstrap_of_many_pictures_draws_in_parts_what_it_would_draw_at_once(rng: np.random.Generator) -> None:
    values = rng.normal(0.7, 0.1, 3001)
    interval = bootstrap_interval(values.tolist())
    picks = np.random.default_rng(20240226).integers(0, 3001, (2000, 3001))
    low, high = np.quantile(values[picks].mean(axis=1), [0.025, 0.975])
    assert interval is not None
    assert (interval.low, interval.high) == (low, high)
