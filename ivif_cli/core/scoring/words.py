"""LDS as the user names it: what it is, with which encoder and texts. No torch."""

from dataclasses import dataclass
from pathlib import Path

LANGUAGE_METRIC = "LDS"
LANGUAGE_LINES = (
    ("formula", "1/2 cos(I_f - I_ir, T_f - T_ir) + 1/2 cos(I_f - I_vis, T_f - T_vis)"),
    ("source", "arXiv 2402.16267: 1 - L_dir of the whole images"),
    ("range", "-1 to 1"),
    ("better", "higher"),
    ("needs", "an encoder (--clip) and texts (--prompts); never part of `all`"),
)


@dataclass(frozen=True)
class Words:
    """The encoder and the texts of LDS; fields as for `language_metric`."""

    clip: str = "compact"
    pretrained: str | None = None
    weights: Path | None = None
    prompts: Path | None = None
    prompt_set: str | None = None
    device: str = "cpu"
