"""Small synthetic pairs."""

from pathlib import Path

import pytest

from ivif_cli.core.data.pairing import Pair
from tests.training.small_run import write_pairs


@pytest.fixture
def pairs(tmp_path: Path) -> list[Pair]:
    return write_pairs(tmp_path / "data")
