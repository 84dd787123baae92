"""Pictures for the fusing tests."""

import numpy as np


def picture(seed: int, shape: tuple[int, ...], kind: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(kind).max + 1, shape, dtype=kind)
