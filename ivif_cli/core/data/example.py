"""The example pair that travels with the program."""

import numpy as np

from ivif_cli.core.data.sources import pair_from
from ivif_cli.core.packaged import packaged


def example_pair() -> tuple[np.ndarray, np.ndarray]:
    """A made-up night street: infrared H x W, visible H x W x 3 in BGR order, both uint8.

    >>> [image.dtype.name for image in example_pair()]
    ['uint8', 'uint8']
    """
    return pair_from(packaged("examples/demo_ir.png"), packaged("examples/demo_vis.png"))
