"""LDS as a metric of `ivif evaluate`: it needs an encoder, so it is built on demand and never part of the registry."""

import torch

from ivif_cli.core.device import choose_device
from ivif_cli.core.language.directions import language_score
from ivif_cli.core.language.encoder import load_encoder
from ivif_cli.core.language.goal import DEFAULT, Texts, embed_texts
from ivif_cli.core.language.prompts import load_goal
from ivif_cli.core.metrics.maps import Maps
from ivif_cli.core.metrics.metric import Metric
from ivif_cli.core.scoring.words import LANGUAGE_LINES, LANGUAGE_METRIC, Words


def language_metric(words: Words) -> Metric:
    """The language score as a metric; its convention names the encoder and the objective.

    Args:
        words: `clip`, `pretrained`, `weights` as for `load_encoder`; `device` as for `Fuser`; `prompts`: a file of
            `ivif embed-prompts`, of which `prompt_set` names a set; the paper's texts where None.

    Raises:
        UsageError, EncoderError, WeightsError: as `load_encoder` and `load_goal`.
    """
    device = str(choose_device(words.device))
    encoder = load_encoder(words.clip, pretrained=words.pretrained, weights=words.weights, device=device)
    if words.prompts is None:
        goal = embed_texts(encoder, Texts(), DEFAULT)
    else:
        goal = load_goal(words.prompts, encoder=encoder, name=words.prompt_set)

    def score(ir: Maps, vis: Maps, fused: Maps) -> float:
        lumas = (torch.from_numpy(maps.pixels)[None, None].to(encoder.device) / 255 for maps in (fused, ir, vis))
        return language_score(encoder, goal, *lumas).item()

    facts = dict(LANGUAGE_LINES)
    return Metric(
        LANGUAGE_METRIC,
        score,
        higher_is_better=True,
        convention=f"encoder {encoder.name} ({encoder.weights_sha256[:12]}); {goal.texts.fused}",
        formula=facts["formula"],
        source=facts["source"],
        range=facts["range"],
    )
