"""A goal for every sample: the default for a share of them, else a named one, a dial, or a sentence of a file.

What is drawn depends on (seed, step, index of the sample) alone, as with crops.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ivif_cli.core.errors import UsageError
from ivif_cli.core.language.directions import direction
from ivif_cli.core.language.goal import DEFAULT, DIALS, Goal, TextEncoder, condition_scale
from ivif_cli.core.objective.keeping import NAMED_DIALS
from ivif_cli.core.objective.total import Asked
from ivif_cli.core.objective.words import Directions

SENTENCES = Path(__file__).with_name("sentences.txt")
"""The sentences that the bundled weights were trained with, a line each."""


@dataclass(frozen=True)
class GoalSettings:
    """Which goals a run is trained for. Every pair of a batch is fused for two goals.

    Attributes:
        default: share of the samples that are fused for the default goal.
        named, dials: shares, of the others, of named goals and of dials turned by -1 to 1 from the default; the rest
            are sentences.
        sentences: file of sentences, a line each; "" is the one of the package.
        shuffled: condition the network on another sample's goal (for an ablation: the words then say nothing).
    """

    default: float = 0.33
    named: float = 0.35
    dials: float = 0.25
    sentences: str = ""
    shuffled: bool = False


@dataclass(frozen=True)
class GoalBank:
    """What goals are drawn from, on one device.

    Attributes:
        goals: named goals, the default among them.
        sentences: M x D, embedded sentences, unit length.
        settings: how they are drawn.
    """

    goals: Mapping[str, Goal]
    sentences: np.ndarray
    settings: GoalSettings

    def draw(self, seed: int, step: int, indices: Sequence[int], device: torch.device) -> list[Asked]:
        """Two goals for each of the step's samples `indices`.

        The first is the default for twice the share that the settings say (at most all), the second never is: a pair is
        mostly fused for the default and for something else, and the two are compared.
        """
        first, second = [], []
        for index in indices:
            rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, step, index, 7))))
            is_default = rng.random() < 2 * self.settings.default
            first.append((self.goals[DEFAULT].fused if is_default else self._other(rng), is_default))
            second.append((self._other(rng), False))
        asked = []
        for drawn in (first, second):
            fused = torch.from_numpy(np.stack([vector for vector, _ in drawn])).to(device)
            default = torch.tensor([float(is_default) for _, is_default in drawn], device=device)
            asked.append(Asked(self.directions(fused), default, self.lean(fused), self.claims(fused)))
        return asked

    def _other(self, rng: np.random.Generator) -> np.ndarray:
        kind = rng.random()
        names = [name for name in self.goals if name != DEFAULT]
        if kind < self.settings.named:
            return self.goals[names[int(rng.integers(len(names)))]].fused
        if kind < self.settings.named + self.settings.dials or not len(self.sentences):
            dial = list(DIALS)[int(rng.integers(len(DIALS)))]
            return self.goals[DEFAULT].turned({dial: float(rng.uniform(-1, 1))}, self.goals).fused
        return self.sentences[int(rng.integers(len(self.sentences)))]

    def lean(self, fused: Tensor) -> Tensor:
        """Towards which source N x D goals lean: 1 for the infrared's own text, -1 for the visible's; N."""
        origin = self.goals[DEFAULT]
        axis = torch.from_numpy(origin.ir - origin.vis).to(fused)
        return (2 * fused @ axis / axis.square().sum().clamp_min(0.25)).clamp(-1, 1)

    def claims(self, fused: Tensor) -> Tensor:
        """How much N x D goals say of each of `NAMED_DIALS`: 1 at the dial's one end, -1 at the other; N x 4.

        Of a dial whose ends are no named goals here, nothing is said.
        """
        found = []
        for plus, minus in (DIALS[name] for name in NAMED_DIALS):
            if not {plus, minus} <= self.goals.keys():
                found.append(fused.new_zeros(len(fused)))
                continue
            ends = self.goals[plus].fused, self.goals[minus].fused
            axis, middle = (torch.from_numpy(x).to(fused) for x in (ends[0] - ends[1], (ends[0] + ends[1]) / 2))
            found.append(2 * (fused - middle) @ axis / axis.square().sum().clamp_min(1e-6))
        return torch.stack(found, dim=1).clamp(-1, 1)

    def directions(self, fused: Tensor) -> Directions:
        """N x D goals with the directions from both sources' texts."""
        origin = self.goals[DEFAULT]
        sources = (torch.from_numpy(source).to(fused).expand_as(fused) for source in (origin.ir, origin.vis))
        ir, vis = (direction(fused, source) for source in sources)
        return Directions(ir, vis, fused)


def read_sentences(path: Path) -> list[str]:
    """The lines of a file, without empty ones and comments (#).

    Raises:
        UsageError: it cannot be read, or holds no sentence.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the goals' sentences {path}: {error}") from error
    sentences = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not sentences:
        raise UsageError(f"{path} holds no sentence", "write one a line")
    return sentences


def embed_sentences(encoder: TextEncoder, sentences: Sequence[str], chunk: int = 256) -> np.ndarray:
    """Sentences -> M x D float32, unit length."""
    chunks = [sentences[at : at + chunk] for at in range(0, len(sentences), chunk)]
    return np.concatenate([encoder.encode_texts(texts).float().cpu().numpy() for texts in chunks])


def conditions(asked: Sequence[Asked]) -> list[Tensor]:
    """What the network is given for each goal: N x 2D, as `Goal.condition`."""
    directions = [each.directions for each in asked]
    return [torch.cat([d.ir, d.vis], dim=1) * float(condition_scale(d.ir.shape[1])) for d in directions]
