"""Training of the text tower, and the file that both towers end in."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ivif_cli.core.language.claims import CLAIMS
from ivif_cli.core.language.encoder import load_encoder
from ivif_cli.core.language.text_tower import TextTower, load_text_tower
from ivif_cli.core.weights import bundled
from tools.compact_clip.export import export
from tools.compact_clip.grammar import Caption, imagine
from tools.compact_clip.image_tower import ImageRecipe, Trainer
from tools.compact_clip.scenes import Scene
from tools.compact_clip.text_training import (
    TextRecipe,
    babble,
    batch_of,
    new_tower,
    silent_words,
    text_loss,
    train_text,
)

Table = tuple[list[str], torch.Tensor, torch.Tensor]
SMALL = TextRecipe(width=32, heads=1, layers=1, steps=40, batch_size=32, warmup=5, learning_rate=5e-3, babble=0.0)


@pytest.fixture(scope="module")
def table() -> Table:
    """The words that a thousand captions say, and some that none says, each with a random vector."""
    rng = np.random.default_rng(0)
    bundled_rows = load_text_tower().tower
    rows = sorted({row for _ in range(1000) for row in bundled_rows.tokens(imagine(rng).text)})
    words = [*(bundled_rows.words[row] for row in rows), "zzyzx", "quagga", "okapi"]
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randint(-127, 128, (len(words), 16), generator=generator, dtype=torch.int8)
    return words, vectors, torch.full((len(words), 1), 0.01, dtype=torch.float16)


@pytest.fixture
def tower(table: Table) -> TextTower:
    """A small tower with fresh weights."""
    return new_tower(*table, SMALL)


def test_training_lowers_the_loss_and_repeats(table: Table) -> None:
    losses: list[float] = []
    towers = [
        train_text(new_tower(*table, SMALL), SMALL, lambda line: losses.append(line["loss"]), every=20) for _ in "12"
    ]
    assert losses[1] < 0.9 * losses[0]
    assert losses[:2] == losses[2:]
    for name, value in towers[0].state_dict().items():
        torch.testing.assert_close(towers[1].state_dict()[name], value, rtol=0, atol=0)


def test_a_batch_is_padded_and_keeps_negations(tower: TextTower) -> None:
    captions = [Caption("do not blur it", frozenset({"clear"})), Caption("bright", frozenset({"bright"}))]
    recipe = TextRecipe(dropped=0.9, jitter=0.0)
    for seed in range(20):
        vectors, padding, claims = batch_of(tower, captions, recipe, np.random.default_rng(seed))
        kept = (vectors[0] - tower.vectors[tower.rows["not"]]).abs().amax(dim=1)
        assert kept.min() == 0
        assert padding[1].tolist() == [False] + [True] * (padding.shape[1] - 1)
    assert claims[:, CLAIMS.index("clear")].tolist() == [1.0, 0.0]


def test_the_loss_is_least_where_the_claims_are_right(tower: TextTower) -> None:
    claims = torch.zeros(2, len(CLAIMS))
    claims[0, CLAIMS.index("bright")] = 1.0
    right, wrong = 20 * claims - 10, -20 * claims + 10
    assert text_loss(tower, right, claims) < 0.01 < text_loss(tower, wrong, claims)


def test_babble_is_of_words_unlike_any_that_claims(tower: TextTower) -> None:
    silent = silent_words(tower, likeness=0.99)
    assert set(silent) <= {"zzyzx", "quagga", "okapi"}
    spoken = babble(["zzyzx"], np.random.default_rng(0))
    assert not spoken.claims
    assert set(spoken.text.split()) == {"zzyzx"}


def test_the_file_gives_back_what_was_trained(table: Table, tower: TextTower, tmp_path: Path) -> None:
    pytest.importorskip("open_clip")
    recipe = ImageRecipe(image_size=32, width=4, layers=(1, 1, 1, 1))
    luma = np.zeros((40, 40), np.uint8)
    trainer = Trainer(recipe, [Scene(str(i), "made-up", str(i), None, luma, luma) for i in range(4)])
    path = tmp_path / "own.safetensors"
    sha256 = export(path, trainer.tower.state_dict(), tower.eval(), table, (recipe, SMALL), "4 pairs")
    text, whole = load_text_tower(path), load_encoder("compact", weights=path)
    assert text.sha256 == whole.sha256 == sha256
    assert whole.image_size == 32
    expected = tower.embed(tower.claims(["a bright image"]))
    torch.testing.assert_close(text.encode_texts(["a bright image"]), expected.detach(), atol=5e-3, rtol=0)
    pixels = torch.rand(2, 1, 32, 32)
    trainer.tower.eval()
    shown = torch.nn.functional.normalize(trainer.tower((pixels - trainer.mean) / trainer.std), dim=1)
    torch.testing.assert_close(whole.encode_images(pixels), shown.detach(), atol=5e-3, rtol=0)


def test_the_bundled_file_has_the_word_table_and_says_where_it_is_from() -> None:
    assert bundled("compact-clip.safetensors").stat().st_size < 15e6
    text = load_text_tower()
    assert len(text.tower.words) == 21837
    assert text.tower.vectors.shape == (21837, 128)
