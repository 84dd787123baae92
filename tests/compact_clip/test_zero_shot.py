"""Zero-shot scores by hand."""

import torch

from ivif_cli.core.language.claims import CLAIMS
from tools.compact_clip.zero_shot import score_claims

AXES = torch.eye(len(CLAIMS))
TEXTS = {claim: AXES[index] for index, claim in enumerate(CLAIMS)}


def test_scores_of_pictures_that_lie_on_a_probe() -> None:
    images = torch.stack([TEXTS["infrared"], TEXTS["infrared"], TEXTS["visible"]]) + 0.1 * TEXTS["noisy"]
    truths = [{"infrared": True, "visible": False}, {"infrared": False, "visible": True}, {"infrared": None}]
    scores = {score.claim: score for score in score_claims(images, AXES, truths)}
    assert (scores["infrared"].recall, scores["infrared"].specificity) == (1.0, 0.0)
    assert (scores["visible"].recall, scores["visible"].holding) == (0.0, 1)
    assert scores["infrared"].balanced == 0.5


def test_any_true_flaw_counts_for_a_picture_with_two() -> None:
    truths = [{"noisy": True, "blurry": True, "dark": False}]
    scores = {score.claim: score for score in score_claims(TEXTS["noisy"][None], AXES, truths)}
    assert scores["blurry"].recall == scores["noisy"].recall == scores["dark"].specificity == 1.0
