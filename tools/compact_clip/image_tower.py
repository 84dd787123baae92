"""Training of the image tower: where a picture lies on every axis, and how a change of one attribute moves it."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ivif_cli.core.errors import TrainingError
from tools.compact_clip.anchors import AXES, DIMENSIONS, anchors, embedding_to_positions
from tools.compact_clip.crops import Sample, draw_samples
from tools.compact_clip.old_looks import hard_pictures
from tools.compact_clip.scenes import Scene, source_chances, split_scenes
from tools.compact_clip.zero_shot import Score, score_claims

MODALITY = AXES.index("modality")


@dataclass(frozen=True)
class ImageRecipe:
    """Everything that decides a training run of the image tower.

    Attributes:
        layers, width: of the ModifiedResNet.
        frozen_from: share of the steps after which batch statistics stay as they are: what is trained is what is used.
        differences: weight of how the second version of a crop differs from the first.
        modality: weight of telling infrared from visible.
    """

    image_size: int = 96
    width: int = 16
    layers: tuple[int, int, int, int] = (1, 2, 3, 2)
    steps: int = 10_000
    batch_size: int = 64
    learning_rate: float = 3e-3
    warmup: int = 200
    weight_decay: float = 0.05
    frozen_from: float = 0.88
    differences: float = 1.0
    modality: float = 2.0
    validation_share: float = 0.08
    seed: int = 1
    shares: dict[str, float] = field(
        default_factory=lambda: {"RoadScene": 0.45, "MSRS": 0.38, "M3FD": 0.12, "FMB": 0.05}
    )


def targets(samples: Sequence[Sample]) -> tuple[Tensor, Tensor]:
    """Positions N x axes, and 1 where they are known, else 0."""
    values = torch.tensor([[sample.positions.get(axis, math.nan) for axis in AXES] for sample in samples])
    return values.nan_to_num(0.0), (~values.isnan()).float()


def position_loss(found: Tensor, wanted: Tensor, known: Tensor, differences: float) -> Tensor:
    """Smooth L1 of the positions, plus that of the differences between the two versions of each crop.

    Args:
        found, wanted, known: N x axes; rows 2i and 2i+1 are versions of one crop.
        differences: weight of the second part.
    """
    alone = _masked(found - wanted, known)
    change = (found[1::2] - found[::2]) - (wanted[1::2] - wanted[::2])
    return alone + differences * _masked(change, known[1::2] * known[::2])


def _masked(error: Tensor, known: Tensor) -> Tensor:
    beta = 0.5
    loss = F.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=beta)
    return (loss * known).sum() / known.sum().clamp(min=1)


def modality_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy of infrared against visible, at four times the position; blends ask for the middle."""
    return F.binary_cross_entropy_with_logits(4 * found[:, MODALITY], (wanted[:, MODALITY] + 1) / 2)


class Trainer:
    """A run: tower, optimiser and step; a step depends on (seed, step) and the state alone: resuming is exact."""

    def __init__(self, recipe: ImageRecipe, scenes: Sequence[Scene], *, compiled: bool = False) -> None:
        from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
        from open_clip.modified_resnet import ModifiedResNet

        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        tower = ModifiedResNet(
            layers=list(recipe.layers),
            output_dim=DIMENSIONS,
            heads=recipe.width // 2,
            image_size=recipe.image_size,
            width=recipe.width,
        )
        self.tower: Any = tower.to(memory_format=torch.channels_last)
        self.forward: Callable[[Tensor], Tensor] = torch.compile(self.tower) if compiled else self.tower
        self.mean = torch.tensor(OPENAI_DATASET_MEAN).view(1, 3, 1, 1)
        self.std = torch.tensor(OPENAI_DATASET_STD).view(1, 3, 1, 1)
        self.training, self.held_out = split_scenes(scenes, recipe.validation_share, recipe.seed)
        self.chances = source_chances(self.training, recipe.shares)
        decayed = [p for p in self.tower.parameters() if p.ndim > 1]
        others = [p for p in self.tower.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98))
        self.step = 0

    def rate(self) -> float:
        """Linear warm-up, then half a cosine down to 1 % of the peak."""
        if self.step < self.recipe.warmup:
            return self.recipe.learning_rate * (self.step + 1) / self.recipe.warmup
        progress = (self.step - self.recipe.warmup) / max(1, self.recipe.steps - self.recipe.warmup)
        return self.recipe.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))

    def pixels(self, samples: Sequence[Sample]) -> Tensor:
        """Samples -> N,3,H,W, grey repeated and normalised by CLIP's own mean and std."""
        return self.normalised(np.stack([sample.luma for sample in samples]))

    def normalised(self, lumas: np.ndarray) -> Tensor:
        """Lumas N,H,W in [0, 1] as `pixels` gives them."""
        pixels = (torch.from_numpy(lumas)[:, None] - self.mean) / self.std
        return pixels.to(memory_format=torch.channels_last)

    def train_step(self) -> float:
        """One step; returns the loss. Raises TrainingError when it is not finite."""
        recipe, rng = self.recipe, np.random.default_rng((self.recipe.seed, self.step))
        samples = draw_samples(self.training, self.chances, recipe.batch_size, recipe.image_size, rng)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        self.tower.train(self.step < recipe.frozen_from * recipe.steps)
        embedded = F.normalize(self.forward(self.pixels(samples)), dim=1)
        found, (wanted, known) = embedding_to_positions(embedded), targets(samples)
        loss = position_loss(found, wanted, known, recipe.differences) + recipe.modality * modality_loss(found, wanted)
        loss = loss + 0.2 * F.relu(0.35 - embedded[:, -1]).mean()
        if not torch.isfinite(loss):
            raise TrainingError(f"the loss is {loss.item()} at step {self.step}", "lower the learning rate")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.tower.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        return float(loss.detach())

    @torch.no_grad()
    def validate(self, count: int = 384) -> list[Score]:
        """Zero-shot scores on the held-out scenes, always on the same samples."""
        self.tower.eval()
        chances = source_chances(self.held_out, self.recipe.shares)
        size, batch = self.recipe.image_size, self.recipe.batch_size
        samples = draw_samples(self.held_out, chances, count, size, np.random.default_rng(12345))
        parts = [self.tower(self.pixels(samples[i : i + batch])) for i in range(0, count, batch)]
        return score_claims(F.normalize(torch.cat(parts), dim=1), anchors(), [sample.truth for sample in samples])

    @torch.no_grad()
    def hard_modality(self) -> float:
        """Share of the held-out scenes' pictures, in the looks of old cameras, whose modality is told right."""
        self.tower.eval()
        lumas, infrared = hard_pictures(self.held_out, self.recipe.image_size)
        batch = self.recipe.batch_size
        parts = [self.tower(self.normalised(lumas[i : i + batch])) for i in range(0, len(lumas), batch)]
        found = torch.cat(parts)[:, MODALITY]
        return float(((found > 0) == torch.from_numpy(infrared)).float().mean())

    @torch.no_grad()
    def calibrate(self, count: int = 4000) -> dict[str, float]:
        """Shift what the tower reads of noise and sharpness to where its claims are told best on training scenes.

        Smooth errors pull what is rare towards what is usual, so that faint noise and slight blur are passed over.

        Returns:
            axis -> what was added, as a share of an embedding's usual length.
        """
        self.tower.eval()
        size, batch = self.recipe.image_size, self.recipe.batch_size
        samples = draw_samples(self.training, self.chances, count, size, np.random.default_rng(54321))
        found = torch.cat([self.tower(self.pixels(samples[i : i + batch])) for i in range(0, count, batch)])
        length, truths, shifts = float(found.norm(dim=1).mean()), [sample.truth for sample in samples], {}
        for axis, claim, way in (("noise", "noisy", 1), ("sharpness", "blurry", -1)):
            column, told = AXES.index(axis), {}
            for shift in np.linspace(0, 0.12, 7):
                moved = found.clone()
                moved[:, column] += way * float(shift) * length
                scores = score_claims(F.normalize(moved, dim=1), anchors(), truths)
                told[way * float(shift)] = sum(s.balanced for s in scores if s.claim in (claim, "clear"))
            shifts[axis] = max(told, key=lambda shift: told[shift])
            found[:, column] += shifts[axis] * length
            self.tower.attnpool.c_proj.bias[column] += shifts[axis] * length
        return shifts

    def start_from(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the image tower of a weights file (see `export`) instead of fresh weights."""
        own = {name.removeprefix("visual."): value for name, value in tensors.items() if name.startswith("visual.")}
        self.tower.load_state_dict(own)

    def save(self, path: Path) -> None:
        """Write everything a resumed run needs; the file is whole or absent."""
        state = {"tower": self.tower.state_dict(), "optimiser": self.optimiser.state_dict(), "step": self.step}
        partial = path.with_suffix(".part")
        torch.save(state | {"recipe": asdict(self.recipe)}, partial)
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Continue from `save`; TrainingError where the recipe is another one."""
        state = torch.load(path, weights_only=True, map_location="cpu")
        if state["recipe"] != asdict(self.recipe):
            raise TrainingError(f"{path} was written with another recipe", "use the same recipe, or another folder")
        self.tower.load_state_dict(state["tower"])
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
            seconds = (time.perf_counter() - started) / len(losses)
            trainer.save(checkpoint)
            scores = {score.claim: round(score.balanced, 3) for score in trainer.validate()}
            line = {"step": trainer.step, "loss": round(sum(losses) / len(losses), 4), "s/step": round(seconds, 3)}
            report(line | scores | {"modality, old looks": round(trainer.hard_modality(), 3)})
            losses, started = [], time.perf_counter()
        yield trainer.step
