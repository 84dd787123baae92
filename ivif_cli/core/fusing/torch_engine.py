"""Running a network with torch, on any device."""

import contextlib
import copy
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ivif_cli.core.device import choose_device, choose_precision
from ivif_cli.core.errors import DeviceError
from ivif_cli.core.fusing.tiling import working_bytes
from ivif_cli.core.memory import POOLED_BYTES, available_memory
from ivif_cli.core.network import LoadedNetwork, load_network
from ivif_cli.core.network.composition import Encoded, limited
from ivif_cli.core.network.fusion import THUMBNAIL

_SHARE_OF_MEMORY = 0.5


class TorchEngine:
    """An `Engine` of torch. A network that is handed in loaded is copied, never changed; arguments as for `Fuser`."""

    def __init__(
        self,
        model: str | Path | LoadedNetwork,
        *,
        device: str = "auto",
        precision: str = "auto",
        threads: int | None = None,
        compile: bool = False,
    ) -> None:
        self._device = choose_device(device)
        self.device = str(self._device)
        self.dtype = choose_precision(precision, self._device)
        if threads is not None:
            torch.set_num_threads(max(1, threads))
        loaded = copy.deepcopy(model) if isinstance(model, LoadedNetwork) else load_network(model)
        self.name, self.sha256, self.goals, network = loaded.name, loaded.sha256, loaded.goals, loaded.network
        self.network = network.eval().to(self._device).to(memory_format=torch.channels_last)
        self.halo, self.stride, self.thumbnail = network.halo, network.stride, THUMBNAIL
        self.bytes_per_pixel = working_bytes(network.config.channels, network.config.fold)
        self._compiled = compile
        if compile:
            self.network.encode = torch.compile(self.network.encode)  # type: ignore[method-assign]
            self.network.decode = torch.compile(self.network.decode)  # type: ignore[method-assign]

    def memory(self) -> float:
        """Half of what is free; on the CPU no more than lets the largest buffer still be one that is reused."""
        if self._device.type == "cuda":
            return _SHARE_OF_MEMORY * torch.cuda.mem_get_info(self._device)[0]
        config = self.network.config
        largest_per_pixel = 4.0 * 2 * config.channels / config.fold**2
        pooled = POOLED_BYTES / largest_per_pixel * self.bytes_per_pixel
        return min(_SHARE_OF_MEMORY * available_memory(), pooled)

    def describe(self, ir: np.ndarray, vis: np.ndarray, goals: np.ndarray) -> Tensor:
        """N x K, always in fp32: it is cheap, and the whole picture depends on it."""
        thumbs = [torch.from_numpy(x).to(self._device)[:, None] for x in (ir, vis)]
        with torch.inference_mode():
            return self.network.describe(thumbs[0], thumbs[1], torch.from_numpy(goals).to(self._device))

    def encode(self, ir: Sequence[np.ndarray], vis: Sequence[np.ndarray]) -> Encoded:
        """See `Engine.encode`."""
        with self._running():
            inputs = [torch.cat([self._tensor(luma) for luma in lumas]) for lumas in (ir, vis)]
            return self.network.encode(*inputs)

    def decode(self, encoded: Encoded, descriptors: Tensor) -> np.ndarray:
        """N x H x W float32 in [0, 1]; see `Engine.decode`."""
        with self._running():
            return limited(self.network.decode(encoded, descriptors))[:, 0].float().cpu().numpy()

    def _tensor(self, luma: np.ndarray) -> Tensor:
        """Luma of a picture or a part of it: 1 x 1 x H x W float32 in [0, 1] on the device."""
        scale = 1.0 / float(np.iinfo(luma.dtype).max)
        luma = np.ascontiguousarray(luma)
        if luma.dtype == np.uint16 or not luma.flags.writeable:
            luma = luma.astype(np.float32)
        return torch.from_numpy(luma).to(self._device).to(torch.float32).mul_(scale)[None, None]

    @contextlib.contextmanager
    def _running(self) -> Iterator[None]:
        """Inference at the chosen precision; torch's errors as `MemoryError` or `DeviceError` (compiling)."""
        reduced = self.dtype != torch.float32
        try:
            with torch.inference_mode(), torch.autocast(self._device.type, dtype=self.dtype, enabled=reduced):
                yield
        except RuntimeError as error:
            words = ("out of memory", "can't allocate memory", "alloc failed")
            if isinstance(error, torch.OutOfMemoryError) or any(text in str(error).lower() for text in words):
                if self._device.type == "cuda":
                    torch.cuda.empty_cache()
                raise MemoryError(f"out of memory on {self.device}") from error
            if not self._compiled or not isinstance(error, torch._dynamo.exc.TorchDynamoException):
                raise
            reason = " ".join(str(error).split())[:160]
            raise DeviceError(f"torch.compile does not work here: {reason}", "go on without --compile") from error
