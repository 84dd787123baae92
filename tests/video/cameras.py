"""Cameras on 127.0.0.1: clips sent as MPEG-TS by TCP or UDP."""

import contextlib
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.video.clips import make_clip

RATE = 60


def transport_stream(folder: Path, name: str, frames: int = 90, size: tuple[int, int] = (64, 48)) -> bytes:
    """A clip of a bar that moves over a ramp."""
    ramp = np.tile(np.linspace(30, 180, size[0]).astype(np.uint8), (size[1], 1))
    pictures = []
    for number in range(frames):
        picture = np.repeat(ramp[..., None], 3, 2)
        picture[:, number % size[0]] = 255
        pictures.append(picture)
    return Path(make_clip(folder / f"{name}.ts", pictures, [n / RATE for n in range(frames)])).read_bytes()


class Camera:
    """Serves one connection a life, that share of the clip each; then it answers no more.

    Args:
        stream: MPEG-TS of `frames` frames.
        lives: shares of the clip that connections get, one after the other.
        hangs: the last connection stays open and silent.
    """

    def __init__(
        self, stream: bytes, lives: Sequence[float] = (1.0,), *, frames: int = 90, hangs: bool = False
    ) -> None:
        self._stream, self._lives, self._hangs = stream, lives, hangs
        self._seconds, self._over = frames / RATE, threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "Camera":
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._server.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            for number, share in enumerate(self._lives, start=1):
                last = number == len(self._lives)
                connection = self._server.accept()[0]
                if last and not self._hangs:
                    self._server.close()
                with connection:
                    part = self._stream[: round(len(self._stream) * share)]
                    paced(part, self._seconds * share, connection.sendall, self._over)
                    if last and self._hangs:
                        self._over.wait()


def paced(part: bytes, seconds: float, send: Any, over: threading.Event, size: int = 1316) -> None:
    """Send bytes in datagrams of a stream's usual size, evenly over some seconds."""
    begun = time.monotonic()
    for start in range(0, len(part), size):
        send(part[start : start + size])
        if over.wait(max(0.0, begun + seconds * (start + size) / len(part) - time.monotonic())):
            return
