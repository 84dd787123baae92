"""What fusing a video costs beside reading and writing it, on one core.

    OMP_NUM_THREADS=1 python benchmarks/video.py

Two 640 x 480 clips are made by panning over the demo pair. Frames per second of CPU time are printed for reading both
and writing one without a network, and for `fuse_video` with each network; memory is printed after a short and a long
clip, since it has to stay the same.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np

from ivif_cli.core.data.sources import read_visible
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.video.frames import open_frames
from ivif_cli.core.video.fuse import VideoReport, fuse_video
from ivif_cli.core.video.pairs import VideoOptions
from ivif_cli.core.video.writer import open_writer

WIDTH, HEIGHT = 640, 480
EXAMPLES = Path(__file__).parents[1] / "examples"


def make_clip(source: Path, path: Path, frames: int) -> str:
    """A pan of up to 60 pixels over one picture."""
    picture = cv2.resize(read_visible(source), (WIDTH + 64, HEIGHT), interpolation=cv2.INTER_LINEAR)
    picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) if picture.ndim == 2 else picture
    with open_writer(str(path), (WIDTH, HEIGHT), Fraction(25)) as writer:
        for number in range(frames):
            left = round(30 + 30 * np.sin(number / 12))
            writer.write(np.ascontiguousarray(picture[:, left : left + WIDTH]), number / 25)
    return str(path)


def copy(ir: str, vis: str, output: str) -> None:
    """Read both clips and write one, without a network."""
    streams = (open_frames(path).stream() for path in (ir, vis))
    with open_writer(output, (WIDTH, HEIGHT), Fraction(25), overwrite=True) as writer:
        for number, (_, frame) in enumerate(zip(*streams, strict=True)):
            writer.write(frame, number / 25)


def cpu_seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=150)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        clips = {
            count: [
                make_clip(EXAMPLES / f"demo_{kind}.png", Path(folder) / f"{kind}{count}.mp4", count)
                for kind in ("ir", "vis")
            ]
            for count in (arguments.frames // 5, arguments.frames)
        }
        out, options = str(Path(folder) / "out.mp4"), VideoOptions(overwrite=True)
        ir, vis = clips[arguments.frames]
        plain = cpu_seconds(lambda: copy(ir, vis, out))
        print(f"reading both and writing one: {arguments.frames / plain:.1f} frames/s of one core")
        for name in ("fast", "base"):
            fuser = Fuser(name, device="cpu", threads=1)
            fuse_video(fuser, *clips[arguments.frames // 5], out, options)
            short = resident_mib()
            reports: list[VideoReport] = []
            spent = cpu_seconds(
                lambda fuser=fuser, reports=reports: reports.append(fuse_video(fuser, ir, vis, out, options))
            )
            flicker = ", ".join(
                f"{key} {value:.2%}" for key, value in reports[0].relative_flicker.items() if value is not None
            )
            print(
                f"{name}: {arguments.frames / spent:.1f} frames/s, {spent / plain:.1f} x reading and writing; resident "
                f"{short:.0f} MiB after {arguments.frames // 5} frames, {resident_mib():.0f} after {arguments.frames}; "
                f"flicker of the contrast: {flicker}"
            )


if __name__ == "__main__":
    main()
