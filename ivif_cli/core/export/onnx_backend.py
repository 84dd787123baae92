"""Fusing with a network that was exported to ONNX: starts in a fraction of a second, since torch is not imported."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.errors import IvifError, UsageError, WeightsError
from ivif_cli.core.fusing.pictures import check_pair, deeper, quantised, with_colour
from ivif_cli.core.fusing.tiling import MIN_TILE, plan_tiles, sample_thumbnail
from ivif_cli.core.weights import file_sha256

_TILE = 2048
_PROVIDERS = {"cuda": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}


class OnnxFuser:
    """Fuses pictures like `Fuser`, with onnxruntime in the place of torch.

    Args:
        model: a file that `ivif export --format onnx` made.
        device: auto (the CPU), cpu or cuda.
        tile: side of the tiles [px] of larger pictures; None takes 2048, 0 forbids tiling.
        threads: CPU threads; None leaves onnxruntime's own choice.

    Raises:
        UsageError: a model or device that cannot be had here.
        WeightsError: a file that is no exported fusion network.
    """

    def __init__(
        self, model: str | Path, *, device: str = "auto", tile: int | None = None, threads: int | None = None
    ) -> None:
        if tile is not None and tile != 0 and tile < MIN_TILE:
            raise UsageError(f"a tile of {tile} pixels is too small", f"{MIN_TILE} or more, or 0 for no tiles")
        path = _model_file(model)
        name = "cpu" if device == "auto" else device.split(":")[0]
        self._session = _session(path, name, threads)
        facts = self._session.get_modelmeta().custom_metadata_map
        try:
            self._halo, self._stride = int(facts["halo"]), int(facts["stride"])
            self.name, self.sha256 = facts["model"], facts["weights_sha256"]
        except (KeyError, ValueError):
            raise WeightsError(f"not a network that ivif export wrote: {path}") from None
        self.metadata = dict(facts)
        self.file_sha256 = file_sha256(path)
        self.device = SimpleNamespace(type=name, __str__=name)
        self._tile = _TILE if tile is None else tile

    def __repr__(self) -> str:
        return f"OnnxFuser({self.name!r}, device={self.device.type!r}, sha256={self.sha256[:12]!r})"

    def fuse(
        self,
        ir: np.ndarray,
        vis: np.ndarray,
        *,
        out: np.ndarray | None = None,
        descriptors: np.ndarray | None = None,
    ) -> np.ndarray:
        """Fuse one pair; arguments, result and errors as for `Fuser.fuse`, with descriptors from this `describe`."""
        check_pair(ir, vis)
        return with_colour(vis, self._fuse_luma(ir, vis, descriptors), out)

    def fuse_luma(self, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """Fused luma of one pair, H x W, as `Fuser.fuse_luma`."""
        check_pair(ir, vis)
        return self._fuse_luma(ir, vis, None)

    def fuse_batch(self, irs: Sequence[np.ndarray], vises: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Fuse pairs one after the other."""
        return [self.fuse(ir, vis) for ir, vis in zip(irs, vises, strict=True)]

    def describe(self, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """What the network knows of the whole pictures: both thumbnails, 2 x 128 x 128 float32 in [0, 1]."""
        return np.stack([sample_thumbnail(ir), sample_thumbnail(vis)])

    def _fuse_luma(self, ir: np.ndarray, vis: np.ndarray, descriptors: np.ndarray | None) -> np.ndarray:
        height, width = vis.shape[:2]
        depth = deeper(ir, vis)
        thumbnails = self.describe(ir, vis) if descriptors is None else descriptors
        fused = np.empty((height, width), depth)
        side = max(height, width) if self._tile == 0 else self._tile
        for tile in plan_tiles(height, width, side, halo=self._halo, stride=self._stride):
            inputs = {
                "ir": _scaled(ir[tile.window]),
                "vis": _scaled(vis[tile.window]),
                "ir_thumbnail": thumbnails[None, :1],
                "vis_thumbnail": thumbnails[None, 1:],
            }
            fused[tile.core] = quantised(self._session.run(None, inputs)[0][0, 0][tile.inner], depth)
        return fused


def _model_file(model: str | Path) -> Path:
    path = Path(model)
    if path.suffix != ".onnx":
        raise UsageError(
            f"the ONNX backend needs an exported network, not {str(model)!r}",
            f"ivif export --format onnx --model {model} -o {path.stem}.onnx, then --model {path.stem}.onnx",
        )
    if not path.is_file():
        raise UsageError(f"{path} does not exist", f"ivif export --format onnx -o {path} makes it")
    return path


def _session(path: Path, device: str, threads: int | None) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise IvifError("the ONNX backend needs onnxruntime", "pip install 'ivif-cli[onnx]'") from error
    provider = _PROVIDERS.get(device)
    if provider not in onnxruntime.get_available_providers():
        raise UsageError(f"onnxruntime has no device {device} here", "--device cpu, or --backend torch")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = max(1, threads)
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[provider])
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise WeightsError(f"onnxruntime cannot load {path}: {reason}") from error


def _scaled(image: np.ndarray) -> np.ndarray:
    """Luma of a picture: 1 x 1 x H x W float32 in [0, 1]."""
    luma = to_luma(np.ascontiguousarray(image))
    return (luma.astype(np.float32) * np.float32(1.0 / np.iinfo(luma.dtype).max))[None, None]
