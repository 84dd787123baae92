"""What words do to the picture, measured on the picture: the table of METRICS "Steerability", and prompts of any kind.

    python tools/report_steering.py --data ../shared/data/test --model base [--json steering.json]

Every n-th pair of each set is fused for both ends of each dial, and for pairs of opposite sentences that no training
file holds. Printed: share of pictures that moved as the words say, the median move over the spread between scenes, the
leak (mean move of the attributes that the words do not name, over it), and the mean of K under either end.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from ivif_cli.core.data.datasets import open_dataset
from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.data.sources import pair_from
from ivif_cli.core.errors import IvifError
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.language.goal import DIALS, Goal
from ivif_cli.core.metrics.steer import MOVES, attributes, steering

SENTENCES: dict[str, tuple[str, str]] = {
    "bright": ("lift the shadows so that I can see everything", "bring the overall light way down"),
    "detailed": ("bring out every leaf and brick in the scenery", "wash the surroundings smooth"),
    "salient": ("let the people glow", "do not highlight people"),
    "contrast": ("give it more punch", "flatten the contrast"),
    "infrared": ("show me what the thermal camera sees", "keep it looking like an ordinary photograph"),
}
"""Dial -> opposite sentences in free words."""
NAMED = {"infrared": {"K_ir", "K_vis", "lean"}}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    set: str
    pairs: int
    dial: str
    right: float
    move: float
    leak: float
    k_plus: float
    k_minus: float


def ends(fuser: Fuser, dial: str, *, sentences: bool) -> tuple[Goal, Goal]:
    """The goals at both ends of a dial, or of a pair of opposite sentences."""
    plus, minus = SENTENCES[dial] if sentences else DIALS[dial]
    return fuser.goal(plus), fuser.goal(minus)


def row(fuser: Fuser, name: str, pairs: Sequence[tuple[np.ndarray, np.ndarray]], dial: str, sentences: bool) -> Row:
    """Fuse every pair for both ends and compare."""
    goals = ends(fuser, dial, sentences=sentences)
    found: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
    for ir, vis in pairs:
        look = fuser.look(ir, vis)
        for values, values_of in zip(found, attributes(ir, vis, [look.fuse(goal) for goal in goals]), strict=True):
            values.append(values_of)
    named = MOVES[dial]
    others = NAMED.get(dial, {named, "lean"}) - {named}
    tables = [{key: np.array([v[key] for v in values]) for key in values[0] if key not in others} for values in found]
    told = steering(tables[0], tables[1], named)
    kept = [float(np.mean([min(v["K_ir"], v["K_vis"]) for v in values])) for values in found]
    return Row(name, len(pairs), dial, told.share, told.move, told.leak, *kept)


def load(name: str, root: Path, wanted: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """`wanted` pairs of a set, evenly spread, as luma."""
    pairs = open_dataset(name, root / name).pairs
    chosen = [pairs[round(i * (len(pairs) - 1) / max(wanted - 1, 1))] for i in range(min(wanted, len(pairs)))]
    read = (pair_from(pair.ir, pair.vis) for pair in chosen)
    return [(ir, to_luma(vis)) for ir, vis in read]


def as_markdown(rows: Sequence[Row]) -> str:
    """The rows as a table."""
    lines = ["| set | pairs | dial | right | move | leak | K at + | K at - |", "| --- |" + " ---: |" * 7]
    for r in rows:
        shares = f"{r.right:.0%} | {r.move:.2f} | {r.leak:.2f} | {r.k_plus:.2f} | {r.k_minus:.2f}"
        lines.append(f"| {r.set} | {r.pairs} | {r.dial} | {shares} |")
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/test"))
    parser.add_argument("--model", default="base")
    parser.add_argument("--sets", default="RoadScene,MSRS,TNO")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--no-sentences", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    fuser = Fuser(arguments.model, device="cpu")
    tables: dict[str, list[Row]] = {"named goals": [], "free sentences": []}
    for name in arguments.sets.split(","):
        pairs = load(name, arguments.data, arguments.pairs)
        for kind, rows in tables.items():
            if kind == "free sentences" and arguments.no_sentences:
                continue
            try:
                rows += [row(fuser, name, pairs, dial, kind == "free sentences") for dial in DIALS]
            except IvifError as error:
                print(f"{kind}: {error.message}")
    for kind, rows in tables.items():
        if rows:
            mean_leak = float(np.nanmean([r.leak for r in rows]))
            print(f"\n{kind}, {fuser.name} ({fuser.sha256[:12]}); mean leak {mean_leak:.2f}\n\n{as_markdown(rows)}")
    if arguments.json:
        facts = {"model": fuser.name, "weights_sha256": fuser.sha256}
        plain = {kind: [asdict(r) for r in rows] for kind, rows in tables.items()}
        arguments.json.write_text(json.dumps({**facts, **plain}, indent=1))


if __name__ == "__main__":
    main()
