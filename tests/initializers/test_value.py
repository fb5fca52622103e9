import numpy as np
import pytest

from mlgenn_delays.initializers import Initializer, Normal
from mlgenn_delays.initializers.value import (
    is_value_array,
    is_value_constant,
    is_value_initializer,
    sample_value,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("value", [[[1, 2], [3, 4]], [1, 2, 3, 4], np.array([[1.0, 2], [3, 4]])])
def test_arrays(rng, value):
    sample = sample_value(value, (2, 2), rng, "x")
    assert sample.dtype == np.float32
    np.testing.assert_array_equal(sample, [[1, 2], [3, 4]])


def test_number(rng):
    np.testing.assert_array_equal(sample_value(2, (3,), rng, "x"), np.full(3, 2, np.float32))
    assert sample_value(np.float32(0.5), (), rng, "x") == 0.5


def test_initializer(rng):
    expected = Normal(1, 2).sample(np.random.default_rng(0), (2, 3))
    np.testing.assert_array_equal(sample_value(Normal(1, 2), (2, 3), rng, "x"), expected)
    assert sample_value("normal", (2, 3), rng, "x").shape == (2, 3)


def test_sample_is_a_copy(rng):
    value = np.zeros(2, np.float32)
    sample_value(value, (2,), rng, "x")[:] = 1.0
    assert np.all(value == 0.0)


class Broken(Initializer):
    def sample(self, rng, shape):
        return np.zeros(7)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((2, 3)), r"x has shape \(2, 3\), it should be \(2, 2\) or flattened \(4,\)"),
        (np.zeros(3), r"x has shape \(3,\)"),
        ([[1, np.nan], [0, 0]], r"x is nan at \[0, 1\]"),
        (1e39, "x: values should be finite in single precision"),
        (Normal(3.3e38, 3.3e38), "x: values should be finite in single precision"),
        ("nonsense", "x: initializer 'nonsense' is unknown"),
        (Broken(), r"gave an array of shape \(7,\) instead of \(2, 2\)"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_bad_values(rng, value, message):
    with pytest.raises(ValueError, match=message):
        sample_value(value, (2, 2), rng, "x")


@pytest.mark.parametrize("value", [1.0, [1.0], np.ones(1), Normal(), "normal"])
def test_kinds(value):
    kinds = [is_value_constant(value), is_value_array(value), is_value_initializer(value)]
    assert sum(kinds) == (0 if isinstance(value, str) else 1)
