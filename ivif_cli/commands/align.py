"""`ivif align`: make the file that brings a fixed rig's infrared images into the frame of its visible ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivif_cli import __version__
from ivif_cli.commands.console import Console
from ivif_cli.commands.fuse_report import how_aligned
from ivif_cli.commands.options import ManifestOption, MaxGapOption

if TYPE_CHECKING:
    from ivif_cli.core.data.pairing import Pair


def align(
    output: Annotated[Path, typer.Option("--output", "-o", help="File for the alignment (JSON).")],
    ir: Annotated[Path | None, typer.Option("--ir", help="Infrared picture, or a folder of them.")] = None,
    vis: Annotated[Path | None, typer.Option("--vis", help="Visible picture, or a folder of them.")] = None,
    manifest: ManifestOption = None,
    max_gap: MaxGapOption = None,
    motion: Annotated[str, typer.Option(help="auto, similarity, affine or homography.")] = "auto",
    min_quality: Annotated[float, typer.Option(help="Least correlation of the edges that is accepted.")] = 0.35,
    max_pairs: Annotated[int, typer.Option(min=1, help="Pairs of a folder that are used, evenly picked.")] = 12,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Estimate the alignment of an infrared-visible rig from one or several pairs.

    All pairs are fitted together. `ivif fuse --align FILE` then applies the result to every pair.
    """
    from ivif_cli.core.aligning.register import align_ecc, save_alignment
    from ivif_cli.core.data.find_pairs import find_pairs
    from ivif_cli.core.errors import OutputError

    if output.exists() and not overwrite:
        raise OutputError(f"{output} exists already", "--overwrite replaces it")
    pairs = find_pairs(ir, vis, manifest=manifest, max_gap=max_gap).pairing.pairs
    console = Console(machine=as_json)
    with console.progress(2, "reading, then fitting", "step") as advance:
        irs, viss = read_pairs(pairs, max_pairs)
        advance(1)
        found = align_ecc(irs, viss, motion=motion, min_quality=min_quality)
        advance(1)
    save_alignment(output, found)
    report = {"schema": 1, "ivif": __version__, "output": str(output), **found.report()}
    if as_json:
        console.result_json(report)
    else:
        console.result(f"{output}: {found.pairs} pair(s), {how_aligned(report)}")


def read_pairs(pairs: "Sequence[Pair]", most: int) -> tuple[list, list]:
    """Infrared and visible pictures of up to `most` of the pairs, evenly picked."""
    from ivif_cli.core.data.sources import read_infrared, read_visible

    count = min(most, len(pairs))
    chosen = [pairs[index * len(pairs) // count] for index in range(count)]
    return [read_infrared(pair.ir).grey() for pair in chosen], [read_visible(pair.vis) for pair in chosen]
