"""`Engine`: what runs a network, be it torch or onnxruntime; and the one place that opens a model."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ivif_cli.core.errors import UsageError
from ivif_cli.core.language.goal import Goal

if TYPE_CHECKING:
    from ivif_cli.core.network import LoadedNetwork


class Engine(Protocol):
    """A network that is ready to run.

    Attributes:
        name, sha256: of the network and its weights.
        goals: the named goals that it carries, the default among them.
        device: cpu, cuda:N or mps.
        halo: context that a tile needs on each side [px].
        stride: tile corners are multiples of it [px].
        thumbnail: side of the thumbnails [px].
        bytes_per_pixel: working memory of one pair [byte/px].
    """

    name: str
    sha256: str
    goals: dict[str, Goal]
    device: str
    halo: int
    stride: int
    thumbnail: int
    bytes_per_pixel: float

    def memory(self) -> float:
        """Working memory that one run may take [byte]."""

    def describe(self, ir: np.ndarray, vis: np.ndarray, goals: np.ndarray) -> Any:
        """Global descriptors of N pairs (first axis N).

        Args:
            ir, vis: their thumbnails, N x side x side float32 in [0, 1].
            goals: their goals, N x G (`Goal.condition`), or 1 x G for all.
        """

    def encode(self, ir: Sequence[np.ndarray], vis: Sequence[np.ndarray]) -> Any:
        """What does not depend on a goal, of N pairs of luma pictures of one size, each H x W uint8 or uint16.

        Raises:
            MemoryError: the pictures are too large for the device.
        """

    def decode(self, encoded: Any, descriptors: Any) -> np.ndarray:
        """Fuse what was encoded: N x H x W float32 in [0, 1].

        Raises:
            MemoryError: the pictures are too large for the device.
        """


def open_engine(
    model: "str | Path | LoadedNetwork",
    *,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    compile: bool = False,
) -> Engine:
    """The engine of a model: onnxruntime for a file named *.onnx (torch is not imported then), else torch.

    Raises:
        UsageError: an unknown model or device, or options that this engine does not have.
        DeviceError: a device that is not there.
        WeightsError: weights that cannot be trusted.
    """
    suffix = Path(model).suffix if isinstance(model, str | Path) else ""
    if suffix == ".pt2":
        raise UsageError(f"{model} is for torch.export.load", "fuse with the weights themselves, or export an .onnx")
    if isinstance(model, str | Path) and suffix == ".onnx":
        if precision not in ("auto", "fp32"):
            raise UsageError(f"an ONNX network has the precision it was exported with, not {precision}")
        if compile:
            hint = "leave --compile out, or give the weights themselves"
            raise UsageError("an ONNX network cannot be compiled", hint)
        from ivif_cli.core.fusing.onnx_engine import OnnxEngine

        return OnnxEngine(Path(model), device=device, threads=threads)
    from ivif_cli.core.fusing.torch_engine import TorchEngine

    return TorchEngine(model, device=device, precision=precision, threads=threads, compile=compile)
