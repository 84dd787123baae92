"""What each part of the objective and of the network gives: the same training with one thing changed at a time.

    python -m tools.ablation --data DIR --config recipes/base.toml --steps 400 --out runs/ablation

Every variant has the same budget, seed, crops and patches. Variants that are finished are kept, one that was
interrupted goes on from its checkpoint: run the same line again. At the end stand a Markdown table (what is kept, what
the words do and the six metrics over all held-out pairs) on stdout and in OUT/table.md, and a picture strip in
OUT/strip.png.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ivif_cli.core.data.find_pairs import find_many
from ivif_cli.core.data.images import write_image
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.device import choose_device
from ivif_cli.core.metrics import METRICS, SIX
from ivif_cli.core.network import load_network
from ivif_cli.core.training.checkpoint import latest_checkpoint
from ivif_cli.core.training.loop import finished, train
from ivif_cli.core.training.lumas import LumaStore
from ivif_cli.core.training.processes import Processes
from ivif_cli.core.training.recipe import Recipe, load_recipe, parse_setting
from ivif_cli.core.training.setup import Sources, build_run, load_language
from ivif_cli.core.training.split import data_hash, split_pairs
from ivif_cli.core.training.validation import spread_evenly, validate
from ivif_cli.interrupts import PAUSE, first_only_asks
from tools.strips import draw_strip

STEP_OFF: dict[str, object] = {"words.step": 0.0, "words.reach": 0.0}
DIRECTIONS_OFF: dict[str, object] = {"words.whole": 0.0, "words.patch": 0.0, **STEP_OFF}
VARIANTS: dict[str, tuple[str, dict[str, object]]] = {
    "full": ("everything on", {}),
    "words-off": ("language-driven loss off", {"language": 0.0}),
    "directions-only": ("directions only: Phi and P off", {"words.phi": 0.0, "words.perceptual": 0.0}),
    "directions-off": ("Phi and P only: directions off", DIRECTIONS_OFF),
    "patches-only": ("patch directions only", {"words.whole": 0.0}),
    "whole-only": ("whole-picture directions only", {"words.patch": 0.0}),
    "phi-off": ("Phi off", {"words.phi": 0.0}),
    "perceptual-off": ("P off", {"words.perceptual": 0.0}),
    "step-off": ("comparison of two goals off", STEP_OFF),
    "hold-off": ("what no goal names is not held", {"keeping.hold": 0.0}),
    "edges-off": ("slopes of the steeper source off", {"keeping.edges": 0.0}),
    "retention-off": ("retention off", {"keeping.retention": 0.0}),
    "cross": ("cross fusion attention for concatenation", {"mixer": "cross"}),
    "shuffled": ("goals shuffled: the words say nothing", {"goals.shuffled": True}),
}
"""Name -> what it says in the table, and the settings that differ from the recipe."""
COLUMNS = ("K", "K p10", "X", "TD", "LDS", "STEER", *SIX)


def train_variant(
    recipe: Recipe, pairs: list[Pair], folder: Path, sources: Sources, device: torch.device, stop: Callable[[], bool]
) -> bool:
    """Train one variant to its end, or go on with it; false where it was interrupted."""
    if finished(folder, recipe, data_hash(pairs)):
        return True

    def report(step: int, values: dict[str, float]) -> None:
        if step % 50 == 0 or step == 1:
            print(f"{folder.name}: step {step}/{recipe.steps} loss {values['total']:.4f}", file=sys.stderr, flush=True)

    run = replace(build_run(recipe, pairs, folder, sources, device), report=report, stop=stop, checkpoint_every=100)
    resume = latest_checkpoint(folder) is not None
    return train(recipe, run, Processes(0, 1, device), resume=resume).step == recipe.steps


def table(rows: dict[str, dict[str, float]]) -> str:
    """The results as a Markdown table; the best of each column in bold."""
    better = {name: min if name in METRICS and not METRICS[name].higher_is_better else max for name in COLUMNS}
    best = {name: better[name](row[name] for row in rows.values()) for name in COLUMNS}
    lines = [f"| variant | {' | '.join(COLUMNS)} |", f"| --- |{' ---: |' * len(COLUMNS)}"]
    for variant, row in rows.items():
        cells = [f"**{row[n]:.3f}**" if row[n] == best[n] else f"{row[n]:.3f}" for n in COLUMNS]
        lines.append(f"| {VARIANTS[variant][0]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def score_all(
    recipe: Recipe, names: Sequence[str], out: Path, store: LumaStore, sources: Sources, device: torch.device
) -> tuple[dict[str, dict[str, float]], dict[str, list[np.ndarray]]]:
    """Score every variant's weights on all held-out pairs by one encoder; metrics and fused pictures by variant."""
    encoder, bank = load_language(recipe, sources, device)
    rows, images = {}, {}
    for name in names:
        network = load_network(out / name / "model.safetensors").network.to(device)
        rows[name], images[name] = validate(network, store, range(len(store)), device, bank.goals, encoder)
    return rows, images


def write_strip(path: Path, store: LumaStore, images: dict[str, list[np.ndarray]], scenes: int) -> None:
    """Write infrared, visible and every variant's picture of some held-out scenes."""
    shown = spread_evenly(len(store), scenes)
    rows = [[store[i].ir, store[i].vis, *(fused[i] for fused in images.values())] for i in shown]
    write_image(path, draw_strip(["infrared", "visible", *images], rows), overwrite=True)


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", required=True, help="folder with ir/ and vi/; repeatable")
    parser.add_argument("--config", type=Path, help="recipe that all variants start from")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="setting of the recipe")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--variants", default=",".join(VARIANTS), help="names, separated by commas")
    parser.add_argument("--init", help="weights that all variants start from (of the recipe's own network)")
    parser.add_argument("--prompts", type=Path, help="embedded prompts")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--scenes", type=int, default=4, help="scenes in the strip")
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    return parser.parse_args()


def main() -> int:
    """Train what is missing, score everything, print the table; status 130 where it was interrupted."""
    arguments = options()
    device = choose_device(arguments.device)
    torch.set_flush_denormal(True)
    base = dict(parse_setting(text) for text in arguments.set) | {"steps": arguments.steps, "seed": arguments.seed}
    names = arguments.variants.split(",")
    recipes = {name: load_recipe(arguments.config, {**base, **VARIANTS[name][1]}) for name in names}
    if arguments.init:
        names = [name for name in names if not recipes[name].mixer]
    sources = Sources(prompts=arguments.prompts, init=arguments.init)
    pairs, complaints = find_many(arguments.data, [], None)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    with first_only_asks(PAUSE) as stop:
        for name in names:
            if not train_variant(recipes[name], pairs, arguments.out / name, sources, device, stop):
                print(f"{name}: interrupted; the same line goes on", file=sys.stderr)
                return 130
    recipe = load_recipe(arguments.config, base)
    network = load_network(arguments.out / names[0] / "model.safetensors").network
    store = LumaStore(split_pairs(pairs, recipe.validation.share)[1], network.thumbnail)
    rows, images = score_all(recipe, names, arguments.out, store, sources, device)
    write_strip(arguments.out / "strip.png", store, images, arguments.scenes)
    (arguments.out / "results.json").write_text(json.dumps(rows, indent=2) + "\n")
    (arguments.out / "table.md").write_text(table(rows) + "\n")
    print(f"{recipe.steps} steps of {recipe.batch_size} crops each, seed {recipe.seed}, {len(store)} held-out pairs\n")
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
