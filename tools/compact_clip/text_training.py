"""Training of the text tower: captions of the grammar, and the claims they make."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from ivif_cli.core.errors import TrainingError
from ivif_cli.core.language.claims import CLAIMS
from ivif_cli.core.language.text_tower import TextTower
from tools.compact_clip.anchors import anchors
from tools.compact_clip.grammar import Caption, imagine


@dataclass(frozen=True)
class TextRecipe:
    """Everything that decides a training run of the text tower.

    Attributes:
        babble: share of texts of random words, which claim nothing.
        jitter: standard deviation of the noise on every word vector, relative to its length.
        dropped: share of words left out; a negation is never left out.
    """

    width: int = 128
    heads: int = 4
    layers: int = 3
    steps: int = 20_000
    batch_size: int = 64
    learning_rate: float = 1e-3
    warmup: int = 100
    weight_decay: float = 0.05
    babble: float = 0.06
    jitter: float = 0.35
    dropped: float = 0.06
    seed: int = 11


NEGATIONS = frozenset(
    {
        "against",
        "anything",
        "avoid",
        "avoiding",
        "away",
        "barely",
        "down",
        "enough",
        "far",
        "fewer",
        "free",
        "from",
        "hardly",
        "hate",
        "hide",
        "instead",
        "keep",
        "lacking",
        "last",
        "less",
        "lose",
        "lower",
        "neither",
        "never",
        "no",
        "nobody",
        "none",
        "nor",
        "not",
        "nothing",
        "opposite",
        "over",
        "prevent",
        "quit",
        "rather",
        "reduce",
        "refrain",
        "remove",
        "rid",
        "stop",
        "than",
        "too",
        "why",
        "without",
    }
)


def read_word_table(folder: Path) -> tuple[list[str], Tensor, Tensor]:
    """Words, int8 vectors N x V and fp16 scales N x 1 of the word table."""
    tensors = load_file(folder / "words-128.safetensors")
    return (folder / "words.txt").read_text(encoding="utf-8").split(), tensors["vectors"], tensors["scale"]


def new_tower(words: list[str], vectors: Tensor, scale: Tensor, recipe: TextRecipe) -> TextTower:
    """A tower with fresh weights on the word table."""
    torch.manual_seed(recipe.seed)
    table = vectors.float() * scale.float()
    return TextTower(words, table, anchors(), width=recipe.width, heads=recipe.heads, layers=recipe.layers)


def silent_words(tower: TextTower, likeness: float = 0.45) -> list[str]:
    """Words of the table that are unlike every word of the grammar, by cosine: what they say, no picture shows."""
    rng = np.random.default_rng(0)
    claiming = {row for _ in range(6000) for row in tower.tokens(imagine(rng).text)}
    unit = F.normalize(tower.vectors, dim=1)
    nearest = (unit @ unit[sorted(claiming)].T).amax(dim=1)
    return [word for word, cosine in zip(tower.words, nearest.tolist(), strict=True) if cosine < likeness]


def babble(silent: Sequence[str], rng: np.random.Generator) -> Caption:
    """Two to eight random words that claim nothing."""
    return Caption(
        " ".join(silent[int(row)] for row in rng.integers(len(silent), size=int(rng.integers(2, 9)))), frozenset()
    )


def draw_batches(silent: Sequence[str], recipe: TextRecipe, rng: np.random.Generator) -> Iterator[list[Caption]]:
    """Batches without end; four are drawn together and sorted by length, since short texts cost less."""
    while True:
        drawn = [
            babble(silent, rng) if rng.random() < recipe.babble else imagine(rng) for _ in range(4 * recipe.batch_size)
        ]
        drawn.sort(key=lambda caption: len(caption.text.split()))
        for part in rng.permutation(4):
            yield drawn[part * recipe.batch_size : (part + 1) * recipe.batch_size]


def batch_of(
    tower: TextTower, captions: list[Caption], recipe: TextRecipe, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Word vectors with jitter (M x L x V), padding (M x L), and claims (M x claims)."""
    rows = [_thinned(tower, caption.text, recipe.dropped, rng) for caption in captions]
    length = max(len(row) for row in rows)
    index = torch.tensor([row + [0] * (length - len(row)) for row in rows])
    padding = torch.arange(length) >= torch.tensor([[len(row)] for row in rows])
    vectors = tower.vectors[index]
    spread = recipe.jitter * vectors.norm(dim=-1, keepdim=True) / vectors.shape[-1] ** 0.5
    claims = torch.tensor([[float(claim in caption.claims) for claim in CLAIMS] for caption in captions])
    return vectors + spread * torch.randn_like(vectors), padding, claims


def _thinned(tower: TextTower, text: str, dropped: float, rng: np.random.Generator) -> list[int]:
    rows = tower.tokens(text)
    kept = [row for row in rows if tower.words[row] in NEGATIONS or rng.random() >= dropped]
    return kept or rows or [tower.rows["image"]]


def text_loss(tower: TextTower, logits: Tensor, claims: Tensor) -> Tensor:
    """Cross-entropy of every claim, and the distance between where the text lies and where it should lie."""
    apart = F.binary_cross_entropy_with_logits(logits, claims)
    claiming = claims.sum(1) > 0
    found, wanted = tower.embed(logits.sigmoid()[claiming]), tower.embed(claims[claiming])
    return 4 * apart + (1 - (found * wanted).sum(1)).mean()


def train_text(
    tower: TextTower, recipe: TextRecipe, report: Callable[[dict[str, float]], None], every: int = 500
) -> TextTower:
    """Train the tower to the recipe's last step (some 25 minutes of one core)."""
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    optimiser = torch.optim.AdamW(tower.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=recipe.steps, pct_start=recipe.warmup / recipe.steps
    )
    batches, losses = draw_batches(silent_words(tower), recipe, rng), []
    tower.train()
    for step, captions in zip(range(1, recipe.steps + 1), batches, strict=False):
        vectors, padding, claims = batch_of(tower, captions, recipe, rng)
        loss = text_loss(tower, tower(vectors, padding), claims)
        if not torch.isfinite(loss):
            raise TrainingError(f"the text loss is {loss.item()} at step {step}", "lower the learning rate")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step % every == 0:
            report({"text step": step, "loss": round(sum(losses) / len(losses), 4)})
            losses = []
    return tower.eval()
