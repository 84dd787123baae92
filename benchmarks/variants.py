"""Which way of running our networks on one CPU core is the fastest, and what it costs in grey levels.

    OMP_NUM_THREADS=1 python benchmarks/variants.py [--compile]

Every way runs in turn on one 640 x 480 pair of real edges and noise; medians of the CPU time, and the difference to
fp32 in the channels-last layout (what `Fuser` does).
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import torch
from network import Whole
from torch import Tensor

from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.data.sources import pair_from
from ivif_cli.core.memory import reuse_memory
from ivif_cli.core.network import load_network

Variant = Callable[[Tensor, Tensor], Tensor]
EXAMPLES = Path(__file__).parents[1] / "examples"


def pair() -> tuple[Tensor, Tensor]:
    """The demo pair at 640 x 480."""
    images = [to_luma(image) for image in pair_from(EXAMPLES / "demo_ir.png", EXAMPLES / "demo_vis.png")]
    sized = [cv2.resize(image, (640, 480), interpolation=cv2.INTER_AREA) for image in images]
    ir, vis = (torch.from_numpy(image.astype(np.float32) / 255)[None, None] for image in sized)
    return ir, vis


def variants(name: str, folder: Path, compiled: bool) -> dict[str, Variant]:
    plain = Whole(load_network(name).network)
    last = Whole(load_network(name).network).to(memory_format=torch.channels_last)

    def autocast(ir: Tensor, vis: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return last(ir, vis).float()

    found: dict[str, Variant] = {"channels_last": last, "contiguous": plain, "bf16 autocast": autocast}
    if compiled:
        found["torch.compile"] = torch.compile(Whole(load_network(name).network))
        found["torch.compile, channels_last"] = torch.compile(
            Whole(load_network(name).network).to(memory_format=torch.channels_last)
        )
    runtime = onnx_variant(name, folder)
    return {**found, "onnxruntime": runtime} if runtime else found


def onnx_variant(name: str, folder: Path) -> Variant | None:
    try:
        import onnxruntime

        from ivif_cli.core.export.export import INPUTS, export_network
    except ImportError:
        return None
    loaded = load_network(name)
    path = export_network(loaded, folder / f"{name}.onnx").path
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(ir: Tensor, vis: Tensor) -> Tensor:
        network = loaded.network
        inputs = (ir, vis, network.thumbnail(ir), network.thumbnail(vis), network.origin[None])
        return torch.from_numpy(session.run(None, dict(zip(INPUTS, (x.numpy() for x in inputs), strict=True)))[0])

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--compile", action="store_true", help="torch.compile too (needs a C++ compiler)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    reuse_memory()
    ir, vis = pair()
    for name in ("base", "fast"):
        with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
            ways = variants(name, Path(folder), arguments.compile)
            times: dict[str, list[float]] = {way: [] for way in ways}
            results = {way: run(ir, vis).clone() for way, run in ways.items()}
            for _ in range(arguments.rounds):
                for way, run in ways.items():
                    start = time.process_time()
                    run(ir, vis)
                    times[way].append(time.process_time() - start)
        for way, spent in times.items():
            off = 255 * (results[way] - results["channels_last"]).abs()
            median = 1e3 * statistics.median(spent)
            print(f"{name:5s} {way:30s} {median:7.1f} ms   off by {off.mean():.3f} on average, {off.max():.2f} at most")


if __name__ == "__main__":
    main()
