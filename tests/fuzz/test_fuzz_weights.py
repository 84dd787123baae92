"""Weights: headers that lie about sizes, types and offsets; files of another purpose; metadata of any kind."""

import json
import struct
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ivif_cli.core.language.prompts import FORMAT as PROMPTS
from ivif_cli.core.language.prompts import load_goals
from ivif_cli.core.network import load_network, save_network
from ivif_cli.core.training.checkpoint import FORMAT as CHECKPOINT
from ivif_cli.core.training.checkpoint import read_checkpoint
from ivif_cli.core.weights import read_weights
from tests.fuzz.budget import fuzzed, value_or_line
from tests.made_up import small_network

_NUMBERS = st.sampled_from((0, 1, 4, 8, 16, -1, 1 << 31, 1 << 40, 1 << 63, (1 << 64) - 1, 10**30)) | st.integers(0, 70)
_KINDS = st.sampled_from(("F32", "F16", "BF16", "I64", "U8", "BOOL", "F64", "F8_E4M3", "X", "", 3, None))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "dtype": _KINDS,
        "shape": st.lists(_NUMBERS, max_size=3) | _JSON,
        "data_offsets": st.lists(_NUMBERS, max_size=3) | _JSON,
    },
)
_METADATA = st.dictionaries(
    st.sampled_from(("network", "format", "prompts", "state", "encoder")), st.text(max_size=20) | _JSON
)
_HEADERS = st.dictionaries(st.sampled_from(("a", "b", "default/ir", "é")), _ENTRIES | _JSON, max_size=3)
_SHAPES = st.dictionaries(
    st.sampled_from(("fold", "channels", "levels", "blocks", "mixer", "tone", "x")),
    st.integers(-1, 9) | _NUMBERS | _JSON,
    max_size=4,
)
READERS = (read_weights, load_network, read_checkpoint, load_goals)


def _file(box: Path, header: object, body: bytes, *, length: int | None = None) -> Path:
    text = json.dumps(header).encode()
    path = box / "file.safetensors"
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length % (1 << 64)) + text + body)
    return path


@given(header=_HEADERS, metadata=_METADATA, body=st.binary(max_size=64), reader=st.sampled_from(READERS))
@fuzzed(0.06)
def test_headers_of_any_claim(box: Path, header: dict, metadata: dict, body: bytes, reader: Any) -> None:
    path = _file(box, {**header, "__metadata__": metadata} if metadata else header, body)
    value_or_line("weights", lambda: reader(path))


@given(header=_JSON, length=_NUMBERS | st.none(), body=st.binary(max_size=16), reader=st.sampled_from(READERS))
@fuzzed(0.03)
def test_lengths_that_lie(box: Path, header: object, length: int | None, body: bytes, reader: Any) -> None:
    path = _file(box, header, body, length=length)
    value_or_line("weights", lambda: reader(path))


@given(shape=_SHAPES)
@fuzzed(0.01)
def test_network_shapes_of_any_claim(box: Path, shape: dict) -> None:
    path = _file(box, {"__metadata__": {"network": json.dumps(shape)}}, b"")
    assert value_or_line("network shapes", lambda: load_network(path)) is None


@given(format_=st.sampled_from((PROMPTS, CHECKPOINT)), plain=_JSON | st.text(max_size=10))
@fuzzed(0.03)
def test_prompt_and_checkpoint_metadata(box: Path, format_: str, plain: object) -> None:
    text = plain if isinstance(plain, str) else json.dumps(plain)
    path = _file(
        box,
        {"__metadata__": {"format": format_, "goals": text, "encoder": "a", "encoder_sha256": "b", "state": text}},
        b"",
    )
    value_or_line("metadata", lambda: load_goals(path))
    value_or_line("metadata", lambda: read_checkpoint(path))


@given(at=st.floats(0, 1), data=st.binary(min_size=1, max_size=8), cut=st.booleans())
@fuzzed(0.01)
def test_damaged_networks(box: Path, at: float, data: bytes, cut: bool) -> None:
    whole = box / "whole.safetensors"
    if not whole.exists():
        save_network(whole, *small_network())
    content = whole.read_bytes()
    place = int(at * (len(content) - 1))
    path = box / "damaged.safetensors"
    path.write_bytes(content[:place] + data + (b"" if cut else content[place + len(data) :]))
    value_or_line("networks", lambda: load_network(path))
