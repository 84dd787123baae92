"""What one run of `ivif evaluate` is to score: pairs of pictures, or the frames of two videos."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ivif_cli.commands.fuse_task import refuse_with_videos
from ivif_cli.commands.fuse_video import VideoSwitches, video_options
from ivif_cli.core.errors import PairingError, UsageError

if TYPE_CHECKING:
    from ivif_cli.core.data.pairing import Pair
    from ivif_cli.core.scoring.footage import Footage


@dataclass(frozen=True)
class Source:
    """The pairs that were named, the data set or video that they are of, and what was left out, in words."""

    pairs: "tuple[Pair, ...]"
    dataset: str | None = None
    complaints: Sequence[str] = ()
    footage: "Footage | None" = None


def find_source(
    ir: Path | None,
    vis: Path | None,
    fused: Sequence[str],
    datasets: Sequence[str],
    data_root: Path | None,
    *,
    manifest: Path | None,
    max_gap: float | None,
    strict: bool,
    switches: VideoSwitches,
    ir_range: str,
    polarity: str,
    resize: bool,
    align: str | None,
    crop: str | None,
) -> Source:
    """The frames of two videos, or else pairs of pictures.

    Raises:
        UsageError: two data sets, or options that do not fit together, such as those of videos with pictures.
        IvifError: there is nothing of the kind, or it cannot be read; with `strict`, files are left out.
    """
    from ivif_cli.core.data.find_pairs import find_pairs
    from ivif_cli.core.scoring.footage import is_footage, open_footage

    if ir is not None and vis is not None and is_footage(ir, vis, fused):
        timing: dict[str, Any] = {"sources": (str(ir), str(vis)), "max_gap": max_gap}
        options = video_options(switches, ir_range, False, resize, align, None, False, polarity=polarity, **timing)
        footage = open_footage(ir, vis, options)
        given = {"--dataset": datasets, "--data-root": data_root, "--manifest": manifest}
        refuse_with_videos(**given, **{"--strict": strict, "--crop": crop})
        return Source(footage.pairs, complaints=footage.notes, footage=footage)
    switches.refuse()
    if len(datasets) > 1:
        raise UsageError("--dataset is given twice", "a run scores one; `ivif report --field` puts reports together")
    found = find_pairs(ir, vis, next(iter(datasets), None), data_root, manifest=manifest, max_gap=max_gap)
    complaints = found.pairing.complaints()
    if strict and complaints:
        raise PairingError(complaints[0], "without --strict the others are scored")
    return Source(found.pairing.pairs, found.dataset, complaints)
