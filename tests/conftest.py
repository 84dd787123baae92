"""Fixtures shared by all rooms: real pairs where they are at hand, device and dtype, small made-up pictures."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    import torch

    from ivif_cli.core.network import LoadedNetwork
    from ivif_cli.core.network.fusion import FusionNetwork

ROOT = Path(__file__).resolve().parent.parent
# A test run in the background of a script inherits an ignored SIGINT, which the programs it starts would inherit too.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real pairs (`test/TNO/ir` ...), from IVIF_SHARED or beside the checkout; skips where it is missing."""
    named = os.environ.get("IVIF_SHARED")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not (folder / "test" / "TNO" / "ir").is_dir():
        pytest.skip(f"no real pairs in {folder} (IVIF_SHARED names their folder)")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return ROOT


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> str:
    """Every device the test can run on; CUDA is skipped where there is none."""
    if request.param == "cuda":
        torch = pytest.importorskip("torch")
        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")
    return str(request.param)


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded generator, so that a failure can be repeated."""
    return np.random.default_rng(20240226)


@pytest.fixture(autouse=True)
def _no_data_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads datasets that happen to be on the machine."""
    monkeypatch.delenv("IVIF_DATA", raising=False)


@pytest.fixture(scope="session")
def lively() -> "LoadedNetwork":
    """A small network whose output depends strongly on neighbours, both sources, the thumbnails and the goal."""
    from tests.made_up import lively_network

    return lively_network()


@pytest.fixture(scope="session")
def traced_once(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[LoadedNetwork]":
    """The fast network; a network's ONNX graph is made once for all tests and processes, its trace once a process.

    Each takes half a minute. Graphs are kept by name and weights in a folder that parallel processes share; the rest of
    an export is done anew.
    """
    pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
    import onnx
    from filelock import FileLock

    from ivif_cli.core.export import export
    from ivif_cli.core.network import load_network

    trace, make, base = export._traced, export._graph, tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    traces: dict[bytes, torch.export.ExportedProgram] = {}

    def traced(network: "FusionNetwork") -> "torch.export.ExportedProgram":
        weights = b"".join(value.numpy().tobytes() for value in network.state_dict().values())
        return traces.get(weights) or traces.setdefault(weights, trace(network))

    def kept(loaded: "LoadedNetwork") -> "onnx.ModelProto":
        path = folder / f"graph-{loaded.name}-{loaded.sha256[:16]}.onnx"
        with FileLock(f"{path}.lock"):
            if not path.exists():
                onnx.save(make(loaded), str(path))
        return onnx.load(str(path))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "_traced", traced)
        patch.setattr(export, "_graph", kept)
        yield load_network("fast")
