"""What a fusion costs on one core: our networks beside stand-ins of DenseFuse and IFCNN, and the core's own limit.

    OMP_NUM_THREADS=1 python benchmarks/network.py
    OMP_NUM_THREADS=1 python benchmarks/network.py --compile      # ours under torch.compile as well: "base (c)"

The stand-ins have the published layer shapes and random weights. All run in one process with the same settings
(inference mode, denormals flushed, freed memory kept for reuse, one thread), one 640 x 480 pair each in turn, so that
a disturbance hits all of them; medians are printed. CPU time counts, the wall clock stands beside it. The limit is a
large fp32 matrix product; memory is measured in a process of its own for each.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from ivif_cli.core.memory import reuse_memory
from ivif_cli.core.network import FusionNetwork, load_network

HEIGHT, WIDTH, MATRIX = 480, 640, 2048
COMPILED = " (c)"
"""Added to the name of one of ours that torch.compile has rewritten."""


class DenseFuse(nn.Module):
    """Layer shapes of DenseFuse (Li and Wu, TIP 2019): dense encoder, sum of both sources, four-layer decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.first = self._layer(1, 16)
        self.dense = nn.ModuleList(self._layer(width, 16) for width in (16, 32, 48))
        self.decode = nn.Sequential(self._layer(64, 64), self._layer(64, 32), self._layer(32, 16))
        self.last = nn.Conv2d(16, 1, 3, padding=1, padding_mode="reflect")

    @staticmethod
    def _layer(inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect"), nn.ReLU())

    def encode(self, luma: Tensor) -> Tensor:
        features = self.first(luma)
        for layer in self.dense:
            features = torch.cat([features, layer(features)], dim=1)
        return features

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        return self.last(self.decode((self.encode(ir) + self.encode(vis)) / 2))


class IFCNN(nn.Module):
    """Layer shapes of IFCNN (Zhang et al., Information Fusion 2020): 7x7 and 3x3, maximum, 3x3 and 1x1."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 64, 7, bias=False)
        self.second = self._layer()
        self.third = self._layer()
        self.last = nn.Conv2d(64, 3, 1)

    @staticmethod
    def _layer() -> nn.Module:
        conv = nn.Conv2d(64, 64, 3, padding=1, padding_mode="replicate", bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(64), nn.ReLU())

    def encode(self, luma: Tensor) -> Tensor:
        padded = F.pad(luma.expand(-1, 3, -1, -1), (3, 3, 3, 3), mode="replicate")
        return self.second(self.first(padded))

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        return self.last(self.third(torch.maximum(self.encode(ir), self.encode(vis))))


@dataclass
class Contestant:
    """Something to time: what one run computes [floating-point operations], and the times so far [s]."""

    name: str
    run: Callable[[], object]
    flops: int
    parameters: int = 0
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def measure(self) -> None:
        cpu, wall = time.process_time(), time.perf_counter()
        self.run()
        self.cpu.append(time.process_time() - cpu)
        self.wall.append(time.perf_counter() - wall)


def build(name: str) -> nn.Module:
    if name == "DenseFuse":
        return DenseFuse().eval()
    if name == "IFCNN":
        return IFCNN().eval()
    network = load_network(name.removesuffix(COMPILED)).network
    if name.endswith(COMPILED):
        network.encode = torch.compile(network.encode)  # type: ignore[method-assign]
        network.decode = torch.compile(network.decode)  # type: ignore[method-assign]
    return Whole(network)


class Whole(nn.Module):
    """One of ours from two lumas to the fused one, for its default goal."""

    def __init__(self, network: FusionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, ir: Tensor, vis: Tensor) -> Tensor:
        network = self.network
        thumbs = network.thumbnail(ir), network.thumbnail(vis)
        return network(ir, vis, network.describe(*thumbs, network.origin[None]))


def contestant(name: str, pair: tuple[Tensor, Tensor]) -> Contestant:
    network = build(name)
    counter = FlopCounterMode(display=False)
    with counter:
        build(name.removesuffix(COMPILED))(*pair)
    network = network.to(memory_format=torch.channels_last)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Contestant(name, lambda: network(*pair), counter.get_total_flops(), parameters)


def matrix_product() -> Contestant:
    left, right = torch.rand(MATRIX, MATRIX), torch.rand(MATRIX, MATRIX)
    return Contestant(f"matrix product {MATRIX}", lambda: left @ right, 2 * MATRIX**3)


def prepare() -> tuple[Tensor, Tensor]:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    reuse_memory()
    return torch.rand(1, 1, HEIGHT, WIDTH), torch.rand(1, 1, HEIGHT, WIDTH)


def peak_mib(name: str) -> float:
    """Peak resident memory [MiB] of a process that fuses three pairs with one network; torch itself, without a
    network, is the row `torch alone`."""
    done = subprocess.run([sys.executable, __file__, "--memory-of", name], capture_output=True, text=True, check=True)
    return float(done.stdout)


def report_memory(name: str) -> None:
    pair = prepare()
    if name != "torch alone":
        network = build(name).to(memory_format=torch.channels_last)
        with torch.inference_mode():
            for _ in range(3):
                network(*pair)
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    print(int(peak.split()[1]) / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--compile", action="store_true", help="time ours under torch.compile too (needs g++)")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        report_memory(arguments.memory_of)
        return
    pair = prepare()
    names = ["base", "fast", "DenseFuse", "IFCNN"]
    if arguments.compile:
        names[2:2] = [f"base{COMPILED}", f"fast{COMPILED}"]
    with torch.inference_mode():
        limit, *networks = everyone = [matrix_product(), *(contestant(name, pair) for name in names)]
        for round_number in range(arguments.rounds + 1):
            for each in everyone:
                each.measure()
                if round_number == 0:
                    each.cpu.clear()
                    each.wall.clear()
    rate = limit.flops / statistics.median(limit.cpu)
    print(f"one core, {WIDTH} x {HEIGHT}, medians of {arguments.rounds} interleaved rounds; torch {torch.__version__}")
    print(
        f"{'network':14s} {'params':>8s} {'GFLOP':>7s} {'CPU ms':>8s} {'wall ms':>8s} {'x base':>7s} "
        f"{'GFLOP/s':>8s} {'of limit':>8s} {'peak MiB':>8s}"
    )
    base = statistics.median(networks[0].cpu)
    for each in networks:
        cpu, wall = statistics.median(each.cpu), statistics.median(each.wall)
        print(
            f"{each.name:14s} {each.parameters:8d} {each.flops / 1e9:7.2f} {1e3 * cpu:8.1f} {1e3 * wall:8.1f} "
            f"{cpu / base:7.2f} {each.flops / cpu / 1e9:8.1f} {each.flops / cpu / rate:8.1%} {peak_mib(each.name):8.0f}"
        )
    print(f"limit: {limit.name}, fp32: {rate / 1e9:.1f} GFLOP/s; torch alone: {peak_mib('torch alone'):.0f} MiB")


if __name__ == "__main__":
    main()
