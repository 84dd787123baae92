"""What this installation consists of: versions, devices, weights, data. Nothing heavy is imported but torch."""

import contextlib
import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

from ivif_cli import __version__
from ivif_cli.core import names
from ivif_cli.core.data.datasets import DATASETS, open_dataset
from ivif_cli.core.errors import IvifError
from ivif_cli.core.packaged import recipe_names
from ivif_cli.core.weights import SHA256, file_sha256, weights_folder

PACKAGES = (
    *("torch", "open_clip_torch", "torchvision", "opencv-python", "numpy", "safetensors", "pillow", "av"),
    *("typer", "rich", "tqdm", "jinja2"),
)
KNOWN = ("models", "goals", "dials", "metrics", "conventions", "datasets", "recipes", "devices", "precisions")
EXTRAS = {
    "thermal": ("flyr",),
    "view": ("starlette", "uvicorn"),
    "onnx": ("onnx", "onnxruntime", "onnxscript"),
    "tensorboard": ("tensorboard",),
}


def describe_installation() -> dict[str, Any]:
    """Everything `ivif info` tells, as plain values for JSON.

    Returns:
        keys: ivif, python, platform, packages and extras (name -> version or None), devices, weights (with "state":
        "pinned", "changed" or "missing"), known (the names that options take), data (root and the datasets found in it,
        with their number of pairs).
    """
    return {
        "schema": 1,
        "ivif": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "extras": {extra: {name: _version(name) for name in of_it} for extra, of_it in EXTRAS.items()},
        "devices": _devices(),
        "weights": [_weights(name, pinned) for name, pinned in SHA256.items()],
        "known": {kind: recipe_names() if kind == "recipes" else list(getattr(names, kind.upper())) for kind in KNOWN},
        "data": _data(os.environ.get("IVIF_DATA")),
    }


def _version(package: str) -> str | None:
    """Version by the package's metadata: a package that cannot be imported is told all the same."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _devices() -> list[dict[str, Any]]:
    cpu: dict[str, Any] = {"name": "cpu", "cores": os.cpu_count(), "model": _processor()}
    try:
        import torch
    except (ImportError, OSError) as error:
        return [{**cpu, "error": f"torch cannot be imported: {' '.join(str(error).split())}"}]
    cpu["threads"] = torch.get_num_threads()
    devices = [cpu]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        facts = torch.cuda.get_device_properties(index)
        devices.append({"name": f"cuda:{index}", "model": facts.name, "memory_bytes": facts.total_memory})
    if torch.backends.mps.is_available():
        devices.append({"name": "mps", "model": platform.processor()})
    return devices


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _weights(name: str, pinned: str) -> dict[str, Any]:
    path = weights_folder() / name
    found: dict[str, Any] = {"name": name, "path": str(path), "sha256": pinned}
    if not path.is_file():
        return {**found, "state": "missing"}
    actual = file_sha256(path)
    state = "pinned" if actual == pinned else "changed"
    return {**found, "state": state, "sha256": actual, "bytes": path.stat().st_size}


def _data(root: str | None) -> dict[str, Any]:
    datasets: dict[str, int] = {}
    for name in DATASETS if root else ():
        with contextlib.suppress(IvifError):
            datasets[name] = len(open_dataset(name, Path(str(root))).pairs)
    return {"root": root, "exists": bool(root) and Path(str(root)).is_dir(), "datasets": datasets}
