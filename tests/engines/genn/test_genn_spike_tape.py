"""The spike tape: it grows where neurons spike more often than there is room for."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from genn_backend import BACKEND
from genn_cases import RANGE, SCE, all_of, assert_same_results, cpu_engine
from programs import Case, ProgramBuilder

from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.program.exchange import Batch

pytest.importorskip("pygenn")
pytest.importorskip("ml_genn")

from mlgenn_delays.engines.genn import spikes as tape
from mlgenn_delays.engines.genn.engine import GennEngine

pytestmark = pytest.mark.genn


def busy_case(training: bool = True) -> Case:
    """Two hidden populations; with input spikes the first spikes about 100 times, the second
    in nearly every one of 160 steps. The third example has no input."""
    builder = ProgramBuilder(seed=1, timesteps=160, batch=3)
    first = builder.input(3, spikes=60)
    a = builder.hidden(4, name="busy", tau_refrac=1.0)
    b = builder.hidden(3, name="busier")
    last = builder.output(3, SCE)
    builder.connect(first, a, 5.0, 1.0, tau_syn=50.0, delay=RANGE)
    builder.connect(a, b, 6.0, 1.0, tau_syn=30.0, delay=2)
    builder.connect(b, last, 0.1, 0.5, delay=RANGE)
    builder.connect(a, last, 0.1, 0.5)
    case = builder.build(i_minus_thresh_min=0.3)
    events = case.inputs[0]
    case.inputs[0] = EventDataset(
        [*events.offsets[:3], events.offsets[2]],
        events.times[: events.offsets[2]],
        events.neurons[: events.offsets[2]],
        events.num_neurons,
    )
    return case.with_settings(training=training)


@pytest.fixture(scope="module")
def case():
    return busy_case()


@pytest.fixture
def engine(case):
    engine = case.engine(GennEngine, BACKEND)
    yield engine
    engine.close()


def log_of_tape(caplog) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == tape.__name__]


def test_tape_grows_and_nothing_is_lost(case, engine, caplog):
    cpu = cpu_engine(case)
    counts = cpu.forward(case.batch).spike_counts
    assert 4 * tape.FIRST_CAPACITY < counts[1].max() < counts[2].max()
    with caplog.at_level(logging.INFO, logger=tape.__name__):
        assert_same_results(case, engine, cpu, np.arange(3))
    assert log_of_tape(caplog) == [
        f"population '{name}': {np.sum(np.any(counts[i] > 16, axis=0))} neurons spiked up to "
        f"{counts[i].max()} times in one example, room was for 16; the tape grows and the batch "
        "is run again"
        for i, name in ((1, "busy"), (2, "busier"))
    ]


def test_batches_after_growth(case, engine, caplog):
    """Gradients of a quiet batch are those it had before the tape grew."""
    cpu, quiet = cpu_engine(case), np.array([2])
    assert_same_results(case, engine, cpu, quiet)
    before = case.gradients_of(engine)
    assert_same_results(case, engine, cpu, np.array([0, 1]))
    with caplog.at_level(logging.INFO, logger=tape.__name__):
        for examples in ([2], [1, 2, 0], [0], [1, 1, 1]):
            assert_same_results(case, engine, cpu, np.array(examples))
            if examples == [2]:
                for ours, expected in zip(case.gradients_of(engine), before, strict=True):
                    for name in expected:
                        np.testing.assert_array_equal(ours[name], expected[name])
    assert log_of_tape(caplog) == []


def test_more_examples_after_growth(case, engine):
    """The places of examples on the tape move when it grows, and when batches do."""
    cpu = cpu_engine(case)
    assert_same_results(case, engine, cpu, np.array([0]))
    assert_same_results(case, engine, cpu, np.array([2, 0, 1]))


def test_one_neuron_with_exactly_as_many_spikes_as_there_is_room_for(case, caplog, monkeypatch):
    counts = cpu_engine(case).forward(case.batch).spike_counts
    monkeypatch.setattr(tape, "FIRST_CAPACITY", int(counts[2].max()))
    engine = case.engine(GennEngine, BACKEND)
    with caplog.at_level(logging.INFO, logger=tape.__name__):
        assert_same_results(case, engine, cpu_engine(case), np.arange(3))
    assert log_of_tape(caplog) == []
    monkeypatch.setattr(tape, "FIRST_CAPACITY", int(counts[2].max()) - 1)
    engine = case.engine(GennEngine, BACKEND)
    with caplog.at_level(logging.INFO, logger=tape.__name__):
        assert_same_results(case, engine, cpu_engine(case), np.arange(3))
    assert len(log_of_tape(caplog)) == 1


def test_inference_counts_and_records_every_spike():
    case = busy_case(training=False)
    engine = case.engine(GennEngine, BACKEND)
    result = engine.forward(case.batch, all_of(case, 3))
    expected = cpu_engine(case).forward(case.batch, all_of(case, 3))
    for index in (1, 2):
        np.testing.assert_array_equal(result.spike_counts[index], expected.spike_counts[index])
        for ours, theirs in zip(result.recording.spikes[index], expected.recording.spikes[index]):
            np.testing.assert_array_equal(ours, theirs)


def test_a_tape_that_does_not_fit(case, engine, monkeypatch):
    """GeNN counts in 32 bits: instead of wrapping around, an error says what to do."""
    monkeypatch.setattr(tape, "_INT_MAX", 3 * 4 * 50)
    with pytest.raises(MemoryError, match=r"population 'busy': 4 neurons with up to \d+ spike"):
        engine.forward(Batch(case.inputs, np.arange(3)))
