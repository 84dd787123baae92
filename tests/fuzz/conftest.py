"""Counts are left behind at the end; a folder that all cases of a test write into."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.fuzz.budget import write_tally


@pytest.fixture(scope="session", autouse=True)
def _tally() -> Iterator[None]:
    yield
    write_tally()


@pytest.fixture(scope="module", autouse=True)
def _whole_floats() -> None:
    """A `Fuser` that ran before in this process flushes subnormal numbers to zero; hypothesis makes such numbers."""
    torch.set_flush_denormal(False)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the file of the case."""
    return tmp_path_factory.mktemp("fuzz")
