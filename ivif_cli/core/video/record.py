"""What a fused video says of itself: what the visible one said, and what made it."""

from typing import TYPE_CHECKING, Any

from ivif_cli.core.data.images import file_sha256
from ivif_cli.core.data.sources import SourceOptions
from ivif_cli.core.fusing.provenance import as_label, settings_record
from ivif_cli.core.video.decoding import tags
from ivif_cli.core.video.frames import Clip
from ivif_cli.core.video.pairs import VideoOptions
from ivif_cli.core.video.timed_goals import TimedGoals

if TYPE_CHECKING:
    from ivif_cli.core.fusing.fuser import Fuser


def tags_of(fuser: "Fuser", options: VideoOptions, clips: tuple[Clip, Clip]) -> dict[str, str]:
    """Tags of a container: those of the visible file, and under `comment` the record that pictures carry, too."""
    read = SourceOptions(
        options.ir_range,
        gray=options.gray,
        resize=options.resize,
        bits=8,
        align_name=options.align_name,
        polarity=options.polarity,
    )
    timed = options.goal if isinstance(options.goal, TimedGoals) else None
    record = settings_record(fuser, read, None if isinstance(options.goal, TimedGoals) else options.goal, options.view)
    if timed is not None:
        record["goals"] = [
            {"from": second, "text": goal.texts.fused} for second, goal in zip(timed.seconds, timed.goals, strict=True)
        ]
    record["sources"] = [_source(clip) for clip in clips]
    shown = clips[1].file
    return {**(tags(shown) if shown else {}), "comment": as_label(record)}


def _source(clip: Clip) -> dict[str, Any]:
    return {"file": clip.file.name if clip.file else clip.name, "sha256": file_sha256(clip.file) if clip.file else None}
