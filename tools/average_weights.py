"""Average the weights of two runs of one network, which lie in one valley when one started from the other.

    python tools/average_weights.py A.safetensors B.safetensors --share 0.25 -o weights/base.safetensors

The result is (1 - share) A + share B, with A's metadata and, under "average", both files' sha256 and the share.
"""

import argparse
import json
from pathlib import Path

from ivif_cli.core.network import load_network, save_network


def average(first: Path, second: Path, share: float, output: Path) -> str:
    """Write the average; returns its sha256.

    Raises:
        UsageError, WeightsError: a file cannot be loaded.
        ValueError: two different networks, or a share outside [0, 1].
    """
    a, b = load_network(first), load_network(second)
    if a.network.config != b.network.config:
        raise ValueError(f"{first} and {second} are different networks")
    if not 0 <= share <= 1:
        raise ValueError(f"share {share} is outside [0, 1]")
    others = b.network.state_dict()
    a.network.load_state_dict({key: value.lerp(others[key], share) for key, value in a.network.state_dict().items()})
    origin = json.dumps({"sha256": [a.sha256, b.sha256], "share_of_second": share})
    return save_network(output, a.network, {**a.metadata, "average": origin})


def main() -> None:
    """Average the two files named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    print(average(arguments.first, arguments.second, arguments.share, arguments.output))


if __name__ == "__main__":
    main()
