"""Pairing: whatever files are called, each is in one pair at most, none is forgotten, and no two outputs collide."""

from pathlib import Path, PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from ivif_cli.core.data.pairing import FUSED_MARKERS, IR_MARKERS, VIS_MARKERS, Pairing, pair_files, strip_markers
from ivif_cli.core.fusing.jobs import plan_jobs
from tests.fuzz.budget import fuzzed, value_or_line

_BITS = st.sampled_from(
    (
        "1",
        "01",
        "a",
        "A",
        "é",
        "e\u0301",
        "_ir",
        "_vis",
        "IR",
        "VI",
        "ir",
        "vi",
        "_",
        "-",
        ".",
        " ",
        "i",
        "v",
        "..",
        "İ",
        "ß",
        "1700000000.1",
        "1700000000_2",
        "20251111_001903",
        "20251111001903250",
        "0.5",
    )
)
_STEMS = st.lists(_BITS, min_size=1, max_size=4).map("".join) | st.text(min_size=1, max_size=6)
_NAMES = st.lists(_STEMS, min_size=1, max_size=3).map("/".join)
_FILES = st.lists(st.tuples(_NAMES, st.sampled_from((".png", ".jpg", ".TIF"))), max_size=6, unique=True)


def _named(side: str, files: list[tuple[str, str]]) -> dict[Path, PurePosixPath]:
    """Names that a folder's listing could give: relative, with a visible last part."""
    names = [PurePosixPath(stem + suffix) for stem, suffix in files if "\0" not in stem]
    names = [name for name in names if not name.is_absolute() and ".." not in name.parts]
    return {Path("/", side, name): name for name in names if not name.name.startswith(".") and name.suffix}


@given(ir=_FILES, vis=_FILES, gap=st.none() | st.sampled_from((0.0, 0.2, 1e9)))
@fuzzed(0.14)
def test_every_file_is_accounted_for(ir: list[tuple[str, str]], vis: list[tuple[str, str]], gap: float | None) -> None:
    irs, viss = _named("ir", ir), _named("vis", vis)
    pairing = value_or_line("pairing", lambda: pair_files(irs, viss, gap))
    assert isinstance(pairing, Pairing)
    used = [path for pair in pairing.pairs for path in (pair.ir, pair.vis)]
    groups = [*pairing.duplicates, *pairing.ambiguous]
    left = [*pairing.unmatched_ir, *pairing.unmatched_vis, *(path for group in groups for path in group)]
    assert len(used) == len(set(used))
    assert set(used) | set(left) == set(irs) | set(viss)
    assert not set(used) & set(left)
    assert len(pairing.complaints()) <= 2 + len(groups)
    outputs = [job.output for job in plan_jobs(pairing.pairs, Path("/out"))]
    assert len({str(path).casefold() for path in outputs}) >= len(set(outputs)) - len(used)
    assert len(outputs) == len(set(outputs))
    assert all(path.is_relative_to("/out") and ".." not in path.parts and path.stem != "" for path in outputs)
    assert not any(path.name.startswith(".") for path in outputs)


@given(name=_NAMES, markers=st.sampled_from((IR_MARKERS, VIS_MARKERS, FUSED_MARKERS)))
@fuzzed(0.05)
def test_stripping_markers_never_fails(name: str, markers: tuple[str, ...]) -> None:
    bare = value_or_line("markers", lambda: strip_markers(name, markers))
    assert bare is not None
    assert len(bare) <= len(name)
