"""A newcomer's first day with the tool: what was silently wrong or in the way then, each rebuilt in a few lines.

The numbers in the docstrings are those of the list that was written on that day (AUDIT); several inputs of one number
have a test each. Files and names are in `test_newcomer_files.py`; the situations of docs/trust.md in `test_cases.py`.
"""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import ivif_cli
from ivif_cli.app import app
from ivif_cli.core.data.images import read_image, write_image
from ivif_cli.core.errors import InputError
from ivif_cli.core.fusing.fuser import Fuser
from tests.cases.runs import GREY, VIS, fuse, ivif, made, people, refused, thermal


def test_python_keeps_the_people_of_raw_counts_as_the_command_does(yard: Path) -> None:
    """1: the Python face took 65535 as white, and the people stayed dark."""
    write_image(yard / "ir16.png", thermal())
    made(fuse(yard, "ir16.png", "vi/1.png", "cli.png"))
    fused = Fuser(yard / "first.safetensors", device="cpu").fuse(thermal(), VIS)
    assert np.array_equal(fused, read_image(yard / "cli.png")) and people(fused) > 40


@pytest.mark.parametrize(("orientation", "turns"), [(3, 2), (6, 1)])
def test_a_telephone_held_another_way_gives_an_upright_picture(yard: Path, orientation: int, turns: int) -> None:
    """2: the scene was fused upside down, or `--resize` stretched it."""
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(VIS[..., ::-1], turns)))
    exif = turned.getexif()
    exif[0x0112] = orientation
    turned.save(yard / "vi.jpg", exif=exif, quality=100, subsampling=0)
    assert "upright" in made(fuse(yard, "ir/1.png", "vi.jpg", "out.png")).stderr
    made(fuse(yard, "ir/1.png", "vi/1.png", "plain.png"))
    out, plain = (read_image(yard / f"{name}.png").astype(int) for name in ("out", "plain"))
    assert out.shape == plain.shape and np.abs(out - plain).mean() < 3


def test_stretching_to_another_ratio_is_said(yard: Path) -> None:
    """2: `--resize` between pictures of other shapes was silent."""
    write_image(yard / "wide.png", np.ascontiguousarray(VIS[:60]))
    assert "--crop centre keeps the ratio" in made(fuse(yard, "ir/1.png", "wide.png", "o.png", "--resize")).stderr


def test_a_folder_of_another_model_is_made_again(yard: Path) -> None:
    """5: pictures of one model were given out as those of another."""
    made(fuse(yard, "ir", "vi", "out"))
    report = json.loads(made(fuse(yard, "ir", "vi", "out", "--json", model="second")).stdout)
    assert not report["skipped"] and [item["other"] for item in report["remade"]] == [["weights_sha256"]] * 2
    made(fuse(yard, "ir", "vi", "fresh", model="second"))
    assert np.array_equal(read_image(yard / "out" / "1.png"), read_image(yard / "fresh" / "1.png"))


def test_an_engine_that_enters_does_not_darken_the_people(yard: Path) -> None:
    """6: a folder of raw counts was ranged picture by picture."""
    for name in ("1", "2"):
        write_image(yard / "ir" / f"{name}.png", thermal(engine=name == "2"), overwrite=True)
    said = made(fuse(yard, "ir", "vi", "out", "--bit-depth", "8")).stderr
    assert "in all pictures" in said
    before, after = (people(read_image(yard / "out" / f"{name}.png")) for name in ("1", "2"))
    assert before > 40 and after > before - 3


@pytest.mark.parametrize("suffix", [".pt", ".txt", ""])
def test_a_network_is_exported_by_its_suffix_or_not_at_all(yard: Path, suffix: str) -> None:
    """9: any name was written as ONNX."""
    refused(ivif("export", "-m", yard / "first.safetensors", "-o", yard / f"q{suffix}"), 2, ".onnx (ONNX) or .pt2")
    assert not (yard / f"q{suffix}").exists()


def test_a_network_for_torch_is_not_called_pickled(yard: Path) -> None:
    """9: `fuse -m base.pt2` was refused by the wrong reason."""
    (yard / "base.pt2").write_bytes(b"PK\x03\x04" + bytes(64))
    result = ivif(
        "fuse", "--ir", yard / "ir/1.png", "--vis", yard / "vi/1.png", "-o", yard / "o.png", "-m", yard / "base.pt2"
    )
    refused(result, 2, "is for torch.export.load (fuse with the weights themselves, or export an .onnx)")


def test_a_pipe_carries_a_png(yard: Path) -> None:
    """10: `-o -` wrote pixels without a header; `--ir -` wanted their size."""
    made(fuse(yard, "ir/1.png", "vi/1.png", "out.png"))
    words = ["fuse", "--ir", "-", "--vis", yard / "vi/1.png", "-o", "-", "-m", yard / "first.safetensors", "-q"]
    piped = CliRunner().invoke(app, [str(word) for word in words], input=(yard / "ir/1.png").read_bytes())
    picture = cv2.imdecode(np.frombuffer(made(piped).stdout_bytes, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(picture, read_image(yard / "out.png"))


def test_a_model_is_scored_beside_folders_and_several_models_together(yard: Path) -> None:
    """12: the model was dropped beside `--fused`, and of two models the last one won."""
    made(fuse(yard, "ir", "vi", "out"))
    models = (word for name in ("first", "second") for word in ("-m", yard / f"{name}.safetensors"))
    words = ("--ir", yard / "ir", "--vis", yard / "vi", "--metrics", "EN", "--json", "--fused", f"x={yard / 'out'}")
    report = json.loads(made(ivif("evaluate", *words, *models)).stdout)
    assert len({method["name"] for method in report["methods"]}) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("evaluate", "--dataset", "MSRS", "--dataset", "M3FD"), "--dataset is given twice"),
        (("evaluate", "--ir", "ir", "--vis", "vi", "--json", "--format", "csv"), "exclude each other"),
        (("fuse", "--ir", "ir/1.png", "--vis", "vi/1.png", "-o", "o.png", "--format", "jpg"), "two kinds"),
    ],
)
def test_options_that_contradict_are_refused(
    yard: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    """12: one of the two was dropped in silence."""
    monkeypatch.chdir(yard)
    refused(ivif(*words), 2, said)


def test_pictures_without_a_partner_are_named_and_strict_is_an_error(yard: Path) -> None:
    """12: half of the pairs could be missing with exit status 0 and no way to ask for more."""
    write_image(yard / "ir" / "alone.png", GREY)
    assert "alone.png: infrared without a visible partner" in made(fuse(yard, "ir", "vi", "some")).stderr
    refused(fuse(yard, "ir", "vi", "out", "--strict"), 1, "alone.png")
    assert not (yard / "out").exists()


def test_a_page_does_not_replace_another_file(yard: Path) -> None:
    """12: `--html README.md` wrote over a README."""
    (yard / "README.md").write_text("mine")
    made(fuse(yard, "ir", "vi", "out"))
    words = ("--ir", yard / "ir", "--vis", yard / "vi", "--fused", yard / "out", "--metrics", "EN")
    refused(ivif("evaluate", *words, "--html", yard / "README.md"), 1, "is not a report of ivif")
    assert (yard / "README.md").read_text() == "mine"


def test_python_completes_its_names() -> None:
    """17: `dir(ivif_cli)` had no `Fuser`."""
    assert {"Fuser", "evaluate_pair"} <= set(dir(ivif_cli)) and "TYPE_CHECKING" not in dir(ivif_cli)


def test_python_takes_what_people_have_in_their_hands(yard: Path) -> None:
    """17: paths, PIL pictures, tensors, alpha, H x W x 1, floats and RGB arrays were refused."""
    fuser = Fuser(yard / "first.safetensors", device="cpu")
    plain, rgb = fuser.fuse(GREY, VIS), np.ascontiguousarray(VIS[..., ::-1])
    opaque = np.dstack([VIS, np.full(GREY.shape, 255, np.uint8)])
    for ir, vis in (
        (yard / "ir/1.png", str(yard / "vi/1.png")),
        (Image.fromarray(GREY), Image.fromarray(rgb)),
        (torch.from_numpy(GREY), torch.from_numpy(VIS)),
        (GREY[..., None], opaque),
    ):
        assert np.array_equal(fuser.fuse(ir, vis), plain)
    assert np.array_equal(fuser.fuse(GREY, rgb, order="RGB")[..., ::-1], plain)
    deep = fuser.fuse(GREY, VIS / 255.0)
    assert deep.dtype == np.uint16 and np.abs(deep / 257.0 - plain).max() < 3


def test_python_says_what_it_cannot_take_in_its_own_words(yard: Path) -> None:
    """17: `AttributeError`, and the names of options of the command line alone."""
    fuser = Fuser(yard / "first.safetensors", device="cpu")
    for ir, said in (([1, 2], "type list"), (None, "type NoneType"), (GREY[:9], "cv2.resize")):
        with pytest.raises(InputError, match=said):
            fuser.fuse(ir, VIS)
