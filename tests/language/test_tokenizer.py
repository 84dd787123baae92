"""The word tokenizer: ids, padding, cutting."""

import torch

from ivif_cli.core.language.tokenizer import FIRST_WORD, PAD, START, UNKNOWN, WordTokenizer

TOKENIZER = WordTokenizer(["a", "clear", "image"], context_length=6)


def test_ids_padding_and_the_end_token() -> None:
    end = TOKENIZER.vocab_size - 1
    tokens = TOKENIZER(["a clear image", "A zebra"])
    assert tokens.dtype == torch.long
    assert tokens.tolist() == [
        [START, FIRST_WORD, FIRST_WORD + 1, FIRST_WORD + 2, end, PAD],
        [START, FIRST_WORD, UNKNOWN, end, PAD, PAD],
    ]


def test_the_end_token_is_the_highest_id_even_of_a_cut_text() -> None:
    tokens = TOKENIZER("a clear image a clear image")
    assert tokens.shape == (1, 6)
    assert tokens[0].argmax() == 5
    assert TOKENIZER.too_long("a clear image a clear image")
    assert not TOKENIZER.too_long("a clear image a")
