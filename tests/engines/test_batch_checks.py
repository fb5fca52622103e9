"""Batches and requests that do not fit a program are refused by every engine, before it runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from programs import ProgramBuilder

from mlgenn_delays.engines.create import create_engine
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.losses import SparseCategoricalCrossentropy
from mlgenn_delays.program.exchange import Batch, RecordRequest


@pytest.fixture(scope="module")
def case():
    builder = ProgramBuilder(timesteps=10, batch=2)
    first = builder.input(2, spikes=3)
    last = builder.output(2, SparseCategoricalCrossentropy())
    builder.connect(first, last, 1.0)
    return builder.build()


@pytest.fixture(scope="module", params=["cpu", "reference"])
def engine(case, request):
    engine = create_engine(case.program, request.param, 1)
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([0, 2], "has the examples 0 to 2, population .* has data of 2"),
        ([-1, 0], "has the examples -1 to 0"),
        ([0, 1, 0], "has 3 examples, allowed are 1 to 2"),
        ([], "has 0 examples"),
    ],
)
def test_examples_that_are_not_there(case, engine, indices, message):
    with pytest.raises(ValueError, match=message):
        engine.forward(Batch(case.inputs, np.array(indices, np.int64)))


@pytest.mark.parametrize("indices", [[0, 1], np.array([0.0, 1.0]), np.array([[0]]), np.array(0)])
def test_indices_that_are_none(case, engine, indices):
    with pytest.raises(TypeError, match="indices of a batch should be whole numbers"):
        engine.forward(Batch(case.inputs, indices))


@pytest.mark.parametrize("dtype", ["uint8", ">i4", "int16"])
def test_indices_of_any_integer_type(case, engine, dtype):
    expected = engine.forward(case.batch).readouts
    found = engine.forward(Batch(case.inputs, np.array([0, 1], dtype))).readouts
    for index, values in expected.items():
        np.testing.assert_array_equal(found[index], values)


def test_data_of_other_populations(case, engine):
    other = EventDataset([0, 1, 2], [1.0, 2.0], [0, 2], 3)
    for inputs in ({}, {0: other}, {0: None}):
        with pytest.raises(ValueError, match="no data for the 2 neurons of the input population"):
            engine.forward(Batch(inputs, np.arange(2)))


@pytest.mark.parametrize(
    "changes",
    [{"offsets": np.array([0, 9, 2], np.uint64)}, {"neurons": np.array([0, 9])}],
    ids=["offsets", "neurons"],
)
def test_events_that_do_not_belong_together(engine, changes):
    good = EventDataset([0, 1, 2], [1.0, 2.0], [0, 1], 2)
    with pytest.raises(ValueError, match=r"offsets should rise|has a spike of channel 9"):
        engine.forward(Batch({0: replace(good, **changes)}, np.arange(2)))


@pytest.mark.parametrize("examples", [[True], np.ones(2), np.ones((2, 1), bool), None])
def test_masks_that_are_none(case, engine, examples):
    with pytest.raises(TypeError, match="should be an array of bool, one per example"):
        engine.forward(case.batch, RecordRequest(examples))


@pytest.mark.parametrize("index", [-1, 2, 10**6])
def test_requests_for_populations_that_are_not_there(case, engine, index):
    mask = np.ones(2, bool)
    for request in (
        RecordRequest(mask, spikes=frozenset([index])),
        RecordRequest(mask, variables=frozenset([(index, "V")])),
    ):
        with pytest.raises(ValueError, match=f"has the population {index}, allowed are 0 to 1"):
            engine.forward(case.batch, request)
