"""Recipes: everything a training run depends on besides its data, as one frozen dataclass, from TOML and options.

A recipe is checked whole before the first step, printed by `ivif train --print-config`, and stored in every checkpoint
and in the weights' metadata.
"""

import dataclasses
import json
import math
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ivif_cli.core.device import PRECISIONS
from ivif_cli.core.errors import UsageError
from ivif_cli.core.language.goal import Texts
from ivif_cli.core.nearest import nearest
from ivif_cli.core.network.composition import LEAN
from ivif_cli.core.objective.keeping import KeepingSettings
from ivif_cli.core.objective.patches import FILTERS
from ivif_cli.core.objective.teacher import TeacherSettings
from ivif_cli.core.objective.words import WordsSettings
from ivif_cli.core.packaged import packaged, recipe_names
from ivif_cli.core.training.crops import LEAST_BLUR, CropSettings
from ivif_cli.core.training.goals import GoalSettings
from ivif_cli.core.training.trim import TrimSettings

T = TypeVar("T")
SCHEDULES = ("cosine", "constant")
STARTS = ("patch", "whole")


@dataclass(frozen=True)
class OptimiserSettings:
    """AdamW and its schedule.

    Attributes:
        learning_rate: largest learning rate.
        weight_decay: decoupled weight decay.
        beta1, beta2: moment decays.
        clip: largest norm of the gradient, 0 for no limit.
        warmup: steps of linear warm-up.
        schedule: "cosine" (to `floor`) or "constant".
        floor: final learning rate of the cosine over the largest.
        ema: decay of the weights' running mean, which is what is saved; 0 saves the weights themselves.
    """

    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.999
    clip: float = 1.0
    warmup: int = 30
    schedule: str = "cosine"
    floor: float = 0.02
    ema: float = 0.99


@dataclass(frozen=True)
class ValidationSettings:
    """Validation while training.

    Attributes:
        share: of the scenes that are held out.
        every: steps between validations; 0 for one at the end.
        pairs: at most so many pairs, spread evenly over the held-out ones.
        grid: pairs shown in the sample picture.
    """

    share: float = 0.1
    every: int = 200
    pairs: int = 12
    grid: int = 4


@dataclass(frozen=True)
class BalanceSettings:
    """What a finished run is shifted by, see `FusionNetwork.rebalance`: chosen on held-out pairs, not learnt."""

    fine: float = 0.0
    coarse: float = 0.0
    lean: float = 0.0
    cold: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """One training run.

    Attributes:
        network: name of the network's shape.
        mixer: how the network joins its modalities, "" for the shape's own.
        steps: length of the run.
        batch_size: samples a step, over all processes together.
        seed: of everything random.
        precision: of the network: "auto" is bf16 on CUDA where it can, float32 elsewhere.
        language: factor on the whole language-driven loss; 0 leaves it out.
        clip, clip_pretrained: the image-language encoder, see `ivif embed-prompts`.
        ir_text, vis_text, fused_text: the sources and the default goal in words.
        diverged: a total this many times its running mean (of magnitudes) stops the run.
    """

    network: str = "base"
    mixer: str = ""
    steps: int = 2000
    batch_size: int = 8
    seed: int = 0
    precision: str = "auto"
    language: float = 1.0
    clip: str = "compact"
    clip_pretrained: str = ""
    ir_text: str = Texts.ir
    vis_text: str = Texts.vis
    fused_text: str = Texts.fused
    diverged: float = 50.0
    crops: CropSettings = field(default_factory=CropSettings)
    goals: GoalSettings = field(default_factory=GoalSettings)
    words: WordsSettings = field(default_factory=WordsSettings)
    keeping: KeepingSettings = field(default_factory=KeepingSettings)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    teacher: TeacherSettings = field(default_factory=TeacherSettings)
    balance: BalanceSettings = field(default_factory=BalanceSettings)
    trim: TrimSettings = field(default_factory=TrimSettings)
    validation: ValidationSettings = field(default_factory=ValidationSettings)


def find_recipe(config: str | None) -> Path | None:
    """The file of a recipe: a path, or the name of one that travels with the program.

    Raises:
        UsageError: neither.
    """
    if config is None:
        return None
    path = Path(config)
    if path.suffix or path.exists():
        return path
    if config not in recipe_names():
        raise UsageError(f"unknown recipe: {config}", f"known: {', '.join(recipe_names())}; or give a .toml file")
    return packaged(f"recipes/{config}.toml")


def load_recipe(path: Path | None = None, options: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe of a TOML file, with options on top.

    Args:
        path: the file, or None for the defaults.
        options: dotted name ("optimiser.learning_rate") -> value; None values are passed over.

    Raises:
        UsageError: no such file, not TOML, an unknown name, or a value of the wrong kind or out of range.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")) if path else {}
    except OSError as error:
        raise UsageError(f"cannot read recipe {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a TOML file: {error}") from error
    for name, value in (options or {}).items():
        if value is not None:
            _put(table, name, value)
    recipe = from_table(Recipe, table)
    check(recipe)
    return recipe


def _put(table: dict[str, Any], name: str, value: object) -> None:
    *groups, last = name.split(".")
    for group in groups:
        inner = table.setdefault(group, {})
        if not isinstance(inner, dict):
            raise UsageError(f"{name}: {group} is a value, not a group of settings")
        table = inner
    table[last] = value


def parse_setting(text: str) -> tuple[str, Any]:
    """`NAME=VALUE` as a dotted name and a TOML value; a bare word is taken as text.

    Raises:
        UsageError: no `=` in it.
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not name:
        raise UsageError(f"not a setting: {text}", "write NAME=VALUE, for example optimiser.learning_rate=1e-3")
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return name, value


def from_table(kind: type[T], table: Mapping[str, Any], prefix: str = "") -> T:
    """Build a dataclass (with dataclasses inside) from nested tables; every name and type is checked.

    Raises:
        UsageError: an unknown name, with the nearest known one, or a value of the wrong kind.
    """
    kinds = typing.get_type_hints(kind)
    values = {}
    for name, value in table.items():
        if name not in kinds:
            hint = nearest(f"{prefix}{name}", [f"{prefix}{known}" for known in kinds])
            raise UsageError(f"unknown setting in the recipe: {prefix}{name}", hint)
        values[name] = _convert(kinds[name], value, f"{prefix}{name}")
    return kind(**values)


def _convert(kind: Any, value: Any, name: str) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise UsageError(f"{name} is a group of settings, not a value")
        return from_table(kind, value, f"{name}.")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        raise UsageError(f"{name} = {value!r}: expected a value of type {kind.__name__}")
    return value


def check(recipe: Recipe) -> None:
    """Refuse settings that cannot work together: raises UsageError that names the setting and its bounds."""
    for name in infinite(recipe):
        raise UsageError(f"recipe: {name} must be a finite number")
    crops, patches, optimiser = recipe.crops, recipe.words.patches, recipe.optimiser
    balance = recipe.balance
    shares = (recipe.goals.default, recipe.goals.named, recipe.goals.dials)
    demands = {
        "steps must be at least 1": recipe.steps >= 1,
        "batch_size must be at least 1": recipe.batch_size >= 1,
        "seed must be in 0 to 2147483647": 0 <= recipe.seed < 2**31,
        f"precision must be one of {', '.join(PRECISIONS)}": recipe.precision in PRECISIONS,
        f"words.precision must be one of {', '.join(PRECISIONS)}": recipe.words.precision in PRECISIONS,
        f"optimiser.schedule must be one of {', '.join(SCHEDULES)}": optimiser.schedule in SCHEDULES,
        "optimiser.learning_rate must be above 0": optimiser.learning_rate > 0,
        "optimiser.beta1 and beta2 must be in [0, 1)": 0 <= optimiser.beta1 < 1 and 0 <= optimiser.beta2 < 1,
        "optimiser.weight_decay must be at least 0": optimiser.weight_decay >= 0,
        "optimiser.clip must be at least 0 (0 for no limit)": optimiser.clip >= 0,
        "optimiser.ema must be in [0, 1)": 0 <= optimiser.ema < 1,
        "crops.size must be at least 64": crops.size >= 64,
        "crops.min_side must be at least 16 and at most crops.max_side": 16 <= crops.min_side <= crops.max_side,
        "crops.min_scene must be above 0 and at most 1": 0 < crops.min_scene <= 1,
        f"crops.max_blur must be at least {LEAST_BLUR}": crops.max_blur >= LEAST_BLUR or not crops.blur,
        "words.patches.count must be at least 1": patches.count >= 1,
        "words.patches sides must satisfy 0 < min_side <= max_side <= 1": 0 < patches.min_side <= patches.max_side <= 1,
        "words.patches.max_zoom must be at least 1": patches.max_zoom >= 1,
        f"words.patches.filter must be one of {', '.join(FILTERS)}": patches.filter in FILTERS,
        f"words.against must be one of {', '.join(STARTS)}": recipe.words.against in STARTS,
        "goals.default, named and dials must be shares": all(0 <= share <= 1 for share in shares),
        "crops.size must be a multiple of 32": crops.size % 32 == 0,
        f"balance.lean must be within {LEAN:g} either way": abs(balance.lean) < LEAN,
        "trim.pairs must be at least 0, trim.rounds at least 1": recipe.trim.pairs >= 0 and recipe.trim.rounds >= 1,
        "validation.share must be in [0, 1)": 0 <= recipe.validation.share < 1,
        "validation.pairs must be at least 1": recipe.validation.pairs >= 1,
        "diverged must be above 1": recipe.diverged > 1,
    }
    for demand, met in demands.items():
        if not met:
            raise UsageError(f"recipe: {demand}")


def infinite(settings: Any, prefix: str = "") -> list[str]:
    """Dotted names of the settings of a dataclass, and of those inside, that are NaN or infinite."""
    found = []
    for name, value in vars(settings).items():
        if dataclasses.is_dataclass(value):
            found += infinite(value, f"{prefix}{name}.")
        elif isinstance(value, float) and not math.isfinite(value):
            found.append(f"{prefix}{name}")
    return found


def to_table(recipe: Recipe) -> dict[str, Any]:
    """The recipe as nested plain values, fit for JSON."""
    return dataclasses.asdict(recipe)


def to_toml(table: Mapping[str, Any], prefix: str = "") -> str:
    """Nested plain values as TOML text that `load_recipe` reads back to the same recipe."""
    lines = [f"{name} = {_toml_value(value)}" for name, value in table.items() if not isinstance(value, Mapping)]
    for name, inner in table.items():
        if isinstance(inner, Mapping):
            lines += ["", f"[{prefix}{name}]", to_toml(inner, f"{prefix}{name}.").rstrip("\n")]
    return "\n".join(lines) + "\n"


def _toml_value(value: object) -> str:
    # Texts and truth values are written as in JSON.
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool) else repr(value)
