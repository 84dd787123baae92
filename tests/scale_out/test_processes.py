"""`torchrun -m ivif_cli fuse|evaluate`: two processes do what one does, two launchers too; a dead one ends the run."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ivif_cli.core.data.images import write_image
from ivif_cli.core.network import save_network
from tests.made_up import small_network

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="launches and kills processes")]
PAIRS = 7


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs (one of them damaged) and small weights."""
    root = tmp_path_factory.mktemp("scene")
    rng = np.random.default_rng(4)
    for index in range(PAIRS):
        write_image(root / "ir" / f"{index}.png", rng.integers(0, 256, (70, 90), dtype=np.uint8))
        write_image(root / "vi" / f"{index}.png", rng.integers(0, 256, (70, 90, 3), dtype=np.uint8))
    (root / "ir" / "3.png").write_bytes(b"\x89PNG")
    save_network(root / "small.safetensors", *small_network())
    return root


def command(scene: Path, name: str, *more: object, launcher: tuple[str, ...] = ()) -> list[str]:
    launch = ["-m", "torch.distributed.run", *launcher] if launcher else []
    sources = ["--ir", scene / "ir", "--vis", scene / "vi", "-m", scene / "small.safetensors", "--device", "cpu"]
    return [str(word) for word in (sys.executable, *launch, "-m", "ivif_cli", name, *sources, *more)]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def run(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False, env=environment(), timeout=300)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


TWO = ("--standalone", "--nproc-per-node", "2")


@pytest.fixture(scope="module")
def alone(scene: Path) -> dict:
    """Report of one process, which fuses into `alone`."""
    done = run(command(scene, "fuse", "-o", scene / "alone", "--json"))
    assert done.returncode == 1, done.stderr
    return json.loads(done.stdout)


def test_two_processes_fuse_the_same_bytes_and_give_one_report(scene: Path, alone: dict) -> None:
    done = run(command(scene, "fuse", "-o", scene / "two", "--json", launcher=TWO))
    report = json.loads(done.stdout)
    assert done.returncode != 0
    assert pictures(scene / "two") == pictures(scene / "alone")
    assert len(pictures(scene / "two")) == PAIRS - 1
    names = {"fused": [item["name"] for item in alone["fused"]], "failed": alone["failed"]}
    assert [item["name"] for item in report["fused"]] == names["fused"]
    assert report["failed"] == names["failed"]


def test_two_launchers_do_what_two_nodes_would(scene: Path, alone: dict) -> None:
    meeting = (
        "--nnodes",
        "2",
        "--nproc-per-node",
        "1",
        "--master-addr",
        "127.0.0.1",
        "--master-port",
        str(free_port()),
    )
    nodes = [
        subprocess.Popen(
            command(scene, "fuse", "-o", scene / "nodes", launcher=(*meeting, "--node-rank", str(rank))),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment(),
        )
        for rank in (0, 1)
    ]  # fmt: skip
    told = [node.communicate(timeout=300)[0] for node in nodes]
    assert pictures(scene / "nodes") == pictures(scene / "alone")
    assert told[0].startswith(f"fused {len(alone['fused'])}, skipped 0, failed 1")
    assert told[1] == ""


def test_two_processes_score_the_same_report(scene: Path, alone: dict) -> None:
    scored = "--json", "--workers", "1"
    one = run(command(scene, "evaluate", *scored))
    two = run(command(scene, "evaluate", *scored, launcher=TWO))
    first, second = (json.loads(done.stdout) | {"date": ""} for done in (one, two))
    assert second == first
    assert first["pairs"] == PAIRS


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_worker_that_dies_ends_the_run_and_the_next_one_completes_it(scene: Path, alone: dict) -> None:
    words = command(scene, "fuse", "-o", scene / "died", launcher=TWO)
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()) as job:
        while len(workers := children(job.pid)) < 2 and job.poll() is None:
            time.sleep(0.05)
        time.sleep(1.0)
        os.kill(workers[1], signal.SIGKILL)
        _, said = job.communicate(timeout=300)
    assert job.returncode != 0
    assert "SIGKILL" in said or "Signal 9" in said
    found = pictures(scene / "died") if (scene / "died").exists() else {}
    assert found.items() <= pictures(scene / "alone").items()
    run(command(scene, "fuse", "-o", scene / "died", launcher=TWO))
    assert pictures(scene / "died") == pictures(scene / "alone")
