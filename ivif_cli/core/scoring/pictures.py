"""Reading what is scored: 8-bit pictures of one size, deeper ones only where the user asked for a conversion."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ivif_cli.core.data import sources
from ivif_cli.core.data.luma import to_bits
from ivif_cli.core.errors import InputError


@dataclass(frozen=True)
class ReadOptions:
    """How pictures are brought to 8 bits.

    Attributes:
        to_eight_bits: map 16-bit pictures: thermal ones by the rule of `ivif fuse --ir-range auto`, others to the
            nearest of 256 levels. Otherwise they are refused.
    """

    to_eight_bits: bool = False


def read_infrared(path: Path, options: ReadOptions) -> np.ndarray:
    """Infrared luma, H x W uint8; raises InputError for files that cannot be scored."""
    return _eight_bits(sources.read_infrared(path).grey(), path, options)


def read_scored(path: Path, options: ReadOptions) -> np.ndarray:
    """Visible or fused picture, H x W or H x W x 3 BGR, uint8; raises InputError for files that cannot be scored."""
    return _eight_bits(sources.read_visible(path), path, options)


def _eight_bits(picture: np.ndarray, path: Path, options: ReadOptions) -> np.ndarray:
    if picture.dtype != np.uint8 and not options.to_eight_bits:
        raise InputError(f"{path} has 16 bits, metrics are defined on 8-bit luma", "--bit-depth 8 maps it first")
    return to_bits(picture, 8)
