"""Encoders: local files, the bundled model, and what is said when there are no weights."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from ivif_cli.core.errors import EncoderError, UsageError
from ivif_cli.core.language import encoder as encoders
from ivif_cli.core.language.encoder import Encoder, load_encoder
from ivif_cli.core.weights import SHA256, file_sha256, read_weights
from tests.language.conftest import TinyClip


@pytest.fixture
def tiny(tiny_clip: TinyClip) -> Encoder:
    """The tiny model as an encoder."""
    return load_encoder(str(tiny_clip.config), weights=tiny_clip.weights)


def test_a_local_file_is_loaded_and_named(tiny: Encoder, tiny_clip: TinyClip) -> None:
    assert tiny.name == "tiny_clip/tiny.safetensors"
    assert tiny.sha256 == file_sha256(tiny_clip.weights)
    assert (tiny.image_size, tiny.embed_dim) == (32, 16)


def test_embeddings_have_unit_length_and_gradients_reach_the_picture(tiny: Encoder) -> None:
    luma = torch.rand(3, 1, 45, 70, requires_grad=True)
    embedded = tiny.encode_images(luma)
    assert embedded.shape == (3, 16)
    torch.testing.assert_close(embedded.norm(dim=1), torch.ones(3))
    embedded[:, 0].sum().backward()
    assert luma.grad is not None
    assert luma.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in tiny.parameters())


def test_images_are_normalised_as_open_clip_does_it(tiny: Encoder) -> None:
    import open_clip

    luma = torch.rand(2, 1, 32, 32)
    mean, std = (
        torch.tensor(v).view(1, 3, 1, 1) for v in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    )
    expected = tiny.model.encode_image((luma.repeat(1, 3, 1, 1) - mean) / std, normalize=True)
    torch.testing.assert_close(tiny.encode_images(luma), expected)


def test_an_encoder_stays_in_evaluation_mode(tiny: Encoder) -> None:
    tiny.train()
    assert not tiny.training
    assert not tiny.model.training


def test_texts(tiny: Encoder) -> None:
    embedded = tiny.encode_texts(["a clear image", "A Clear image", "a dark image"])
    assert embedded.shape == (3, 16)
    torch.testing.assert_close(embedded[0], embedded[1])
    assert not torch.allclose(embedded[0], embedded[2])
    assert tiny.text is None


def test_an_objective_is_embedded_and_scored_with_an_open_clip_model_as_with_the_compact_one(tiny: Encoder) -> None:
    from ivif_cli.core.language.directions import language_score
    from ivif_cli.core.language.goal import Texts, embed_texts

    goal = embed_texts(tiny, Texts(fused="a zebra in the rain"))
    ir, vis, fused = torch.rand(3, 2, 1, 40, 48)
    scores = language_score(tiny, goal, fused, ir, vis)
    assert scores.shape == (2,)
    assert (scores.abs() <= 1).all()


def test_feature_maps_of_a_transformer(tiny: Encoder) -> None:
    luma = torch.rand(2, 1, 50, 40, requires_grad=True)
    maps = tiny.image_features(luma)
    assert all(level.shape == (2, 32, 4, 4) for level in maps)
    sum(level.square().sum() for level in maps).backward()
    assert luma.grad is not None


@pytest.mark.filterwarnings("ignore")
def test_weights_of_another_model_are_refused_in_one_line(tiny_clip: TinyClip) -> None:
    with pytest.raises(EncoderError, match="does not hold weights of RN50") as caught:
        load_encoder("RN50", weights=tiny_clip.weights)
    assert "\n" not in str(caught.value)


def test_missing_truncated_and_pickled_weights(tiny_clip: TinyClip, tmp_path: Path) -> None:
    config = str(tiny_clip.config)
    with pytest.raises(EncoderError, match="no such weights file"):
        load_encoder(config, weights=tmp_path / "none.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(tiny_clip.weights.read_bytes()[:-100])
    with pytest.raises(EncoderError, match="truncated"):
        load_encoder(config, weights=cut)
    pickled = tmp_path / "code.pt"
    torch.save({"state_dict": print}, pickled)
    with pytest.raises(EncoderError, match="does not hold weights"):
        load_encoder(config, weights=pickled)


def test_a_foreign_configuration_is_refused(tiny_clip: TinyClip, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.json"
    foreign.write_text("{}")
    with pytest.raises(EncoderError, match="no open_clip configuration"):
        load_encoder(str(foreign), weights=tiny_clip.weights)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"clip": "ViT-B-23"}, "did you mean ViT-B-32"),
        ({"clip": "ViT-B-32", "pretrained": "openia"}, "known are openai"),
        ({"clip": "compact", "pretrained": "openai"}, "leave one of them out"),
    ],
)
def test_unknown_names_are_usage_errors(options: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_encoder(**options)  # type: ignore[arg-type]


def test_without_a_hub_one_line_names_the_two_ways_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ivif_cli.core.language.open_clip_models._reachable", lambda endpoint: False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EncoderError) as caught:
        load_encoder("RN50", pretrained="openai")
    message = str(caught.value)
    assert "the model hub cannot be reached" in message
    assert "--clip-weights FILE" in message
    assert "--clip compact" in message
    assert "\n" not in message


def test_a_broken_torchvision_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def find_spec(self, name: str, *_: Any) -> None:
            if name == "open_clip":
                raise RuntimeError("operator torchvision::nms does not exist\nmore")

    monkeypatch.delitem(sys.modules, "open_clip", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(
        EncoderError, match=r"torchvision::nms does not exist \(install torch and torchvision that match"
    ):
        load_encoder()


def test_the_bundled_model_is_small_pinned_and_convolutional() -> None:
    compact = load_encoder()
    assert compact.name == "compact"
    _, metadata = read_weights(encoders.bundled(encoders.COMPACT_WEIGHTS))
    assert compact.sha256 == metadata.get("space", SHA256["compact-clip.safetensors"])
    assert encoders.bundled(encoders.COMPACT_WEIGHTS).stat().st_size < 15e6
    assert compact.encode_images(torch.rand(2, 1, 30, 40)).shape == (2, compact.embed_dim)
    heights = [level.shape[-2:] for level in compact.image_features(torch.rand(1, 1, 64, 80))]
    assert heights == [(32, 40), (16, 20), (8, 10)]
    assert compact.text.unknown_words("a clear image with detailed background and salient objects") == []
    assert compact.text.unknown_words("a clear zzyzx") == ["zzyzx"]


def test_other_weights_of_the_compact_kind_and_foreign_ones(tiny_clip: TinyClip) -> None:
    own = load_encoder("compact", weights=encoders.bundled(encoders.COMPACT_WEIGHTS))
    assert own.name == "compact/compact-clip.safetensors"
    with pytest.raises(EncoderError, match="does not hold a compact CLIP"):
        load_encoder("compact", weights=tiny_clip.weights)


def test_both_ways_of_loading_read_a_text_alike() -> None:
    from ivif_cli.core.language.text_tower import load_text_tower

    texts = ["bright people", "a quiet background"]
    torch.testing.assert_close(load_encoder().encode_texts(texts), load_text_tower().encode_texts(texts))
