"""Scoring folders: one process or many, failures, baselines, frozen lists."""

from dataclasses import replace
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import pytest

from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.errors import UsageError
from ivif_cli.core.fusing.baselines import BASELINES
from ivif_cli.core.metrics import METRICS as KNOWN
from ivif_cli.core.metrics import evaluate_pair, find_metrics
from ivif_cli.core.scoring.contenders import baseline_contenders
from ivif_cli.core.scoring.frozen_lists import coverage, frozen_lists, list_hash
from ivif_cli.core.scoring.results import Failure, MethodScores
from ivif_cli.core.scoring.run import Run, choose_way, open_contenders, score
from ivif_cli.core.scoring.scorer import check_device_settings, score_on_device, score_tasks
from ivif_cli.core.scoring.task import ReadOptions, Settings, read_tasks

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


def _methods(run: Run) -> tuple[MethodScores, ...]:
    evaluation = score(run, *open_contenders(run), {})
    assert evaluation is not None
    return evaluation.methods


def _score(pairs: tuple[Pair, ...], folder: Path, workers: int) -> tuple[MethodScores, ...]:
    specs = (str(folder / "a"), f"other={folder / 'b'}")
    return _methods(Run(None, pairs, find_metrics(METRICS), specs=specs, baselines=True, workers=workers))


def test_two_processes_give_the_bits_of_one(pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    assert _score(pairs, tmp_path, 1) == _score(pairs, tmp_path, 2)


def test_values_are_those_of_a_single_pair(pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    ours = _score(pairs, tmp_path, 1)[0]
    read = [cv2.imread(str(tmp_path / folder / "4.png"), 0) for folder in ("ir", "vi", "a")]
    assert ours.pictures[4].values == evaluate_pair(*read, METRICS)


def test_a_missing_or_broken_picture_is_named_and_stops_nothing(pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    (tmp_path / "a" / "1.png").write_bytes(b"not a picture")
    cv2.imwrite(str(tmp_path / "a" / "2.png"), np.zeros((9, 9), np.uint8))
    cv2.imwrite(str(tmp_path / "a" / "5.png"), np.zeros((55, 60), np.uint16))
    first, other, *baselines = _score(pairs, tmp_path, 1)
    assert [failure.name for failure in first.failed] == ["1", "2", "5"]
    assert "differ in size" in first.failed[1].error
    assert "--bit-depth 8" in first.failed[2].error
    assert other.failed[0].error == "no fused picture of this pair in other"
    assert all(len(baseline.pictures) == 6 for baseline in baselines)


def test_devices_score_folders_alike(pairs: tuple[Pair, ...], tmp_path: Path, device: str) -> None:
    (tmp_path / "a" / "1.png").write_bytes(b"not a picture")
    cv2.imwrite(str(tmp_path / "a" / "2.png"), np.zeros((9, 9), np.uint8))
    run = Run(None, pairs, {}, specs=(str(tmp_path / "a"), f"other={tmp_path / 'b'}"), baselines=True)
    tasks = list(read_tasks(*open_contenders(run), ReadOptions()))
    settings = Settings(METRICS)
    expected, found = list(score_tasks(tasks, settings)), list(score_on_device(tasks, settings, device))
    for (outcome, colour), (other, other_colour) in zip(chain(*found), chain(*expected), strict=True):
        assert colour == other_colour
        if isinstance(other, Failure):
            assert outcome == other
        else:
            assert outcome.values == pytest.approx(other.values, rel=0, abs=1e-7)  # type: ignore[union-attr]
    with pytest.raises(UsageError, match="AG is not computed on devices"):
        check_device_settings(Settings(("AG",)))


def test_a_language_score_is_refused_on_devices_and_over_processes(pairs: tuple[Pair, ...]) -> None:
    words = replace(KNOWN["EN"], name="LDS")
    with pytest.raises(UsageError, match="LDS is not computed on devices"):
        check_device_settings(Settings(METRICS, encoder_metrics=(words,)))
    with pytest.raises(UsageError, match="LDS is computed in one process"):
        choose_way(Run(None, pairs, {}, encoder_metrics=(words,), workers=2), 100)


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
    names = ("EN", "SD", "SF", "MI", "VIF", "Qabf")
    evaluation = score(Run("TNO", pairs, find_metrics(names), workers=1), pairs, baseline_contenders(), {})
    assert evaluation is not None
    field = {
        "average": (6.346, 24.82, 6.43, 2.226, 0.576, 0.351),
        "maximum": (6.781, 38.58, 9.50, 6.809, 0.942, 0.602),
        "laplacian": (6.824, 34.34, 11.94, 1.733, 0.707, 0.537),
    }
    for method in evaluation.methods:
        for name, expected in zip(names, field[method.name], strict=True):
            last_place = 0.01 if name in ("SD", "SF") else 0.001
            assert method.mean(name) == pytest.approx(expected, rel=0, abs=0.6 * last_place), (method.name, name)
