"""What a shell completes after an option. Nothing heavy is imported: a key press waits for it."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from typer.models import OptionInfo

from ivif_cli.core import names

Complete = Callable[[str], list[str]]


def words(known: Iterable[str]) -> Complete:
    """Completes one word.

    >>> words(["base", "fast"])("b")
    ['base']
    """
    return lambda incomplete: [word for word in known if word.startswith(incomplete)]


def listed(known: Iterable[str]) -> Complete:
    """Completes the last word of a list with commas, leaving out those that stand in it.

    >>> listed(["EN", "SD"])("EN,S")
    ['EN,SD']
    """

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        left = [word for word in known if word not in before.split(",")]
        return [f"{before}{comma}{word}" for word in words(left)(last)]

    return complete


def assigned(known: Iterable[str]) -> Complete:
    """Completes the name before an equals sign.

    >>> assigned(["VIF"])("V")
    ['VIF=']
    """
    return lambda incomplete: [f"{word}=" for word in words(known)(incomplete)]


def recipes(incomplete: str) -> list[str]:
    """Completes the name of a packaged recipe."""
    from ivif_cli.core.packaged import recipe_names

    return words(recipe_names())(incomplete)


BY_PARAMETER: dict[str, dict[str, Complete]] = {
    "*": {
        "model": words(names.MODELS),
        "network": words(names.MODELS),
        "device": words(names.DEVICES),
        "precision": words(names.PRECISIONS),
        "dataset": words(names.DATASETS),
        "goal": words(names.GOALS),
        "dial": assigned(names.DIALS),
    },
    "fuse": {"format_": words(names.PICTURES), "align": words(("ecc",)), "ir_range": words(("auto", "full"))},
    "evaluate": {
        "format_": words(names.RESULTS),
        "metrics": listed((*names.METRIC_GROUPS, *names.METRICS)),
        "explain": words(names.METRICS),
        "convention": words(names.CONVENTIONS),
        "min_": assigned(names.METRICS),
        "max_": assigned(names.METRICS),
        "score_device": words(names.DEVICES[1:]),
    },
    "train": {"config": recipes},
}
"""Command ("*": every one) -> parameter -> what completes its value."""


def with_completion(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command, its options able to complete their values."""
    known = BY_PARAMETER["*"] | BY_PARAMETER.get(command.__name__, {})
    for name, parameter in inspect.signature(command).parameters.items():
        for option in getattr(parameter.annotation, "__metadata__", ()):
            if name in known and isinstance(option, OptionInfo):
                option.autocompletion = known[name]
    return command
