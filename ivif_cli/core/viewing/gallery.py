"""The pairs a viewer shows: those the user pointed to, the example, and what is dropped onto the page."""

import re
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.data.sources import SourceOptions, load_pair
from ivif_cli.core.errors import InputError
from ivif_cli.core.packaged import packaged

if TYPE_CHECKING:
    from ivif_cli.core.fusing.fuser import Fuser, Look

LOOKS = 3
"""Pairs whose encoded sources are kept."""
ROLES = ("ir", "vis")


@dataclass(frozen=True)
class Shown:
    """A pair as it is looked at: ir H x W, vis H x W [x 3] BGR, uint8 or uint16, and its encoded sources."""

    pair: Pair
    ir: np.ndarray
    vis: np.ndarray
    look: "Look"


class Gallery:
    """Pairs by name, each read and encoded once; safe to use from several threads.

    Args:
        fuser: fuses them.
        pairs: what the user pointed to; the packaged example where it is nothing.
        dropped: folder for files that are dropped onto the page; nothing else is written.
    """

    def __init__(self, fuser: "Fuser", pairs: Sequence[Pair], dropped: Path) -> None:
        self.fuser, self._dropped = fuser, dropped
        named = pairs or [Pair("example", packaged("examples/demo_ir.png"), packaged("examples/demo_vis.png"))]
        self.pairs = {pair.name: pair for pair in named}
        self._shown: dict[str, Shown] = {}
        self._parts: dict[str, Path] = {}
        self.lock = threading.Lock()

    def show(self, name: str) -> Shown:
        """The pair of this name.

        Raises:
            InputError: no such pair, or files that cannot be read. Infrared pictures of another size are resampled.
        """
        if name not in self.pairs:
            raise InputError(f"there is no pair {name!r}")
        with self.lock:
            if name not in self._shown:
                pair = self.pairs[name]
                ir, vis, *_ = load_pair(pair.ir, pair.vis, SourceOptions(resize=True))
                self._shown[name] = Shown(pair, ir, vis, self.fuser.look(ir, vis, ir_range=None))
                for old in list(self._shown)[:-LOOKS]:
                    del self._shown[old]
            return self._shown[name]

    def drop(self, role: str, file_name: str, data: bytes) -> str | None:
        """Take one file of a pair; the name of the pair where this completes it. Raises InputError for another role."""
        if role not in ROLES:
            raise InputError(f"a dropped picture is {' or '.join(ROLES)}, not {role!r}")
        folder = Path(tempfile.mkdtemp(dir=self._dropped))
        path = folder / (re.sub(r"[^\w. -]|^\.+", "_", file_name)[-100:] or "picture")
        path.write_bytes(data)
        with self.lock:
            self._parts[role] = path
            if set(self._parts) != set(ROLES):
                return None
            name = f"dropped {sum(key.startswith('dropped ') for key in self.pairs) + 1}"
            self.pairs[name] = Pair(name, self._parts.pop("ir"), self._parts.pop("vis"))
        return name

    def typed(self, path: Path) -> str:
        """A source's path as the user knows it: the bare name of a file that was dropped."""
        return path.name if path.is_relative_to(self._dropped) else str(path)
