"""Which device and which floating-point type a network runs on."""

import os
import re
from typing import TYPE_CHECKING

from ivif_cli.core.errors import DeviceError, UsageError
from ivif_cli.core.nearest import nearest

if TYPE_CHECKING:
    import torch

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
_NAMES = ("auto", "cpu", "cuda", "cuda:N", "mps")


def check_device_name(name: str) -> None:
    """Raise `UsageError` where a name is that of no device: auto, cpu, cuda, cuda:N or mps."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
        raise UsageError(f"unknown device {name!r}", nearest(name, _NAMES))


def choose_device(name: str = "auto") -> "torch.device":
    """Device of a name.

    Args:
        name: auto, cpu, cuda, cuda:N or mps; auto and cuda take under torchrun the process's own GPU. Auto takes CUDA,
            then MPS, then the CPU.

    Raises:
        UsageError: an unknown name.
        DeviceError: a device that this machine or this build of torch does not have.
    """
    import torch

    check_device_name(name)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if name == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("no MPS device on this machine", "--device cpu works everywhere")
    if not name.startswith("cuda"):
        return torch.device(name)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count == 0:
        raise DeviceError(f"{name} was asked for, but torch finds no CUDA device", "--device cpu works everywhere")
    index = int(name.partition(":")[2] or int(os.environ.get("LOCAL_RANK", 0)) % count)
    if index >= count:
        raise DeviceError(f"{name} was asked for, but there are {count} CUDA devices", f"the last is cuda:{count - 1}")
    return torch.device("cuda", index)


def choose_precision(name: str, device: "torch.device") -> "torch.dtype":
    """Floating-point type of the convolutions: `auto` is fp32, so that every device gives the same picture.

    Raises:
        UsageError: an unknown name, or fp16 on the CPU.
    """
    import torch

    if name not in PRECISIONS:
        raise UsageError(f"unknown precision {name!r}", nearest(name, PRECISIONS))
    if name == "fp16" and device.type == "cpu":
        raise UsageError("precision fp16 needs a GPU", "--precision bf16 or fp32 on the CPU")
    return {"bf16": torch.bfloat16, "fp16": torch.float16}.get(name, torch.float32)
