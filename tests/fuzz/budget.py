"""How many cases each test runs, and what counts as surviving one."""

import json
import os
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, settings

from ivif_cli.core.errors import IvifError

T = TypeVar("T")
CASES = int(os.environ.get("IVIF_FUZZ_CASES", "0"))
"""Cases of all tests together; 0 for the fixed choice of CI."""
TALLY = os.environ.get("IVIF_FUZZ_TALLY")
"""File for the counts, where they are wanted."""
FIXED = 60
LONGEST = timedelta(seconds=20)
counts: Counter[str] = Counter()


def fuzzed(share: float) -> settings:
    """Settings of a test that gets this share of all cases; random at length, always the same ones in CI."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    return settings(
        max_examples=max(1, round(CASES * share)) if CASES else FIXED,
        derandomize=not CASES,
        database=None,
        deadline=LONGEST,
        suppress_health_check=[*slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
    )


def value_or_line(kind: str, call: Callable[[], T]) -> T | None:
    """The value of a call, or None where it was refused in one line; anything else goes through and fails the test."""
    counts[kind] += 1
    try:
        return call()
    except IvifError as error:
        counts[f"{kind}, refused"] += 1
        assert str(error).strip(), "an error without a text"
        assert error.exit_status in (1, 2)
        return None


def write_tally() -> None:
    """Leave the counts where they were asked for."""
    if TALLY:
        Path(TALLY).write_text(json.dumps(counts, indent=1))
