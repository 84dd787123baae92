"""JSON that users hand in (baselines, alignments), and values given as text on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivif_cli.core.aligning.alignment import load_alignment
from ivif_cli.core.data.ir_range import parse_ir_range
from ivif_cli.core.metrics import METRICS, SIX
from ivif_cli.core.scoring.gates import Gates, parse_bound, parse_tolerance
from ivif_cli.core.scoring.results import Evaluation, MethodScores, PictureScores
from ivif_cli.core.scoring.saved import read_report
from tests.fuzz.budget import fuzzed, value_or_line

_CHOSEN = {name: METRICS[name].facts for name in SIX}
_SCORED = MethodScores("ivif", "folder", (PictureScores("01", dict.fromkeys(SIX, 0.5)),))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
_MEANS = st.dictionaries(st.sampled_from(SIX), st.floats() | st.integers() | _JSON, max_size=6) | _JSON
_IMAGES = st.fixed_dictionaries({"name": st.just("01") | _JSON}, optional={"EN": st.floats() | _JSON})
_METHODS = st.fixed_dictionaries(
    {}, optional={"name": st.sampled_from(("ivif", "x")) | _JSON, "mean": _MEANS, "images": st.lists(_IMAGES) | _JSON}
)
_REPORTS = st.fixed_dictionaries(
    {"schema": st.just(1) | _JSON},
    optional={"methods": st.lists(_METHODS | _JSON, max_size=3) | _JSON, "dataset": _JSON, "pairs": _JSON},
)
_GOOD_REPORT = {
    "schema": 1,
    "methods": [{"name": "ivif", "mean": {"EN": 7.0}, "images": [{"name": "01", "EN": 7.0}]}],
    "dataset": None,
    "pairs": 1,
}
_GOOD_ALIGNMENT = {"ivif_alignment": 1, "infrared_to_visible": [[1, 0, 2.5], [0, 1, -3], [0, 0, 1]]}
_ALIGNMENTS = st.fixed_dictionaries(
    {"ivif_alignment": st.just(1) | _JSON},
    optional={
        "infrared_size": st.lists(st.integers(-2, 900), max_size=3) | _JSON,
        "visible_size": _JSON,
        "infrared_to_visible": st.lists(st.lists(st.floats(), min_size=3, max_size=3), min_size=3, max_size=3) | _JSON,
        "quality": _JSON,
        "residual_px": _JSON,
        "pairs": _JSON,
    },
)


def _write(box: Path, value: object) -> Path:
    path = box / "file.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8", errors="replace")
    return path


def _bounds(path: Path) -> object:
    gates = Gates(baseline=read_report(path), tolerance=parse_tolerance(["1%"], SIX))
    gates.check(["01"], {}, _CHOSEN)
    return gates.judge(Evaluation(None, "ivif", SIX, ("01",), (_SCORED,)), _CHOSEN)


@given(
    report=_REPORTS
    | _REPORTS.map(lambda some: {**_GOOD_REPORT, **some})
    | st.just(_GOOD_REPORT)
    | _JSON
    | st.text(max_size=30)
)
@fuzzed(0.06)
def test_baselines(box: Path, report: object) -> None:
    value_or_line("baselines", lambda: _bounds(_write(box, report)))


@given(record=_ALIGNMENTS | _ALIGNMENTS.map(lambda some: {**some, **_GOOD_ALIGNMENT}) | _JSON | st.text(max_size=30))
@fuzzed(0.03)
def test_alignments(box: Path, record: object) -> None:
    value_or_line("alignments", lambda: load_alignment(_write(box, record)))


@pytest.mark.parametrize("reader", [_bounds, load_alignment])
@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, '{"schema": ' + "9" * 10_000 + "}", "\ufeff{}"])
def test_deep_and_long_json(box: Path, reader: Any, text: str) -> None:
    assert value_or_line("deep JSON", lambda: reader(_write(box, text))) is None


_NUMBERS = st.sampled_from(("1", "0", "-1", "1e400", "nan", "inf", "-inf", "", "1_0", " 1 ", "١", "1%", "%", "0x1"))


@given(
    text=st.text(max_size=12)
    | st.lists(_NUMBERS, max_size=3).map(",".join)
    | st.builds("VIF={}".format, _NUMBERS)
    | _NUMBERS
)
@fuzzed(0.03)
def test_values_on_the_command_line(text: str) -> None:
    value_or_line("values", lambda: parse_ir_range(text))
    value_or_line("values", lambda: parse_bound(text, "min", SIX))
    value_or_line("values", lambda: parse_tolerance([text], SIX))
