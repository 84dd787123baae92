"""Means of ablations with several seeds, and what every variant changes beside the whole recipe of the same seed.

    python -m tools.ablation_means runs/ablation-0 runs/ablation-1 runs/ablation-2

Each folder is the `--out` of one `tools.ablation`, one seed a folder, with the same recipe, steps and pairs. The
first table gives the means, and in its last row what lies between the seeds of the whole recipe; the second the
differences, in brackets the least and the greatest of them.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from tools.ablation import VARIANTS

COLUMNS = ("K", "K p10", "X", "TD", "LDS", "STEER", "SD", "SF", "VIF", "Qabf", "SCD")
COARSE = ("TD", "SD", "SF")
"""Columns of grey levels, which are told to a hundredth and not to a thousandth."""
Results = list[dict[str, dict[str, float]]]


def digits(column: str) -> int:
    """How many digits after the point a column has."""
    return 2 if column in COARSE else 3


def values(runs: Results, variant: str, column: str) -> np.ndarray:
    """A variant's figures over the runs that have it; empty where none has."""
    return np.array([run[variant][column] for run in runs if variant in run])


def changes(runs: Results, variant: str, column: str) -> np.ndarray:
    """What a variant changes beside `full` of the same run, over the runs that have both."""
    return np.array([run[variant][column] - run["full"][column] for run in runs if variant in run and "full" in run])


def lines_of(title: str, cells: dict[str, list[str]], counts: dict[str, int]) -> list[str]:
    """A Markdown table with a column of how many seeds a row stands on."""
    head = [f"| {title} | seeds | {' | '.join(COLUMNS)} |", f"| --- |{' ---: |' * (len(COLUMNS) + 1)}"]
    return head + [f"| {name} | {counts[name]} | {' | '.join(row)} |" for name, row in cells.items()]


def mean_table(runs: Results) -> list[str]:
    """Means by variant, and what lies between the seeds of `full`."""
    cells, counts = {}, {}
    for variant, (words, _) in VARIANTS.items():
        if any(variant in run for run in runs):
            counts[words] = sum(variant in run for run in runs)
            cells[words] = [f"{values(runs, variant, column).mean():.{digits(column)}f}" for column in COLUMNS]
    whole = {column: values(runs, "full", column) for column in COLUMNS}
    if whole["K"].size:
        row = "between the seeds of everything on"
        cells[row], counts[row] = [f"{np.ptp(whole[name]):.{digits(name)}f}" for name in COLUMNS], whole["K"].size
    return lines_of("variant", cells, counts)


def change(values: np.ndarray, places: int) -> str:
    """The mean of what changed, and in brackets the least and the greatest, where there are several."""
    mean, least, most = (f"{value:+.{places}f}" for value in (values.mean(), values.min(), values.max()))
    return mean if values.size == 1 else f"{mean} ({least} to {most})"


def change_table(runs: Results) -> list[str]:
    """Mean change by variant beside `full` of the same seed, with the least and the greatest."""
    cells, counts = {}, {}
    for variant, (words, _) in VARIANTS.items():
        found = {column: changes(runs, variant, column) for column in COLUMNS}
        if variant == "full" or not found["K"].size:
            continue
        counts[words] = found["K"].size
        cells[words] = [change(values, digits(column)) for column, values in found.items()]
    return lines_of("beside everything on", cells, counts)


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="folders of tools.ablation, one a seed")
    runs = [json.loads((folder / "results.json").read_text()) for folder in parser.parse_args(argv).folders]
    print("\n".join([*mean_table(runs), "", *change_table(runs)]))


if __name__ == "__main__":
    main()
