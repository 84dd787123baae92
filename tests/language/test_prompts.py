"""Goals in files of their own: what is saved comes back, and another encoder is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from ivif_cli.core.errors import EncoderError, IvifError, UsageError, WeightsError
from ivif_cli.core.language.goal import Texts, embed_texts
from ivif_cli.core.language.prompts import cosine_table, load_goal, load_goals, read_prompt_file, save_goals
from ivif_cli.core.weights import read_weights, write_weights
from tests.made_up import SeededEncoder

ENCODER = SeededEncoder()
DAY = embed_texts(ENCODER, Texts(), "day")
NIGHT = embed_texts(ENCODER, Texts(fused="a bright image at night"), "night", ["this is {}"])


def test_a_file_gives_back_what_was_saved_to_the_bit_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "prompts.safetensors"
    save_goals(path, [NIGHT, DAY])
    loaded = load_goals(path, encoder=ENCODER)
    assert [(goal.name, goal.texts) for goal in loaded] == [("night", NIGHT.texts), ("day", DAY.texts)]
    for before, after in zip((NIGHT, DAY), loaded, strict=True):
        assert np.array_equal(after.condition, before.condition)
        assert all(np.array_equal(getattr(after, role), getattr(before, role)) for role in ("ir", "vis", "fused"))
    assert load_goal(path, name="day").texts == DAY.texts
    assert load_goal(path).name == "night"


def test_the_file_names_texts_and_encoder(tmp_path: Path) -> None:
    path = tmp_path / "prompts.safetensors"
    save_goals(path, [DAY])
    with safe_open(path, "pt") as opened:
        metadata = opened.metadata()
        assert set(opened.keys()) == {"goal.day"}
    assert (metadata["encoder"], metadata["encoder_sha256"]) == ("seeded", ENCODER.sha256)
    assert json.loads(metadata["goals"])["day"]["fused"] == Texts().fused


def test_another_encoder_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "prompts.safetensors"
    save_goals(path, [DAY])
    with pytest.raises(EncoderError, match="made with the encoder seeded, not with other"):
        load_goal(path, encoder=SeededEncoder("other", "cd" * 32))
    with pytest.raises(EncoderError, match="weights abababababab and cdcdcdcdcdcd"):
        load_goal(path, encoder=SeededEncoder("seeded", "cd" * 32))


def test_sets_of_one_file_need_names_and_one_encoder(tmp_path: Path) -> None:
    path = tmp_path / "prompts.safetensors"
    other = embed_texts(SeededEncoder("b", "b"), Texts(), "b")
    for sets, said in (([DAY, DAY], "name of its own"), ([DAY, other], "different encoders"), ([], "no prompt set")):
        with pytest.raises(UsageError, match=said):
            save_goals(path, sets)
    assert not path.exists()


def test_unknown_set_and_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "prompts.safetensors"
    save_goals(path, [DAY])
    with pytest.raises(UsageError, match=r"no prompt set 'dawn'.*it has day"):
        load_goal(path, name="dawn")
    tensors, metadata = read_weights(path)
    write_weights(path, tensors, {**metadata, "goals": "{"})
    with pytest.raises(EncoderError, match="damaged"):
        load_goals(path)
    write_weights(path, tensors, {**metadata, "format": "other"})
    with pytest.raises(EncoderError, match="holds no prompt embeddings"):
        load_goals(path)
    path.write_bytes(b"\x80\x04 pickle")
    with pytest.raises(WeightsError):
        load_goal(path)


def test_the_cosine_table() -> None:
    ((name, *found),) = cosine_table([DAY])
    ir, vis, fused = ENCODER.encode_texts([*Texts()]).double().numpy()
    first, second = fused - ir, fused - vis
    apart = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    assert name == "day"
    assert found == pytest.approx([fused @ ir, fused @ vis, ir @ vis, apart], abs=1e-5)


def test_a_prompt_file_holds_any_number_of_sets(tmp_path: Path) -> None:
    path = tmp_path / "prompts.toml"
    path.write_text('templates = ["a photo of {}"]\n[paper]\n[night]\nfused = "a bright image"\n')
    sets, templates = read_prompt_file(path)
    assert sets == {"paper": Texts(), "night": Texts(fused="a bright image")}
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
