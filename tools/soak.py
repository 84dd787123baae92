"""Push many small pairs through `ivif fuse` and `ivif evaluate`, and print memory and throughput over time.

    python -m tools.soak --pairs 20000
    python -m tools.soak --pairs 0 --train-steps 20000     # a long training run instead
    python -m tools.soak --pairs 0 --train-hours 2         # the same by the clock: interrupted then, as by Ctrl-C

Exit status 1 where memory grew by more than is allowed between a quarter of the run and its end. Needs /proc (Linux).
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SIZE = (48, 64)
DISTINCT = 50
_NEVER_DONE = 10_000_000
ALLOWED_MIB = 24.0
"""Growth that is let pass: allocator noise, and for evaluate the values that the report holds."""


@dataclass(frozen=True)
class Sample:
    """One look at a run: time [s], pairs done (-1 where it cannot be seen), memory of the process [MiB]."""

    seconds: float
    done: int
    memory: float


def make_pairs(folder: Path, count: int) -> None:
    """`count` pairs, of which `DISTINCT` differ; the others are links."""
    from ivif_cli.core.data.images import write_image

    rng = np.random.default_rng(1)
    for kind, shape in (("ir", SIZE), ("vi", (*SIZE, 3))):
        for index in range(count):
            path = folder / kind / f"{index:06d}.png"
            if index < DISTINCT:
                write_image(path, rng.integers(0, 256, shape).astype(np.uint8))
            else:
                os.link(folder / kind / f"{index % DISTINCT:06d}.png", path)


def memory(pid: int) -> float:
    """Resident memory of a process [MiB]; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)


def watch(
    arguments: Sequence[str], done: Callable[[], int], every: float, seconds: float = float("inf")
) -> list[Sample]:
    """Run `ivif ARGUMENTS` and look at it every so many seconds; interrupt it after `seconds`."""
    began = time.monotonic()
    samples: list[Sample] = []
    interrupted = False
    with subprocess.Popen([sys.executable, "-m", "ivif_cli", *arguments], stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            time.sleep(every)
            if not interrupted and time.monotonic() - began > seconds:
                interrupted = True
                process.send_signal(signal.SIGTERM)
            used = memory(process.pid)
            if used:
                samples.append(Sample(time.monotonic() - began, done(), used))
    if process.returncode and not interrupted:
        sys.exit(f"ivif {arguments[0]} ended with {process.returncode}")
    return samples


def train_arguments(folder: Path, steps: int) -> list[str]:
    """A training run with the language-driven loss on small crops, validated and saved every 100 steps."""
    settings = {
        "network": "fast",
        "batch_size": "2",
        "crops.size": "48",
        "crops.min_side": "32",
        "crops.max_side": "48",
        "words.patches.count": "2",
        "validation.every": "100",
        "validation.pairs": "2",
    }
    pinned = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    places = ["--data", str(folder), "-o", str(folder / "run"), "--steps", str(steps), "--checkpoint-every", "100"]
    return ["train", *places, "--device", "cpu", "-q", *pinned]


def trained(folder: Path) -> int:
    """Steps that the log of a run tells of."""
    log = folder / "run" / "metrics.jsonl"
    return sum(1 for _ in log.open()) if log.exists() else 0


def tell(name: str, pairs: int, samples: Sequence[Sample]) -> float:
    """Print about ten samples and the growth from a quarter of the run to its end [MiB], which is returned."""
    print(f"{name}: {pairs} in {samples[-1].seconds:.0f} s, {pairs / samples[-1].seconds:.1f} a second")
    for sample in samples[:: max(1, len(samples) // 10)]:
        seen = f"{sample.done:7d} done" if sample.done >= 0 else ""
        print(f"  {sample.seconds:7.1f} s  {sample.memory:7.1f} MiB  {seen}")
    tail = samples[len(samples) // 4 :]
    third = max(1, len(tail) // 3)
    growth = max(s.memory for s in tail[-third:]) - max(s.memory for s in tail[:third])
    print(f"  growth from the second quarter to the end: {growth:+.1f} MiB", flush=True)
    return growth


def main() -> int:
    """Make the pairs, run both commands, print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--train-steps", type=int, default=0)
    parser.add_argument("--train-hours", type=float, default=0.0, help="instead of --train-steps")
    parser.add_argument("--model", default="fast")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between looks")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ivif-soak-") as name:
        folder = Path(name)
        make_pairs(folder, max(options.pairs, DISTINCT))
        grown = _fuse_and_evaluate(folder, options) if options.pairs else []
        if options.train_steps or options.train_hours:
            limit = options.train_hours * 3600 or float("inf")
            steps = options.train_steps or _NEVER_DONE
            samples = watch(train_arguments(folder, steps), lambda: trained(folder), options.every, limit)
            grown.append(tell("train (steps)", samples[-1].done, samples))
    return 0 if max(grown, default=0.0) <= ALLOWED_MIB else 1


def _fuse_and_evaluate(folder: Path, options: argparse.Namespace) -> list[float]:
    sources = ["--ir", str(folder / "ir"), "--vis", str(folder / "vi")]
    fused = folder / "fused"
    fuse = ["fuse", *sources, "-o", str(fused), "-m", options.model, "--device", "cpu", "--threads", "1", "-q"]
    evaluate = ["evaluate", *sources, "--fused", str(fused), "--workers", "1", "--json", "-q"]
    return [
        tell("fuse", options.pairs, watch(fuse, lambda: _count(fused), options.every)),
        tell("evaluate", options.pairs, watch(evaluate, lambda: -1, options.every)),
    ]


def _count(folder: Path) -> int:
    return sum(1 for _ in os.scandir(folder)) if folder.is_dir() else 0


if __name__ == "__main__":
    sys.exit(main())
