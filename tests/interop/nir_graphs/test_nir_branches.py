"""Delays of synapses as delays of branches, and back."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("nir", reason="nir not installed")

from hypothesis import given
from hypothesis import strategies as st

from mlgenn_delays.interop.nir import branches
from mlgenn_delays.interop.nir.branches import split_delays
from mlgenn_delays.interop.nir.terms import add, identity, split_repeated

pytestmark = pytest.mark.nir


def response(parts, size):
    """Terms of the branches, followed in turn."""
    maps = []
    for part in parts:
        start = identity(size)
        if part.at_target:
            maps.append(start.through(part.weights.astype(float)).delayed(part.delays))
        else:
            maps.append(start.delayed(part.delays).through(part.weights.astype(float)))
    return add(maps)


@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_branches_are_the_connection(sources, targets, different, seed):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(sources, targets)).astype(np.float32)
    weights *= rng.random(weights.shape) < 0.7
    delays = rng.choice(rng.uniform(0, 9, different).astype(np.float32), weights.shape)
    parts = split_delays(weights, delays, "all")
    found = response(parts, sources)
    pre, post = np.nonzero(weights)
    np.testing.assert_array_equal(found.pre, pre)
    np.testing.assert_array_equal(found.post, post)
    np.testing.assert_array_equal(found.weight, weights[pre, post])
    np.testing.assert_array_equal(found.delay, delays[pre, post])
    most = [
        max((len(set(row[row >= 0])) for row in np.where(weights != 0, delays, -1)), default=0),
        max((len(set(row[row >= 0])) for row in np.where(weights != 0, delays, -1).T), default=0),
    ]
    assert len(parts) == max(1, min(most))


def test_one_branch_for_delays_of_axons_or_dendrites():
    weights = np.ones((3, 4), dtype=np.float32)
    axons = np.broadcast_to(np.float32([[1], [2], [3]]), (3, 4))
    [branch] = split_delays(weights, axons, "all")
    assert not branch.at_target
    np.testing.assert_array_equal(branch.delays, [1, 2, 3])
    dendrites = np.broadcast_to(np.float32([1, 2, 3, 4]), (3, 4))
    [branch] = split_delays(weights, dendrites, "all")
    assert branch.at_target
    np.testing.assert_array_equal(branch.delays, [1, 2, 3, 4])


def test_too_many_numbers_are_refused(monkeypatch):
    monkeypatch.setattr(branches, "MAX_NUMBERS", 100)
    weights, delays = np.ones((5, 5)), np.arange(25.0).reshape(5, 5)
    with pytest.raises(ValueError, match=r"connection 'a': .* 5 different delays .* 125 numbers"):
        split_delays(weights, delays, "connection 'a'")
    assert len(split_delays(weights, delays // 8, "connection 'a'")) <= 4


def test_repeated_synapses_are_several_maps():
    twice = add([identity(2), identity(2).delayed(np.array([0.0, 1.0]))])
    np.testing.assert_array_equal(twice.weight, [2.0, 1.0, 1.0])
    first, second = split_repeated(twice)
    np.testing.assert_array_equal(first.delay, [0.0, 0.0])
    np.testing.assert_array_equal(second.pre, [1])
    np.testing.assert_array_equal(second.delay, [1.0])
