"""Every published output at hand against its golden values: MATLAB's evaluator in Octave, MI by independent NumPy."""

import csv
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from ivif_cli.core.metrics import METRICS, Scene, evaluate_pair
from ivif_cli.core.metrics.maps import Maps
from ivif_cli.core.metrics.similarity import vif_of_source

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


def _read(shared_data: Path, method: str, image: str) -> list[np.ndarray]:
    sources = [shared_data / "test" / "TNO" / band / f"{image}.png" for band in ("ir", "vi")]
    fused = next((shared_data / "published" / "TNO" / method).glob(f"{image}.*"))
    pictures = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in (*sources, fused)]
    return [picture if picture.ndim == 3 else np.dstack([picture] * 3) for picture in pictures]


@pytest.fixture(scope="session")
def scores(shared_data: Path, golden: dict[Key, dict[str, float]]) -> dict[Key, dict[str, float]]:
    """(method, image) -> metric -> our value; the fused pictures of one scene share its maps."""
    scenes: dict[str, Scene] = {}
    found = {}
    for method, image in golden:
        ir, vis, fused = _read(shared_data, method, image)
        if image not in scenes:
            scenes[image] = Scene(ir, vis)
        names = [name for name in METRICS if name in golden[method, image]]
        found[method, image] = scenes[image].score(fused, names)
    return found


@pytest.mark.parametrize("name", ["EN", "SD", "SF", "MI", "VIF", "Qabf", "AG", "CC", "SCD", "MSE", "PSNR", "SSIM"])
def test_published_outputs_score_their_golden_values(
    name: str, golden: dict[Key, dict[str, float]], scores: dict[Key, dict[str, float]]
) -> None:
    assert len(golden) == 75
    for key, values in golden.items():
        assert scores[key][name] == pytest.approx(values[name], rel=0, abs=TOLERANCE.get(name, 1e-10)), key


def test_matlab_mutual_information_is_reproduced(shared_data: Path, golden: dict[Key, dict[str, float]]) -> None:
    for (method, image), values in golden.items():
        triple = _read(shared_data, method, image)
        ours = evaluate_pair(*triple, ["MI"], convention="matlab")["MI"]
        assert ours == pytest.approx(values["MI_matlab"], rel=0, abs=1e-10), (method, image)


def test_each_sources_vif_is_golden(shared_data: Path, golden: dict[Key, dict[str, float]]) -> None:
    for (method, image), values in golden.items():
        if method != "SeAFusion":
            continue
        pictures = _read(shared_data, method, image)
        ir, vis, fused = (Maps(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)) for picture in pictures)
        assert vif_of_source(ir, fused) == pytest.approx(values["VIF_ir"], rel=0, abs=1e-7)
        assert vif_of_source(vis, fused) == pytest.approx(values["VIF_vi"], rel=0, abs=1e-7)
