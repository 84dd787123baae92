"""What one run of `ivif evaluate` is to score: pairs of pictures, or the frames of two videos."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ivif_cli.commands.fuse_task import refuse_with_videos
from ivif_cli.commands.fuse_video import VideoSwitches, video_options
from ivif_cli.core.errors import PairingError, UsageError

if TYPE_CHECKING:
    from ivif_cli.core.data.pairing import Pair
    from ivif_cli.core.scoring.footage import Footage


@dataclass(frozen=True)
class Source:
    """The pairs that were named, the data set that they are of, and what was left out, in words."""

    pairs: "tuple[Pair, ...]"
    dataset: str | None = None
    complaints: Sequence[str] = ()


def find_footage(
    ir: Path | None,
    vis: Path | None,
    fused: Sequence[str],
    switches: VideoSwitches,
    ir_range: str,
    polarity: str,
    resize: bool,
    align: str | None,
) -> "Footage | None":
    """The videos that were named, None where pictures were.

    Raises:
        UsageError: options of videos with pictures.
        IvifError: videos that cannot be read.
    """
    from ivif_cli.core.scoring.footage import is_footage, open_footage

    if ir is not None and vis is not None and is_footage(ir, vis, fused):
        options = video_options(switches, ir_range, False, resize, align, None, False, polarity=polarity)
        return open_footage(ir, vis, options)
    switches.refuse()
    return None


@dataclass(frozen=True)
class PicturesNamed:
    """The options that name pairs of pictures."""

    ir: Path | None
    vis: Path | None
    datasets: tuple[str, ...]
    data_root: Path | None
    manifest: Path | None
    max_gap: float | None
    strict: bool

    def find(self) -> Source:
        """The pairs.

        Raises:
            UsageError: two data sets, or options that do not fit together.
            InputError, PairingError, DatasetError: there is nothing of the kind; with `strict`, files are left out.
        """
        from ivif_cli.core.data.find_pairs import find_pairs

        if len(self.datasets) > 1:
            hint = "a run scores one; `ivif report --field` puts reports together"
            raise UsageError("--dataset is given twice", hint)
        dataset = next(iter(self.datasets), None)
        found = find_pairs(self.ir, self.vis, dataset, self.data_root, manifest=self.manifest, max_gap=self.max_gap)
        complaints = found.pairing.complaints()
        if self.strict and complaints:
            raise PairingError(complaints[0], "without --strict the others are scored")
        return Source(found.pairing.pairs, found.dataset, complaints)

    def beside(self, footage: "Footage", crop: str | None) -> Source:
        """The frames of videos; raises UsageError where options of pictures were given as well."""
        given = {"--dataset": self.datasets, "--data-root": self.data_root, "--manifest": self.manifest}
        refuse_with_videos(**given, **{"--max-gap": self.max_gap, "--strict": self.strict, "--crop": crop})
        return Source(footage.pairs, complaints=footage.notes)
