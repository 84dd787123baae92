"""LDS as a metric of `ivif evaluate`: it needs an encoder, so it is built on demand and never part of the registry."""

from pathlib import Path

from ivif_cli.core.language.encoder import COMPACT, load_encoder
from ivif_cli.core.language.prompts import PromptSet, embed, load_embeddings
from ivif_cli.core.language.score import score_pair
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
        UsageError, EncoderError, WeightsError: as `load_encoder` and `load_embeddings`.
    """
    encoder = load_encoder(clip, pretrained=pretrained, weights=weights, device=device)
    embedded = load_embeddings(prompts, encoder=encoder) if prompts else embed(encoder, PromptSet())

    def score(ir: Maps, vis: Maps, fused: Maps) -> float:
        return score_pair(encoder, embedded, ir.pixels, vis.pixels, fused.pixels)

    return Metric(
        NAME,
        score,
        higher_is_better=True,
        convention=f"encoder {encoder.name} ({encoder.sha256[:12]}); {embedded.texts.fused}",
        formula="1/2 cos(I_f - I_ir, T_f - T_ir) + 1/2 cos(I_f - I_vis, T_f - T_vis)",
        source="arXiv 2402.16267: 1 - L_dir of the whole images",
        range="-1 to 1",
    )
