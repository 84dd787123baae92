"""Draw one pair and what five prompts make of it: docs/images/prompts.jpg.

python tools/draw_prompts.py [--model base] [--ir FILE --vis FILE] [-o FILE]
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from ivif_cli.core.data.images import write_image
from ivif_cli.core.data.sources import pair_from
from ivif_cli.core.fusing.fuser import Fuser

ROOT = Path(__file__).parents[1]
PROMPTS = (
    None,
    "a bright image",
    "turn the light down",
    "do not highlight people",
    "a quiet background without clutter",
    "make it look like a thermal camera",
)
WIDTH, LABEL, GAP, COLUMNS = 420, 26, 4, 4


def tile(picture: np.ndarray, label: str) -> np.ndarray:
    """A picture at the common width with its label below."""
    colour = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    height = round(colour.shape[0] * WIDTH / colour.shape[1])
    small = cv2.resize(colour, (WIDTH, height), interpolation=cv2.INTER_AREA)
    strip = np.full((LABEL, WIDTH, 3), 255, np.uint8)
    cv2.putText(strip, label, (4, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.48, (30, 30, 30), 1, cv2.LINE_AA)
    return np.pad(np.vstack([small, strip]), ((GAP, 0), (GAP, 0), (0, 0)), constant_values=255)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="base")
    parser.add_argument("--ir", type=Path, default=ROOT / "examples/demo_ir.png")
    parser.add_argument("--vis", type=Path, default=ROOT / "examples/demo_vis.png")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs/images/prompts.jpg")
    arguments = parser.parse_args()
    ir, vis = pair_from(arguments.ir, arguments.vis)
    look = Fuser(arguments.model, device="cpu").look(ir, vis)
    tiles = [tile(ir, "infrared"), tile(vis, "visible")]
    tiles += [tile(look.fuse(prompt), prompt or "no prompt: clear, detailed, salient") for prompt in PROMPTS]
    rows = [np.hstack(tiles[at : at + COLUMNS]) for at in range(0, len(tiles), COLUMNS)]
    write_image(arguments.output, np.vstack(rows), overwrite=True)
    print(arguments.output)


if __name__ == "__main__":
    main()
