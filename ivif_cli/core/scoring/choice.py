"""Which metrics are computed: names, groups of names, LDS, which needs an encoder, and the flicker of videos."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ivif_cli.core.errors import UsageError
from ivif_cli.core.metrics import GROUPS, METRICS, Metric, find_convention, find_metrics
from ivif_cli.core.metrics.explanations import explain
from ivif_cli.core.metrics.maps import Maps
from ivif_cli.core.scoring.footage import FLICKER

LANGUAGE_METRIC = "LDS"
_SPECIAL = {
    LANGUAGE_METRIC: {
        "formula": "1/2 cos(I_f - I_ir, T_f - T_ir) + 1/2 cos(I_f - I_vis, T_f - T_vis)",
        "source": "arXiv 2402.16267: 1 - L_dir of the whole images",
        "range": "-1 to 1",
        "better": "higher",
        "needs": "an encoder (--clip) and texts (--prompts); never part of `all`",
    },
    FLICKER.name: {
        "formula": FLICKER.formula,
        "source": FLICKER.source,
        "range": FLICKER.range,
        "better": "lower",
        "needs": "a video; the first two frames have none",
    },
}
"""Metrics that are no functions of three pictures: label -> text, as `explain` says of the others."""


@dataclass(frozen=True)
class Words:
    """The encoder and the texts of LDS; fields as for `language_metric`."""

    clip: str = "compact"
    pretrained: str | None = None
    weights: Path | None = None
    prompts: Path | None = None
    prompt_set: str | None = None
    device: str = "cpu"


def known_metrics() -> tuple[str, ...]:
    """Every name that `--metrics` and gates take."""
    return (*METRICS, *_SPECIAL)


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
    special = {name.lower() for name in _SPECIAL}
    found = find_metrics([name for name in names if name.lower() not in special], find_convention(convention))
    is_worded = LANGUAGE_METRIC in (name.upper() for name in names)
    return found, (language_metric(words),) if is_worded else ()


def wants_flicker(names: Sequence[str], *, video: bool) -> bool:
    """Whether flicker is among the names; raises UsageError where it is, and nothing is a `video`."""
    wanted = FLICKER.name.lower() in (name.lower() for name in names)
    if wanted and not video:
        raise UsageError(f"{FLICKER.name} is of videos", "name videos or numbered sequences with --ir and --vis")
    return wanted


def language_metric(words: Words) -> Metric:
    """The language score as a metric, built on demand; its convention names the encoder and the objective.

    Args:
        words: `clip`, `pretrained`, `weights` as for `load_encoder`; `device` as for `Fuser`; `prompts`: a file of
            `ivif embed-prompts`, of which `prompt_set` names a set; the paper's texts where None.

    Raises:
        UsageError, EncoderError, WeightsError: as `load_encoder` and `load_goal`.
    """
    import torch

    from ivif_cli.core.device import choose_device
    from ivif_cli.core.language.directions import language_score
    from ivif_cli.core.language.encoder import load_encoder
    from ivif_cli.core.language.goal import DEFAULT, Texts, embed_texts
    from ivif_cli.core.language.prompts import load_goal

    device = str(choose_device(words.device))
    encoder = load_encoder(words.clip, pretrained=words.pretrained, weights=words.weights, device=device)
    if words.prompts is None:
        goal = embed_texts(encoder, Texts(), DEFAULT)
    else:
        goal = load_goal(words.prompts, encoder=encoder, name=words.prompt_set)

    def score(ir: Maps, vis: Maps, fused: Maps) -> float:
        lumas = (torch.from_numpy(maps.pixels)[None, None].to(encoder.device) / 255 for maps in (fused, ir, vis))
        return language_score(encoder, goal, *lumas).item()

    formula, source, span, *_ = _SPECIAL[LANGUAGE_METRIC].values()
    convention = f"encoder {encoder.name} ({encoder.weights_sha256[:12]}); {goal.texts.fused}"
    return Metric(LANGUAGE_METRIC, True, convention, formula, source, span, score)


def explain_metric(name: str) -> dict[str, list[tuple[str, str]]]:
    """Name -> (label, text) lines about a metric, or about `all`; raises UsageError for an unknown name."""
    special = {known: list(lines.items()) for known, lines in _SPECIAL.items()}
    if name.lower() == "all":
        return {known: explain(known) for known in METRICS} | special
    named = {known: lines for known, lines in special.items() if known.lower() == name.lower()}
    return named or {known: explain(known) for known in find_metrics([name])}
