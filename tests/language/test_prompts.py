"""Prompt sets: embedding, the file, and the refusal of another encoder."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional as F

from ivif_cli.core.errors import EncoderError, IvifError, UsageError, WeightsError
from ivif_cli.core.language.prompts import (
    PromptSet,
    cosine_table,
    embed,
    load_all_embeddings,
    load_embeddings,
    read_prompt_file,
    save_embeddings,
)


class SeededEncoder:
    """Gives every text its own random unit vector."""

    def __init__(self, name: str = "seeded", sha256: str = "ab" * 32) -> None:
        self.name, self.sha256 = name, sha256

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        rows = [torch.randn(8, generator=torch.Generator().manual_seed(sum(text.encode()))) for text in texts]
        return F.normalize(torch.stack(rows), dim=1)


ENCODER = SeededEncoder()


def test_directions_point_from_the_sources_to_the_objective() -> None:
    embedded = embed(ENCODER, PromptSet())
    ir, _, fused = ENCODER.encode_texts(PromptSet().texts())
    torch.testing.assert_close(embedded.ir_direction, F.normalize(fused - ir, dim=0))
    torch.testing.assert_close(embedded.vis_direction.norm(), torch.tensor(1.0))


def test_templates_are_averaged_and_normalised() -> None:
    embedded = embed(ENCODER, PromptSet(), ["{}", "a photo of {}"])
    both = ENCODER.encode_texts(["an infrared image", "a photo of an infrared image"])
    torch.testing.assert_close(embedded.ir, F.normalize(both.mean(0), dim=0))
    assert embedded.templates == ("{}", "a photo of {}")


@pytest.mark.parametrize("template", ["no place", "{} and {}"])
def test_a_template_has_exactly_one_place(template: str) -> None:
    with pytest.raises(UsageError, match="exactly one"):
        embed(ENCODER, PromptSet(), [template])


def test_an_objective_that_equals_a_source_is_refused() -> None:
    with pytest.raises(UsageError, match="mean the same"):
        embed(ENCODER, PromptSet(fused="an infrared image"))


def test_a_file_gives_back_what_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "prompts.safetensors"
    night = PromptSet(name="night", fused="a bright image at night")
    saved = [embed(ENCODER, PromptSet()), embed(ENCODER, night, ["this is {}"])]
    save_embeddings(path, saved)
    loaded = load_all_embeddings(path, encoder=ENCODER)
    assert [e.texts for e in loaded] == [PromptSet(), night]
    assert loaded[1].templates == ("this is {}",)
    for before, after in zip(saved, loaded, strict=True):
        torch.testing.assert_close(after.fused, before.fused, rtol=0, atol=0)
    assert load_embeddings(path, name="night").texts == night
    assert load_embeddings(path).texts == PromptSet()


def test_the_file_names_texts_and_encoder(tmp_path: Path) -> None:
    path = tmp_path / "prompts.safetensors"
    save_embeddings(path, embed(ENCODER, PromptSet()))
    with safe_open(path, "pt") as opened:
        metadata = opened.metadata()
        assert set(opened.keys()) == {f"default/{n}" for n in ("ir", "vis", "fused", "ir_direction", "vis_direction")}
    assert metadata["encoder"] == "seeded"
    assert metadata["encoder_sha256"] == ENCODER.sha256
    assert json.loads(metadata["prompts"])[0]["fused"] == PromptSet().fused


def test_another_encoder_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "prompts.safetensors"
    save_embeddings(path, embed(ENCODER, PromptSet()))
    with pytest.raises(EncoderError, match="made with the encoder seeded, not with other"):
        load_embeddings(path, encoder=SeededEncoder("other", "cd" * 32))
    with pytest.raises(EncoderError, match="weights abababababab and cdcdcdcdcdcd"):
        load_embeddings(path, encoder=SeededEncoder("seeded", "cd" * 32))


def test_sets_of_one_file_need_names_and_one_encoder(tmp_path: Path) -> None:
    path = tmp_path / "prompts.safetensors"
    one, other = embed(ENCODER, PromptSet()), embed(SeededEncoder("b", "b"), PromptSet(name="b"))
    for sets, said in (([one, one], "name of its own"), ([one, other], "different encoders"), ([], "no prompt set")):
        with pytest.raises(UsageError, match=said):
            save_embeddings(path, sets)
    assert not path.exists()


def test_unknown_set_and_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "prompts.safetensors"
    save_embeddings(path, embed(ENCODER, PromptSet()))
    with pytest.raises(UsageError, match="no prompt set 'day'"):
        load_embeddings(path, name="day")
    path.write_bytes(b"\x80\x04 pickle")
    with pytest.raises(WeightsError):
        load_embeddings(path)


def test_the_cosine_table() -> None:
    embedded = embed(ENCODER, PromptSet())
    ((name, first, *_),) = cosine_table([embedded])
    assert name == "default"
    assert first == pytest.approx(float(embedded.fused @ embedded.ir))


def test_a_prompt_file_holds_any_number_of_sets(tmp_path: Path) -> None:
    path = tmp_path / "prompts.toml"
    path.write_text('templates = ["a photo of {}"]\n[paper]\n[night]\nfused = "a bright image"\n')
    sets, templates = read_prompt_file(path)
    assert sets == [PromptSet(name="paper"), PromptSet(name="night", fused="a bright image")]
    assert templates == ("a photo of {}",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a", "no valid TOML"),
        ("", "holds no prompt set"),
        ('[a]\nfuse = "x"', "unknown keys: fuse"),
        ("[a]\nir = 3", "table of texts"),
        ('name = "x"', "table of texts"),
        ("templates = 3", "list of texts"),
    ],
)
def test_a_wrong_prompt_file_is_told_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "prompts.toml"
    path.write_text(text)
    with pytest.raises(IvifError, match=said):
        read_prompt_file(path)
