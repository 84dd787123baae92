"""`ivif demo`: fuse the example pair that travels with the program, and say what to type next."""

import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from ivif_cli.commands.console import Console
from ivif_cli.core.errors import OutputError

GOALS = (None, "bright", "dark", "infrared", "visible")
PROMPT = "a bright image with salient people"


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the pair and the fused picture.")] = Path(
        "ivif-demo"
    ),
    model: Annotated[str, typer.Option("--model", "-m", help="base, fast, or a file.")] = "base",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
) -> None:
    """Fuse the example pair that comes with ivif, and print where the picture is.

    Writes ir.png, vis.png, fused.png and a picture for each of four other goals into the folder, replacing those of an
    earlier demo; opens nothing, fetches nothing.
    """
    from ivif_cli.core.data.images import write_image
    from ivif_cli.core.fusing.fuser import open_fuser
    from ivif_cli.core.packaged import packaged

    ir, vis = output / "ir.png", output / "vis.png"
    try:
        output.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(packaged("examples/demo_ir.png"), ir)
        shutil.copyfile(packaged("examples/demo_vis.png"), vis)
    except OSError as error:
        raise OutputError(f"cannot write into {output}: {error.strerror}", "-o names another folder") from error

    console = Console()
    look = open_fuser(model, device=device).look(ir, vis)
    for goal in GOALS:
        fused = output / f"{goal or 'fused'}.png"
        write_image(fused, look.fuse(goal), overwrite=True)
        console.result(str(fused))
    own = ["--ir", str(ir), "--vis", str(vis), "-o", str(output / "mine.png")]
    # The program as it can be typed here: `ivif` where a shell finds it, else the way it was started.
    started = [sys.argv[0]] if Path(sys.argv[0]).name == "ivif" else [sys.executable, "-m", "ivif_cli"]
    called = ["ivif"] if shutil.which("ivif") is not None else started
    console.note(f"next: {shlex.join([*called, 'fuse', *own, '--prompt', PROMPT])}")
