"""Specifications of parameters: what is allowed, and which synapse or neuron has which entry."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from mlgenn_delays.program.parameters import Owner, OwnerKind, ParameterSpec

CONNECTION = Owner(OwnerKind.CONNECTION, 0, "xh")


def spec(shape=(3,), map=None, **fields) -> ParameterSpec:
    initial = np.zeros(shape, np.float32)
    return ParameterSpec(CONNECTION, "d", initial, map=map, **fields)


def test_names():
    weights = spec()
    assert weights.key == "connections/xh/d"
    assert weights.label == "connection 'xh': 'd'"
    threshold = ParameterSpec(Owner(OwnerKind.POPULATION, 1, "h"), "Vthresh", np.ones(4))
    assert threshold.key == "populations/h/Vthresh"
    assert threshold.label == "population 'h': 'Vthresh'"


def test_sizes():
    dense, shared = spec((2, 3)), spec((3,), np.array([0, 1, 2, 0, 1, 2]))
    assert (dense.shape, dense.size, dense.num_elements) == ((2, 3), 6, 6)
    assert (shared.shape, shared.size, shared.num_elements) == ((3,), 3, 6)
    nothing = spec((0,))
    assert (nothing.size, nothing.num_elements) == (0, 0)


BOUNDED = spec(bounds=(0.0, 10.0), units="timesteps")


@pytest.mark.parametrize("value", [[0.0, 5.0, 10.0], [1, 2, 3], np.zeros(3, np.float64)])
def test_values_within_bounds(value):
    np.testing.assert_array_equal(BOUNDED.check(value), value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([-1.0, 0.0, 12.0], "has values from -1 to 12 timesteps, allowed are 0 to 10"),
        ([0.0, 0.0, 10.001], "has values from 0 to 10.001 timesteps, allowed are 0 to 10"),
        ([-1e-7, 0.0, 5.0], "has values from -1e-07 to 5 timesteps, allowed are 0 to 10"),
        ([0.0, np.nan, 5.0], "has values from nan to nan timesteps, allowed are 0 to 10"),
        ([0.0, np.inf, 5.0], "has values from 0 to inf timesteps, allowed are 0 to 10"),
        ([0.0, 1.0], "has shape (2,), it should be (3,)"),
        ([[0.0, 1.0, 2.0]], "has shape (1, 3), it should be (3,)"),
        (5.0, "has shape (), it should be (3,)"),
    ],
)
def test_values_that_are_refused(value, message):
    with pytest.raises(ValueError, match=f"^connection 'xh': 'd' {re.escape(message)}$"):
        BOUNDED.check(value)


def test_units_may_be_missing():
    with pytest.raises(ValueError, match=r"has values from 2 to 2, allowed are 0 to 1$"):
        spec(bounds=(0.0, 1.0)).check(np.full(3, 2.0))


def test_one_bound():
    positive = spec(bounds=(0.0, math.inf))
    assert positive.is_bounded
    positive.check([0.0, 1e30, np.inf])
    with pytest.raises(ValueError, match="has values from -1 to 3, allowed are 0 to inf"):
        positive.check([-1.0, 2.0, 3.0])
    np.testing.assert_array_equal(positive.clip(np.array([-1.0, 2.0, 3.0])), [0.0, 2.0, 3.0])


def test_without_bounds_only_the_shape_counts():
    free = spec()
    assert not free.is_bounded
    values = np.array([np.nan, -np.inf, 1e30])
    assert free.check(values) is values
    assert free.clip(values) is values
    with pytest.raises(ValueError, match="has shape"):
        free.check(values[:2])


def test_nothing_is_within_bounds():
    assert spec((0,), bounds=(0.0, 1.0)).check(np.zeros(0)).shape == (0,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clip(dtype):
    clipped = BOUNDED.clip(np.array([-0.5, 3.5, 10.5], dtype))
    assert clipped.dtype == dtype
    assert clipped.tolist() == [0.0, 3.5, 10.0]


#: Entries of six synapses in a dense connection of 2 with 3, shared by those of one target.
SHARED = spec((3,), np.array([0, 1, 2, 0, 1, 2]))


def test_one_to_one():
    dense = spec((2, 3))
    entries = np.arange(6.0).reshape(2, 3)
    assert dense.expand(entries).tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(dense.reduce(np.arange(6.0)), entries)


def test_shared_entries():
    entries = np.array([5.0, 6.0, 7.0])
    elements = SHARED.expand(entries)
    assert elements.tolist() == [5, 6, 7, 5, 6, 7]
    assert SHARED.reduce(np.array([1.0, 2.0, 3.0, 10.0, 20.0, 30.0])).tolist() == [11, 22, 33]


def test_entries_of_several_axes():
    """The map counts flat: here the entries of a kernel of 2 by 2."""
    kernel = spec((2, 2), np.array([3, 3, 0, 2, 1]))
    entries = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert kernel.expand(entries).tolist() == [4, 4, 1, 3, 2]
    reduced = kernel.reduce(np.array([1.0, 10.0, 100.0, 1000.0, 10000.0]))
    np.testing.assert_array_equal(reduced, [[100.0, 10000.0], [1000.0, 11.0]])


def test_sums_of_entries():
    """Four synapses, each with an entry of its source and one of its target."""
    both = spec((4,), np.array([[0, 0, 1, 1], [2, 3, 2, 3]]))
    assert both.num_elements == 4
    assert both.expand(np.array([1.0, 2.0, 10.0, 20.0])).tolist() == [11, 21, 12, 22]
    assert both.reduce(np.array([1.0, 2.0, 4.0, 8.0])).tolist() == [3, 12, 5, 10]


def test_entries_that_nothing_has():
    initial = np.array([1.5, 2.5, 3.5], np.float32)
    spare = ParameterSpec(CONNECTION, "g", initial, map=np.array([2, 0]))
    assert spare.expand(initial).tolist() == [3.5, 1.5]
    assert spare.reduce(np.array([7.0, 8.0])).tolist() == [8.0, 0.0, 7.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shared", [False, True])
def test_types_are_kept(dtype, shared):
    one = SHARED if shared else spec((2, 3))
    elements = np.ones(6, dtype)
    assert one.reduce(elements).dtype == dtype
    assert one.expand(np.ones(one.shape, dtype)).dtype == dtype


def test_sums_are_exact_where_single_precision_is_not():
    many = spec((1,), np.zeros(10_001, np.int64))
    gradient = np.full(10_001, 1e-4, np.float32)
    gradient[0] = 1e4
    assert many.reduce(gradient)[0] == np.float32(1e4 + 1.0)
