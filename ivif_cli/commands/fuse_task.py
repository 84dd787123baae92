"""What one run of `ivif fuse` is to do."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ivif_cli.core.data.pairing import Pairing
    from ivif_cli.core.fusing.folder import Job


@dataclass
class Task:
    """What is to be fused: the jobs, what was left out of them, whether it is a single pair."""

    jobs: "list[Job]"
    single: bool = False
    complaints: list[str] = field(default_factory=list)
    pairing: "Pairing | None" = None
