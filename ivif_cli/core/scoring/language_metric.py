"""LDS as a metric of `ivif evaluate`: it needs an encoder, so it is built on demand and never part of the registry."""

from pathlib import Path

import torch

from ivif_cli.core.language.directions import language_score
from ivif_cli.core.language.encoder import COMPACT, load_encoder
from ivif_cli.core.language.goal import DEFAULT, Texts, embed_texts
from ivif_cli.core.language.prompts import load_goal
from ivif_cli.core.metrics.maps import Maps
from ivif_cli.core.metrics.metric import Metric

NAME = "LDS"


def language_metric(
    clip: str = COMPACT,
    *,
    pretrained: str | None = None,
    weights: Path | None = None,
    prompts: Path | None = None,
    device: str = "cpu",
) -> Metric:
    """The language score as a metric; its convention names the encoder and the objective.

    Args:
        clip, pretrained, weights, device: as for `load_encoder`.
        prompts: a file of `ivif embed-prompts`, the paper's texts where None.

    Raises:
        UsageError, EncoderError, WeightsError: as `load_encoder` and `load_goal`.
    """
    encoder = load_encoder(clip, pretrained=pretrained, weights=weights, device=device)
    goal = load_goal(prompts, encoder=encoder) if prompts else embed_texts(encoder, Texts(), DEFAULT)

    def score(ir: Maps, vis: Maps, fused: Maps) -> float:
        lumas = (torch.from_numpy(maps.pixels)[None, None].to(encoder.device) / 255 for maps in (fused, ir, vis))
        return language_score(encoder, goal, *lumas).item()

    return Metric(
        NAME,
        score,
        higher_is_better=True,
        convention=f"encoder {encoder.name} ({encoder.sha256[:12]}); {goal.texts.fused}",
        formula="1/2 cos(I_f - I_ir, T_f - T_ir) + 1/2 cos(I_f - I_vis, T_f - T_vis)",
        source="arXiv 2402.16267: 1 - L_dir of the whole images",
        range="-1 to 1",
    )
