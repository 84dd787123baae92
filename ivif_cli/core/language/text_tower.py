"""The text tower of the compact CLIP: frozen word vectors, a small transformer, the claims that a text makes.

It needs neither open_clip nor torchvision and reads only its own tensors from the weights file. Layers and names are
open_clip's (`transformer.resblocks.0.attn.in_proj_weight`, `ln_final`, `text_projection`); what differs: words come
from a table of vectors instead of a learned embedding, every position sees all others, and `text_projection` leads to
claims, whose anchors span the space that it shares with the image tower.
"""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ivif_cli.core.errors import UsageError
from ivif_cli.core.language.claims import CLAIMS
from ivif_cli.core.language.foreign import foreign_language
from ivif_cli.core.language.tokenizer import look_up, unknown_words, with_nearest, words_of
from ivif_cli.core.weights import bundled, read_some_weights

COMPACT_WEIGHTS = "compact-clip.safetensors"
PREFIX = "text."
CONTEXT_LENGTH = 40
SPACE = "space"
"""Metadata of a file whose towers are newer than its space: the sha256 of the first file with the same anchors.

Goals and fusion weights are bound to a space, and stay valid where pictures or texts are only read better.
"""


class Block(nn.Module):
    """A residual attention block as in open_clip: pre-norm, self-attention, MLP of four times the width."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_2 = nn.LayerNorm(width)
        layers = [("c_fc", nn.Linear(width, 4 * width)), ("gelu", nn.GELU()), ("c_proj", nn.Linear(4 * width, width))]
        self.mlp = nn.Sequential(OrderedDict(layers))

    def forward(self, tokens: Tensor, padding: Tensor) -> Tensor:
        """M x L x width, and M x L true where there is no word."""
        normed = self.ln_1(tokens)
        tokens = tokens + self.attn(normed, normed, normed, key_padding_mask=padding, need_weights=False)[0]
        return tokens + self.mlp(self.ln_2(tokens))


class TextTower(nn.Module):
    """Texts -> claims -> embeddings.

    Args:
        words: the table's words, row by row.
        vectors: N x V, their frozen vectors.
        anchors: claims x D, unit rows: where pictures lie that show a claim.
        width, heads, layers: of the transformer.
    """

    vectors: Tensor
    anchors: Tensor

    def __init__(
        self,
        words: Sequence[str],
        vectors: Tensor,
        anchors: Tensor,
        *,
        width: int = 128,
        heads: int = 4,
        layers: int = 2,
    ) -> None:
        super().__init__()
        self.words = tuple(words)
        self.rows = {word: row for row, word in enumerate(self.words)}
        self.register_buffer("vectors", vectors, persistent=False)
        self.register_buffer("anchors", anchors)
        self.word_projection = nn.Linear(vectors.shape[1], width)
        self.end_embedding = nn.Parameter(torch.randn(width) * 0.02)
        self.positional_embedding = nn.Parameter(torch.randn(CONTEXT_LENGTH, width) * 0.02)
        self.transformer = nn.ModuleDict({"resblocks": nn.ModuleList(Block(width, heads) for _ in range(layers))})
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Linear(width, len(anchors))

    def tokens(self, text: str) -> list[int]:
        """Rows of the table for a text, at most `CONTEXT_LENGTH` - 1; unknown words are left out."""
        rows = [row for word in words_of(text) for row in look_up(word, self.rows)]
        return rows[: CONTEXT_LENGTH - 1]

    def forward(self, vectors: Tensor, padding: Tensor) -> Tensor:
        """Claim logits of texts.

        Args:
            vectors: M x L x V, word vectors, L at most `CONTEXT_LENGTH` - 1.
            padding: M x L, true where there is no word.

        Returns:
            M x claims.
        """
        tokens = self.word_projection(vectors)
        end = self.end_embedding.expand(len(tokens), 1, -1)
        tokens = torch.cat((end, tokens), dim=1) + self.positional_embedding[: tokens.shape[1] + 1]
        padding = torch.cat((padding.new_zeros(len(padding), 1), padding), dim=1)
        for block in self.transformer["resblocks"].children():
            tokens = block(tokens, padding)
        return self.text_projection(self.ln_final(tokens[:, 0]))

    def claims(self, texts: Sequence[str]) -> Tensor:
        """M x claims: how far each text makes each claim, 0 to 1."""
        rows = [self.tokens(text) for text in texts]
        length = max(1, *(len(row) for row in rows)) if rows else 1
        index = torch.zeros(len(rows), length, dtype=torch.long)
        padding = torch.ones(len(rows), length, dtype=torch.bool)
        for number, row in enumerate(rows):
            index[number, : len(row)] = torch.tensor(row, dtype=torch.long)
            padding[number, : len(row)] = False
        device = self.anchors.device
        return self(self.vectors[index.to(device)], padding.to(device)).sigmoid()

    def embed(self, claims: Tensor) -> Tensor:
        """Claims -> M x D, unit rows: the mixture of their anchors."""
        return F.normalize(claims @ self.anchors, dim=-1)


class TextEncoder(nn.Module):
    """The text side of an encoder: `encode_texts` as `Encoder` has it, and what was understood.

    Attributes:
        name: "compact".
        sha256: of the space (see `SPACE`), the same as that of the `Encoder` with the image tower.
    """

    def __init__(self, tower: TextTower, *, name: str, sha256: str) -> None:
        super().__init__()
        self.tower = tower.eval().requires_grad_(False)
        self.name = name
        self.sha256 = sha256

    @torch.no_grad()
    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Texts -> M x D, L2-normalised.

        Raises:
            UsageError: a text is empty, in another language, or holds no known word.
        """
        self.check_all(texts)
        return self.tower.embed(self.tower.claims(texts))

    @torch.no_grad()
    def claim_strengths(self, text: str) -> dict[str, float]:
        """Claim -> how far the text makes it, 0 to 1. Raises as `encode_texts`."""
        self.check(text)
        return dict(zip(CLAIMS, self.tower.claims([text])[0].tolist(), strict=True))

    def check(self, text: str) -> None:
        """UsageError where a text cannot be read: empty, another language, no known word."""
        words = words_of(text)
        if not text.strip():
            raise UsageError("the text is empty", 'say what the picture should be, e.g. "bright people"')
        language = foreign_language(words, self.tower.rows)
        if language:
            named = f"in {language}" if language != "another" else "in another language than English"
            hint = "the compact CLIP reads English; say it in English"
            raise UsageError(f"the text seems to be {named}: {text!r}", hint)
        if not self.tower.tokens(text):
            near, hint = with_nearest(words, self.tower.rows), 'say it in other English words, as "a bright image"'
            raise UsageError(f"no word of the text is known: {near or repr(text)}", hint)

    def check_all(self, texts: Sequence[str]) -> None:
        """UsageError that names every text that `check` refuses."""
        refused = []
        for text in dict.fromkeys(texts):
            try:
                self.check(text)
            except UsageError as error:
                refused.append(error)
        if len(refused) == 1:
            raise refused[0]
        if refused:
            raise UsageError(f"{len(refused)} texts cannot be read: {'; '.join(map(str, refused))}")

    def unknown_words(self, text: str) -> list[str]:
        """The words of a text that the table lacks, in order, each once."""
        return unknown_words(text, self.tower.rows)

    def too_long(self, text: str) -> bool:
        """Whether only the beginning of a text is read."""
        return len([row for word in words_of(text) for row in look_up(word, self.tower.rows)]) > CONTEXT_LENGTH - 1


def text_tower_from(tensors: dict[str, Tensor]) -> TextTower:
    """The tower of the `text.` tensors of a weights file."""
    own = {name.removeprefix(PREFIX): value for name, value in tensors.items() if name.startswith(PREFIX)}
    words = bytes(own.pop("words").numpy()).decode().split("\n")
    vectors = own.pop("vectors").float() * own.pop("scale").float()
    layers = len({name.split(".")[2] for name in own if name.startswith("transformer.resblocks.")})
    width = own["end_embedding"].shape[0]
    tower = TextTower(words, vectors, own["anchors"].float(), width=width, heads=width // 32, layers=layers)
    tower.load_state_dict({name: value.float() for name, value in own.items()})
    return tower


def load_text_tower(path: Path | None = None) -> TextEncoder:
    """The compact CLIP's text side alone, without open_clip: of the bundled weights, or of another file like them.

    Raises:
        WeightsError: the file is missing, damaged, or not the pinned one.
    """
    path = path or bundled(COMPACT_WEIGHTS)
    tensors, metadata, sha256 = read_some_weights(path, PREFIX)
    return TextEncoder(text_tower_from(tensors), name="compact", sha256=metadata.get(SPACE, sha256))
