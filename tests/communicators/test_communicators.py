"""Communicators, on ranks that are threads."""

from __future__ import annotations

import numpy as np
import pytest
from rank_threads import run_ranks

import mlgenn_delays
from mlgenn_delays.communicators import Communicator, check_communicator
from mlgenn_delays.compilers import InferenceCompiler, SurrogateCompiler
from mlgenn_delays.metrics import MeanSquareError, SparseCategoricalAccuracy


def test_names_of_mlgenn():
    assert mlgenn_delays.communicators.MPI.__mro__[1] is Communicator
    assert Communicator.__abstractmethods__ == {"rank", "num_ranks", "gather"}


def test_sums_are_added_in_the_order_of_ranks():
    """Of these numbers every order has another sum."""
    values = [1e16, 1.0, -1e16]
    outcomes = run_ranks(lambda c: c.reduce_sum(values[c.rank]), 3)
    assert outcomes == [(1e16 + 1.0) + -1e16] * 3 == [0.0] * 3
    other = [1e16, -1e16, 1.0]
    assert run_ranks(lambda c: c.reduce_sum(other[c.rank]), 3) == [1.0] * 3


def test_sums_of_arrays_leave_what_was_given():
    def add(communicator):
        own = np.full(3, communicator.rank + 1)
        return communicator.reduce_sum(own), own

    for rank, (total, own) in enumerate(run_ranks(add, 3)):
        np.testing.assert_array_equal(total, [6, 6, 6])
        np.testing.assert_array_equal(own, [rank + 1] * 3)


def test_broadcast_and_barrier():
    def give(communicator):
        data = np.full(2, float(communicator.rank))
        communicator.broadcast(data, 1)
        communicator.barrier()
        return data.tolist()

    assert run_ranks(give, 3) == [[1.0, 1.0]] * 3


def test_metrics_are_those_of_all_ranks():
    labels, predictions = np.array([0, 1, 1, 0, 1]), np.eye(2)[[0, 1, 0, 1, 1]]

    def measure(communicator, metric):
        own = slice(communicator.rank, None, 2)  # 3 and 2 examples
        metric.update(np.eye(2)[labels][own] if squares else labels[own], predictions[own] * 2,
                      communicator)  # fmt: skip
        return metric.result

    for kind, squares in ((SparseCategoricalAccuracy, False), (MeanSquareError, True)):
        alone = kind()
        alone.update(np.eye(2)[labels] if squares else labels, predictions * 2)
        assert run_ranks(lambda c, kind=kind: measure(c, kind())) == [alone.result] * 2


def test_a_class_is_no_communicator():
    with pytest.raises(TypeError, match="communicator should be None or a Communicator, such as "):
        InferenceCompiler(10, communicator=Communicator)


def test_other_compilers_refuse():
    with pytest.raises(NotImplementedError, match="communicator: SurrogateCompiler trains in one"):
        SurrogateCompiler(10, "sparse_categorical_crossentropy", communicator=object())


def test_batches_that_cannot_be_divided():
    outcomes = run_ranks(lambda c: check_communicator(c, 4), 3)
    for error in outcomes:
        # mlGeNN raises RuntimeError
        assert isinstance(error, ValueError) and isinstance(error, RuntimeError)
        assert str(error) == (
            "batch_size is 4, allowed are multiples of the number of ranks, 3: it is divided among "
            "them"
        )
    assert check_communicator(None, 4) is None
