"""Training of the compact CLIP: captioned crops, and a loss over all pictures and captions that agree or contradict.

In ordinary contrastive training only the own caption of a picture is its positive. Here the claims are known, so every
caption of the batch that a picture bears out is a positive, every one that it contradicts a negative, and those about
something unclear are left out.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ivif_cli.core.errors import TrainingError
from ivif_cli.core.language.grammar import CLAIMS, GROUPS, Caption, describe, imagine, paper_captions, vocabulary
from ivif_cli.core.language.tokenizer import WordTokenizer
from ivif_cli.core.language.zero_shot import PROBES, Score, score_claims
from ivif_cli.core.training.captioned_crops import Sample, Scene, draw_samples, source_chances


@dataclass(frozen=True)
class ContrastiveRecipe:
    """Everything that decides a training run of the compact CLIP."""

    image_size: int = 96
    embed_dim: int = 128
    width: int = 16
    layers: tuple[int, int, int, int] = (1, 2, 2, 1)
    text_width: int = 96
    text_layers: int = 2
    context_length: int = 24
    steps: int = 1500
    batch_size: int = 96
    imagined: int = 32
    learning_rate: float = 3e-3
    warmup: int = 50
    weight_decay: float = 0.05
    groups: dict[str, float] = field(
        default_factory=lambda: {"modality": 2.5, "quality": 0.3, "background": 0.3, "objects": 0.3}
    )
    centring: float = 1.0
    validation_share: float = 0.12
    seed: int = 0
    shares: dict[str, float] = field(
        default_factory=lambda: {"RoadScene": 0.45, "MSRS": 0.35, "M3FD": 0.15, "FMB": 0.05}
    )


def model_config(recipe: ContrastiveRecipe) -> dict[str, Any]:
    """The model as an open_clip configuration; the tokenizer's words travel in `text_cfg.tokenizer_kwargs`."""
    words = vocabulary()
    return {
        "embed_dim": recipe.embed_dim,
        "vision_cfg": {"image_size": recipe.image_size, "layers": list(recipe.layers), "width": recipe.width},
        "text_cfg": {
            "context_length": recipe.context_length,
            "vocab_size": WordTokenizer(words, recipe.context_length).vocab_size,
            "tokenizer_kwargs": {"words": list(words)},
            "width": recipe.text_width,
            "heads": recipe.text_width // 32,
            "layers": recipe.text_layers,
        },
    }


def split_scenes(scenes: Sequence[Scene], share: float, seed: int) -> tuple[list[Scene], list[Scene]]:
    """Training and validation scenes; a scene group is never on both sides."""
    groups = sorted({scene.group for scene in scenes})
    chosen = np.random.default_rng(seed).permutation(groups)[: max(1, round(share * len(groups)))]
    held = set(chosen.tolist())
    return [s for s in scenes if s.group not in held], [s for s in scenes if s.group in held]


def agreement(samples: Sequence[Sample], captions: Sequence[Caption]) -> tuple[Tensor, Tensor]:
    """How far the pictures bear out the captions, and how far they contradict them.

    A caption holds to the product of the degrees of its claims (1 or 0 for the sharp ones).

    Returns:
        Two float tensors N x M in [0, 1] that sum to 1, or to 0 where a claim is unclear and no other fails.
    """
    degrees = torch.tensor([[_degree(sample, claim) for claim in CLAIMS] for sample in samples])
    said = torch.tensor([[float(claim in caption.claims) for claim in CLAIMS] for caption in captions])
    unclear = degrees.isnan()
    failing = (degrees == 0).float() @ said.T > 0
    holding = (degrees.masked_fill(unclear, 1.0).clamp(min=1e-4).log() @ said.T).exp() * ~failing
    open_question = (unclear.float() @ said.T > 0) & ~failing
    return holding * ~open_question, (1 - holding) * ~open_question


def near_misses(samples: Sequence[Sample], captions: Sequence[Caption]) -> Tensor:
    """Weights of the pictures that fail a caption in one claim only, N x M; every column sums to 1, or to 0.

    "Clear, detailed, salient" fails for most pictures because they are not clear; without near misses, the text would
    mean little else. Here each of its claims gets an equal share of the weight.
    """
    degrees = torch.tensor([[_degree(sample, claim) for claim in CLAIMS] for sample in samples])
    said = torch.tensor([[float(claim in caption.claims) for claim in CLAIMS] for caption in captions])
    known = degrees.nan_to_num(1.0).clamp(min=1e-3)
    holding = (known.log() @ said.T).exp() * (degrees.isnan().float() @ said.T == 0)
    weights = torch.zeros_like(holding)
    for column in range(len(CLAIMS)):
        failing = holding * ((1 - known) / known)[:, column : column + 1] * said[:, column]
        weights += failing / failing.sum(0).clamp(min=1e-3)
    return weights / weights.sum(0).clamp(min=1e-6)


def centring_loss(images: Tensor, texts: Tensor) -> Tensor:
    """Squared length of the mean picture and of the mean text (rows of unit length).

    A component that all texts share separates nothing, yet would fill the directions between texts.
    """
    return images.mean(0).square().sum() + texts.mean(0).square().sum()


def _degree(sample: Sample, claim: str) -> float:
    """Degree to which a claim holds of a sample; NaN where that is unclear."""
    if claim in sample.degrees:
        return sample.degrees[claim]
    truth = sample.truth.get(claim)
    return float("nan") if truth is None else float(truth)


def agreement_loss(
    cosines: Tensor, scale: Tensor, bias: Tensor, positive: Tensor, negative: Tensor, near: Tensor | None = None
) -> Tensor:
    """Sigmoid part, balanced for every caption, plus a multi-positive softmax over the captions of each picture.

    Args:
        cosines: N x M between pictures and captions.
        scale, bias: scalars; logit = scale * cosine + bias.
        positive, negative: N x M from `agreement`.
        near: N x M from `near_misses`; they get half of the weight of the negatives.

    Sources: pairwise sigmoid loss, arXiv 2303.15343; several positives, arXiv 2004.11362.
    """
    logits = scale * cosines + bias
    hit = (F.softplus(-logits) * positive).sum(0) / positive.sum(0).clamp(min=1)
    miss = (F.softplus(logits) * negative).sum(0) / negative.sum(0).clamp(min=1)
    if near is not None:
        miss = (miss + (F.softplus(logits) * near).sum(0)) / 2
    masked = (scale * cosines).masked_fill((positive + negative) == 0, -1e4)
    log_share = masked - masked.logsumexp(dim=1, keepdim=True)
    softmax = -(log_share * positive).sum(1) / positive.sum(1).clamp(min=1)
    return (hit + miss).mean() + 0.25 * softmax.mean()


def group_loss(cosines: Tensor, scale: Tensor, positive: Tensor, weights: dict[str, float]) -> Tensor:
    """Choice among the probe texts of each group (infrared or visible; clear, blurry, ...), cross-entropy.

    Args:
        cosines: N x P between pictures and the probe texts, in the order of `PROBES`.
        positive: N x P, how far the probe's claim holds; pictures without any in a group are left out of it.
        weights: group -> weight of its part.
    """
    claims, total = list(PROBES), cosines.new_zeros(())
    for group, weight in weights.items():
        columns = [claims.index(claim) for claim in GROUPS[group]]
        log_share = (scale * cosines[:, columns]).log_softmax(dim=1)
        holds = positive[:, columns]
        known = holds.sum(1) > 0
        share = (log_share * holds).sum(1) / holds.sum(1).clamp(min=1e-6)
        total = total - weight * share[known].sum() / known.sum().clamp(min=1)
    return total


def learning_rate(step: int, recipe: ContrastiveRecipe) -> float:
    """Linear warm-up, then half a cosine down to 1 % of the peak."""
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    progress = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def to_batch(samples: Sequence[Sample], mean: Tensor, std: Tensor) -> Tensor:
    """Samples -> N,3,H,W, grey repeated and normalised by the model's own mean and std."""
    luma = torch.from_numpy(np.stack([sample.luma for sample in samples]))[:, None]
    return (luma - mean) / std


def captions_for(samples: Sequence[Sample], imagined: int, rng: np.random.Generator) -> list[Caption]:
    """The probe texts first, then a caption of every other sample, `imagined` captions of none, the paper's texts."""
    described = [describe(sample.truth, rng) for sample in samples[::2]]
    probes = [Caption(text, frozenset({claim})) for claim, text in PROBES.items()]
    return [*probes, *described, *(imagine(rng) for _ in range(imagined)), *paper_captions()]


class Trainer:
    """A run: model, optimiser and step; a step depends on (seed, step) and the state alone: resuming is exact."""

    def __init__(self, recipe: ContrastiveRecipe, scenes: Sequence[Scene]) -> None:
        import open_clip

        torch.manual_seed(recipe.seed)
        config = model_config(recipe)
        self.recipe = recipe
        self.model: Any = open_clip.CLIP(**config, init_logit_scale=math.log(15.0), init_logit_bias=0.0)
        self.tokenizer = WordTokenizer(config["text_cfg"]["tokenizer_kwargs"]["words"], recipe.context_length)
        self.mean = torch.tensor(open_clip.OPENAI_DATASET_MEAN).view(1, 3, 1, 1)
        self.std = torch.tensor(open_clip.OPENAI_DATASET_STD).view(1, 3, 1, 1)
        self.training, self.held_out = split_scenes(scenes, recipe.validation_share, recipe.seed)
        self.chances = source_chances(self.training, recipe.shares)
        decayed = [p for p in self.model.parameters() if p.ndim > 1]
        others = [p for p in self.model.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98))
        self.step = 0

    def train_step(self) -> float:
        """One step; returns the loss. Raises TrainingError when it is not finite."""
        rng = np.random.default_rng((self.recipe.seed, self.step))
        samples = draw_samples(self.training, self.chances, self.recipe.batch_size, self.recipe.image_size, rng)
        captions = captions_for(samples, self.recipe.imagined, rng)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.step, self.recipe)
        self.model.train()
        loss = self._loss(samples, captions)
        if not torch.isfinite(loss):
            raise TrainingError(f"the contrastive loss is {loss.item()} at step {self.step}", "lower the learning rate")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        return float(loss.detach())

    def _loss(self, samples: Sequence[Sample], captions: Sequence[Caption]) -> Tensor:
        images = F.normalize(self.model.encode_image(to_batch(samples, self.mean, self.std)), dim=1)
        texts = F.normalize(self.model.encode_text(self.tokenizer([caption.text for caption in captions])), dim=1)
        positive, negative = agreement(samples, captions)
        scale = self.model.logit_scale.exp().clamp(max=60.0)
        cosines = images @ texts.T
        near = near_misses(samples, captions)
        agreed = agreement_loss(cosines, scale, self.model.logit_bias, positive, negative, near)
        agreed = agreed + self.recipe.centring * centring_loss(images, texts[: len(PROBES)])
        return agreed + group_loss(cosines[:, : len(PROBES)], scale, positive[:, : len(PROBES)], self.recipe.groups)

    @torch.no_grad()
    def validate(self, count: int = 768) -> list[Score]:
        """Zero-shot scores on the held-out scenes, always on the same samples."""
        self.model.eval()
        rng = np.random.default_rng(12345)
        chances = source_chances(self.held_out, self.recipe.shares)
        samples = draw_samples(self.held_out, chances, count, self.recipe.image_size, rng)
        parts = [
            self.model.encode_image(to_batch(samples[i : i + 128], self.mean, self.std)) for i in range(0, count, 128)
        ]
        texts = self.model.encode_text(self.tokenizer(list(PROBES.values())))
        by_claim = dict(zip(PROBES, F.normalize(texts, dim=1), strict=True))
        return score_claims(F.normalize(torch.cat(parts), dim=1), by_claim, [sample.truth for sample in samples])

    def start_from(self, path: Path) -> None:
        """Take the model, and nothing else, of another run's checkpoint."""
        self.model.load_state_dict(torch.load(path, weights_only=True, map_location="cpu")["model"])

    def save(self, path: Path) -> None:
        """Write everything a resumed run needs; the file is whole or absent."""
        state = {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict(), "step": self.step}
        partial = path.with_suffix(".part")
        torch.save(state | {"recipe": asdict(self.recipe)}, partial)
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Continue from `save`; TrainingError where the recipe is another one."""
        state = torch.load(path, weights_only=True, map_location="cpu")
        if state["recipe"] != asdict(self.recipe):
            raise TrainingError(f"{path} was written with another recipe", "use the same recipe, or another folder")
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]


def run(
    trainer: Trainer, checkpoint: Path, *, every: int = 200, report: Callable[[dict[str, Any]], None] = print
) -> Iterator[int]:
    """Train to the recipe's last step, yielding every step; saves and reports every `every` steps and at the end."""
    losses: list[float] = []
    started = time.perf_counter()
    while trainer.step < trainer.recipe.steps:
        losses.append(trainer.train_step())
        if trainer.step % every == 0 or trainer.step == trainer.recipe.steps:
            trainer.save(checkpoint)
            scores = {score.claim: round(score.balanced, 3) for score in trainer.validate()}
            seconds = (time.perf_counter() - started) / len(losses)
            report(
                {
                    "step": trainer.step,
                    "loss": round(sum(losses) / len(losses), 4),
                    "s/step": round(seconds, 3),
                    **scores,
                }
            )
            losses, started = [], time.perf_counter()
        yield trainer.step
