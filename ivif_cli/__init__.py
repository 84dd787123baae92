"""Infrared and visible image fusion: fuse, evaluate, train, with an objective said in words.

Importing the package is cheap: torch is loaded when `Fuser` is first touched.

>>> from ivif_cli import Fuser, example_pair
>>> ir, vis = example_pair()
>>> Fuser("fast", device="cpu").fuse(ir, vis).shape == vis.shape
True
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ivif_cli.core.data.example import example_pair
    from ivif_cli.core.data.images import read_image, write_image
    from ivif_cli.core.errors import IvifError
    from ivif_cli.core.fusing.fuser import Fuser
    from ivif_cli.core.scoring.pair import evaluate_pair

__version__ = "0.2.0"
__all__ = ["Fuser", "IvifError", "__version__", "evaluate_pair", "example_pair", "read_image", "write_image"]

_HOMES = {
    "Fuser": "fusing.fuser",
    "IvifError": "errors",
    "evaluate_pair": "scoring.pair",
    "example_pair": "data.example",
    "read_image": "data.images",
    "write_image": "data.images",
}
"""Public name -> its module of the core."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"ivif_cli.core.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
