"""The compact CLIP's text side alone: what it reads, refuses, and does not import."""

import subprocess
import sys

import pytest
import torch

from ivif_cli.core.errors import UsageError
from ivif_cli.core.language.claims import CLAIMS
from ivif_cli.core.language.explain import explain, explain_all
from ivif_cli.core.language.text_tower import TextEncoder, load_text_tower
from ivif_cli.core.weights import SHA256, bundled, read_weights


@pytest.fixture(scope="module")
def text() -> TextEncoder:
    """The bundled text side."""
    return load_text_tower()


def test_it_has_the_space_of_its_file_and_gives_unit_vectors(text: TextEncoder) -> None:
    _, metadata = read_weights(bundled("compact-clip.safetensors"))
    assert text.sha256 == metadata.get("space", SHA256["compact-clip.safetensors"])
    embedded = text.encode_texts(["an infrared image", "let the people glow"])
    torch.testing.assert_close(embedded.norm(dim=1), torch.ones(2))


def test_it_loads_without_open_clip_and_torchvision() -> None:
    code = (
        "import sys; from ivif_cli.core.language.explain import explain; explain('a bright image');"
        "print([m for m in ('open_clip', 'torchvision') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_a_text_reads_the_same_alone_and_beside_longer_ones(text: TextEncoder) -> None:
    alone = text.encode_texts(["bright people"])
    beside = text.encode_texts(["a very long wish with very many words about a detailed background", "bright people"])
    torch.testing.assert_close(alone[0], beside[1], atol=1e-5, rtol=1e-4)


def test_the_objective_is_read_as_its_three_claims(text: TextEncoder) -> None:
    read = explain("a clear image with detailed background and salient objects", text)
    assert set(sorted(read.claims, key=lambda claim: -read.claims[claim])[:3]) == {"clear", "detailed", "salient"}
    assert sum(read.claims.values()) == pytest.approx(1.0)
    assert tuple(read.claims) == CLAIMS
    assert not read.warnings()


def test_the_sources_texts_lie_apart(text: TextEncoder) -> None:
    infrared, visible = text.encode_texts(["an infrared image", "a visible gray image"])
    assert float(infrared @ visible) < 0.3


@pytest.mark.parametrize(
    ("plain", "same"),
    [
        ("do not brighten the image", "Don't brighten the image!!"),
        ("a low contrast image", "a low-contrast image"),
        ("make it brighter", "make it 'brighter'."),
    ],
)
def test_spelling_that_does_not_matter(text: TextEncoder, plain: str, same: str) -> None:
    first, second = text.encode_texts([plain, same])
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize(
    ("wish", "claim"),
    [
        ("do not highlight people", "dim"),
        ("tone down the warm objects", "dim"),
        ("make it darker", "dark"),
        ("do not make it darker", "bright"),
        ("flatten the contrast", "faded"),
    ],
)
def test_order_and_negation_matter(text: TextEncoder, wish: str, claim: str) -> None:
    strengths = text.claim_strengths(wish)
    assert max(strengths, key=lambda name: strengths[name]) == claim


def test_unknown_words_are_named_and_a_text_of_nothing_is_flagged(text: TextEncoder) -> None:
    assert text.unknown_words("a bright image of a zzyzx") == ["zzyzx"]
    assert text.unknown_words("an image with detailed backgrounds, over-exposed and brightly glowing pedestrians") == []
    read = explain("a happy picture", text)
    assert read.empty
    assert "says nothing that the model can see" in read.warnings()[0]
    assert sum(read.claims.values()) < 0.5


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ("", "the text is empty"),
        ("   ", "the text is empty"),
        ("zzyzx", "no word of the text is known"),
        ("12 34", "no word of the text is known"),
        ("asdf qwer", "no word of the text is known: asdf, qwer"),
        ("brigt imge", r"no word of the text is known: brigt \(bright\?\), imge \(image\?\)"),
        ("ein helles Bild mit klarem Hintergrund", "in German"),
        ("rendez l'image plus claire", "in French"),
        ("una imagen más clara con más detalle", "in Spanish"),
        ("让 图像 更 亮", "another language"),
        ("更亮的图像", "another language"),
    ],
)
def test_what_cannot_be_read_is_refused(text: TextEncoder, wish: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        text.encode_texts([wish])


def test_all_texts_that_cannot_be_read_are_named_at_once(text: TextEncoder) -> None:
    with pytest.raises(UsageError, match=r"2 texts cannot be read: .*asdf.*; .*in German"):
        explain_all(["a bright image", "asdf", "ein helles Bild mit klarem Hintergrund"], text)


@pytest.mark.parametrize(
    ("wish", "both"),
    [("a bright dark image", True), ("a dark street made bright", False), ("make it dark", False)],
)
def test_both_ends_of_an_axis_are_a_warning(text: TextEncoder, wish: str, both: bool) -> None:
    assert explain(wish, text).warnings() == both * [
        f"bright and dark work against each other: one wish a sentence reads best ({wish!r})"
    ]


def test_a_long_text_is_cut_and_that_is_said(text: TextEncoder) -> None:
    long = "a bright image " * 20
    assert text.too_long(long)
    assert not text.too_long("a bright image")
    assert text.encode_texts([long]).isfinite().all()
    told = explain(long, text).warnings()
    assert [line for line in told if "only the beginning of a text is read" in line] == told[:1]
    assert not any("beginning" in line for line in explain("a bright image", text).warnings())
