"""An RTSP camera on 127.0.0.1 (RFC 2326): H.264 as RTP packets (RFC 6184) over the connection that asked for it."""

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np

SIZE = (64, 48)
DARK, A_SECOND = 30, 12
"""Grey level of a frame at the beginning of time, and how much brighter one is a second later."""


def second_of(level: float) -> float:
    """When a frame of this grey level was taken [s since the beginning of time of its cameras]."""
    return (level - DARK) / A_SECOND


class RtspCamera:
    """Sends frames that are as grey as the time at which they are taken says.

    Args:
        rate: frames per second.
        begun: the beginning of time of several cameras, by `time.monotonic`.
        lives: seconds that connections get frames for, one after the other; then nobody is answered any more.
        silent: takes connections and answers nothing.
    """

    def __init__(self, rate: int, begun: float, lives: Sequence[float] = (), *, silent: bool = False) -> None:
        self._rate, self._begun, self._lives, self._silent = rate, begun, lives, silent
        self._server, self._over = socket.create_server(("127.0.0.1", 0)), threading.Event()
        self.address = f"rtsp://127.0.0.1:{self._server.getsockname()[1]}/stream"

    def __enter__(self) -> "RtspCamera":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._server.close()

    def _serve(self) -> None:
        if self._silent:
            self._over.wait()
        for number, seconds in enumerate(self._lives, start=1):
            with contextlib.suppress(OSError), self._server.accept()[0] as connection:
                if number == len(self._lives):
                    self._server.close()
                self._answer(connection)
                self._send(connection, seconds)

    def _answer(self, connection: socket.socket) -> None:
        """Answer requests up to PLAY."""
        answers = {
            "OPTIONS": "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n",
            "SETUP": "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1;timeout=60\r\n\r\n",
            "PLAY": "Session: 1\r\n\r\n",
        }
        sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=a camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
        sdp += f"a=rtpmap:96 H264/90000\r\na=framerate:{self._rate}\r\na=control:track\r\n"
        answers["DESCRIBE"] = f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}"
        with connection.makefile("rb") as asked:
            while first := asked.readline().decode():
                head = "".join(iter(lambda: asked.readline().decode().strip() + "\n", "\n"))
                method, number = first.split()[0], re.search(r"CSeq: *(\d+)", head)
                served = method in answers and not (method == "SETUP" and "TCP" not in head)
                status, more = ("200 OK", answers[method]) if served else ("461 Unsupported Transport", "\r\n")
                said = f"RTSP/1.0 {status}\r\nCSeq: {number[1] if number else 0}\r\n{more}"
                connection.sendall(said.encode())
                if method == "PLAY":
                    return

    def _send(self, connection: socket.socket, seconds: float) -> None:
        sequence = 0
        for second, packet in self._pictures(seconds):
            units = [unit for unit in re.split(rb"\x00\x00\x00?\x01", packet) if unit]
            for left, unit in enumerate(units, start=1 - len(units)):
                stamp = 3_000_000_000 + round(second * 90_000)
                header = struct.pack(">BBHII", 0x80, 96 | (0x80 if left == 0 else 0), sequence & 0xFFFF, stamp, 7)
                connection.sendall(struct.pack(">cBH", b"$", 0, len(header + unit)) + header + unit)
                sequence += 1

    def _pictures(self, seconds: float) -> Iterator[tuple[float, bytes]]:
        """Frames in H.264 as they are taken, with the seconds since the first one."""
        encoder: Any = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = *SIZE, "yuv420p", Fraction(1, self._rate)
        encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "10", "g": "5", "threads": "1"}
        start = time.monotonic()
        for number in range(round(seconds * self._rate)):
            if self._over.wait(max(0.0, start + number / self._rate - time.monotonic())):
                return
            level = DARK + A_SECOND * (start + number / self._rate - self._begun)
            frame = av.VideoFrame.from_ndarray(np.full((*SIZE[::-1], 3), round(level), np.uint8), format="bgr24")
            frame.pts = number
            for packet in encoder.encode(frame.reformat(format="yuv420p")):
                yield number / self._rate, bytes(packet)
