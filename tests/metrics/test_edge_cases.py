"""The corner cases: flat, identical, tiny, odd, colour, deep and broken pictures; batches; symmetry."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.metrics import CONVENTIONS, METRICS, SIX, Scene, evaluate_batch, evaluate_pair
from ivif_cli.core.metrics.maps import strips


@pytest.fixture
def pictures(rng: np.random.Generator) -> list[np.ndarray]:
    return [cv2.blur(rng.integers(0, 256, (64, 80), dtype=np.uint8), (3, 3)) for _ in range(3)]


def test_a_constant_fused_picture(pictures: list[np.ndarray]) -> None:
    ir, vis, _ = pictures
    scores, reasons = Scene(ir, vis).explain_scores(np.full_like(ir, 90), list(METRICS))
    assert (scores["EN"], scores["SD"], scores["SF"], scores["VIF"], scores["AG"]) == (0, 0, 0, 0, 0)
    assert 0 < scores["Qabf"] < 0.5  # edges of the zero-padded border
    assert math.isnan(scores["CC"])
    assert reasons["CC"] == "constant picture: fused"


def test_a_constant_source_leaves_vif_and_correlations_without_value(pictures: list[np.ndarray]) -> None:
    _, vis, fused = pictures
    scores, reasons = Scene(np.full_like(vis, 17), vis).explain_scores(fused, ["VIF", "CC", "SCD", "MI"])
    assert set(reasons) == {"VIF", "CC", "SCD"}
    assert set(reasons.values()) == {"constant picture: infrared"}
    assert math.isfinite(scores["MI"])


def test_cddfuse_counts_a_constant_source_as_one(pictures: list[np.ndarray]) -> None:
    _, vis, fused = pictures
    flat = np.full_like(vis, 17)
    alone = evaluate_pair(vis, vis, fused, ["VIF"])["VIF"] / 2
    assert evaluate_pair(flat, vis, fused, ["VIF"], convention="cddfuse")["VIF"] == pytest.approx(1 + alone)


def test_three_equal_pictures(pictures: list[np.ndarray]) -> None:
    picture = pictures[0]
    scores, reasons = Scene(picture, picture).explain_scores(
        picture, ["VIF", "Qabf", "SCD", "PSNR", "MSE", "SSIM", "FMI"]
    )
    assert scores["VIF"] == pytest.approx(2, abs=1e-6)
    assert scores["MSE"] == 0
    assert scores["SSIM"] == pytest.approx(1)
    assert scores["FMI"] == pytest.approx(1)
    assert scores["PSNR"] == math.inf
    assert reasons["SCD"] == "the fused picture differs from a source by a constant"
    assert reasons["PSNR"] == "infinite: fused equals both sources"


def test_qabf_of_three_equal_pictures_is_the_published_maximum() -> None:
    ramp = np.add.outer(np.arange(60) * 2, np.arange(60)).astype(np.uint8)
    assert evaluate_pair(ramp, ramp, ramp, ["Qabf"])["Qabf"] == pytest.approx(0.9753, abs=5e-4)


@pytest.mark.parametrize(("side", "defined"), [(40, False), (41, True)])
def test_vif_needs_41_pixels(side: int, defined: bool, rng: np.random.Generator) -> None:
    pictures = rng.integers(0, 256, (3, side, 90), dtype=np.uint8)
    scores, reasons = Scene(*pictures[:2]).explain_scores(pictures[2])
    assert math.isfinite(scores["VIF"]) is defined
    assert reasons == ({} if defined else {"VIF": "needs sides of 41 px, the picture has 90x40"})


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 2), (41, 43), (45, 300)])
@pytest.mark.parametrize("convention", list(CONVENTIONS))
def test_any_size_gives_a_value_or_a_reason(shape: tuple[int, int], convention: str, rng: np.random.Generator) -> None:
    ir, vis, fused = rng.integers(0, 256, (3, *shape), dtype=np.uint8)
    scores, reasons = Scene(ir, vis, convention).explain_scores(fused, list(CONVENTIONS[convention].metrics))
    for name, value in scores.items():
        assert math.isfinite(value) or reasons[name]


def test_unequal_sizes_are_an_error(pictures: list[np.ndarray]) -> None:
    ir, vis, fused = pictures
    with pytest.raises(InputError, match=r"80x64.*80x63"):
        evaluate_pair(ir, vis, fused[1:])
    with pytest.raises(InputError, match="differ in size"):
        evaluate_pair(ir[:, 1:], vis, fused)


def test_deep_and_float_pictures_are_an_error(pictures: list[np.ndarray]) -> None:
    ir, vis, fused = pictures
    with pytest.raises(InputError, match=r"uint16.*8-bit luma"):
        evaluate_pair(ir.astype(np.uint16) * 257, vis, fused)
    with pytest.raises(InputError, match="float64"):
        evaluate_pair(ir, vis, fused / 255)
    broken = fused.astype(np.float32)
    broken[3, 3] = np.nan
    with pytest.raises(InputError, match="NaN"):
        evaluate_pair(ir, vis, broken)


def test_colour_is_scored_by_its_luma(rng: np.random.Generator, pictures: list[np.ndarray]) -> None:
    ir, vis, _ = pictures
    bgr = rng.integers(0, 256, (64, 80, 3), dtype=np.uint8)
    luma = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    assert evaluate_pair(ir, vis, bgr) == evaluate_pair(ir, vis, luma)
    assert evaluate_pair(ir, vis, np.dstack([luma] * 3)) == evaluate_pair(ir, vis, luma)


def test_vifb_scores_each_channel(rng: np.random.Generator, pictures: list[np.ndarray]) -> None:
    ir, vis, _ = pictures
    bgr = rng.integers(0, 256, (64, 80, 3), dtype=np.uint8)
    names = ["EN", "Qabf", "MI"]
    each = [evaluate_pair(ir, vis, bgr[:, :, channel], names, convention="vifb") for channel in range(3)]
    scores = evaluate_pair(ir, vis, bgr, [*names, "SF"], convention="vifb")
    for name in names:
        assert scores[name] == pytest.approx(np.mean([score[name] for score in each]))
    flat = np.hstack([bgr[:, :, 2], bgr[:, :, 1], bgr[:, :, 0]]).astype(float)
    squares = (np.diff(flat, axis=0) ** 2).sum() + (np.diff(flat, axis=1) ** 2).sum()
    assert scores["SF"] == pytest.approx(math.sqrt(squares / flat.size))


def test_a_batch_has_the_bits_of_its_pictures(rng: np.random.Generator) -> None:
    stacks = rng.integers(0, 256, (3, 5, 57, 66), dtype=np.uint8)
    batch = evaluate_batch(*stacks)
    for index in range(5):
        single = evaluate_pair(*stacks[:, index])
        assert {name: batch[name][index] for name in SIX} == single
    assert METRICS["VIF"](*stacks).tolist() == batch["VIF"].tolist()


def test_shared_sources_do_not_change_a_bit(rng: np.random.Generator, pictures: list[np.ndarray]) -> None:
    ir, vis, fused = pictures
    scene = Scene(ir, vis)
    scene.score(rng.integers(0, 256, ir.shape, dtype=np.uint8), list(METRICS))
    assert scene.score(fused) == evaluate_pair(ir, vis, fused)


@given(arrays(np.uint8, (3, 43, 44)))
@settings(max_examples=25, deadline=None)
def test_sources_can_change_places_and_values_stay_in_range(stack: np.ndarray) -> None:
    ir, vis, fused = stack
    names = [name for name in METRICS if name not in ("MS-SSIM", "FMI", "TD")]
    scores = evaluate_pair(ir, vis, fused, names)
    swapped = evaluate_pair(vis, ir, fused, names)
    other_side = {"K_ir": "K_vis", "K_vis": "K_ir", "X_ir": "X_vis", "X_vis": "X_ir"}
    for name in names:
        assert scores[name] == pytest.approx(swapped[other_side.get(name, name)], rel=1e-12, abs=1e-12, nan_ok=True)
    limits = {"EN": 8, "SD": 127.5, "SF": 360.7, "MI": 16, "Qabf": 0.9754, "AG": 255 * 44 / 43 * 43 / 42, "Nabf": 1}
    limits |= {"K": 1, "K_ir": 1, "K_vis": 1, "X": 0.9754, "L": 1, "N": 1}
    for name, limit in limits.items():
        assert math.isnan(scores[name]) or 0 <= scores[name] <= limit


def test_unknown_names_are_answered_with_the_nearest() -> None:
    picture = np.zeros((5, 5), np.uint8)
    with pytest.raises(UsageError, match="did you mean Qabf"):
        evaluate_pair(picture, picture, picture, ["Qab"])
    with pytest.raises(UsageError, match="did you mean cddfuse"):
        evaluate_pair(picture, picture, picture, convention="cdfuse")
    with pytest.raises(UsageError, match="matlab has no FMI"):
        evaluate_pair(picture, picture, picture, ["FMI"], convention="matlab")
    assert list(evaluate_pair(picture, picture, picture, ["en"])) == ["EN"]


def test_strips_cover_every_row_once() -> None:
    for shape in ((1, 1), (480, 640), (3, 100_000), (977, 13)):
        rows = [row for part in strips(shape) for row in range(shape[0])[part]]
        assert rows == list(range(shape[0]))
