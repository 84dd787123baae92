"""Nothing is unpickled, nothing runs a shell, nothing is fetched, temporary files are not guessed."""

import ast
import hashlib
import socket
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ivif_cli.app import app
from ivif_cli.core.data.images import write_image
from ivif_cli.core.weights import SHA256, weights_folder
from tests.trust.sources import imported, modules

PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
NETWORK = {"socket", "urllib", "http", "requests", "httpx", "aiohttp", "ftplib", "huggingface_hub"}
MODULES = modules()


def calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def keyword(call: ast.Call, name: str) -> object:
    found = [word.value for word in call.keywords if word.arg == name]
    return found[0].value if found and isinstance(found[0], ast.Constant) else None


def test_no_module_imports_a_pickler() -> None:
    assert not [name for name, tree in MODULES for target in imported(tree) if target.split(".")[0] in PICKLES]


def test_every_torch_load_is_of_weights_only() -> None:
    loads = [(name, call) for name, tree in MODULES for called, call in calls(tree) if called == "torch.load"]
    assert not [name for name, call in loads if keyword(call, "weights_only") is not True]


def test_every_numpy_load_refuses_pickles() -> None:
    loads = [
        (name, call) for name, tree in MODULES for called, call in calls(tree) if called in ("np.load", "load_npz")
    ]
    assert not [name for name, call in loads if keyword(call, "allow_pickle") is True]


def test_no_code_is_made_at_run_time_and_no_shell_is_started() -> None:
    banned = {"eval", "exec", "compile", "os.system", "os.popen", "tempfile.mktemp"}
    wrong = [(name, called) for name, tree in MODULES for called, _ in calls(tree) if called in banned]
    wrong += [(name, called) for name, tree in MODULES for called, c in calls(tree) if keyword(c, "shell") is True]
    assert not wrong


def test_only_the_encoder_a_user_asks_for_may_be_fetched() -> None:
    users = {name for name, tree in MODULES for target in imported(tree) if target.split(".")[0] in NETWORK}
    # The viewer fetches nothing: it listens, on the loopback address alone.
    assert users <= {"ivif_cli.core.language.open_clip_models", "ivif_cli.commands.view"}


def test_bundled_weights_are_safetensors_and_pinned() -> None:
    files = [path for path in weights_folder().iterdir() if path.suffix not in (".md", ".json")]
    assert {path.name for path in files} == set(SHA256)
    for path in files:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == SHA256[path.name], path.name


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    rng = np.random.default_rng(5)
    for folder in ("ir", "vi"):
        write_image(tmp_path / folder / "1.png", rng.integers(0, 256, (64, 64), dtype=np.uint8))
    return ["--ir", str(tmp_path / "ir"), "--vis", str(tmp_path / "vi"), "--device", "cpu"]


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_sockets")
def test_fuse_and_evaluate_connect_to_nothing(folders: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["fuse", *folders, "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(app, ["evaluate", *folders, "--workers", "1", "--json"])
    assert done.exit_code == 0, done.output
