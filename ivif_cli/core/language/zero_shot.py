"""Zero-shot reading of pictures: which claim of a group fits a picture best, judged by cosine to plain probe texts."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ivif_cli.core.language.attributes import Truth
from ivif_cli.core.language.grammar import GROUPS

PROBES: dict[str, str] = {
    "infrared": "an infrared image",
    "visible": "a visible gray image",
    **{flaw: f"{'an' if flaw[0] == 'o' else 'a'} {flaw} image" for flaw in GROUPS["quality"]},
    "detailed": "an image with detailed background",
    "plain": "an image with plain background",
    "salient": "an image with salient objects",
    "dim": "an image with dim objects",
}
"""Claim -> the text that asks for it."""

PROBED_GROUPS = ("modality", "quality", "background", "objects")


@dataclass(frozen=True)
class Score:
    """How well a claim is told: share of pictures read right where it holds, where it fails, and how many of each."""

    claim: str
    recall: float
    specificity: float
    holding: int
    failing: int

    @property
    def balanced(self) -> float:
        """Balanced accuracy, one claim against the rest of its group: mean of recall and specificity."""
        return (self.recall + self.specificity) / 2


def read_group(images: Tensor, texts: Tensor) -> Tensor:
    """Index of the best text of a group for every image: N x D and K x D, both normalised -> N."""
    return (images @ texts.T).argmax(dim=1)


def score_claims(images: Tensor, texts: dict[str, Tensor], truths: Sequence[Truth]) -> list[Score]:
    """Score of every probed claim over pictures with known truth; unclear pictures are left out.

    Pictures with several flaws count for a flaw when any true one is named.

    Args:
        images: N x D normalised image embeddings.
        texts: claim -> D, normalised embedding of its probe.
        truths: N truths.
    """
    scores = []
    for group in PROBED_GROUPS:
        claims = GROUPS[group]
        best = read_group(images, torch.stack([texts[claim] for claim in claims])).tolist()
        named = [claims[index] for index in best]
        scores += [_score(claim, named, truths) for claim in claims]
    return scores


def _score(claim: str, named: Sequence[str], truths: Sequence[Truth]) -> Score:
    pairs = list(zip(named, truths, strict=True))
    holding = [bool(truth.get(word)) for word, truth in pairs if truth.get(claim) is True]
    failing = [word != claim for word, truth in pairs if truth.get(claim) is False]
    rates = [sum(hits) / len(hits) if hits else float("nan") for hits in (holding, failing)]
    return Score(claim, rates[0], rates[1], len(holding), len(failing))
