"""Reading what is scored: 8-bit pictures of one size, deeper ones only where the user asked for a conversion."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ivif_cli.core.data.images import read_image
from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.data.thermal import map_thermal
from ivif_cli.core.errors import InputError
from ivif_cli.core.fusing.sources import to_bits


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
    picture = to_luma(_read(path, options))
    return picture if picture.dtype == np.uint8 else to_bits(map_thermal(picture), 8)


def read_scored(path: Path, options: ReadOptions) -> np.ndarray:
    """Visible or fused picture, H x W or H x W x 3 BGR, uint8; raises InputError for files that cannot be scored."""
    return to_bits(_read(path, options), 8)


def _read(path: Path, options: ReadOptions) -> np.ndarray:
    picture = read_image(path)
    if picture.dtype != np.uint8 and not options.to_eight_bits:
        raise InputError(f"{path} has 16 bits, metrics are defined on 8-bit luma", "--bit-depth 8 maps it first")
    return picture
