"""The CPU engine's forward pass against the literal float64 simulation."""

import numpy as np
import pytest
from grid_simulation import simulate
from programs import Case, ProgramBuilder, delta_case
from programs import recurrent_case as small_case

from mlgenn_delays.engines.cpu import CpuEngine
from mlgenn_delays.losses import SparseCategoricalCrossentropy
from mlgenn_delays.program.exchange import Batch, RecordRequest

LOSS = SparseCategoricalCrossentropy()
RANGE = (0.0, 15.0)


def recurrent_case(loss, readout="avg_var", **settings) -> Case:
    return small_case(loss, readout, **{"sizes": (3, 4, 3), "timesteps": 40, **settings})


def two_layers_with_skip():
    builder = ProgramBuilder(seed=3)
    first = builder.input(4, spikes=12)
    a = builder.hidden(5, name="a", tau_refrac=2.5)
    b = builder.hidden(20, name="b", tau_mem=15.0, v_reset=-0.3, v_thresh=0.8, v=0.1)
    last = builder.output(3, LOSS)
    builder.connect(first, a, 4.0, 1.0, delay=RANGE)
    builder.connect(a, b, 2.0, 1.0, delay=4, tau_syn=8.0)
    builder.connect(b, b, 0.0, 0.3, delay=RANGE, density=0.5)
    builder.connect(first, b, 2.0, 0.5)
    builder.connect(b, last, 0.3, 0.5, delay=RANGE)
    builder.connect(a, last, 0.3, 0.5, tau_syn=10.0)
    return builder.build()


CASES = {
    "no delay": lambda: recurrent_case(LOSS, seed=1),
    "constant delays": lambda: recurrent_case(LOSS, delays=(2, 3, 4)),
    "synapse delays": lambda: recurrent_case(LOSS, delays=(RANGE, RANGE, RANGE)),
    "sparse": lambda: recurrent_case(LOSS, delays=(RANGE, 3, None), density=0.6),
    "refractory": lambda: recurrent_case(
        LOSS, delays=(None, RANGE, None), hidden={"tau_refrac": 3}
    ),
    "equal time constants": lambda: recurrent_case(LOSS, hidden={"tau_mem": 5.0}),
    "several neurons per vector": lambda: recurrent_case(
        LOSS, sizes=(3, 37, 3), delays=(RANGE, None, None)
    ),
    "two layers, skip, two receptors": two_layers_with_skip,
    "relative reset": lambda: recurrent_case(
        LOSS, training=False, input_weight=6.0, hidden={"relative_reset": True, "v_reset": -0.2}
    ),
    "delta": lambda: delta_case(),
    "delta, constant delays": lambda: delta_case(delay=3),
    "delta, synapse delays": lambda: delta_case(delay=RANGE),
    "delta, sparse": lambda: delta_case(delay=RANGE, density=0.7),
    "delta, refractory": lambda: delta_case(tau_refrac=3.0),
    "delta, relative reset": lambda: delta_case(delay=RANGE, relative_reset=True),
    "delta and currents": lambda: delta_case(delay=RANGE, mixed=True, relative_reset=True),
}


@pytest.mark.parametrize("name", CASES)
def test_same_spikes_and_voltages_as_literal_simulation(name):
    case = CASES[name]()
    engine = case.engine(CpuEngine, 2)
    record = RecordRequest(
        np.ones(case.program.batch_size, bool),
        spikes=frozenset(p.index for p in case.program.populations),
        variables=frozenset((p.index, "V") for p in case.program.populations if not p.is_input),
    )
    recording = engine.forward(case.batch, record).recording
    for example in range(case.program.batch_size):
        oracle = simulate(case.program, case.parameters, case.inputs, example)
        for p in case.program.populations:
            if p.is_input:
                continue
            # float32 must not be able to move a neuron across threshold
            assert oracle.margins[p.index] > 1e-5
            times, neurons = recording.spikes[p.index][example]
            found = list(zip(np.round(times / case.program.dt).astype(int) - 1, neurons))
            assert found == oracle.spikes[p.index]
            expected = oracle.voltages[p.index]
            np.testing.assert_allclose(
                recording.variables[p.index, "V"][example],
                expected,
                atol=1e-5 * np.abs(expected).max(),
            )
        assert all(oracle.spikes[p.index] for p in case.program.populations if p.is_spiking)


@pytest.mark.parametrize("readout", ["avg_var", "avg_var_exp_weight", "sum_var", "max_var", "var"])
def test_readouts_of_voltage(readout):
    case = recurrent_case(LOSS, readout, delays=(RANGE, None, 2))
    result = case.engine(CpuEngine, 1).forward(case.batch)
    voltage = simulate(case.program, case.parameters, case.inputs, 0).voltages[2]
    steps = case.program.timesteps
    decay = np.exp(-np.arange(steps) / steps)[:, None]
    expected = {
        "avg_var": voltage.mean(axis=0),
        "avg_var_exp_weight": (decay * voltage).sum(axis=0) / steps,
        "sum_var": voltage.sum(axis=0),
        "max_var": voltage.max(axis=0),
        "var": voltage[-1],
    }
    np.testing.assert_allclose(result.readouts[2][0], expected[readout], rtol=1e-4)


def test_first_spike_times_and_silent_outputs():
    case = recurrent_case(LOSS, "first_spike_time", output_weight=2.0, output={"v_thresh": 1.5})
    result = case.engine(CpuEngine, 1).forward(case.batch)
    spikes = simulate(case.program, case.parameters, case.inputs, 0).spikes[2]
    first = {j: min(n for n, i in spikes if i == j) for j in {i for _, i in spikes}}
    expected = [-(first[j] + 1.0) if j in first else np.finfo(np.float32).min for j in range(3)]
    np.testing.assert_allclose(result.readouts[2][0], expected)
    assert first


def test_two_spikes_of_one_channel_in_one_step_both_count():
    case = recurrent_case(LOSS, delays=(RANGE, None, None), sizes=(1, 4, 3))
    times = case.inputs[0].times
    case.set_times(np.where(times < 10.0, 3.2, times))
    engine = case.engine(CpuEngine, 1)
    counts = engine.forward(case.batch).spike_counts[1]
    for example in range(2):
        spikes = simulate(case.program, case.parameters, case.inputs, example).spikes[1]
        assert list(counts[example]) == [sum(i == j for _, i in spikes) for j in range(4)]


def test_largest_delay_has_its_slot():
    """A spike with the largest delay arrives then, not at once."""
    builder = ProgramBuilder(timesteps=30, batch=1)
    first, last = builder.input(1, spikes=1), builder.output(1, LOSS)
    builder.connect(first, last, 1.0, delay=(20.0, 20.0), max_delay_steps=20)
    case = builder.build()
    case.set_times(2.0)
    record = RecordRequest(np.ones(1, bool), variables=frozenset([(1, "V")]))
    engine = case.engine(CpuEngine, 1)
    voltage = engine.forward(case.batch, record).recording.variables[1, "V"][0, :, 0]
    assert np.flatnonzero(voltage)[0] == 2 + 1 + 20


@pytest.mark.parametrize(("delay", "steps"), [(2.49, 2), (2.5, 3), (3.5, 4), (2.9999, 3)])
def test_delays_are_rounded(delay, steps):
    builder = ProgramBuilder(timesteps=30, batch=1)
    first, last = builder.input(1, spikes=1), builder.output(1, LOSS)
    builder.connect(first, last, 1.0, delay=(delay, delay))
    case = builder.build()
    case.set_times(4.0)
    record = RecordRequest(np.ones(1, bool), variables=frozenset([(1, "V")]))
    engine = case.engine(CpuEngine, 1)
    voltage = engine.forward(case.batch, record).recording.variables[1, "V"][0, :, 0]
    assert np.flatnonzero(voltage)[0] == 4 + 1 + steps


def test_no_capacity_drops_spikes():
    """A neuron that fires in every single step is recorded in every single step."""
    builder = ProgramBuilder(timesteps=3000, batch=1)
    first, middle = builder.input(1, spikes=1), builder.hidden(3)
    last = builder.output(1, LOSS)
    builder.connect(first, middle, 1e5, tau_syn=1e4)
    builder.connect(middle, last, 0.1)
    case = builder.build()
    case.set_times(0.0)
    counts = case.engine(CpuEngine, 1).forward(case.batch).spike_counts[1]
    assert list(counts[0]) == [2999, 2999, 2999]


def test_inference_program_gives_the_outputs_of_training():
    case = recurrent_case(LOSS, delays=(RANGE, RANGE, 3), hidden={"tau_refrac": 2.0})
    training = case.engine(CpuEngine, 1).forward(case.batch)
    inference = case.with_settings(training=False)
    other = inference.engine(CpuEngine, 2).forward(case.batch)
    np.testing.assert_array_equal(training.readouts[2], other.readouts[2])
    np.testing.assert_array_equal(training.spike_counts[1], other.spike_counts[1])


def test_examples_in_any_selection_and_order():
    case = recurrent_case(LOSS, delays=(RANGE, RANGE, None), batch=6)
    engine = case.engine(CpuEngine, 2)
    every = engine.forward(case.batch).readouts[2]
    chosen = np.array([4, 1, 1])
    np.testing.assert_array_equal(
        engine.forward(Batch(case.inputs, chosen)).readouts[2], every[chosen]
    )


def test_delays_out_of_range_are_refused():
    case = recurrent_case(LOSS, delays=(RANGE, None, None))
    engine = case.engine(CpuEngine, 1)
    message = "'input_hidden': 'd' has values from 20.5 to 20.5 timesteps, allowed are 0 to 20$"
    with pytest.raises(ValueError, match=message):
        engine.set_parameter(case.index(0, "d"), np.full((3, 4), 20.5))
    with pytest.raises(ValueError, match="from nan to nan timesteps, allowed are 0 to 20"):
        engine.set_parameter(case.index(0, "d"), np.full((3, 4), np.nan))
