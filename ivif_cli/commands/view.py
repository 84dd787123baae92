"""`ivif view`: a page on this machine to look at pairs and say what is wanted."""

import socket
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ivif_cli.commands.console import Console
from ivif_cli.core.errors import UsageError

HOST = "127.0.0.1"


def view(
    ir: Annotated[Path | None, typer.Option("--ir", help="Infrared picture or folder to start with.")] = None,
    vis: Annotated[Path | None, typer.Option("--vis", help="Visible picture or folder to start with.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Named dataset in the place of --ir and --vis.")] = None,
    data_root: Annotated[Path | None, typer.Option(help="Where the dataset lies (default: IVIF_DATA).")] = None,
    model: Annotated[str, typer.Option("--model", "-m", help="base, fast or a .safetensors file.")] = "base",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads of the network.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page; 0: any free one.")] = 8765,
) -> None:
    """Serve a page on this machine where pairs are fused as you type what you want.

    The page is for this machine alone (127.0.0.1), fetches nothing from elsewhere, and shows only what you point to or
    drop onto it. Dropped files are gone when the program ends: Ctrl-C. Needs the extra [view].
    """
    console = Console()
    from ivif_cli.core.data.find_pairs import find_pairs

    asked = any(given is not None for given in (ir, vis, dataset, data_root))
    pairs = find_pairs(ir, vis, dataset, data_root).pairing.pairs if asked else ()
    try:
        import uvicorn

        from ivif_cli.core.viewing.gallery import Gallery
        from ivif_cli.core.viewing.server import Viewer, build_app
    except ModuleNotFoundError as error:
        if error.name not in ("uvicorn", "starlette"):
            raise
        hint = "pip install starlette uvicorn, or install ivif with its extra [view]"
        raise UsageError(f"ivif view needs the package {error.name}", hint) from error
    from ivif_cli.core.fusing.fuser import open_fuser

    fuser = open_fuser(model, device=device, threads=threads)
    listening = _listen(port)
    port = listening.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="ivif-view-") as dropped, listening:
        viewer = Viewer(Gallery(fuser, pairs, Path(dropped)), model)
        app = build_app(viewer, (f"{HOST}:{port}", f"localhost:{port}"))
        console.result(f"http://{HOST}:{port}/")
        console.note("open that address in a browser of this machine; Ctrl-C ends")
        uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off")).run(sockets=[listening])


def _listen(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise UsageError(f"port {port} cannot be used: {error.strerror}", "--port 0 takes any free one") from error
    return listening
