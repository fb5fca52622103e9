"""Where timesteps begin and end: delays, the last step, several spikes at once, nothing at all."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from genn_backend import BACKEND
from genn_cases import RANGE, SCE, all_of, assert_same_results, cpu_engine, recurrent
from programs import Case, ProgramBuilder

from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.program.exchange import Batch

pytest.importorskip("pygenn")
pytest.importorskip("ml_genn")

from mlgenn_delays.engines.genn.engine import GennEngine

pytestmark = pytest.mark.genn


def genn_engine(case: Case) -> GennEngine:
    return case.engine(GennEngine, BACKEND)


def assert_same_as_cpu(case: Case) -> None:
    engine = genn_engine(case)
    examples = np.arange(case.program.batch_size)
    assert_same_results(case, engine, cpu_engine(case), examples)
    # once more, after the state that these examples leave behind
    assert_same_results(case, engine, cpu_engine(case), examples[::-1])
    engine.close()


def events(case: Case, examples: list[list[tuple[float, int]]]) -> Case:
    """The case with these input spikes (ms, neuron) per example."""
    spikes = [np.array(sorted(e), dtype=float).reshape(-1, 2) for e in examples]
    offsets = np.cumsum([0] + [len(e) for e in spikes])
    times, neurons = np.concatenate(spikes).T
    size = case.program.populations[0].size
    data = EventDataset(offsets, times, neurons.astype(np.uint16), size)
    return replace(case, inputs={0: data})


# --- delays

#: delay -> steps it is rounded to, of a largest delay of 20
ROUNDED = {
    0.0: 0, 0.49999997: 0, 0.5: 1, 1.4999999: 1, 2.49: 2, 2.5: 3, 3.5: 4, 19.499998: 19,
    19.5: 20, 20.0: 20,
}  # fmt: skip


def rounding_case() -> Case:
    """One input spike, one output neuron per delay."""
    builder = ProgramBuilder(timesteps=30, batch=1)
    first, last = builder.input(1, spikes=1), builder.output(len(ROUNDED), SCE)
    builder.connect(first, last, 1.0, delay=(0.0, 1.0), max_delay_steps=20)
    case = builder.build()
    case.parameters[0]["d"] = np.array([list(ROUNDED)])
    return events(case, [[(4.0, 0)]])


def test_delays_are_rounded_and_the_largest_has_its_slot():
    case = rounding_case()
    engine = genn_engine(case)
    voltage = engine.forward(case.batch, all_of(case, 1)).recording.variables[1, "V"][0]
    first = [int(np.flatnonzero(voltage[:, k])[0]) for k in range(len(ROUNDED))]
    assert first == [4 + 1 + steps for steps in ROUNDED.values()]
    assert_same_results(case, engine, cpu_engine(case), np.arange(1))


def test_delays_out_of_range_are_refused():
    case = rounding_case()
    engine = genn_engine(case)
    for bad in (20.5, -0.1, np.nan):
        message = f"input_output': 'd' has values from {bad} to {bad} timesteps, .* are 0 to 20$"
        with pytest.raises(ValueError, match=message):
            engine.set_parameter(case.index(0, "d"), np.full((1, len(ROUNDED)), bad))


# --- input spikes


@pytest.fixture(scope="module")
def plain():
    """Two inputs, hidden neurons that one input spike makes spike, an output, 20 steps."""
    builder = ProgramBuilder(timesteps=20, batch=3)
    first, hidden, last = builder.input(2), builder.hidden(2), builder.output(2, SCE)
    builder.connect(first, hidden, 14.0, 0.5, tau_syn=1.0, delay=(0.0, 2.0))
    builder.connect(hidden, hidden, 0.3, 0.5)
    builder.connect(hidden, hidden, 0.2, 0.5, delay=3)
    builder.connect(hidden, last, 0.5, 1.0)
    builder.connect(first, last, 0.5, 1.0, delay=(0.0, 4.0))
    case = builder.build()
    case.parameters[0]["d"][:] = [[0.0, 0.0], [0.0, 1.0]]
    engine = genn_engine(case)
    yield SimpleNamespace(case=case, engine=engine, cpu=cpu_engine(case))
    engine.close()


def compare(plain, examples: list[list[tuple[float, int]]]) -> list[np.ndarray]:
    """Compare both engines on input spikes; steps of the hidden spikes of each example."""
    case = events(plain.case, examples)
    for order in ([0, 1, 2], [2, 1, 0]):
        assert_same_results(case, plain.engine, plain.cpu, np.array(order))
    spikes = plain.engine.forward(case.batch, all_of(case, 3)).recording.spikes[1]
    return [np.round(times).astype(int) - 1 for times, _ in spikes]


def test_several_spikes_of_a_channel_in_one_step_all_count(plain):
    several = [(3.2, 1), (3.4, 1), (3.9, 1), (3.9, 0), (8.0, 0), (8.0, 0)]
    single = [(3.2, 1), (3.9, 0), (8.0, 0)]
    compare(plain, [several, single, several])
    case = events(plain.case, [several, single, [(3.2, 1), (3.4, 1)]])
    voltages = plain.engine.forward(case.batch, all_of(case, 3)).recording.variables[2, "V"]
    assert np.any(voltages[0] != voltages[1])


def test_input_spikes_at_both_ends_of_a_trial(plain):
    """A spike of the last step arrives after the trial and must not get into the next one."""
    late = [(19.0, 0), (18.5, 1), (19.5, 1), (25.0, 0), (1e6, 1)]
    steps = compare(plain, [[(0.0, 0), (0.0, 1), *late], late, []])
    assert len(steps[0]) and not len(steps[1]) and not len(steps[2])


def test_hidden_spikes_in_the_last_step(plain):
    """They arrive after the trial: without delay in the next step, and with one later."""
    last = [(17.5, 0), (17.0, 1)]
    steps = compare(plain, [last, [], last])
    assert 19 in steps[0] and 19 in steps[2] and not len(steps[1])


def test_examples_without_spikes(plain):
    steps = compare(plain, [[], [], []])
    assert not any(len(s) for s in steps)
    assert not any(np.any(g) for g in plain.engine.gradients().values())


def test_first_batch_of_an_engine_is_empty():
    """Arrays that were never filled can still be sent to GeNN."""
    case = events(recurrent(delays=(RANGE, RANGE, None), batch=2), [[], []])
    assert_same_as_cpu(case)


def test_examples_in_any_selection_and_order(plain):
    data = [[(0.0, 0)], [(2.0, 1), (5.0, 0)], [(1.0, 0), (4.0, 1), (9.0, 1)]]
    case = events(plain.case, data)
    whole = plain.engine.forward(case.batch).readouts[2]
    assert len(np.unique(whole)) == whole.size
    for rows in ([2], [1, 1, 0], [2, 0]):
        part = plain.engine.forward(Batch(case.inputs, np.array(rows)))
        np.testing.assert_array_equal(part.readouts[2], whole[rows])


# --- programs


@pytest.mark.parametrize(("timesteps", "readout"), [(1, "avg_var"), (2, "avg_var"), (2, "max_var")])
def test_shortest_trials(timesteps, readout):
    """A spike at 0 ms arrives in the second step: after the trial, or just in it."""
    builder = ProgramBuilder(timesteps=timesteps, batch=2)
    first, last = builder.input(1, spikes=1), builder.output(2, SCE, readout)
    builder.connect(first, last, 1.0, 0.3, delay=(0.0, 0.0))
    case = events(builder.build(), [[(0.0, 0)], []])
    assert_same_as_cpu(case)
    engine = genn_engine(case)
    gradients = case.gradients(engine)[0]
    assert np.any(gradients["g"]) == np.any(gradients["d"]) == (timesteps == 2)


@pytest.mark.parametrize(
    ("names", "training"),
    [(("größe", "Größe", "int"), True), (("*/ #error", "a\n#error", ""), False)],
)
def test_any_names(names, training):
    builder = ProgramBuilder(timesteps=5)
    first, hidden = builder.input(2, name=names[0]), builder.hidden(2, names[1], tau_refrac=1.0)
    last = builder.output(2, SCE, "first_spike_time", name=names[2])
    builder.connect(first, hidden, 2.0, 0.3)
    builder.connect(hidden, last, 2.0, 0.3)
    case = builder.build().with_settings(training=training)
    assert genn_engine(case).forward(case.batch).readouts[2].shape == (2, 2)


@pytest.mark.parametrize("readout", ["max_var", "first_spike_time"])
def test_inference_program_gives_the_outputs_of_training(readout):
    case = recurrent(
        readout=readout, delays=(RANGE, RANGE, 3), hidden={"tau_refrac": 2.0}, output_weight=1.5
    )
    expected = cpu_engine(case).forward(case.batch, all_of(case, 8))
    engine = genn_engine(case.with_settings(training=False))
    result = engine.forward(case.batch, all_of(case, 8))
    np.testing.assert_allclose(result.readouts[2], expected.readouts[2], rtol=1e-5)
    np.testing.assert_array_equal(result.spike_counts[1], expected.spike_counts[1])
    for ours, theirs in zip(result.recording.spikes[1], expected.recording.spikes[1]):
        np.testing.assert_array_equal(ours, theirs)
    assert engine.gradients() == {}
    with pytest.raises(RuntimeError, match="training program"):
        engine.backward({})
