"""Every published output at hand against its golden values: MATLAB's evaluator in Octave, MI by independent NumPy."""

import csv
from collections import defaultdict
from pathlib import Path

import cv2
import pytest

from ivif_cli.core.metrics import METRICS, Scene

TOLERANCE = {"VIF": 1e-7, "SSIM": 1e-6}
"""Absolute; 1e-10 for the others. VIF's round-off in flat regions reaches 4e-8."""

Key = tuple[str, str]


@pytest.fixture(scope="session")
def golden(shared_data: Path) -> dict[Key, dict[str, float]]:
    """(method, image) -> metric -> golden value."""
    values: dict[Key, dict[str, float]] = defaultdict(dict)
    with (shared_data / "golden" / "tno_published.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            values[row["method"], row["image"]][row["metric"]] = float(row["value"])
    return values


@pytest.fixture(scope="session")
def scores(shared_data: Path, golden: dict[Key, dict[str, float]]) -> dict[Key, dict[str, float]]:
    """(method, image) -> metric -> our value; the fused pictures of one scene share its maps."""
    scenes: dict[str, Scene] = {}
    found = {}
    for method, image in golden:
        if image not in scenes:
            sources = (shared_data / "test" / "TNO" / band / f"{image}.png" for band in ("ir", "vi"))
            scenes[image] = Scene(*(cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sources))
        fused = next((shared_data / "published" / "TNO" / method).glob(f"{image}.*"))
        names = [name for name in METRICS if name in golden[method, image]]
        found[method, image] = scenes[image].score(cv2.imread(str(fused), cv2.IMREAD_UNCHANGED), names)
    return found


@pytest.mark.parametrize("name", ["EN", "SD", "SF", "MI", "VIF", "Qabf"])
def test_published_outputs_score_their_golden_values(
    name: str, golden: dict[Key, dict[str, float]], scores: dict[Key, dict[str, float]]
) -> None:
    assert len(golden) == 75
    for key, values in golden.items():
        assert scores[key][name] == pytest.approx(values[name], rel=0, abs=TOLERANCE.get(name, 1e-10)), key
