"""Balance and trim a finished fusion network anew, as the last stage of a run does (docs/training.md).

python -m tools.retrim --data ../shared/data/train/RoadScene --data ... weights/base.safetensors -o base.safetensors

It is balanced only where `--set` names a number of `[balance]`: then what its run was balanced by is taken back first.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import torch

from ivif_cli import __version__
from ivif_cli.core.data.find_pairs import find_many
from ivif_cli.core.network import load_network, save_network
from ivif_cli.core.training.lumas import LumaStore
from ivif_cli.core.training.recipe import find_recipe, load_recipe, parse_setting
from ivif_cli.core.training.setup import unbalance
from ivif_cli.core.training.split import split_pairs
from ivif_cli.core.training.trim import trim


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--config", default="base", help="recipe whose settings of the trim are used")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="setting of the recipe")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    changes = dict(parse_setting(text) for text in arguments.set)
    recipe = load_recipe(find_recipe(arguments.config), changes)
    pairs, _ = find_many(arguments.data, [], None)
    of_training, _ = split_pairs(pairs, recipe.validation.share)
    loaded = load_network(arguments.weights)
    used = json.loads(loaded.metadata.get("recipe", "{}"))
    if any(name.startswith("balance.") for name in changes):
        unbalance(loaded.network, used)
        loaded.network.rebalance(**vars(recipe.balance))
        used["balance"] = asdict(recipe.balance)
    trim(loaded.network, LumaStore(of_training, loaded.network.thumbnail), loaded.goals, recipe.trim)
    used["trim"] = asdict(recipe.trim)
    metadata = {**loaded.metadata, "recipe": json.dumps(used), "retrimmed": __version__}
    print(save_network(arguments.output, loaded.network, metadata, loaded.goals))


if __name__ == "__main__":
    main()
