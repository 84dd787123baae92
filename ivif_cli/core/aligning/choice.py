"""The alignment that `--align` names."""

from pathlib import Path

from ivif_cli.core.aligning.alignment import load_alignment
from ivif_cli.core.aligning.register import align_ecc
from ivif_cli.core.data.sources import Align


def choose_alignment(text: str) -> Align:
    """Rig for `--align`: "ecc" estimates one for every pair, anything else is a file of `ivif align`.

    Where the warped infrared image has no data, the visible luma stands in for it, blended in.

    Raises:
        InputError: the file is missing or not an alignment.
    """
    return align_ecc if text == "ecc" else load_alignment(Path(text)).for_pair
