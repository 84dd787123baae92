"""Weights files: a round trip, and every wrong file refused with its reason."""

import json
import pickle
import struct

import numpy as np
import pytest
import torch

from ivif_cli.core.errors import UsageError, WeightsError
from ivif_cli.core.network import build_network, load_network, save_network
from ivif_cli.core.weights import read_weights, write_weights
from tests.made_up import LENGTH, goals


@pytest.fixture
def saved(tmp_path):
    network = build_network("fast", channels=4, goal=2 * LENGTH)
    path = tmp_path / "mine.safetensors"
    return path, network, save_network(path, network, {"recipe": "test"}, goals())


def test_round_trip(saved):
    path, network, sha256 = saved
    loaded = load_network(path)
    assert (loaded.name, loaded.sha256, loaded.metadata["recipe"]) == ("mine", sha256, "test")
    assert loaded.network.config == network.config
    for name, value in network.state_dict().items():
        assert torch.equal(value, loaded.network.state_dict()[name])


def test_goals_come_back_to_the_bit_and_in_their_order(saved):
    loaded, expected = load_network(saved[0]).goals, goals()
    assert list(loaded) == list(expected)
    for name, goal in expected.items():
        assert (loaded[name].name, loaded[name].texts) == (name, goal.texts)
        assert (loaded[name].encoder, loaded[name].sha256) == (goal.encoder, goal.sha256)
        for role in ("ir", "vis", "fused", "condition"):
            assert np.array_equal(getattr(loaded[name], role), getattr(goal, role)), (name, role)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("goals", "{"),
        ("goals", "[" * 100_000),
        ("goals", "[]"),
        ("goals", '{"default": {"fused": 3, "wings": 1}}'),
        ("goals", '{"other": {"fused": "x"}}'),
        ("encoder", None),
        ("encoder_sha256", None),
    ],
)
def test_damaged_texts_of_goals_are_refused(saved, key, value):
    path, _, _ = saved
    tensors, metadata = read_weights(path)
    metadata.pop(key)
    write_weights(path, tensors, metadata | ({key: value} if value is not None else {}))
    with pytest.raises(WeightsError, match="goals of the weights are damaged"):
        load_network(path)


@pytest.mark.parametrize("shape", [(2, LENGTH), (3,), (3, 0), (3, LENGTH + 1), (3, LENGTH, 1)])
def test_vectors_of_another_shape_are_refused(saved, shape):
    path, _, _ = saved
    tensors, metadata = read_weights(path)
    write_weights(path, {**tensors, "goal.default": torch.ones(shape)}, metadata)
    with pytest.raises(WeightsError, match="goal"):
        load_network(path)


@pytest.mark.parametrize("rules", [None, "2", "4"])
def test_weights_of_other_rules_are_refused(saved, rules):
    path, _, _ = saved
    tensors, metadata = read_weights(path)
    del metadata["rules"]
    write_weights(path, tensors, metadata | ({"rules": rules} if rules else {}))
    with pytest.raises(WeightsError, match="other rules"):
        load_network(path)


@pytest.mark.parametrize("shape", [(), (3,), (2, LENGTH), (2, 5, 3)])
def test_a_trim_of_another_shape_is_refused(saved, shape):
    path, _, _ = saved
    tensors, metadata = read_weights(path)
    write_weights(path, {**tensors, "trim": torch.ones(shape)}, metadata)
    with pytest.raises(WeightsError, match="do not fit"):
        load_network(path)


def test_goals_that_are_not_finite_are_refused(saved):
    path, _, _ = saved
    tensors, metadata = read_weights(path)
    write_weights(path, {**tensors, "goal.bright": torch.full((3, LENGTH), float("nan"))}, metadata)
    with pytest.raises(WeightsError, match="goal"):
        load_network(path)


def test_weights_without_a_default_goal_are_refused(saved):
    path, network, _ = saved
    others = {name: goal for name, goal in goals().items() if name != "default"}
    save_network(path, network, {}, others)
    with pytest.raises(WeightsError, match="no default goal"):
        load_network(path)


def test_a_network_without_goals_needs_none(tmp_path):
    path = tmp_path / "plain.safetensors"
    network = build_network("fast", channels=4, goal=0)
    save_network(path, network, {}, {})
    assert load_network(path).goals == {}


def test_a_file_cut_anywhere_is_refused(saved):
    path, _, _ = saved
    data = path.read_bytes()
    for end in [0, 1, 7, 8, 9, 100, *range(512, len(data), 4096), len(data) - 1]:
        path.write_bytes(data[:end])
        with pytest.raises(WeightsError):
            load_network(path)


def test_a_pickle_is_refused_and_never_run(tmp_path):
    path = tmp_path / "evil.safetensors"
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(WeightsError, match="pickled"):
        load_network(path)


def test_a_torch_archive_is_refused(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match="pickled"):
        load_network(path)


def test_a_header_that_lies_about_its_size_is_refused(tmp_path):
    path = tmp_path / "lie.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    with pytest.raises(WeightsError, match="truncated"):
        load_network(path)


def test_a_tensor_that_ends_behind_the_file_is_refused(tmp_path):
    header = json.dumps({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}).encode()
    path = tmp_path / "lie.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 16)
    with pytest.raises(WeightsError, match="truncated"):
        load_network(path)


def test_foreign_safetensors_are_refused(tmp_path):
    path = tmp_path / "foreign.safetensors"
    write_weights(path, {"a": torch.zeros(2)}, {})
    with pytest.raises(WeightsError, match="not weights of a fusion network"):
        load_network(path)


@pytest.mark.parametrize(
    "shape", [{"channels": 10**9}, {"blocks": 17}, {"hidden": 0}, {"goal": 10**6}, {"fold": 3}, {"channels": -1}, [1]]
)
def test_an_absurd_shape_is_refused_before_it_is_built(tmp_path, shape):
    path = tmp_path / "huge.safetensors"
    write_weights(path, {"a": torch.zeros(2)}, {"network": json.dumps(shape)})
    with pytest.raises(WeightsError, match="unknown network"):
        load_network(path)


def test_missing_and_unexpected_tensors_are_named(saved):
    path, network, _ = saved
    tensors = dict(network.state_dict())
    tensors["extra"] = tensors.pop("tone.bias")
    write_weights(path, tensors, {"network": json.dumps(network.config_dict())})
    with pytest.raises(WeightsError, match=r"tone\.bias"):
        load_network(path)


def test_nan_weights_are_refused(saved):
    path, network, _ = saved
    network.tone.bias.data[0] = float("nan")
    save_network(path, network, {}, goals())
    with pytest.raises(WeightsError, match="NaN"):
        load_network(path)


def test_a_missing_file_and_an_unknown_name(tmp_path):
    with pytest.raises(WeightsError, match="cannot read"):
        load_network(tmp_path / "none.safetensors")
    with pytest.raises(UsageError, match="did you mean fast"):
        load_network("fats")


def test_the_sha256_is_that_of_the_bytes_that_were_loaded(tmp_path, monkeypatch):
    import hashlib

    import safetensors.torch

    path = tmp_path / "mine.safetensors"
    fast = load_network("fast")
    save_network(path, fast.network, {}, fast.goals)
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    original = safetensors.torch.load

    def load_and_let_a_training_run_rewrite(data):
        tensors = original(data)
        path.write_bytes(b"the next weights")
        return tensors

    monkeypatch.setattr(safetensors.torch, "load", load_and_let_a_training_run_rewrite)
    assert load_network(path).sha256 == expected
