"""A made-up scene with people, and runs of `ivif` on it."""

from pathlib import Path

import cv2
import numpy as np
from typer.testing import CliRunner, Result

from ivif_cli.app import app

PEOPLE = (slice(40, 80), slice(30, 38))
VIS = cv2.GaussianBlur(np.random.default_rng(2).integers(20, 90, (120, 160, 3), np.uint8), (0, 0), 2)


def thermal(*, engine: bool = False) -> np.ndarray:
    """Counts of 14 bits with people, and where asked an engine that is far hotter."""
    counts = np.random.default_rng(1).integers(7000, 7400, (120, 160)).astype(np.uint16)
    counts[PEOPLE] = 8900
    if engine:
        counts[90:110, 120:136] = 16000
    return counts


GREY = np.random.default_rng(3).integers(40, 90, (120, 160), np.uint8)
GREY[PEOPLE] = 230


def ivif(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def fuse(yard: Path, ir: str, vis: str, out: str, *more: object, model: str = "first") -> Result:
    weights = yard / f"{model}.safetensors"
    return ivif(
        "fuse", "--ir", yard / ir, "--vis", yard / vis, "-o", yard / out, "-m", weights, "--device", "cpu", *more
    )


def made(result: Result) -> Result:
    assert result.exit_code == 0, result.output
    return result


def refused(result: Result, status: int, said: str) -> None:
    lines = result.stderr.strip().splitlines()
    assert result.exit_code == status and said in lines[-1] and lines[-1].startswith("error: "), result.output


def people(picture: np.ndarray) -> float:
    """How far the people lie above the rest [grey levels of 255]."""
    levels = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture
    levels = levels * (255.0 / np.iinfo(levels.dtype).max)
    return float(levels[PEOPLE].mean() - np.median(levels))
