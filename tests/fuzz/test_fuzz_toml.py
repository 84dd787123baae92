"""Recipe and prompt files: any bytes, any TOML, known names with wrong values, deep nesting."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivif_cli.core.language.prompts import read_prompt_file
from ivif_cli.core.training.recipe import Recipe, load_recipe, parse_setting, to_table, to_toml
from tests.fuzz.budget import fuzzed, value_or_line


def _dotted(table: dict[str, Any], prefix: str = "") -> list[str]:
    names = []
    for name, value in table.items():
        names += _dotted(value, f"{prefix}{name}.") if isinstance(value, dict) else [f"{prefix}{name}"]
    return names


_KNOWN = _dotted(to_table(Recipe()))
_WHOLE = to_toml(to_table(Recipe()))
_VALUES = st.one_of(
    st.integers(), st.integers(-3, 300), st.floats(), st.booleans(), st.text(max_size=8), st.none(),
    st.lists(st.integers(-2, 5) | st.floats() | st.text(max_size=3), max_size=4), st.just({}), st.just({"a": 1}),
)  # fmt: skip
_SNIPPETS = ("[", "]", "=", '"', "'''", "\n", "steps", "crops", "[crops]", "1e400", "nan", "-inf", "0x", "9" * 5000,
             "1979-05-27T07:32:00Z", "[[a]]", "a.b.c", "{a=1}", "#",
             "\\u0000", "\x00", "templates", "ir", "é")  # fmt: skip
_TEXTS = st.lists(st.sampled_from(_SNIPPETS) | st.text(max_size=4), max_size=12).map("".join)


def _write(box: Path, data: bytes) -> Path:
    path = box / "file.toml"
    path.write_bytes(data)
    return path


@given(options=st.dictionaries(st.sampled_from(_KNOWN) | st.text(max_size=12), _VALUES, max_size=3))
@fuzzed(0.06)
def test_recipe_settings(options: dict[str, Any]) -> None:
    recipe = value_or_line("recipe", lambda: load_recipe(None, options))
    if recipe is not None:
        assert to_table(recipe) == to_table(recipe) or "nan" in repr(recipe)


@given(text=_TEXTS | st.text(max_size=60))
@fuzzed(0.05)
def test_recipe_files_of_any_text(box: Path, text: str) -> None:
    value_or_line("recipe", lambda: load_recipe(_write(box, text.encode("utf-8", "surrogatepass"))))


@given(data=st.binary(max_size=40), at=st.floats(0, 1), gone=st.integers(0, 20))
@fuzzed(0.04)
def test_damaged_recipe_files(box: Path, data: bytes, at: float, gone: int) -> None:
    whole = _WHOLE.encode()
    place = int(at * len(whole))
    value_or_line("recipe", lambda: load_recipe(_write(box, whole[:place] + data + whole[place + gone :])))


@given(text=st.text(max_size=30) | st.builds("{}={}".format, st.sampled_from(_KNOWN), _TEXTS))
@fuzzed(0.04)
def test_settings_of_the_command_line(text: str) -> None:
    value_or_line("settings", lambda: load_recipe(None, dict([parse_setting(text)])))


@given(text=_TEXTS)
@fuzzed(0.04)
def test_prompt_files_of_any_text(box: Path, text: str) -> None:
    value_or_line("prompts", lambda: read_prompt_file(_write(box, text.encode("utf-8", "surrogatepass"))))


@given(
    sets=st.dictionaries(st.text(max_size=5), st.dictionaries(st.sampled_from(("ir", "vis", "fused", "x")), _VALUES))
)
@fuzzed(0.03)
def test_prompt_files_of_any_tables(box: Path, sets: dict[str, dict[str, Any]]) -> None:
    lines = []
    for name, table in sets.items():
        lines.append(f"[{name!r}]")
        lines += [f"{key} = {value!r}" for key, value in table.items()]
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    found = value_or_line("prompts", lambda: read_prompt_file(_write(box, text)))
    if found is not None:
        assert all(isinstance(word, str) for texts in found[0].values() for word in texts)


@pytest.mark.parametrize("reader", [load_recipe, read_prompt_file])
@pytest.mark.parametrize("text", ["a=" + "[" * 100_000, "[" + "a." * 50_000 + "b]", "a=" + "{b=" * 50_000])
def test_deep_nesting(box: Path, reader: Any, text: str) -> None:
    assert value_or_line("deep TOML", lambda: reader(_write(box, text.encode()))) is None
