"""How fast folders fuse, and whether the network ever waits for files.

    python benchmarks/fuse.py --data ../shared/data/test --threads 1

Fuses real pairs (RoadScene and MSRS by default, 104 of them) from files to files, as `ivif fuse` does, and prints for
each model: pairs/s, the share of the time in which the network ran, waited for a decoded pair, or waited for a writer,
and the same work without overlap. Then: what the coarse grid gives for a visible picture of 12 megapixels beside
thermal ones of 160 x 120 and 80 x 60 (the last pair, enlarged and shrunk), seconds from the shell to the first fused
picture, and resident memory.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from ivif_cli.core.data.datasets import open_dataset
from ivif_cli.core.data.images import write_image
from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.data.placing import resampled
from ivif_cli.core.data.sources import SourceOptions, load_pair
from ivif_cli.core.fusing.folder import fuse_jobs
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.fusing.jobs import Job, Report


def main() -> None:
    arguments = parse()
    pairs = [pair for name in arguments.datasets for pair in open_dataset(name, arguments.data).pairs]
    print(f"{len(pairs)} pairs of {', '.join(arguments.datasets)}; {arguments.threads} network thread(s)")
    print(f"{'model':8} {'pairs/s':>8} {'network':>8} {'starved':>8} {'blocked':>8} {'in turn':>8}")
    for model in arguments.models:
        fuser = Fuser(model, device=arguments.device, threads=arguments.threads)
        fuser.fuse(*load_pair(pairs[0].ir, pairs[0].vis, SourceOptions())[:2])
        report, in_turn = streamed(fuser, pairs), one_after_the_other(fuser, pairs)
        shares = (report.network, report.starved, report.blocked)
        columns = " ".join(f"{100 * share / report.total:7.1f}%" for share in shares)
        print(f"{fuser.name:8} {len(pairs) / report.total:8.2f} {columns} {len(pairs) / in_turn:8.2f}")
    for model in arguments.models:
        beside_twelve_megapixels(Fuser(model, device=arguments.device, threads=arguments.threads), pairs)
    for model in arguments.models:
        print(f"one pair from the shell, {model}: {start_up(model, pairs[-1], arguments.device):.2f} s (best of 3)")
    print(f"resident memory, most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/test"), help="folder that holds the datasets")
    parser.add_argument("--datasets", nargs="+", default=["RoadScene", "MSRS"])
    parser.add_argument("--models", nargs="+", default=["base", "fast"], help="names or .safetensors files")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of the network")
    return parser.parse_args()


def streamed(fuser: Fuser, pairs: list[Pair]) -> Report:
    """The folder engine: reading, network and writing overlap."""
    with tempfile.TemporaryDirectory() as folder:
        jobs = [Job(pair, Path(folder) / f"{index}.png") for index, pair in enumerate(pairs)]
        return fuse_jobs(fuser, jobs, SourceOptions())


def one_after_the_other(fuser: Fuser, pairs: list[Pair]) -> float:
    """Seconds for the same work without overlap."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for index, pair in enumerate(pairs):
            fused = fuser.fuse(*load_pair(pair.ir, pair.vis, SourceOptions())[:2])
            write_image(Path(folder) / f"{index}.png", fused)
    return time.perf_counter() - started


def beside_twelve_megapixels(fuser: Fuser, pairs: list[Pair]) -> None:
    """Print how much sooner the coarse grid is ready than the finest, and how far what is hot stands out on both."""
    ir, vis = (to_luma(one) for one in load_pair(pairs[-1].ir, pairs[-1].vis, SourceOptions())[:2])
    fuser.fuse(ir, vis, ir_range=None)  # a network's first picture takes longer
    shown = cv2.resize(vis, (4000, 3000), interpolation=cv2.INTER_CUBIC)
    for size in ((160, 120), (80, 60)):
        thermal = resampled(cv2.resize(ir, size, interpolation=cv2.INTER_AREA), 4000, 3000)
        hot = thermal >= np.percentile(thermal, 98)
        around = (cv2.dilate(hot.astype(np.uint8), np.ones((121, 121), np.uint8)) > 0) & ~hot
        seconds, contrasts = [], [float(thermal[hot].mean()) - float(thermal[around].mean())]
        for coarse in (None, 1):
            started = time.perf_counter()
            fused = fuser.fuse(thermal, shown, ir_range=None, coarse=coarse)
            seconds.append(time.perf_counter() - started)
            contrasts.append(float(fused[hot].mean()) - float(fused[around].mean()))
        print(
            f"12 MP beside {size[0]} x {size[1]}, {fuser.name}: {seconds[0]:.2f} s, {seconds[1] / seconds[0]:.1f} times"
            f" as long on the finest grid; the hottest 2 % stand out by {contrasts[1]:.0f} levels, there by"
            f" {contrasts[2]:.0f}, in the infrared by {contrasts[0]:.0f}"
        )


def start_up(model: str, pair: Pair, device: str) -> float:
    """Seconds of the whole command for one pair, imports included; the best of three."""
    command = [sys.executable, "-m", "ivif_cli", "fuse", "--ir", str(pair.ir), "--vis", str(pair.vis)]
    seconds = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            options = ["-o", f"{folder}/fused.png", "--model", model, "--device", device]
            started = time.perf_counter()
            subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - started)
    return min(seconds)


if __name__ == "__main__":
    main()
