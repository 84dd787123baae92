"""Which engine runs the network: torch, or onnxruntime without torch."""

from pathlib import Path
from typing import TYPE_CHECKING

from ivif_cli.core.errors import UsageError

if TYPE_CHECKING:
    from ivif_cli.core.export.onnx_backend import OnnxFuser
    from ivif_cli.core.fusing.fuser import Fuser

    AnyFuser = Fuser | OnnxFuser

BACKENDS = ("auto", "torch", "onnx")


def open_fuser(
    model: str | Path,
    *,
    backend: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    tile: int | None = None,
    threads: int | None = None,
    compile: bool = False,
) -> "AnyFuser":
    """A fuser of the wanted backend; "auto" takes onnxruntime for a model named *.onnx, else torch.

    Raises:
        UsageError: an unknown backend, or options that it does not have. And what `Fuser` or `OnnxFuser` raise.
    """
    if backend not in BACKENDS:
        raise UsageError(f"unknown backend: {backend}", f"known: {', '.join(BACKENDS)}")
    is_onnx = Path(model).suffix == ".onnx"
    if backend == "onnx" or (backend == "auto" and is_onnx):
        if precision not in ("auto", "fp32"):
            raise UsageError(f"an ONNX network has the precision it was exported with, not {precision}")
        if compile:
            raise UsageError(
                "an ONNX network cannot be compiled", "leave --compile out, or give the weights themselves"
            )
        from ivif_cli.core.export.onnx_backend import OnnxFuser

        return OnnxFuser(model, device=device, tile=tile, threads=threads)
    if is_onnx:
        raise UsageError(f"torch cannot run {model}", "--backend onnx")
    from ivif_cli.core.fusing.fuser import Fuser

    return Fuser(model, device=device, precision=precision, tile=tile, threads=threads, compile=compile)
