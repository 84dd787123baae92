"""Infrared and visible image fusion: fuse, evaluate, train, with an objective said in words.

Importing the package is cheap: torch is loaded when `Fuser` is first touched.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ivif_cli.core.fusing.fuser import Fuser
    from ivif_cli.core.metrics import evaluate_pair

__version__ = "0.1.0"
__all__ = ["Fuser", "__version__", "evaluate_pair"]


def __getattr__(name: str) -> Any:
    if name == "Fuser":
        from ivif_cli.core.fusing.fuser import Fuser

        return Fuser
    if name == "evaluate_pair":
        from ivif_cli.core.metrics import evaluate_pair

        return evaluate_pair
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
