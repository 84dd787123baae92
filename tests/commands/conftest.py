"""Made-up pairs for the commands that score."""

from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture
def folders(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Three pairs in `ir` and `vi`, fused by two methods in `mean` and `max`."""
    for folder in ("ir", "vi", "mean", "max"):
        (tmp_path / folder).mkdir()
    for name in ("01", "zwei <b>&", "три"):
        ir, vis = (cv2.blur(rng.integers(0, 256, (48, 60), dtype=np.uint8), (5, 5)) for _ in range(2))
        for folder, picture in (("ir", ir), ("vi", vis), ("mean", ir // 2 + vis // 2), ("max", np.maximum(ir, vis))):
            cv2.imwrite(str(tmp_path / folder / f"{name}.png"), picture)
    return tmp_path
