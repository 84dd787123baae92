"""`ivif demo`: fuse the example pair that travels with the program, and say what to type next."""

import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from ivif_cli.commands.console import Console
from ivif_cli.core.errors import OutputError


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the pair and the fused picture.")] = Path(
        "ivif-demo"
    ),
    model: Annotated[str, typer.Option("--model", "-m", help="base, fast, or a file.")] = "base",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
) -> None:
    """Fuse the example pair that comes with ivif, and print where the picture is.

    Writes ir.png, vis.png and fused.png into the folder, replacing those of an earlier demo; opens nothing, fetches
    nothing.
    """
    console = Console()
    ir, vis = _lay_out(output)
    fused = output / "fused.png"

    from ivif_cli.core.data.images import write_image
    from ivif_cli.core.data.sources import SourceOptions, load_sources
    from ivif_cli.core.fusing.fuser import open_fuser

    write_image(fused, open_fuser(model, device=device).fuse(*load_sources(ir, vis, SourceOptions())), overwrite=True)
    console.result(str(fused))
    own = ["--ir", str(ir), "--vis", str(vis), "-o", str(output / "mine.png"), "-m", "fast"]
    console.note(f"next: {shlex.join([called_as(), 'fuse', *own])}")


def _lay_out(folder: Path) -> tuple[Path, Path]:
    """Copy the example pair into the folder: (infrared, visible)."""
    from ivif_cli.core.packaged import packaged

    ir, vis = folder / "ir.png", folder / "vis.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(packaged("examples/demo_ir.png"), ir)
        shutil.copyfile(packaged("examples/demo_vis.png"), vis)
    except OSError as error:
        raise OutputError(f"cannot write into {folder}: {error.strerror}", "-o names another folder") from error
    return ir, vis


def called_as() -> str:
    """The program as the user can type it here: `ivif` where a shell finds it, else the way it was started."""
    started, found = Path(sys.argv[0]), shutil.which("ivif")
    if found is not None or started.name != "ivif":
        return "ivif" if found is not None else f"{sys.executable} -m ivif_cli"
    return str(started)
