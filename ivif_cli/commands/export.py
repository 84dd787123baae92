"""`ivif export`: the network as a file for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from ivif_cli import __version__
from ivif_cli.commands.console import Console


def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .onnx, or .pt2 for torch.export.")],
    precision: Annotated[str, typer.Option(help="fp32, or fp16 (ONNX, for GPUs and other accelerators).")] = "fp32",
    model: Annotated[str, typer.Option("--model", "-m", help="base, fast, or a .safetensors file.")] = "base",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Export the network, run the exported file, and compare it with the network.

    Height and width stay free. The file appears only when the comparison has passed.
    """
    from ivif_cli.core.export.export import export_network
    from ivif_cli.core.network import load_network

    console = Console(machine=as_json)
    network = load_network(model)
    done = export_network(network, output, precision=precision, overwrite=overwrite, on_stage=console.note)
    if as_json:
        facts = {name: value for name, value in vars(done).items() if name != "path"}
        console.result_json({"schema": 1, "ivif": __version__, "output": str(done.path), **facts})
        return
    sizes = ", ".join(f"{width} x {height}" for height, width in done.sizes)
    opset = f", opset {done.opset}" if done.opset else ""
    console.result(
        f"{done.path}: {done.format}{opset}, {done.precision}; within {done.difference:.4f} grey levels of torch, "
        f"{done.mean_difference:.4f} on average, at {sizes}"
    )
