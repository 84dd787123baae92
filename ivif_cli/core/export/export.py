"""The network as a file for other programs: ONNX, or torch.export. What was written is run again and compared."""

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ivif_cli import __version__
from ivif_cli.core.errors import IvifError, OutputError, UsageError
from ivif_cli.core.files import writing
from ivif_cli.core.language.goal import as_text, facts_of, vectors_of
from ivif_cli.core.nearest import nearest
from ivif_cli.core.network import LoadedNetwork
from ivif_cli.core.network.fusion import THUMBNAIL, FusionNetwork

if TYPE_CHECKING:
    import onnx

FORMATS = {".onnx": "onnx", ".pt2": "torch"}
"""Suffix of an exported file -> what it holds."""
PRECISIONS = ("fp32", "fp16")
OPSET = 18
INPUTS = ("ir", "vis", "ir_thumbnail", "vis_thumbnail", "goal")
_CHECK_SIZES = ((93, 107), (128, 160), (241, 66))
_TOLERANCE = {"fp32": 0.5 / 255, "fp16": 4 / 255}
_MEAN_TOLERANCE = 1 / 255
_MAX_MULTIPLE = 8192

_Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Exported:
    """A file that was written and checked.

    Attributes:
        precision: of the convolutions, fp32 or fp16.
        difference: largest difference to the network in torch over the checked sizes [grey levels of 255].
        mean_difference: mean absolute difference, at the size where it is largest [grey levels of 255].
        sizes: (height, width) of the checked pictures.
        opset: of ONNX; None for torch.
    """

    path: Path
    format: str
    precision: str
    difference: float
    mean_difference: float
    sizes: tuple[tuple[int, int], ...]
    opset: int | None


class Exportable(nn.Module):
    """Network with the thumbnails as inputs, so that tiles of a large picture can share those of the whole."""

    def __init__(self, network: FusionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, ir: Tensor, vis: Tensor, ir_thumbnail: Tensor, vis_thumbnail: Tensor, goal: Tensor) -> Tensor:
        """1 x 1 x H x W in [0, 1] each (H, W multiples of the stride), 1 x 1 x 64 x 64, 1 x G -> 1 x 1 x H x W."""
        return self.network(ir, vis, self.network.describe(ir_thumbnail, vis_thumbnail, goal))


def export_network(
    loaded: LoadedNetwork,
    path: Path,
    *,
    precision: str = "fp32",
    overwrite: bool = False,
    on_stage: Callable[[str], None] = lambda stage: None,
) -> Exported:
    """Write a network for other programs, run the file and compare it with the network.

    Args:
        loaded: the network.
        path: the file to write, .onnx (any height and width) or .pt2 (torch.export; height and width multiples of the
            stride); appears only when the comparison has passed: at most half a grey level for fp32;
            for fp16 one on average and four at the worst pixel.
        precision: "fp32", or "fp16" (ONNX only): half-precision network, full-precision mixing of the pixels.
        overwrite: replace a file that is there.
        on_stage: called with what is done next.

    Raises:
        UsageError: a suffix or precision that is not known, or fp16 with torch.
        OutputError: the file exists or cannot be written.
        IvifError: a package is missing, or the file does not compute what the network does.
    """
    format = FORMATS.get(path.suffix.lower())
    if format is None:
        raise UsageError(f"{path}: a network is exported as .onnx (ONNX) or .pt2 (torch.export)", "give one of them")
    if precision not in PRECISIONS:
        raise UsageError(f"unknown export precision: {precision}", nearest(precision, PRECISIONS))
    if precision == "fp16" and format != "onnx":
        raise UsageError("fp16 goes with .onnx, not with .pt2", "fp32 for torch.export")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already", "--overwrite replaces it")
    on_stage(f"tracing {loaded.name} into a graph, which takes most of the time")
    with writing(path, overwrite=overwrite) as temporary:
        run = _write_onnx(loaded, temporary, precision) if format == "onnx" else _write_torch(loaded, temporary)
        step = 1 if format == "onnx" else loaded.network.stride
        sizes = tuple((height // step * step, width // step * step) for height, width in _CHECK_SIZES)
        on_stage(f"running the file beside the network at {len(sizes)} sizes")
        worst, mean = np.max([_difference(loaded.network, run, size) for size in sizes], axis=0)
        if not (worst <= _TOLERANCE[precision] and mean <= _MEAN_TOLERANCE):
            raise IvifError(f"the exported file is off by {255 * worst:.2f} grey levels; nothing was written")
    opset = OPSET if format == "onnx" else None
    return Exported(path, format, precision, 255 * float(worst), 255 * float(mean), sizes, opset)


def _traced(network: FusionNetwork) -> torch.export.ExportedProgram:
    """The network as a graph with dynamic height and width (multiples of the stride)."""
    height, width = (torch.export.Dim(name, min=2, max=_MAX_MULTIPLE) for name in ("rows", "columns"))
    side = {2: height * network.stride, 3: width * network.stride}
    shapes: dict[str, dict[int, Any]] = {"ir": side, "vis": side, "ir_thumbnail": {}, "vis_thumbnail": {}, "goal": {}}
    example = [torch.rand(1, 1, 11 * network.stride, 13 * network.stride) for _ in range(2)]
    thumbnails = [torch.rand(1, 1, THUMBNAIL, THUMBNAIL) for _ in range(2)]
    goal = torch.rand(1, network.config.goal)
    module = Exportable(network.to(memory_format=torch.contiguous_format)).eval()
    with torch.no_grad():
        return torch.export.export(module, (*example, *thumbnails, goal), dynamic_shapes=shapes)


def _write_torch(loaded: LoadedNetwork, path: Path) -> Callable[[_Arrays], np.ndarray]:
    facts = "\n".join(f"{key}={value}" for key, value in _facts(loaded).items())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(_traced(loaded.network), path, extra_files={"ivif.txt": facts})
        module = torch.export.load(path).module()

    def run(inputs: _Arrays) -> np.ndarray:
        with torch.inference_mode():
            return module(*(torch.from_numpy(x) for x in inputs)).numpy()

    return run


def _facts(loaded: LoadedNetwork) -> dict[str, str]:
    network, config = loaded.network, loaded.network.config
    numbers = {"stride": network.stride, "halo": network.halo, "channels": config.channels, "fold": config.fold}
    facts = {"ivif": __version__, "model": loaded.name, "weights_sha256": loaded.sha256}
    facts |= {key: str(number) for key, number in {**numbers, "thumbnail": THUMBNAIL}.items()}
    return {**facts, "goal_vectors": as_text(vectors_of(loaded.goals)), **facts_of(loaded.goals)}


def _write_onnx(loaded: LoadedNetwork, path: Path, precision: str) -> Callable[[_Arrays], np.ndarray]:
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401 - torch's exporter needs it
    except ImportError as error:
        raise IvifError(f"export to ONNX needs {error.name}", "pip install 'ivif-cli[onnx]'") from error
    model = _graph(loaded)
    if precision == "fp16":
        model = _halved(model)
    _accept_any_size(model, loaded.network.stride)
    for key, value in {**_facts(loaded), "precision": precision}.items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, dict(zip(INPUTS, inputs, strict=True)))[0]


def _graph(loaded: LoadedNetwork) -> "onnx.ModelProto":
    """The network as ONNX, for sizes that are multiples of the stride; nearly all of an export's time goes here."""
    import onnx

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = Path(folder) / "network.onnx"
        names: dict[str, Any] = {"input_names": list(INPUTS), "output_names": ["fused"], "opset_version": OPSET}
        how: dict[str, Any] = {"dynamo": True, "external_data": False, "verbose": False}
        torch.onnx.export(_traced(loaded.network), (), str(raw), **names, **how)
        return onnx.load(str(raw))


def _halved(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """The same graph with half-precision weights and convolutions.

    Inputs, output and what comes after the last convolution, the mixing of the pixels, stay float32: there, half
    precision would round grey levels.
    """
    from onnxruntime.transformers.float16 import convert_float_to_float16
    from onnxruntime.transformers.onnx_model import OnnxModel

    last = max(index for index, node in enumerate(model.graph.node) if node.op_type == "Conv")
    mixing = [node.name for node in model.graph.node[last + 1 :]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        half = OnnxModel(convert_float_to_float16(model, keep_io_types=True, node_block_list=mixing))
    half.topological_sort()
    # Types of inner values are stale where full and half precision meet; they are inferred anew.
    del half.model.graph.value_info[:]
    return half.model


def _accept_any_size(model: "onnx.ModelProto", stride: int) -> None:
    """Wrap the graph in padding to multiples of the stride (edges repeated) and the crop back."""
    from onnx import TensorProto, helper

    graph = model.graph
    inner = {"ir": "ir_padded", "vis": "vis_padded", "fused": "fused_padded"}
    for node in graph.node:
        node.input[:] = [inner.get(name, name) for name in node.input]
        node.output[:] = [inner.get(name, name) for name in node.output]
    pads = {"two": [2], "four": [4], "stride": [stride] * 2, "zeros2": [0] * 2, "zeros4": [0] * 4, "axes": [2, 3]}
    for name, values in pads.items():
        graph.initializer.append(helper.make_tensor(f"pad.{name}", TensorProto.INT64, [len(values)], values))
    before = [
        helper.make_node("Shape", ["ir"], ["pad.shape"]),
        helper.make_node("Slice", ["pad.shape", "pad.two", "pad.four"], ["pad.size"]),
        helper.make_node("Neg", ["pad.size"], ["pad.negative"]),
        helper.make_node("Mod", ["pad.negative", "pad.stride"], ["pad.missing"]),
        helper.make_node("Concat", ["pad.zeros4", "pad.zeros2", "pad.missing"], ["pad.pads"], axis=0),
        *(helper.make_node("Pad", [x, "pad.pads"], [inner[x]], mode="edge") for x in ("ir", "vis")),
    ]
    crop = helper.make_node("Slice", [inner["fused"], "pad.zeros2", "pad.size", "pad.axes"], ["fused"])
    nodes = [*before, *graph.node, crop]
    del graph.node[:]
    graph.node.extend(nodes)
    for value in (*graph.input, *graph.output):
        if value.name in inner:
            for axis, name in ((2, "height"), (3, "width")):
                value.type.tensor_type.shape.dim[axis].dim_param = name


def _difference(
    network: FusionNetwork, run: Callable[[_Arrays], np.ndarray], size: tuple[int, int]
) -> tuple[float, float]:
    """Largest and mean difference between file and network on a random pair of one size, in [0, 1]."""
    generator = torch.Generator().manual_seed(size[0])
    smooth = torch.rand(2, 1, 9, 9, generator=generator)
    ir, vis = nn.functional.interpolate(smooth, size=size, mode="bicubic").clamp(0, 1).split(1)
    with torch.inference_mode():
        thumbnails = network.thumbnail(ir), network.thumbnail(vis)
        goal = torch.randn(1, network.config.goal, generator=generator)
        expected = network(ir, vis, network.describe(*thumbnails, goal)).numpy()
    found = run((ir.numpy(), vis.numpy(), thumbnails[0].numpy(), thumbnails[1].numpy(), goal.numpy()))
    if found.shape != expected.shape:
        return float("inf"), float("inf")
    gap = np.abs(found - expected)
    return float(gap.max()), float(gap.mean())
