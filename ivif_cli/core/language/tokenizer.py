"""A word-level tokenizer for the compact CLIP: one token a word, the vocabulary travels with the model's config."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ivif_cli.core.language.grammar import words_of

PAD, UNKNOWN, START = 0, 1, 2
FIRST_WORD = 3


class WordTokenizer:
    """Text -> token ids, padded to `context_length`.

    Ids: 0 padding, 1 unknown word, 2 start, then the words; the end-of-text token is the highest id, because
    open_clip's text tower reads its result at the position of the highest id.
    """

    def __init__(self, words: Sequence[str], context_length: int) -> None:
        self.words = tuple(words)
        self.context_length = context_length
        self._ids = {word: FIRST_WORD + index for index, word in enumerate(self.words)}
        self.end = FIRST_WORD + len(self.words)

    @property
    def vocab_size(self) -> int:
        """Number of token ids, the special ones included."""
        return self.end + 1

    def encode(self, text: str) -> list[int]:
        """Ids of one text between start and end; a text that is too long is cut behind its last word that fits."""
        ids = [self._ids.get(word, UNKNOWN) for word in words_of(text)]
        return [START, *ids[: self.context_length - 2], self.end]

    def too_long(self, text: str) -> bool:
        """Whether `encode` cuts the text."""
        return len(words_of(text)) > self.context_length - 2

    def __call__(self, texts: str | Sequence[str]) -> Tensor:
        """Texts -> int64 tensor M x context_length."""
        rows = [self.encode(text) for text in ([texts] if isinstance(texts, str) else texts)]
        tokens = torch.full((len(rows), self.context_length), PAD, dtype=torch.long)
        for index, row in enumerate(rows):
            tokens[index, : len(row)] = torch.tensor(row)
        return tokens
