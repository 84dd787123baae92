"""The six metrics, K and X beside a plain NumPy evaluator and library functions, in one run on one core.

    python benchmarks/metrics.py [--pair IR VIS] [--size 640x480] [--repeat 10]

Without a pair, textured noise is scored. Times are CPU seconds of this process, the least of several runs; libraries
that are not installed (scikit-image, sewar, piq, scikit-learn) are left out.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np
import plain_numpy

from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.data.sources import pair_from
from ivif_cli.core.memory import reuse_memory
from ivif_cli.core.metrics import SIX, Scene, evaluate_batch, evaluate_pair

Triple = tuple[np.ndarray, np.ndarray, np.ndarray]
MEMORY_PROBE = 1 << 24


def cpu_seconds(function: Callable[[], object], repeat: int) -> float:
    """Least CPU time of `repeat` calls, after one that warms up."""
    function()
    times = []
    for _ in range(repeat):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def pictures(pair: list[str] | None, width: int, height: int) -> Triple:
    """Infrared, visible and their rounded mean at this size, uint8."""
    if pair:
        ir, vis = (cv2.resize(to_luma(image), (width, height)) for image in pair_from(*pair))
    else:
        rng = np.random.default_rng(1)
        noise = (cv2.GaussianBlur(rng.normal(size=(height, width)), (0, 0), 2) * 300 + 110 for _ in range(2))
        ir, vis = (np.clip(picture, 0, 255).astype(np.uint8) for picture in noise)
    return ir, vis, cv2.addWeighted(ir, 0.5, vis, 0.5, 0)


@contextmanager
def optional() -> Iterator[None]:
    """Leave out what needs a library that is not there."""
    try:
        yield
    except ImportError as error:
        print(f"  ({error.name} is not installed)")


def compare_evaluators(triple: Triple, repeat: int) -> None:
    ir, vis, _ = triple
    ours = cpu_seconds(lambda: evaluate_pair(*triple), repeat)
    scene = Scene(ir, vis)
    shared = cpu_seconds(lambda: scene.score(triple[2]), repeat)
    plain = cpu_seconds(lambda: plain_numpy.evaluate(*triple), max(2, repeat // 4))
    expected = plain_numpy.evaluate(*triple)
    worst = max(abs(value - expected[name]) for name, value in evaluate_pair(*triple).items())
    print(f"six metrics, {ir.shape[1]}x{ir.shape[0]}, one core, CPU seconds:")
    print(f"  plain NumPy evaluator             {plain:8.4f}")
    print(f"  ivif, one pair                    {ours:8.4f}   {plain / ours:6.1f} times faster")
    print(f"  ivif, sources shared with others  {shared:8.4f}   {plain / shared:6.1f} times faster")
    print(f"  largest difference of a value     {worst:8.1e}")
    for name in SIX:
        seconds = cpu_seconds(lambda name=name: evaluate_pair(*triple, [name]), repeat)
        print(f"    {name:<5} {seconds:.4f}")


def compare_kept(triple: Triple, repeat: int) -> None:
    """What K and X add to the six, alone and with the sources' maps shared; and the six on torch."""
    scene = Scene(*triple[:2])
    print("what is kept, CPU seconds:")
    ways: dict[str, Callable[[Sequence[str]], object]] = {
        "one pair": lambda names: evaluate_pair(*triple, names),
        "shared": lambda names: scene.score(triple[2], names),
    }
    for label, score in ways.items():
        six, both = (cpu_seconds(partial(score, names), repeat) for names in (SIX, (*SIX, "K", "X")))
        print(f"  {label:<9} six {six:.4f}, six, K and X {both:.4f}: {both / six:.2f} times")
    with optional():
        from ivif_cli.core.metrics.on_device import evaluate_on_device

        stacks = [picture[None] for picture in triple]
        seconds = cpu_seconds(lambda: evaluate_on_device(*stacks, device="cpu"), max(2, repeat // 4))
        print(f"  the six by torch in float64 on this core: {seconds:.4f}")


def compare_libraries(triple: Triple, repeat: int) -> None:
    """Functions that overlap with ours; VIF and SSIM over both sources."""
    ir, vis, fused = triple
    rows: list[tuple[str, str, Callable[[], object]]] = []
    with optional():
        from skimage.measure import shannon_entropy
        from skimage.metrics import structural_similarity

        rows.append(("EN", "scikit-image shannon_entropy", lambda: shannon_entropy(fused)))
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
        rows.append(
            ("SSIM", "scikit-image", lambda: [structural_similarity(s, fused, **options) for s in (ir, vis)]),
        )
    with optional():
        from sklearn.metrics import mutual_info_score

        rows.append(
            ("MI", "scikit-learn", lambda: [mutual_info_score(s.ravel(), fused.ravel()) for s in (ir, vis)]),
        )
    with optional():
        from sewar.full_ref import vifp

        rows.append(("VIF", "sewar vifp", lambda: [vifp(s, fused) for s in (ir, vis)]))
    with optional():
        import piq
        import torch

        torch.set_num_threads(1)
        tensors = [torch.from_numpy(picture / 255.0)[None, None] for picture in triple]
        rows.append(("VIF", "piq vif_p, float64", lambda: [piq.vif_p(tensors[2], s) for s in tensors[:2]]))
    print("library functions, CPU seconds, and how much longer they take than ours:")
    for name, label, function in rows:
        theirs = cpu_seconds(function, max(2, repeat // 4))
        ours = cpu_seconds(lambda name=name: evaluate_pair(*triple, [name]), repeat)
        print(f"  {name:<5} {label:<30} {theirs:8.4f}   {theirs / ours:6.1f} times")
        if label == "sewar vifp":
            six = cpu_seconds(lambda: evaluate_pair(*triple), repeat)
            print(f"        sewar's VIF takes {theirs / six:.1f} times as long as our six metrics together")


def memory_limit(triple: Triple, repeat: int) -> None:
    """How the time compares to reading and writing every float64 map of the metrics once from main memory."""
    block, target = np.zeros(MEMORY_PROBE), np.zeros(MEMORY_PROBE)
    seconds = cpu_seconds(lambda: np.copyto(target, block), 5)
    bandwidth = 2 * block.nbytes / seconds
    pixels = triple[0].size
    maps = 8 * (1 + 1 / 4 + 1 / 16 + 1 / 64) + 6
    traffic = 2 * 8 * pixels * maps
    ours = cpu_seconds(lambda: evaluate_pair(*triple), repeat)
    limit = traffic / bandwidth
    print(
        f"memory: {bandwidth / 1e9:.1f} GB/s, so writing and reading {maps:.1f} float64 maps takes {limit * 1e3:.1f} ms"
    )
    print(f"  ivif takes {ours / limit:.1f} times as long: arithmetic, not memory, is the limit")


def check_bits(triple: Triple) -> None:
    """The same bits alone, in a batch, beside other methods, and in another process."""
    alone = evaluate_pair(*triple)
    stacks = [np.stack([picture, picture[::-1], picture]) for picture in triple]
    batch = {name: float(values[2]) for name, values in evaluate_batch(*stacks).items()}
    scene = Scene(*triple[:2])
    scene.score(triple[0])
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        elsewhere = pool.submit(evaluate_pair, *triple).result()
    same = alone == batch == scene.score(triple[2]) == elsewhere
    print(f"alone, in a batch, with shared sources, in another process: {'the same bits' if same else 'DIFFERENT'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pair", nargs=2, metavar=("IR", "VIS"))
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--repeat", type=int, default=10)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    reuse_memory()
    triple = pictures(options.pair, *(int(side) for side in options.size.split("x")))
    print(f"cv2 {cv2.__version__}, numpy {np.__version__}, {Path(__file__).name}")
    compare_evaluators(triple, options.repeat)
    compare_kept(triple, options.repeat)
    compare_libraries(triple, options.repeat)
    memory_limit(triple, options.repeat)
    check_bits(triple)


if __name__ == "__main__":
    main()
