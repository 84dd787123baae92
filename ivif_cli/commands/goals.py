"""What is wanted, from options to goals: `--prompt`, `--goal`, `--strength`, `--dial`."""

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ivif_cli.commands.options import WANTED, option
from ivif_cli.core.errors import UsageError
from ivif_cli.core.names import STRONGEST
from ivif_cli.core.nearest import nearest

if TYPE_CHECKING:
    from ivif_cli.commands.console import Console
    from ivif_cli.core.fusing.fuser import Fuser
    from ivif_cli.core.language.explain import Explanation
    from ivif_cli.core.language.goal import Goal

PromptOption = Annotated[
    list[str] | None,
    option(WANTED, "What is wanted, in words; repeat for several pictures.", "--prompt", metavar="TEXT"),
]
GoalOption = Annotated[
    list[str] | None, option(WANTED, "A goal that the weights carry; may be repeated.", "--goal", metavar="NAME")
]
StrengthOption = Annotated[
    float, option(WANTED, "0: the default goal; 1: as said; more: beyond.", "--strength", min=0.0, max=STRONGEST)
]
DialOption = Annotated[
    list[str] | None,
    option(
        WANTED,
        "bright, detailed, salient, contrast or infrared, turned from there; may be repeated.",
        "--dial",
        metavar="NAME=-1..1",
    ),
]

GoalsOverTimeOption = Annotated[
    Path | None,
    option(WANTED, "Of a video: lines of SECONDS, TEXT; each holds from then on.", "--goals-over-time", metavar="FILE"),
]


def parse_dials(settings: list[str] | None) -> dict[str, float]:
    """`NAME=VALUE` options as dial -> value.

    Raises:
        UsageError: not of that form, an unknown dial, a value outside -1 to 1, or a dial that is given twice.
    """
    from ivif_cli.core.language.goal import DIALS

    dials: dict[str, float] = {}
    for text in settings or []:
        name, _, value = (part.strip() for part in text.partition("="))
        if name not in DIALS:
            raise UsageError(f"unknown dial: {name}", nearest(name, DIALS))
        try:
            turned = float(value)
        except ValueError:
            raise UsageError(f"--dial {text}: not a number", "write NAME=VALUE, for example bright=0.5") from None
        if not -1 <= turned <= 1:
            raise UsageError(f"--dial {text}: beyond its end", "dials go from -1 to 1")
        if name in dials:
            raise UsageError(f"the dial {name} is given twice")
        dials[name] = turned
    return dials


def check_strength(strength: float, wanted: bool) -> None:
    """Raise `UsageError` where there is nothing that a strength could scale."""
    if strength != 1.0 and not wanted:
        raise UsageError("--strength scales a --prompt or a --goal", "say one; a --dial is turned by its own number")


def chosen_goals(
    fuser: "Fuser",
    prompts: list[str] | None,
    names: list[str] | None,
    strength: float,
    dials: dict[str, float],
    times: Path | None = None,
) -> list[Any]:
    """A `Goal` for each prompt and each name, in that order; the default where none is given.

    With a file of `times` it is one `TimedGoals`: what a video is fused for from when on.

    Raises:
        UsageError: a name that the weights do not carry, a prompt that says nothing, a strength of nothing, prompts or
            names beside a file, or a file that is no such list.
        EncoderError: weights that free text cannot be embedded for.
    """
    from ivif_cli.core.language.wanted import check_names
    from ivif_cli.core.video.timed_goals import read_timed_goals

    wanted: list[str | None] = [*(prompts or []), *(names or [])]
    if times is not None and wanted:
        raise UsageError("--goals-over-time says what is wanted: leave --prompt and --goal out")
    if times is not None:
        return [read_timed_goals(times, lambda text: fuser.goal(text, strength=strength, dials=dials))]
    check_strength(strength, bool(wanted))
    check_names(names or [], fuser.goals)
    return [fuser.goal(each, strength=strength, dials=dials) for each in wanted or [None]]


def understood(console: "Console", prompts: list[str] | None) -> "list[Explanation]":
    """Say how each prompt is read, and what in it says nothing; UsageError names all that cannot be read."""
    if not prompts:
        return []
    from ivif_cli.core.language.explain import explain_all

    read = explain_all(prompts)
    for explanation in read:
        console.note(f"{explanation.text!r} is understood as: {explanation.line()}")
        for warning in explanation.warnings():
            console.warn(warning)
    return read


def named_after(output: Path, goals: list["Goal"]) -> list[Path]:
    """A file for each goal: `output` itself where there is one, else its stem with the goal's words."""
    if len(goals) == 1:
        return [output]
    found: list[Path] = []
    for goal in goals:
        path = output.with_name(f"{output.stem}-{slug(goal.name)}{output.suffix}")
        again = 2
        while path in found:
            path = output.with_name(f"{output.stem}-{slug(goal.name)}-{again}{output.suffix}")
            again += 1
        found.append(path)
    return found


def slug(text: str, longest: int = 48) -> str:
    """A text as part of a file name: words joined by hyphens, cut at a word."""
    words = " ".join(re.findall(r"[a-z0-9]+", text.lower()))
    lines = textwrap.wrap(words, longest, break_long_words=False)
    return lines[0][:longest].replace(" ", "-") if lines else "goal"
