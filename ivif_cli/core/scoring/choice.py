"""Which metrics are computed: names, groups of names, and LDS, which needs an encoder."""

from collections.abc import Sequence

from ivif_cli.core.errors import UsageError
from ivif_cli.core.metrics import GROUPS, METRICS, Metric, find_convention, find_metrics
from ivif_cli.core.metrics.explanations import explain
from ivif_cli.core.scoring.words import LANGUAGE_LINES, LANGUAGE_METRIC, Words


def known_metrics() -> tuple[str, ...]:
    """Every name that `--metrics` and gates take."""
    return (*METRICS, LANGUAGE_METRIC)


def listed_metrics(text: str, convention: str) -> list[str]:
    """Names of `--metrics`, groups resolved; raises UsageError where there is none."""
    available = find_convention(convention).metrics
    found: list[str] = []
    for name in (part.strip() for part in text.split(",")):
        group = GROUPS.get(name.lower())
        found += [known for known in group if known in available] if group is not None else [name] * bool(name)
    if not found:
        raise UsageError("--metrics names no metric", "as in --metrics EN,VIF")
    return found


def choose_metrics(names: Sequence[str], convention: str, words: Words) -> tuple[dict[str, Metric], tuple[Metric, ...]]:
    """Metrics of a convention by name, and those that need an encoder.

    Raises:
        UsageError: an unknown name, or a metric that the convention does not have.
        EncoderError, WeightsError: of LDS.
    """
    plain = [name for name in names if name.upper() != LANGUAGE_METRIC]
    found = find_metrics(plain, find_convention(convention))
    if len(plain) == len(names):
        return found, ()
    from ivif_cli.core.scoring.language_metric import language_metric

    return found, (language_metric(words),)


def explain_metric(name: str) -> dict[str, list[tuple[str, str]]]:
    """Name -> (label, text) lines about a metric; of every metric for `all`.

    Raises:
        UsageError: an unknown name.
    """
    if name.upper() == LANGUAGE_METRIC:
        return {LANGUAGE_METRIC: list(LANGUAGE_LINES)}
    if name.lower() == "all":
        return {known: explain(known) for known in METRICS} | {LANGUAGE_METRIC: list(LANGUAGE_LINES)}
    return {known: explain(known) for known in find_metrics([name])}
