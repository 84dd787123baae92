"""Sheets for judging by eye with names hidden: both sources above, two fused pictures below, ordered by chance.

    python -m tools.blind_sheets --data DIR --method SeAFusion=DIR --model base --scenes 02,11 -o sheets/
    python -m tools.blind_sheets --data DIR --dial salient --scenes 02,11 -o sheets/salient
    python -m tools.blind_sheets --tally sheets/ answers.txt

The first writes SCENE.png and key.json; whoever judges sees the pictures only and writes `SCENE left|right|equal` a
line. The second shows both ends of a dial instead of two methods: which side is the salient (bright, ...) one? The
third prints how often which was named, and for which scenes.
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np

from ivif_cli import Fuser
from ivif_cli.core.data.datasets import open_folder
from ivif_cli.core.data.images import write_image
from ivif_cli.core.data.pairing import match_outputs
from ivif_cli.core.data.sources import pair_from, read_visible
from ivif_cli.core.language.goal import DIALS
from tools.strips import as_colour, cell, title_bar


def sheet(pictures: dict[str, np.ndarray]) -> np.ndarray:
    """Title -> picture, two in a row, H x W x 3."""
    height, width = next(iter(pictures.values())).shape[:2]
    cells = {title: cell(as_colour(picture), round(width * 240 / height)) for title, picture in pictures.items()}
    columns = [np.vstack([title_bar([title], picture.shape[1]), picture]) for title, picture in cells.items()]
    return np.vstack([np.hstack(columns[at : at + 2]) for at in range(0, len(columns), 2)])


def make(arguments: argparse.Namespace) -> None:
    """Write the sheets and the key."""
    name, _, folder = (arguments.method or "").partition("=")
    pairs = open_folder(arguments.data).pairs
    wanted = arguments.scenes.split(",") if arguments.scenes else [pair.name for pair in pairs]
    chosen = [pair for pair in pairs if pair.name in wanted]
    outputs = match_outputs(chosen, Path(folder)) if folder else {}
    fuser, rng, key = Fuser(arguments.model), random.Random(arguments.seed), {}
    for pair in chosen:
        ir, vis = pair_from(pair.ir, pair.vis)
        if arguments.dial:
            look = fuser.look(ir, vis)
            both = [(end, look.fuse(end)) for end in DIALS[arguments.dial]]
        elif pair.name in outputs:
            both = [("ours", fuser.fuse(ir, vis)), (name, read_visible(outputs[pair.name]))]
        else:
            continue
        rng.shuffle(both)
        (left, a), (right, b) = both
        key[pair.name] = {"left": left, "right": right}
        picture = sheet({"infrared": ir, "visible": vis, "left": a, "right": b})
        write_image(arguments.output / f"{pair.name}.png", picture, overwrite=True)
    (arguments.output / "key.json").write_text(json.dumps(key, indent=1))


def tally(folder: Path, answers: Path) -> dict[str, list[str]]:
    """Who was preferred -> the scenes; "equal" for neither."""
    key = json.loads((folder / "key.json").read_text())
    found: dict[str, list[str]] = {}
    for scene, side in (line.split()[:2] for line in answers.read_text().splitlines() if line.strip()):
        found.setdefault(key[scene].get(side, "equal"), []).append(scene)
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--method", help="NAME=DIR")
    parser.add_argument("--dial", choices=DIALS, help="compare the ends of this dial")
    parser.add_argument("--model", default="base")
    parser.add_argument("--scenes", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tally", nargs=2, type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("sheets"))
    arguments = parser.parse_args()
    if arguments.tally:
        for who, scenes in tally(*arguments.tally).items():
            print(f"{who}: {len(scenes)} ({', '.join(scenes)})")
    elif arguments.data is None or not (arguments.method or arguments.dial):
        parser.error("--data and --method or --dial say what is shown")
    else:
        make(arguments)


if __name__ == "__main__":
    main()
