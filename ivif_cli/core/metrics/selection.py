"""Finding conventions and metrics by name, whatever the letter case."""

from collections.abc import Iterable, Sequence

from ivif_cli.core.errors import UsageError
from ivif_cli.core.metrics.conventions import CONVENTIONS, Convention
from ivif_cli.core.metrics.metric import Metric
from ivif_cli.core.metrics.registry import METRICS
from ivif_cli.core.nearest import nearest


def _find(kind: str, name: str, known: Iterable[str]) -> str:
    lower = {known_name.lower(): known_name for known_name in known}
    if name.lower() in lower:
        return lower[name.lower()]
    raise UsageError(f"unknown {kind}: {name}", nearest(name, lower.values()))


def find_convention(name: str) -> Convention:
    """The convention of this name.

    Raises:
        UsageError: not known; the nearest known one is named.
    """
    return CONVENTIONS[_find("convention", name, CONVENTIONS)]


def find_metrics(names: Sequence[str], convention: Convention = CONVENTIONS["ivif"]) -> dict[str, Metric]:
    """The metrics of these names in a convention, in the order given, each once.

    Raises:
        UsageError: a name that is not known, or a metric that the convention does not have.
    """
    found = {}
    for name in names:
        known = _find("metric", name, METRICS)
        if known not in convention.metrics:
            raise UsageError(f"convention {convention.name} has no {known}", f"it has {', '.join(convention.metrics)}")
        found[known] = convention.metrics[known]
    return found
