"""What is kept: golden values of published outputs, and what no copy, gain or constant may do."""

import csv
import math
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy import ndimage

from ivif_cli.core.metrics import METRICS, Scene, evaluate_pair
from ivif_cli.core.metrics.kept import lost
from ivif_cli.core.metrics.maps import Maps
from tests.metrics import plain

KEPT = ["K_ir", "K_vis", "K", "X_ir", "X_vis", "X", "L", "TD"]
Triple = tuple[np.ndarray, np.ndarray, np.ndarray]


def _grey(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)


@pytest.mark.slow
def test_published_outputs_score_their_golden_values(shared_data: Path) -> None:
    golden: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    with (shared_data / "golden" / "tno_kept.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            golden[row["image"], row["method"]][row["metric"]] = float(row["value"])
    assert len(golden) == 75
    scenes: dict[str, Scene] = {}
    for (image, method), values in golden.items():
        if image not in scenes:
            scenes[image] = Scene(
                *(_grey(shared_data / "test" / "TNO" / band / f"{image}.png") for band in ("ir", "vi"))
            )
        fused = _grey(next((shared_data / "published" / "TNO" / method).glob(f"{image}.*")))
        scores = scenes[image].score(fused, list(values))
        assert scores == pytest.approx(values, rel=0, abs=1e-6), (image, method)


@pytest.fixture
def triple(rng: np.random.Generator) -> Triple:
    """Blobs of several sizes in either source, a blend of both as fused picture, uint8."""

    def blobs() -> np.ndarray:
        layers = (ndimage.gaussian_filter(rng.normal(size=(96, 128)), sigma) * sigma * 90 for sigma in (1, 3, 9))
        return np.clip(sum(layers) + 120, 0, 255).astype(np.uint8)

    ir, vis = blobs(), blobs()
    return ir, vis, cv2.addWeighted(ir, 0.6, vis, 0.5, 0)


def test_k_is_its_definition_with_scipys_gaussians(triple: Triple) -> None:
    real = [picture.astype(float) for picture in triple]
    scores = evaluate_pair(*triple, KEPT)
    assert scores["K_ir"] == pytest.approx(plain.kept(*real), abs=1e-9)
    assert scores["K_vis"] == pytest.approx(plain.kept(real[1], real[0], real[2]), abs=1e-9)
    assert scores["K"] == min(scores["K_ir"], scores["K_vis"])
    assert scores["X"] == min(scores["X_ir"], scores["X_vis"])


def test_edges_are_kept_lost_or_invented(triple: Triple) -> None:
    ir, vis, fused = (picture.astype(float) for picture in triple)
    g_ir, g_vis, g_fused = (plain.edges(picture)[0] for picture in (ir, vis, fused))
    q_ir, q_vis = plain.preservation(ir, fused), plain.preservation(vis, fused)
    missing = ((1 - q_ir) * g_ir + (1 - q_vis) * g_vis) / (g_ir + g_vis).sum()
    invented = (g_fused > g_ir) & (g_fused > g_vis)
    scores = evaluate_pair(*triple, ["Qabf", "L", "N", "X_ir"])
    assert scores["L"] == pytest.approx(missing[~invented].sum(), abs=1e-10)
    assert scores["N"] == pytest.approx(missing[invented].sum(), abs=1e-10)
    assert scores["Qabf"] + scores["L"] + scores["N"] == pytest.approx(1, abs=0.005)
    alone = (g_ir > 2 * g_vis) & (g_ir > 40)
    assert scores["X_ir"] == pytest.approx((q_ir * g_ir)[alone].sum() / g_ir[alone].sum(), abs=1e-10)


def test_a_copy_of_one_source_keeps_all_of_it_and_is_worse_than_a_blend(triple: Triple) -> None:
    ir, vis, _ = triple
    blend = evaluate_pair(*triple, KEPT)
    copies = [Scene(ir, vis).score(copy, KEPT) for copy in (ir, vis)]
    assert copies[0]["K_ir"] == pytest.approx(1)
    assert copies[1]["K_vis"] == pytest.approx(1)
    for copy in copies:
        assert copy["K"] < blend["K"]
        assert copy["X"] < blend["X"]
    assert copies[1]["TD"] == 0


def test_gain_is_free_in_k_and_costs_in_x(rng: np.random.Generator) -> None:
    detail = ndimage.gaussian_filter(rng.normal(size=(96, 128)), 2) * 100
    ir = np.clip(120 + detail, 0, 255).astype(np.uint8)
    vis = np.full_like(ir, 120)
    vis[40:50, 40:60] = 200
    scene = Scene(ir, vis)
    same, doubled = (scene.score(np.clip(120 + gain * detail, 0, 255).astype(np.uint8), KEPT) for gain in (1, 2))
    assert doubled["K_ir"] > 0.98
    assert doubled["X_ir"] < same["X_ir"] - 0.1


def test_the_map_of_losses_adds_up_to_what_k_misses(triple: Triple) -> None:
    ir, vis, fused = (Maps(picture) for picture in triple)
    total = lost(ir, vis, Maps(np.full(ir.shape, 90, np.uint8))).sum()
    share = lost(ir, vis, fused).sum() / total
    assert 1 - share == pytest.approx(METRICS["K_ir"](*triple), abs=1e-12)
    assert lost(ir, vis, fused).min() >= 0


def test_identical_sources_have_nothing_alone(triple: Triple) -> None:
    scores, reasons = Scene(triple[0], triple[0]).explain_scores(triple[0], KEPT)
    assert reasons["K"] == reasons["K_vis"] == "a source has nothing that the other lacks"
    assert reasons["X_ir"] == "a source has no edge that the other lacks"
    assert scores["TD"] == 0


def test_a_constant_source_is_named(triple: Triple) -> None:
    ir, vis, fused = triple
    scores, reasons = Scene(np.full_like(ir, 70), vis).explain_scores(fused, KEPT)
    assert set(reasons) == {"K_ir", "K", "X_ir", "X"}
    assert set(reasons.values()) == {"constant picture: infrared"}
    assert 0 < scores["K_vis"] <= 1


def test_a_constant_fused_picture_keeps_nothing(triple: Triple) -> None:
    scores = evaluate_pair(*triple[:2], np.full_like(triple[0], 128), KEPT)
    assert (scores["K_ir"], scores["K_vis"]) == pytest.approx((0, 0), abs=1e-12)


def test_by_night_there_is_no_tone_by_day(triple: Triple) -> None:
    ir, vis, fused = triple
    scores, reasons = Scene(ir, vis // 20).explain_scores(fused, ["TD"])
    assert math.isnan(scores["TD"])
    assert reasons["TD"] == "the visible picture is nowhere well exposed"


def test_a_sky_that_turns_black_costs_tone(triple: Triple) -> None:
    ir, vis, _ = triple
    bright = np.full_like(vis, 200)
    scene = Scene(ir, bright)
    assert scene.score(np.full_like(vis, 20), ["TD"])["TD"] == pytest.approx(180)
    half = bright.copy()
    half[:, :64] = 20
    assert scene.score(half, ["TD"])["TD"] == pytest.approx(90, abs=1)
