"""`tools/retrim.py` trims a finished file anew and says so in it."""

import json
from pathlib import Path

import torch

from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.network import load_network, save_network
from ivif_cli.core.training.recipe import find_recipe, load_recipe
from tests.made_up import lively_network
from tools import retrim


def test_a_finished_file_is_trimmed_anew_and_its_default_picture_stays(pairs: list[Pair], tmp_path: Path) -> None:
    made = lively_network("fast")
    made.network.trim.zero_()
    save_network(tmp_path / "old.safetensors", made.network, {"step": "7"}, made.goals)
    data = pairs[0].ir.parents[1]
    retrim.main([str(tmp_path / "old.safetensors"), "--data", str(data), "-o", str(tmp_path / "new.safetensors")])
    loaded = load_network(tmp_path / "new.safetensors")
    assert loaded.network.trim.any()
    assert all(torch.equal(value, made.network.state_dict()[name]) for name, value in loaded.network.named_parameters())
    assert loaded.metadata["step"] == "7"
    assert json.loads(loaded.metadata["recipe"])["trim"]["bright"] == load_recipe(find_recipe("base")).trim.bright
