"""Zero-shot reading of pictures: which claim of a group fits a picture best, judged by cosine to plain probe texts."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ivif_cli.core.language.claims import CLAIMS, GROUPS
from tools.compact_clip.attributes import Truth

PROBES: dict[str, str] = {
    "infrared": "an infrared image",
    "visible": "a visible gray image",
    **{flaw: f"{'an' if flaw[0] == 'o' else 'a'} {flaw} image" for flaw in GROUPS["quality"]},
    "detailed": "an image with detailed background",
    "plain": "an image with plain background",
    "salient": "an image with salient objects",
    "dim": "an image with dim objects",
    "day": "an image taken by day",
    "night": "an image taken at night",
    "bright": "a bright image",
    "contrast": "an image with high contrast",
}
"""Claim -> the text that asks for it."""

SCORED_GROUPS = ("modality", "quality", "background", "objects")


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


def score_claims(images: Tensor, texts: Tensor, truths: Sequence[Truth]) -> list[Score]:
    """Score of every claim of the scored groups over pictures with known truth; unclear pictures are left out.

    Pictures with several flaws count for a flaw when any true one is named.

    Args:
        images: N x D normalised image embeddings.
        texts: claims x D, normalised, in the order of `CLAIMS`: anchors, or embeddings of the probe texts.
        truths: N truths.
    """
    scores = []
    for group in SCORED_GROUPS:
        claims = GROUPS[group]
        best = (images @ texts[[CLAIMS.index(claim) for claim in claims]].T).argmax(dim=1).tolist()
        named = [claims[index] for index in best]
        scores += [_score(claim, named, truths) for claim in claims]
    return scores


def _score(claim: str, named: Sequence[str], truths: Sequence[Truth]) -> Score:
    pairs = list(zip(named, truths, strict=True))
    holding = [bool(truth.get(word)) for word, truth in pairs if truth.get(claim) is True]
    failing = [word != claim for word, truth in pairs if truth.get(claim) is False]
    rates = [sum(hits) / len(hits) if hits else float("nan") for hits in (holding, failing)]
    return Score(claim, rates[0], rates[1], len(holding), len(failing))
