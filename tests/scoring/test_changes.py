"""What changed against an earlier report."""

import pytest

from ivif_cli.core.scoring.changes import find_changes
from ivif_cli.core.scoring.results import Interval, MethodScores, PictureScores, Regression

METRICS = ("VIF", "MSE")


def _method(values: list[tuple[float, float]]) -> MethodScores:
    pictures = (PictureScores(str(i), {"VIF": vif, "MSE": mse}) for i, (vif, mse) in enumerate(values))
    return MethodScores("m", "folder", tuple(pictures))


def test_pictures_are_ranked_by_their_change_in_spreads() -> None:
    old = _method([(0.0, 1.0), (2.0, 1.0), (0.0, 3.0), (2.0, 3.0)])
    new = _method([(0.0, 1.0), (2.0, 2.0), (3.0, 3.0), (2.0, 3.1)])
    changes = find_changes(old, new, METRICS, ())
    assert [change.name for change in changes.pictures] == ["2", "1", "3"]
    assert [change.size for change in changes.pictures] == pytest.approx([(9 / 2) ** 0.5, 0.5**0.5, 0.005**0.5])
    assert next(iter(changes.pictures[1].values.items())) == ("MSE", (1.0, 2.0))


@pytest.mark.parametrize(
    ("higher", "low", "high", "side"),
    [
        (True, 0.1, 0.3, "better"),
        (True, -0.3, -0.1, "worse"),
        (False, 0.1, 0.3, "worse"),
        (False, -0.3, -0.1, "better"),
    ],
)
def test_metrics_change_where_the_interval_holds_no_zero(higher: bool, low: float, high: float, side: str) -> None:
    sure = Regression("m", "VIF", higher, 4, 0.5, 0.6, (low + high) / 2, Interval(low, high))
    unsure = Regression("m", "MSE", higher, 4, 0.5, 0.6, 0.1, Interval(-0.1, 0.3))
    changes = find_changes(_method([(1, 1)]), _method([(1, 1)]), METRICS, (sure, unsure))
    assert {"better": changes.better, "worse": changes.worse}[side] == (sure,)
    assert len(changes.better) + len(changes.worse) == 1
    assert changes.same == (unsure,)
    assert dict(changes.lines)["No clear change"] == "MSE +0.1 (p = 1)"
    assert changes.pictures == ()
