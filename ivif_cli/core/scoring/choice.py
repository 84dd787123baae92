"""Which metrics are computed: names, groups of names, LDS, which needs an encoder, and the flicker of videos."""

from collections.abc import Sequence

from ivif_cli.core.errors import UsageError
from ivif_cli.core.metrics import GROUPS, METRICS, Metric, find_convention, find_metrics
from ivif_cli.core.metrics.explanations import explain
from ivif_cli.core.scoring.footage import FLICKER
from ivif_cli.core.scoring.words import LANGUAGE_LINES, LANGUAGE_METRIC, Words

_FLICKER_LINES = (
    ("formula", FLICKER.formula),
    ("source", FLICKER.source),
    ("range", FLICKER.range),
    ("better", "lower"),
    ("needs", "a video; the first two frames have none"),
)


def known_metrics() -> tuple[str, ...]:
    """Every name that `--metrics` and gates take."""
    return (*METRICS, LANGUAGE_METRIC, FLICKER.name)


def listed_metrics(text: str, convention: str, *, video: bool = False) -> list[str]:
    """Names of `--metrics`, groups resolved; raises UsageError where there is none.

    Of a `video`, flicker belongs to the groups `default` and `all`.
    """
    available = find_convention(convention).metrics
    found: list[str] = []
    for name in (part.strip() for part in text.split(",")):
        group = GROUPS.get(name.lower())
        found += [known for known in group if known in available] if group is not None else [name] * bool(name)
        found += [FLICKER.name] if video and name.lower() in ("default", "all") else []
    if not found:
        raise UsageError("--metrics names no metric", "as in --metrics EN,VIF")
    return found


def choose_metrics(names: Sequence[str], convention: str, words: Words) -> tuple[dict[str, Metric], tuple[Metric, ...]]:
    """Metrics of a convention by name, and those that need an encoder.

    Raises:
        UsageError: an unknown name, or a metric that the convention does not have.
        EncoderError, WeightsError: of LDS.
    """
    plain = [name for name in names if name.upper() != LANGUAGE_METRIC and not is_flicker(name)]
    found = find_metrics(plain, find_convention(convention))
    if LANGUAGE_METRIC not in (name.upper() for name in names):
        return found, ()
    from ivif_cli.core.scoring.language_metric import language_metric

    return found, (language_metric(words),)


def is_flicker(name: str) -> bool:
    """Whether this is the flicker of videos, in any case."""
    return name.lower() == FLICKER.name.lower()


def wants_flicker(names: Sequence[str], *, video: bool) -> bool:
    """Whether flicker is among the names; raises UsageError where it is, and nothing is a `video`."""
    wanted = any(map(is_flicker, names))
    if wanted and not video:
        raise UsageError(f"{FLICKER.name} is of videos", "name videos or numbered sequences with --ir and --vis")
    return wanted


def explain_metric(name: str) -> dict[str, list[tuple[str, str]]]:
    """Name -> (label, text) lines about a metric; of every metric for `all`.

    Raises:
        UsageError: an unknown name.
    """
    special = {LANGUAGE_METRIC: list(LANGUAGE_LINES), FLICKER.name: list(_FLICKER_LINES)}
    if name.lower() == "all":
        return {known: explain(known) for known in METRICS} | special
    for known, lines in special.items():
        if name.lower() == known.lower():
            return {known: lines}
    return {known: explain(known) for known in find_metrics([name])}
