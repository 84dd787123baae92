"""Scoring folders: one process or many, failures, baselines, frozen lists."""

from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import pytest

from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.errors import UsageError
from ivif_cli.core.metrics import evaluate_pair
from ivif_cli.core.scoring.baselines import BASELINES
from ivif_cli.core.scoring.frozen_lists import coverage, frozen_lists, list_hash
from ivif_cli.core.scoring.plan import baseline_contenders, fused_contenders
from ivif_cli.core.scoring.results import Failure
from ivif_cli.core.scoring.scorer import Settings, folder_tasks, score_scene, score_tasks

METRICS = ("EN", "VIF", "Qabf")


@pytest.fixture
def pairs(tmp_path: Path, rng: np.random.Generator) -> tuple[Pair, ...]:
    """Six pairs of different sizes with fused pictures in `a` and, but for one, in `b`."""
    for folder in ("ir", "vi", "a", "b"):
        (tmp_path / folder).mkdir()
    for index in range(6):
        ir, vis = (cv2.blur(rng.integers(0, 256, (50 + index, 60), dtype=np.uint8), (3, 3)) for _ in range(2))
        for folder, picture in (("ir", ir), ("vi", vis), ("a", ir // 2 + vis // 2), ("b", np.maximum(ir, vis))):
            cv2.imwrite(str(tmp_path / folder / f"{index}.png"), picture)
    (tmp_path / "b" / "3.png").unlink()
    return tuple(Pair(str(i), tmp_path / "ir" / f"{i}.png", tmp_path / "vi" / f"{i}.png") for i in range(6))


def _score(pairs: tuple[Pair, ...], folder: Path, workers: int) -> list[object]:
    contenders = fused_contenders([str(folder / "a"), f"other={folder / 'b'}"], pairs)
    contenders += baseline_contenders(contenders)
    return list(score_tasks(folder_tasks(pairs, contenders), contenders, Settings(METRICS), workers=workers))


def test_two_processes_give_the_bits_of_one(pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    assert _score(pairs, tmp_path, 1) == _score(pairs, tmp_path, 2)


def test_values_are_those_of_a_single_pair(pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    ours = _score(pairs, tmp_path, 1)[0]
    read = [cv2.imread(str(tmp_path / folder / "4.png"), 0) for folder in ("ir", "vi", "a")]
    assert ours.pictures[4].values == evaluate_pair(*read, METRICS)  # type: ignore[attr-defined]


def test_a_missing_or_broken_picture_is_named_and_stops_nothing(pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    (tmp_path / "a" / "1.png").write_bytes(b"not a picture")
    cv2.imwrite(str(tmp_path / "a" / "2.png"), np.zeros((9, 9), np.uint8))
    cv2.imwrite(str(tmp_path / "a" / "5.png"), np.zeros((55, 60), np.uint16))
    first, other, *baselines = _score(pairs, tmp_path, 1)
    assert [failure.name for failure in first.failed] == ["1", "2", "5"]  # type: ignore[attr-defined]
    assert "differ in size" in first.failed[1].error  # type: ignore[attr-defined]
    assert "--bit-depth 8" in first.failed[2].error  # type: ignore[attr-defined]
    assert other.failed[0].error == "no fused picture of this pair in other"  # type: ignore[attr-defined]
    assert all(len(baseline.pictures) == 6 for baseline in baselines)  # type: ignore[attr-defined]


def test_devices_score_folders_alike(pairs: tuple[Pair, ...], tmp_path: Path, device: str) -> None:
    from ivif_cli.core.scoring.device_scorer import check_device_settings, score_on_device

    (tmp_path / "a" / "1.png").write_bytes(b"not a picture")
    cv2.imwrite(str(tmp_path / "a" / "2.png"), np.zeros((9, 9), np.uint8))
    contenders = [*fused_contenders([str(tmp_path / "a"), f"other={tmp_path / 'b'}"], pairs), *baseline_contenders([])]
    settings = Settings(METRICS)
    expected = [score_scene(task, contenders, settings) for task in folder_tasks(pairs, contenders)]
    found = list(score_on_device(folder_tasks(pairs, contenders), contenders, settings, device))
    for (outcome, colour), (other, other_colour) in zip(chain(*found), chain(*expected), strict=True):
        assert colour == other_colour
        if isinstance(other, Failure):
            assert outcome == other
        else:
            assert outcome.values == pytest.approx(other.values, rel=0, abs=1e-7)
    with pytest.raises(UsageError, match="AG is not computed on devices"):
        check_device_settings(Settings(("AG",)))


def test_baselines_of_equal_sources_are_the_source(rng: np.random.Generator) -> None:
    picture = cv2.blur(rng.integers(0, 256, (37, 53), dtype=np.uint8), (3, 3))
    for name, baseline in BASELINES.items():
        assert (baseline(picture, picture) == picture).all(), name
    for shape in ((1, 1), (3, 200)):
        small = rng.integers(0, 256, shape, dtype=np.uint8)
        assert all(baseline(small, small).shape == shape for baseline in BASELINES.values())


def test_frozen_lists_match_their_hashes() -> None:
    lists = frozen_lists()
    assert len(lists["TNO"].stems) == 42
    for entry in lists.values():
        assert list_hash(entry.stems) == entry.sha256
    assert coverage("TNO", lists["TNO"].stems).is_complete  # type: ignore[union-attr]
    assert coverage("TNO", ["01", "x"]).extra == ("x",)  # type: ignore[union-attr]
    assert coverage(None, ["01"]) is None


def test_means_of_the_field_on_tno(shared_data: Path) -> None:
    """Means that were published for scale on the 42 pairs, computed by an independent program."""
    from ivif_cli.core.data.datasets import open_dataset

    pairs = open_dataset("TNO", shared_data / "test").pairs
    contenders = baseline_contenders([])
    names = ("EN", "SD", "SF", "MI", "VIF", "Qabf")
    methods = score_tasks(folder_tasks(pairs, contenders), contenders, Settings(names), workers=1)
    field = {
        "average": (6.346, 24.82, 6.43, 2.226, 0.576, 0.351),
        "maximum": (6.781, 38.58, 9.50, 6.809, 0.942, 0.602),
        "laplacian": (6.824, 34.34, 11.94, 1.733, 0.707, 0.537),
    }
    for method in methods:
        for name, expected in zip(names, field[method.name], strict=True):
            last_place = 0.01 if name in ("SD", "SF") else 0.001
            assert method.mean(name) == pytest.approx(expected, rel=0, abs=0.6 * last_place), (method.name, name)
