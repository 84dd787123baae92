"""Goals in files: the texts of an objective from TOML, and embedded goals as a safetensors file of their own."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

import torch

from ivif_cli.core.errors import EncoderError, UsageError, WeightsError
from ivif_cli.core.language.goal import Goal, TextEncoder, Texts, facts_of, goals_from, vectors_of
from ivif_cli.core.weights import read_weights, write_weights

FORMAT = "ivif-prompts-2"
ROLES = ("ir", "vis", "fused")
TEMPLATES: tuple[str, ...] = (
    *("{}", "a photo of {}", "a picture of {}", "a photo of the {}", "a cropped photo of {}", "a close-up photo of {}"),
    *("a photo of one {}", "a photo of a large {}", "a photo of a small {}", "a nice photo of {}"),
    *("a black and white photo of {}", "this is {}", "there is {} in the scene", "it looks like {}", "we see {}"),
)
"""Frames in the manner of the zero-shot ImageNet prompts; they claim nothing themselves."""


def cosine_table(goals: Sequence[Goal]) -> list[tuple[str, float, float, float, float]]:
    """Per goal: name, cos(T_f, T_ir), cos(T_f, T_vis), cos(T_ir, T_vis), cosine of the two directions."""
    return [
        (
            goal.name,
            float(goal.fused @ goal.ir),
            float(goal.fused @ goal.vis),
            float(goal.ir @ goal.vis),
            float(goal.ir_direction @ goal.vis_direction),
        )
        for goal in goals
    ]


def save_goals(path: Path, goals: Sequence[Goal]) -> str:
    """Write goals of one encoder; returns the sha256 of the file, which is whole or absent.

    Raises:
        UsageError: no goal, two goals of one name, or goals of different encoders.
        OutputError: the file cannot be written.
    """
    named = {goal.name: goal for goal in goals}
    if not goals or len(named) != len(goals):
        raise UsageError("every prompt set needs a name of its own" if goals else "no prompt set to save")
    tensors = {key: torch.from_numpy(value) for key, value in vectors_of(named).items()}
    return write_weights(path, tensors, {"format": FORMAT, **facts_of(named)})


def load_goals(path: Path, *, encoder: TextEncoder | None = None) -> list[Goal]:
    """Every goal of a file, in its order.

    Args:
        path: a file of `save_goals`.
        encoder: the encoder they will be used with; another one than they were made with is refused.

    Raises:
        WeightsError: missing, damaged or pickled file.
        EncoderError: no prompt file, or made with another encoder.
    """
    tensors, metadata = read_weights(path)
    if metadata.get("format") != FORMAT:
        raise EncoderError(f"{path} holds no prompt embeddings", "make them with ivif embed-prompts")
    name, sha256 = metadata.get("encoder", "?"), metadata.get("encoder_sha256", "")
    if encoder is not None and sha256 != encoder.sha256:
        same = f" (weights {sha256[:12]} and {encoder.sha256[:12]})" if name == encoder.name else ""
        hint = "embed the prompts again with ivif embed-prompts, or choose that encoder with --clip"
        raise EncoderError(f"{path} was made with the encoder {name}, not with {encoder.name}{same}", hint)
    try:
        goals = goals_from({key: value.numpy() for key, value in tensors.items()}, metadata)
        if not goals:
            raise WeightsError("it holds no goal")
    except WeightsError as error:
        raise EncoderError(f"{path}: its prompt texts are damaged", "make them with ivif embed-prompts") from error
    return list(goals.values())


def load_goal(path: Path, *, encoder: TextEncoder | None = None, name: str | None = None) -> Goal:
    """One goal of a file: the named one, or the first.

    Raises:
        as `load_goals`; UsageError where the file has no goal of that name.
    """
    goals = load_goals(path, encoder=encoder)
    chosen = [goal for goal in goals if name is None or goal.name == name]
    if not chosen:
        raise UsageError(f"{path} has no prompt set {name!r}", f"it has {', '.join(goal.name for goal in goals)}")
    return chosen[0]


def read_prompt_file(path: Path) -> tuple[dict[str, Texts], tuple[str, ...]]:
    """Prompt sets by name, and templates, of a TOML file.

    The file has one table a set, `[NAME]` with `ir`, `vis` and `fused` (missing ones keep the paper's text), and may
    have `templates = ["a photo of {}", ...]` on top.

    Raises:
        UsageError: unreadable, no TOML, or keys that are not known.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the prompt file {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no valid TOML: {error}") from error
    known = ", ".join(ROLES)
    templates = document.pop("templates", [])
    if not isinstance(templates, list) or not all(isinstance(frame, str) for frame in templates):
        raise UsageError(f"{path}: templates must be a list of texts")
    for name, table in document.items():
        if not isinstance(table, dict) or not all(isinstance(text, str) for text in table.values()):
            raise UsageError(f"{path}: {name} must be a table of texts ({known})")
        if unknown := [key for key in table if key not in ROLES]:
            raise UsageError(f"{path}: [{name}] has unknown keys: {', '.join(unknown)}", f"known are {known}")
    if not document:
        raise UsageError(f"{path} holds no prompt set", 'write one as a table: [NAME] with ir = "...", vis, fused')
    return {name: Texts(**table) for name, table in document.items()}, tuple(templates)
