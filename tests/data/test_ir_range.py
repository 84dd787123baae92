"""The three rules of `--ir-range`."""

import numpy as np
import pytest

from ivif_cli.core.data.ir_range import (
    IrRange,
    ThermalRange,
    apply_range,
    as_ir_range,
    measure_range,
    parse_ir_range,
    resolve_range,
)
from ivif_cli.core.errors import UsageError


def mapped_by(image: np.ndarray, ir_range: IrRange = "auto") -> np.ndarray:
    """Grey levels under a rule."""
    return apply_range(image, resolve_range(image, ir_range))


def counts(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(7000, 8001, (100, 100), dtype=np.uint16)


def test_eight_bits_are_taken_as_they_are() -> None:
    image = np.arange(100, dtype=np.uint8).reshape(10, 10)
    assert mapped_by(image, "auto") is image
    assert mapped_by(image, "full") is image


def test_auto_stretches_radiometric_counts_and_keeps_sixteen_bits(rng: np.random.Generator) -> None:
    image = counts(rng)
    mapped = mapped_by(image)
    assert mapped.dtype == np.uint16
    assert mapped.min() == 0 and mapped.max() == 65535
    assert len(np.unique(mapped)) > 900
    low, high = np.percentile(image, (0.1, 99.9))
    assert measure_range(image) == ThermalRange(low, high)


def test_one_hot_pixel_does_not_darken_the_rest(rng: np.random.Generator) -> None:
    image = counts(rng)
    image[0, 0] = 65535
    assert mapped_by(image)[1:].astype(float).std() > 15000


def test_full_leaves_sixteen_bits_alone(rng: np.random.Generator) -> None:
    image = counts(rng)
    assert mapped_by(image, "full") is image


def test_explicit_range_maps_and_clips() -> None:
    image = np.array([[10.0, 20.0, 25.0, 30.0, 99.0]], np.float32)
    assert mapped_by(image, parse_ir_range("20,30")).tolist() == [[0, 0, 32768, 65535, 65535]]
    assert mapped_by(np.array([[0, 50, 200]], np.uint8), ThermalRange(0, 200)).tolist() == [[0, 64, 255]]


def test_a_flat_image_does_not_divide_by_zero() -> None:
    flat = np.full((4, 4), 1234, np.uint16)
    assert mapped_by(flat).max() == 0


def test_one_range_over_a_sequence_keeps_equal_values_equal(rng: np.random.Generator) -> None:
    first, second = counts(rng), counts(rng)
    second[:50] = 9000
    held = measure_range(first)
    common = apply_range(first, held)[first == 7500]
    assert (apply_range(second, held)[second == 7500] == common[0]).all()


@pytest.mark.parametrize("text", ["", "auto,full", "5", "5,5", "9,3", "1,2,3", "nan,2", "0,inf"])
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(UsageError, match="--ir-range"):
        parse_ir_range(text)


def test_python_says_a_range_in_words_numbers_or_as_one() -> None:
    wanted = ThermalRange(10.0, 4000.5)
    for value in ("10,4000.5", (10, 4000.5), [10, 4000.5], np.array([10, 4000.5]), wanted):
        assert as_ir_range(value) == wanted
    assert as_ir_range(" Full ") == "full"
    for value in (0.5, {"low": 0}, (1, 2, 3), ("a", "b"), object()):
        with pytest.raises(UsageError, match="is no range"):
            as_ir_range(value)
    for value in ((5, 5), (0, float("nan"))):
        with pytest.raises(UsageError, match="LOW must be below HIGH"):
            as_ir_range(value)
