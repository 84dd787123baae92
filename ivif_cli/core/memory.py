"""How much memory there is, and how the process holds what it frees."""

import contextlib
import ctypes
import functools
import sys
from pathlib import Path

POOLED_BYTES = 32 << 20
"""Buffers up to this size are reused by the C allocator; larger ones go back to the system (glibc's own limit)."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def available_memory() -> int:
    """Bytes that can still be used: the machine's available memory, within the limit of its container."""
    free = 4 << 30
    with contextlib.suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) * 1024
    with contextlib.suppress(OSError, ValueError):
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text().strip()
        return free if limit == "max" else min(free, max(0, int(limit) - int(used)))
    return free


@functools.cache
def reuse_memory() -> bool:
    """Let the C allocator of this process keep freed buffers up to `POOLED_BYTES` for reuse (glibc only).

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
