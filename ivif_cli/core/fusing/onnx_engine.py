"""Running a network that was exported to ONNX: starts in a fraction of a second, since torch is not imported."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ivif_cli.core.device import check_device_name
from ivif_cli.core.errors import IvifError, UsageError, WeightsError
from ivif_cli.core.fusing.tiling import working_bytes
from ivif_cli.core.language.goal import from_text, goals_from
from ivif_cli.core.memory import available_memory

_LARGEST = 2048**2
_SHARE_OF_MEMORY = 0.5
_PROVIDERS = {"cuda": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}


class OnnxEngine:
    """An `Engine` of onnxruntime.

    Args:
        path: a file that `ivif export` made.
        device: auto (the CPU), cpu, cuda or cuda:N.
        threads: CPU threads; None leaves onnxruntime's own choice.

    Raises:
        UsageError: a model or device that cannot be had here.
        WeightsError: a file that is no exported fusion network.
    """

    def __init__(self, path: Path, *, device: str = "auto", threads: int | None = None) -> None:
        check_device_name(device)
        self.device = "cpu" if device == "auto" else device
        self._session = _session(path, self.device, threads)
        facts = self._session.get_modelmeta().custom_metadata_map
        try:
            self.halo, self.stride, self.thumbnail = (int(facts[key]) for key in ("halo", "stride", "thumbnail"))
            self.goals = goals_from(from_text(facts["goal_vectors"]), facts)
            self.name, self.sha256 = facts["model"], facts["weights_sha256"]
            self.bytes_per_pixel = working_bytes(int(facts["channels"]), int(facts["fold"]))
        except (KeyError, ValueError):
            raise WeightsError(f"not a network that ivif export wrote: {path}") from None

    def memory(self) -> float:
        """Half of what is free, up to what four megapixels take."""
        return min(_SHARE_OF_MEMORY * available_memory(), _LARGEST * self.bytes_per_pixel)

    def describe(self, ir: np.ndarray, vis: np.ndarray, goals: np.ndarray) -> np.ndarray:
        """Thumbnails and goal of each pair, N x (2 side^2 + G): the network in the file describes them."""
        goals = np.broadcast_to(goals, (len(ir), goals.shape[1]))
        return np.concatenate([ir.reshape(len(ir), -1), vis.reshape(len(vis), -1), goals], axis=1)

    def encode(self, ir: Sequence[np.ndarray], vis: Sequence[np.ndarray]) -> list[dict[str, np.ndarray]]:
        """The pictures themselves: a file has no part that does not depend on the goal."""
        return [{"ir": _scaled(a), "vis": _scaled(b)} for a, b in zip(ir, vis, strict=True)]

    def decode(self, encoded: list[dict[str, np.ndarray]], descriptors: np.ndarray) -> np.ndarray:
        """N x H x W float32 in [0, 1], one pair after the other; see `Engine.decode`."""
        side = self.thumbnail
        fused = []
        for pictures, described in zip(encoded, descriptors.astype(np.float32), strict=True):
            ir, vis, goal = np.split(described, [side**2, 2 * side**2])
            thumbs = {"ir_thumbnail": ir.reshape(1, 1, side, side), "vis_thumbnail": vis.reshape(1, 1, side, side)}
            try:
                fused.append(self._session.run(None, {**pictures, **thumbs, "goal": goal[None]})[0][0])
            except Exception as error:
                if "alloc" in str(error).lower():
                    raise MemoryError(f"out of memory on {self.device}") from error
                raise
        return np.concatenate(fused)


def _session(path: Path, device: str, threads: int | None) -> Any:
    if not path.is_file():
        raise UsageError(f"{path} does not exist", f"ivif export -o {path} makes it")
    try:
        import onnxruntime
    except ImportError as error:
        raise IvifError("the ONNX backend needs onnxruntime", "pip install 'ivif-cli[onnx]'") from error
    name, _, number = device.partition(":")
    provider = _PROVIDERS.get(name)
    if provider not in onnxruntime.get_available_providers():
        raise UsageError(f"onnxruntime has no device {device} here", "--device cpu, or a model that is not *.onnx")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = max(1, threads)
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    settings = [{"device_id": number}] if number else None
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[provider], provider_options=settings)
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise WeightsError(f"onnxruntime cannot load {path}: {reason}") from error


def _scaled(luma: np.ndarray) -> np.ndarray:
    """Luma of a picture: 1 x 1 x H x W float32 in [0, 1]."""
    return (luma.astype(np.float32) * np.float32(1.0 / np.iinfo(luma.dtype).max))[None, None]
