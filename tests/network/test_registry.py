"""Weights files: a round trip, and every wrong file refused with its reason."""

import json
import pickle
import struct

import pytest
import torch

from ivif_cli.core.errors import UsageError, WeightsError
from ivif_cli.core.network import build_network, load_network, save_network
from ivif_cli.core.weights import write_weights


@pytest.fixture
def saved(tmp_path):
    network = build_network("fast", channels=4)
    path = tmp_path / "mine.safetensors"
    return path, network, save_network(path, network, {"recipe": "test"})


def test_round_trip(saved):
    path, network, sha256 = saved
    loaded = load_network(path)
    assert (loaded.name, loaded.sha256, loaded.metadata["recipe"]) == ("mine", sha256, "test")
    for name, value in network.state_dict().items():
        assert torch.equal(value, loaded.network.state_dict()[name])


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


def test_an_absurd_shape_is_refused_before_it_is_built(tmp_path):
    path = tmp_path / "huge.safetensors"
    write_weights(path, {"a": torch.zeros(2)}, {"network": json.dumps({"channels": 10**9})})
    with pytest.raises(WeightsError, match="unknown network"):
        load_network(path)


def test_missing_and_unexpected_tensors_are_named(saved):
    path, network, _ = saved
    tensors = dict(network.state_dict())
    tensors["extra"] = tensors.pop("head.bias")
    write_weights(path, tensors, {"network": json.dumps(network.config_dict())})
    with pytest.raises(WeightsError, match=r"head\.bias"):
        load_network(path)


def test_nan_weights_are_refused(saved):
    path, network, _ = saved
    network.head.bias.data[0] = float("nan")
    save_network(path, network, {})
    with pytest.raises(WeightsError, match="NaN"):
        load_network(path)


def test_a_missing_file_and_an_unknown_name(tmp_path):
    with pytest.raises(WeightsError, match="cannot read"):
        load_network(tmp_path / "none.safetensors")
    with pytest.raises(UsageError, match="did you mean fast"):
        load_network("fats")
