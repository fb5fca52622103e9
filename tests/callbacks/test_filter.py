import logging

import numpy as np
import pytest

from mlgenn_delays.callbacks.filter import ExampleFilter, get_neuron_filter_mask


def masks(f, batches=3, size=2):
    example_filter = ExampleFilter(f)
    return [example_filter.get_batch_mask(b, size).astype(int).tolist() for b in range(batches)]


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (None, [[1, 1], [1, 1], [1, 1]]),
        (3, [[0, 0], [0, 1], [0, 0]]),
        (np.int64(0), [[1, 0], [0, 0], [0, 0]]),
        ([0, 2, 3], [[1, 0], [1, 1], [0, 0]]),
        (np.array([4]), [[0, 0], [0, 0], [1, 0]]),
        ([False, True, True], [[0, 1], [1, 0], [0, 0]]),
        ([], [[0, 0], [0, 0], [0, 0]]),
    ],
)
def test_examples(f, expected):
    assert masks(f) == expected


def test_unsorted_examples(caplog):
    with caplog.at_level(logging.WARNING):
        assert masks([2, 0]) == [[1, 0], [1, 0], [0, 0]]
    assert "not sorted" in caplog.text


def test_bad_examples():
    with pytest.raises(
        ValueError, match="example_filter has -1, allowed are numbers of at least 0"
    ):
        ExampleFilter([0, -1])
    for f in ("ab", [0.5], {}, [[1]]):
        with pytest.raises(TypeError, match="example_filter should be None, a whole number"):
            ExampleFilter(f)


@pytest.mark.parametrize(
    ("f", "shape", "expected"),
    [
        (None, 3, [1, 1, 1]),
        (None, (2, 2), [1, 1, 1, 1]),
        (1, (3,), [0, 1, 0]),
        (slice(1, None), 3, [0, 1, 1]),
        ([0, 2], (3,), [1, 0, 1]),
        ([], (3,), [0, 0, 0]),
        (np.array([True, False, True]), (3,), [1, 0, 1]),
        ([True, False, True], (3,), [1, 0, 1]),
        ([[True, False], [False, True]], (2, 2), [1, 0, 0, 1]),
        ([[0, 1], [1, 0]], (2, 2), [0, 1, 1, 0]),
        ([0, slice(None)], (2, 2), [1, 1, 0, 0]),
        ([0, 1], (2, 2), [0, 1, 0, 0]),
    ],
)
def test_neurons(f, shape, expected):
    mask = get_neuron_filter_mask(f, shape)
    assert mask.dtype == bool
    assert mask.astype(int).tolist() == expected


@pytest.mark.parametrize(
    ("f", "shape", "error", "message"),
    [
        (3, 3, ValueError, "neuron_filter has the index 3, allowed are 0 to 2"),
        ([0, -1], 3, ValueError, "neuron_filter has the index -1"),
        ([True, False], 3, ValueError, r"bools has shape \(2,\), it should be \(3,\)"),
        (1, (2, 2), ValueError, r"it needs one for each axis of shape \(2, 2\)"),
        (slice(1), (2, 2), ValueError, "neuron_filter has 1 parts"),
        ([0.5], 3, TypeError, "neuron_filter should be made of whole numbers"),
        ("ab", 3, TypeError, "neuron_filter should be None"),
        (None, None, ValueError, "the shape of the population is missing"),
    ],
)
def test_bad_neurons(f, shape, error, message):
    with pytest.raises(error, match=message):
        get_neuron_filter_mask(f, shape)
