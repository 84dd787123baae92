"""Mean corner error of `--align ecc` before and after, over real pairs warped by known amounts.

    python benchmarks/align.py --data ../shared/data/train --pairs 16

The pairs of the public sets are themselves off by 1 to 4 pixels, which is the floor of what can be measured. Every
pair is moved by a random shift, turn, scale and slight perspective of the given magnitude and cropped to the area that
is left; the infrared image of another scene serves to count false acceptances.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ivif_cli.core.aligning.register import MOTIONS, Alignment, align_ecc
from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.data.sources import read_infrared, read_visible
from ivif_cli.core.errors import InputError


@dataclass(frozen=True)
class Trial:
    """A pair whose infrared image was moved: `true` maps its pixels to the visible ones."""

    name: str
    ir: np.ndarray
    vis: np.ndarray
    true: np.ndarray


def corner_error(found: np.ndarray, true: np.ndarray, shape: tuple[int, ...]) -> float:
    right, bottom = shape[1] - 1, shape[0] - 1
    corners = np.array([[[0, 0]], [[right, 0]], [[right, bottom]], [[0, bottom]]], float)
    ends = [cv2.perspectiveTransform(corners, matrix) for matrix in (found, true)]
    return float(np.linalg.norm(ends[0] - ends[1], axis=-1).mean())


def random_move(rng: np.random.Generator, width: int, height: int, magnitude: float) -> np.ndarray:
    """Shift up to `magnitude` of the width, turn up to 60 x magnitude degrees, scale; corners jittered."""
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], float)
    angle, scale = np.deg2rad(rng.uniform(-60, 60) * magnitude), 1 + rng.uniform(-1, 1) * magnitude
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = corners.mean(axis=0)
    shift, jitter = rng.uniform(-1, 1, 2), 0.15 * rng.uniform(-1, 1, (4, 2))
    moved = (corners - centre) @ turn.T + centre + magnitude * width * (shift + jitter)
    return cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32)).astype(float)


def moved(name: str, ir: np.ndarray, vis: np.ndarray, move: np.ndarray, margin: int) -> Trial:
    height, width = vis.shape
    ir = cv2.warpPerspective(ir, move, (width, height), borderMode=cv2.BORDER_REFLECT)
    x, y = min(margin, width // 5), min(margin, height // 5)
    crop = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]], float)
    window = (slice(y, height - y), slice(x, width - x))
    true = crop @ np.linalg.inv(move) @ np.linalg.inv(crop)
    return Trial(name, np.ascontiguousarray(ir[window]), np.ascontiguousarray(vis[window]), true)


def load(root: Path, most: int) -> list[tuple[str, np.ndarray, np.ndarray]]:
    pairs = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        files = sorted((folder / "ir").iterdir())
        for file in files[:: max(1, len(files) // most)][:most]:
            vis = next((folder / "vi").glob(f"{file.stem}.*"))
            images = read_infrared(file).grey(), to_luma(read_visible(vis))
            pairs.append((f"{folder.name}/{file.stem}", *images))
    return pairs


def attempt(trial: Trial, motion: str) -> Alignment | None:
    try:
        return align_ecc(trial.ir, trial.vis, motion=motion)
    except InputError:
        return None


def line(what: str, trials: list[Trial], motion: str) -> None:
    start = time.perf_counter()
    found = [attempt(trial, motion) for trial in trials]
    spent = (time.perf_counter() - start) / len(trials)
    kept = [(a, t) for a, t in zip(found, trials, strict=True) if a is not None]
    before = np.mean([corner_error(np.eye(3), t.true, t.ir.shape) for t in trials])
    after = np.array([corner_error(a.matrix, t.true, t.ir.shape) for a, t in kept] or [np.nan])
    print(
        f"{what:24s} {len(trials):3d} pairs  before {before:5.1f} px  after: median {np.median(after):5.2f}, "
        f"mean {after.mean():6.2f}, worst {after.max():6.1f} px  refused {len(trials) - len(kept):2d}  "
        f"{spent:.2f} s a pair"
    )


def rig(pairs: list[tuple[str, np.ndarray, np.ndarray]], magnitude: float, rng: np.random.Generator) -> None:
    """One move for all pairs of one size, fitted together, as `ivif align` does for a folder."""
    shapes = [vis.shape for _, _, vis in pairs]
    common = max(set(shapes), key=shapes.count)
    chosen = [pair for pair in pairs if pair[2].shape == common][:12]
    move = random_move(rng, common[1], common[0], magnitude)
    trials = [moved(*pair, move, round(1.6 * magnitude * common[1]) + 2) for pair in chosen]
    for motion in ("similarity", "affine", "homography"):
        found = align_ecc([t.ir for t in trials], [t.vis for t in trials], motion=motion)
        before, after = (corner_error(m, trials[0].true, trials[0].ir.shape) for m in (np.eye(3), found.matrix))
        print(f"rig, {motion:19s} {len(trials):3d} pairs  before {before:5.1f} px  after {after:5.2f} px")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"))
    parser.add_argument("--pairs", type=int, default=16, help="pairs of each set")
    parser.add_argument("--magnitude", type=float, default=0.03, help="of the width")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    pairs, rng = load(arguments.data, arguments.pairs), np.random.default_rng(0)
    trials = []
    for name, ir, vis in pairs:
        move = random_move(rng, vis.shape[1], vis.shape[0], arguments.magnitude)
        trials.append(moved(name, ir, vis, move, round(1.6 * arguments.magnitude * vis.shape[1]) + 2))
    for motion in MOTIONS:
        line(motion, trials, motion)
    for folder in sorted({trial.name.split("/")[0] for trial in trials}):
        line(f"auto, {folder}", [trial for trial in trials if trial.name.startswith(folder)], "auto")
    strangers = []
    for trial, other in zip(trials, trials[5:] + trials[:5], strict=True):
        ir = cv2.resize(other.ir, trial.vis.shape[::-1], interpolation=cv2.INTER_AREA)
        strangers.append(Trial(trial.name, ir, trial.vis, trial.true))
    accepted = sum(attempt(trial, "auto") is not None for trial in strangers)
    print(f"infrared of another scene: {accepted} of {len(strangers)} accepted")
    rig(pairs, arguments.magnitude, rng)


if __name__ == "__main__":
    main()
