"""Run the fuzz tests with random cases, and print how many ran and how many were refused in one line.

    python -m tools.fuzz --cases 100000

Exit status 1 where a case gave another exception, a hang, or took more memory than is stated.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """Run pytest on `tests/fuzz` with the wanted number of cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=100_000, help="of all tests together")
    parser.add_argument("--seed", type=int, help="repeat a run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = Path(folder) / "tally.json"
        environment = {**os.environ, "IVIF_FUZZ_CASES": str(options.cases), "IVIF_FUZZ_TALLY": str(tally)}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/fuzz", "--durations=3"]
        command += [f"--hypothesis-seed={options.seed}"] if options.seed is not None else []
        status = subprocess.run(command, env=environment, check=False).returncode
        counts: dict[str, int] = json.loads(tally.read_text()) if tally.exists() else {}
    for kind, count in sorted(counts.items()):
        if not kind.endswith(", refused"):
            print(f"{kind}: {count} cases, {counts.get(f'{kind}, refused', 0)} refused in one line")
    print(f"in all: {sum(count for kind, count in counts.items() if not kind.endswith(', refused'))} cases")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(f"largest memory of the process: {peak >> 20} MiB")
    return status


if __name__ == "__main__":
    sys.exit(main())
