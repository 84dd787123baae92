"""Picture strips: for each scene infrared, visible, other methods' outputs and ours side by side, one PNG.

    python -m tools.strips --data DIR --scenes 02,11 --method SeAFusion=DIR --model base --model fast -o a.png
    python -m tools.strips --data DIR --model base --goal default --goal bright --goal dark -o b.png

Scenes are named by stem; without --scenes eight are spread over the set. A method without a picture of a scene leaves
its cell empty. Real pictures are mostly not ours to redistribute: strips of them stay out of the repository.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ivif_cli import Fuser
from ivif_cli.core.data.datasets import open_folder
from ivif_cli.core.data.images import write_image
from ivif_cli.core.data.pairing import Pair, match_outputs
from ivif_cli.core.data.sources import pair_from, read_visible
from ivif_cli.core.errors import UsageError

HEIGHT, GAP, TITLE = 240, 4, 26


def as_colour(picture: np.ndarray) -> np.ndarray:
    """H x W or H x W x 3, 8 or 16 bits -> H x W x 3 uint8."""
    if picture.dtype == np.uint16:
        picture = (picture // 257).astype(np.uint8)
    return cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) if picture.ndim == 2 else picture


def cell(picture: np.ndarray | None, width: int) -> np.ndarray:
    """A picture scaled to the strip's height, or an empty cell of the same size."""
    if picture is None:
        return np.full((HEIGHT, width, 3), 255, np.uint8)
    return cv2.resize(as_colour(picture), (width, HEIGHT), interpolation=cv2.INTER_AREA)


def title_bar(titles: Sequence[str], width: int) -> np.ndarray:
    """The names of the columns above a row of cells."""
    bar = np.full((TITLE, (width + GAP) * len(titles) - GAP, 3), 255, np.uint8)
    for index, title in enumerate(titles):
        place = (index * (width + GAP) + 4, TITLE - 8)
        cv2.putText(bar, title, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return bar


def draw_strip(titles: Sequence[str], rows: Sequence[Sequence[np.ndarray | None]]) -> np.ndarray:
    """Draw rows of pictures under titled columns.

    Args:
        titles: one per column.
        rows: one per scene; the first picture of a row gives its shape. None leaves a cell empty.

    Returns:
        H x W x 3 uint8, BGR.
    """
    lines = []
    for row in rows:
        first = row[0]
        if first is None:
            raise UsageError("a row of a strip begins with a picture")
        width = round(first.shape[1] * HEIGHT / first.shape[0])
        gap = np.full((HEIGHT, GAP, 3), 255, np.uint8)
        cells = [piece for picture in row for piece in (gap, cell(picture, width))][1:]
        lines += [title_bar(titles, width), np.hstack(cells)]
    widest = max(line.shape[1] for line in lines)
    return np.vstack([np.pad(x, ((0, 0), (0, widest - x.shape[1]), (0, 0)), constant_values=255) for x in lines])


def choose(pairs: Sequence[Pair], names: str, count: int) -> list[Pair]:
    """The named scenes, or `count` spread over all."""
    if not names:
        places = np.unique(np.linspace(0, len(pairs) - 1, count).round().astype(int))
        return [pairs[i] for i in places]
    known = {pair.name: pair for pair in pairs}
    missing = [name for name in names.split(",") if name not in known]
    if missing:
        raise UsageError(f"no such scene: {', '.join(missing)}")
    return [known[name] for name in names.split(",")]


def main() -> None:
    """Read the options, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with ir/ and vi/")
    parser.add_argument("--scenes", default="", help="stems, separated by commas")
    parser.add_argument("--count", type=int, default=8, help="scenes where none are named")
    parser.add_argument("--method", action="append", default=[], metavar="NAME=DIR", help="fused pictures of a method")
    parser.add_argument("--model", action="append", default=[], help="bundled name or weights file; may be repeated")
    parser.add_argument("--goal", action="append", help="name or text for every model; may be repeated")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    pairs = choose(open_folder(arguments.data).pairs, arguments.scenes, arguments.count)
    methods = {
        name: match_outputs(pairs, Path(folder)) for name, _, folder in (m.partition("=") for m in arguments.method)
    }
    fusers = [Fuser(model) for model in arguments.model]
    goals: list[str | None] = arguments.goal or [None]
    rows = []
    for pair in pairs:
        ir, vis = pair_from(pair.ir, pair.vis)
        shown: list[np.ndarray | None] = [ir, vis]
        shown += [read_visible(files[pair.name]) if pair.name in files else None for files in methods.values()]
        for look in (fuser.look(ir, vis) for fuser in fusers):
            shown += [look.fuse(goal) for goal in goals]
        rows.append(shown)
    titles = [
        "infrared",
        "visible",
        *methods,
        *(f"ivif {f.name} {goal or ''}".strip() for f in fusers for goal in goals),
    ]
    write_image(arguments.output, draw_strip(titles, rows), overwrite=True)
    print(arguments.output)


if __name__ == "__main__":
    main()
