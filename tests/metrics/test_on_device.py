"""Whole stacks on a torch device against the exact path on the CPU."""

import cv2
import numpy as np
import pytest

from ivif_cli.core.errors import InputError, UsageError
from ivif_cli.core.metrics import SIX, evaluate_batch

pytest.importorskip("torch")


@pytest.fixture
def stacks(rng: np.random.Generator) -> np.ndarray:
    """Sources and fused pictures: textured ones, a flat source, a flat fused picture, three equal ones."""
    stacks = np.stack([cv2.blur(rng.integers(0, 256, (67, 83), dtype=np.uint8), (3, 3)) for _ in range(12)])
    stacks = stacks.reshape(3, 4, 67, 83)
    stacks[0, 1] = 90
    stacks[2, 2] = 17
    stacks[1:, 3] = stacks[0, 3]
    return stacks


def test_devices_agree_with_the_exact_path(stacks: np.ndarray, device: str) -> None:
    from ivif_cli.core.metrics.on_device import evaluate_on_device

    expected = evaluate_batch(*stacks)
    found = evaluate_on_device(*stacks, device=device)
    for name in SIX:
        tolerance = 1e-7 if name == "VIF" else 1e-9
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=tolerance, err_msg=name)
    assert np.isnan(found["VIF"]).tolist() == [False, True, False, False]


def test_the_batch_size_does_not_matter(stacks: np.ndarray, device: str) -> None:
    from ivif_cli.core.metrics.on_device import evaluate_on_device

    whole = evaluate_on_device(*stacks, device=device)
    for index in range(4):
        single = evaluate_on_device(*stacks[:, index : index + 1], device=device)
        for name in SIX:
            np.testing.assert_allclose(single[name][0], whole[name][index], rtol=0, atol=1e-10, err_msg=name)


def test_small_pictures_and_bad_stacks(stacks: np.ndarray) -> None:
    from ivif_cli.core.metrics.on_device import evaluate_on_device

    assert np.isnan(evaluate_on_device(*stacks[:, :, :40], device="cpu")["VIF"]).all()
    with pytest.raises(InputError):
        evaluate_on_device(stacks[0], stacks[1], stacks[2].astype(np.uint16), device="cpu")
    with pytest.raises(UsageError, match="AG is not computed on devices"):
        evaluate_on_device(*stacks, ["AG"], device="cpu")
