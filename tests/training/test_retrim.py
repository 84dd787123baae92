"""`tools/retrim.py` trims a finished file anew, balances it where that is asked for, and says so in it."""

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


def test_another_balance_takes_the_place_of_the_runs_own(pairs: list[Pair], tmp_path: Path) -> None:
    """A file that was balanced by one set of numbers, balanced by others, is the unbalanced one balanced by these."""
    made = lively_network("fast")
    start = {name: value.clone() for name, value in made.network.state_dict().items()}
    made.network.rebalance(0.3, -0.4, 0.5, 0.1)
    old, new = tmp_path / "old.safetensors", tmp_path / "new.safetensors"
    ran = json.dumps({"balance": {"fine": 0.3, "coarse": -0.4, "lean": 0.5, "cold": 0.1}})
    save_network(old, made.network, {"recipe": ran}, made.goals)
    asked = ["--set", "balance.fine=0.1", "--set", "balance.coarse=0.6", "--set", "balance.lean=-0.2"]
    asked += ["--set", "balance.cold=0.7"]
    retrim.main([str(old), "--data", str(pairs[0].ir.parents[1]), *asked, "-o", str(new)])
    loaded = load_network(new)
    made.network.load_state_dict(start)
    made.network.rebalance(0.1, 0.6, -0.2, 0.7)
    for name, value in loaded.network.named_parameters():
        assert torch.allclose(value, made.network.state_dict()[name], atol=1e-6), name
    assert json.loads(loaded.metadata["recipe"])["balance"] == {"fine": 0.1, "coarse": 0.6, "lean": -0.2, "cold": 0.7}
