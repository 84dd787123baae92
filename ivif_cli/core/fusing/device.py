"""Which device and which floating-point type the network runs on, and how the process holds its memory."""

import ctypes
import difflib
import functools
import os
import re
import sys
from pathlib import Path

import torch

from ivif_cli.core.errors import DeviceError, UsageError

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
_NAMES = ("auto", "cpu", "cuda", "mps")
_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
POOLED_BYTES = 32 << 20
"""Buffers up to this size are reused by the C allocator; larger ones go back to the system (glibc's own limit)."""


def choose_device(name: str = "auto") -> torch.device:
    """Device of a name.

    Args:
        name: auto, cpu, cuda, cuda:N or mps; auto takes CUDA (under torchrun the process's own GPU), then MPS, then
            the CPU.

    Raises:
        UsageError: an unknown name.
        DeviceError: a device that this machine or this build of torch does not have.
    """
    if name == "auto":
        return _best_device()
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", name):
        near = difflib.get_close_matches(name, _NAMES, n=1, cutoff=0.4)
        raise UsageError(
            f"unknown device {name!r}", f"did you mean {near[0]}?" if near else "auto, cpu, cuda, cuda:N, mps"
        )
    if name.startswith("cuda"):
        return _cuda(name)
    if name == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("no MPS device on this machine", "--device cpu works everywhere")
    return torch.device(name)


def _best_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)) % torch.cuda.device_count())
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _cuda(name: str) -> torch.device:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    device = torch.device(name)
    if count == 0:
        raise DeviceError(f"{name} was asked for, but torch finds no CUDA device", "--device cpu works everywhere")
    if (device.index or 0) >= count:
        raise DeviceError(f"{name} was asked for, but there are {count} CUDA devices", f"the last is cuda:{count - 1}")
    return torch.device("cuda", device.index or 0)


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Floating-point type of the convolutions: `auto` is fp32, so that every device gives the same picture.

    Raises:
        UsageError: an unknown name, or fp16 on the CPU.
    """
    if name not in PRECISIONS:
        near = difflib.get_close_matches(name, PRECISIONS, n=1, cutoff=0.4)
        raise UsageError(f"unknown precision {name!r}", f"did you mean {near[0]}?" if near else ", ".join(PRECISIONS))
    if name == "fp16" and device.type == "cpu":
        raise UsageError("precision fp16 needs a GPU", "--precision bf16 or fp32 on the CPU")
    return _TYPES.get(name, torch.float32)


def available_memory(device: torch.device) -> int:
    """Bytes that can still be used: free GPU memory, or the machine's available memory within its container's limit."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return min(_system_memory(), _container_memory())


def _system_memory() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 4 << 30


def _container_memory() -> int:
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text().strip()
        return sys.maxsize if limit == "max" else max(0, int(limit) - int(used))
    except (OSError, ValueError):
        return sys.maxsize


@functools.cache
def reuse_memory() -> bool:
    """Let the C allocator keep freed buffers up to `POOLED_BYTES` for reuse (glibc only).

    Every layer of a network frees and allocates megabytes; by default glibc returns them to the system, and the page
    faults of getting them back cost about a quarter of a 640 x 480 fusion.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        libc = ctypes.CDLL(None)
        return bool(libc.mallopt(_M_MMAP_THRESHOLD, POOLED_BYTES) and libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))
    except (OSError, AttributeError):
        return False
