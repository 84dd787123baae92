"""Draw what words make of made-up scenes: docs/images/gallery/NAME.jpg, for docs/gallery.md.

    python -m tools.draw_gallery [--model base] [-o FOLDER]

Each picture holds one scene of `draw_scenes.py`: infrared, visible, and a tile a prompt; under it K, what is kept of
the worse-kept source, and the mean grey level.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from ivif_cli import evaluate_pair
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.language.goal import Goal
from tools.draw_prompts import ROOT, tile
from tools.draw_scenes import SCENES, finished

PROMPTS = (
    None,
    "a bright image",
    "turn the light down",
    "let the people glow",
    "a quiet background without clutter",
    "make it look like a thermal camera",
)
LEFT_OUT = ("3-harbour", "7-haze")
COLUMNS, WIDTH, QUALITY = 4, 1280, 74


def drawn(ir: np.ndarray, vis: np.ndarray, fuser: Fuser, goals: list[Goal]) -> np.ndarray:
    """One scene and what every goal makes of it, H x W x 3."""
    look = fuser.look(ir, vis)
    tiles = [tile(ir, "infrared"), tile(vis, "visible")]
    for prompt, goal in zip(PROMPTS, goals, strict=True):
        fused = look.fuse(goal)
        kept = evaluate_pair(ir, vis, fused, ["K"])["K"]
        tiles.append(tile(fused, f"{prompt or 'no prompt'}   K {kept:.2f}, mean {fused.mean():.0f}"))
    sheet = np.vstack([np.hstack(tiles[at : at + COLUMNS]) for at in range(0, len(tiles), COLUMNS)])
    return cv2.resize(sheet, (WIDTH, round(sheet.shape[0] * WIDTH / sheet.shape[1])), interpolation=cv2.INTER_AREA)


def main() -> None:
    """Draw every scene."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="base")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs/images/gallery")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    fuser = Fuser(arguments.model, device="cpu")
    goals = [fuser.goal(prompt) for prompt in PROMPTS]
    for seed, (name, draw) in enumerate(SCENES.items()):
        if name in LEFT_OUT:
            continue
        path = arguments.output / f"{name.partition('-')[2]}.jpg"
        picture = drawn(*finished(draw(np.random.default_rng(seed))), fuser, goals)
        cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        print(path)


if __name__ == "__main__":
    main()
