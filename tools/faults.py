"""Do faults to `ivif fuse` and `ivif train`, and print how many were tried and how many left everything whole.

    python -m tools.faults --kills 100      # 100 kills by each of three signals, each command; and the other faults

Exit status 1 where something was damaged. Full and read-only disks need root (a small tmpfs is mounted).
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.faults.child import import_everything
from tests.faults.fuse_faults import kill_fuse
from tests.faults.scenes import Scene, make_scene
from tests.faults.storage_faults import (
    BLOCK,
    cut_weights,
    dying_reader,
    full_disk_fuse,
    full_disk_train,
    read_only_target,
)
from tests.faults.tally import Tally
from tests.faults.train_faults import kill_train

WEIGHTS = ("fast.safetensors", "base.safetensors", "compact-clip.safetensors")


def storage(scene: Scene, options: argparse.Namespace) -> list[Tally]:
    """Full disks, a read-only one, readers that go away."""
    rng = random.Random(options.seed)
    return [
        full_disk_fuse(scene, options.sizes),
        full_disk_train(scene, options.sizes),
        read_only_target(scene),
        dying_reader(scene, rng, options.sizes),
    ]


def series(options: argparse.Namespace) -> dict[str, Callable[[Scene], list[Tally]]]:
    """All series by name."""
    rng = random.Random(options.seed)
    kills = options.kills, options.true_processes
    return {
        "fuse": lambda scene: kill_fuse(scene, rng, *kills),
        "train": lambda scene: kill_train(scene, rng, *kills),
        "storage": lambda scene: storage(scene, options),
        "weights": lambda scene: [cut_weights(scene, WEIGHTS, options.every)],
    }


def parse(arguments: list[str]) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="kills by each signal, each command")
    parser.add_argument("--true-processes", type=int, default=3, help="of which strike processes that import, too")
    parser.add_argument("--sizes", type=int, default=10, help="sizes of full disks, and numbers of dying readers")
    parser.add_argument("--every", type=int, default=BLOCK, help="bytes between the cuts of weights")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", choices=["fuse", "train", "storage", "weights"])
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args(arguments)


def main() -> int:
    """Run the series and print their figures."""
    options = parse(sys.argv[1:])
    import_everything()
    tallies: list[Tally] = []
    with tempfile.TemporaryDirectory(prefix="ivif-faults-") as folder:
        scene = make_scene(Path(folder))
        for name, run in series(options).items():
            if options.only and name not in options.only:
                continue
            found = run(scene)
            tallies += found
            if not options.json:
                print(*found, sep="\n", flush=True)
    for tally in tallies:
        for damage in tally.damage:
            print(f"  {tally.name}: {damage}", file=sys.stderr)
    if options.json:
        print(json.dumps([tally.as_dict() for tally in tallies], indent=1))
    else:
        print(f"in all: {sum(t.tried for t in tallies)} tried, {sum(t.survived for t in tallies)} survived")
    return 0 if all(tally.whole for tally in tallies) else 1


if __name__ == "__main__":
    sys.exit(main())
