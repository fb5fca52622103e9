"""The CPU engine at the edges of what a program can be, against the literal oracles.

Every case runs forwards and backwards; spikes, voltages and all gradients must be those of
the float64 loops in ``grid_simulation`` and ``grid_adjoint``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import grid_adjoint
import numpy as np
import programs
import pytest
from grid_simulation import simulate
from programs import (
    Case,
    ProgramBuilder,
    recurrent_case,
    spiking_output_with_outgoing_connections,
    two_inputs_and_two_outputs,
)

from mlgenn_delays.engines import cpu
from mlgenn_delays.engines.cpu import CpuEngine
from mlgenn_delays.losses import (
    MeanSquareError,
    RelativeMeanSquareError,
    SparseCategoricalCrossentropy,
)
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.program.exchange import Batch, RecordRequest

SCE = SparseCategoricalCrossentropy()
RANGE = (0.0, 15.0)
FIRST_SPIKE = {"readout": "first_spike_time", "output_weight": 4.0}


def recurrent(**settings) -> Case:
    return recurrent_case(settings.pop("loss", SCE), **settings)


def two_recurrent_connections_and_three_receptors() -> Case:
    """Two connections of a population with itself, on receptors with delays of their own."""
    builder = ProgramBuilder(seed=7, timesteps=30)
    first, hidden, last = builder.input(3), builder.hidden(4), builder.output(2, SCE)
    builder.connect(first, hidden, 3.0, 0.5, tau_syn=5.0, delay=RANGE)
    builder.connect(hidden, hidden, 0.3, 0.5, tau_syn=3.0, delay=(0.0, 4.0), max_delay_steps=4)
    builder.connect(hidden, hidden, -0.3, 0.5, tau_syn=8.0, delay=RANGE, density=0.5)
    builder.connect(hidden, last, 0.5, 1.0, tau_syn=10.0, delay=2)
    builder.connect(first, last, 0.5, 1.0, tau_syn=5.0, delay=RANGE)
    return builder.build()


def input_straight_to_output() -> Case:
    builder = ProgramBuilder(seed=2, timesteps=20, batch=1)
    first, last = builder.input(2), builder.output(2, SCE)
    builder.connect(first, last, 1.0, 0.5, delay=RANGE)
    return builder.build()


def with_recurrent_synapses(case: Case, pairs: list[tuple[int, int]]) -> Case:
    """The case with these synapses instead of the recurrent connection's."""
    pre, post = np.array(pairs, dtype=int).reshape(-1, 2).T
    values = {name: np.full(len(pre), 0.7) for name in case.parameters[1]}
    return case.with_connection(1, pre_ind=pre, post_ind=post).with_parameters(1, **values)


CASES: dict[str, Callable[[], Case]] = {
    "one neuron everywhere": lambda: recurrent(
        loss=MeanSquareError(),
        readout="var",
        targets=[np.random.default_rng(1).normal(size=(2, 30, 1))],
        sizes=(1, 1, 1),
        delays=(RANGE, (0.0, 4.0), RANGE),
        input_weight=3.0,
        seed=0,
    ),
    "whole vectors": lambda: recurrent(sizes=(16, 16, 16), delays=(RANGE, RANGE, RANGE)),
    "one more than a vector": lambda: recurrent(sizes=(17, 17, 17), delays=(RANGE, RANGE, 2)),
    "one example": lambda: recurrent(batch=1, delays=(RANGE, 2, RANGE)),
    "two inputs, two outputs": two_inputs_and_two_outputs,
    "two recurrent connections": two_recurrent_connections_and_three_receptors,
    "spiking output drives others": spiking_output_with_outgoing_connections,
    "input straight to output": input_straight_to_output,
    "rows without synapses": lambda: with_recurrent_synapses(
        recurrent(delays=(RANGE, RANGE, None)), [(1, 0), (1, 2)]
    ),
    "no recurrent synapse at all": lambda: with_recurrent_synapses(
        recurrent(delays=(RANGE, RANGE, None)), []
    ),
    "constant delays beyond the trial": lambda: recurrent(delays=(2, 100, 29)),
    "synapse delays beyond the trial": lambda: _with_longer_delays(recurrent(delays=(RANGE,) * 3)),
    "learned delays with a range of zero": lambda: _without_range(recurrent(delays=(RANGE,) * 3)),
    "refractory beyond the trial": lambda: recurrent(
        delays=(RANGE, RANGE, None), hidden={"tau_refrac": 2.0**32}
    ),
    "refractory for one step": lambda: recurrent(
        delays=(None, RANGE, None), hidden={"tau_refrac": 1.0, "v_reset": -0.3}
    ),
    "first spikes": lambda: recurrent(delays=(RANGE, None, RANGE), **FIRST_SPIKE),
    "some outputs silent": lambda: recurrent(
        delays=(RANGE, None, 2), readout="first_spike_time", output={"v_thresh": 1.6}
    ),
    "relative first spikes": lambda: recurrent(
        loss=RelativeMeanSquareError(2.0), delays=(None, RANGE, RANGE), **FIRST_SPIKE
    ),
    "voltages from elsewhere": lambda: recurrent(
        delays=(RANGE, None, None),
        hidden={"v": 0.4, "v_reset": -0.3},
        output={"v": -0.2},
    ),
    "loss of every timestep": lambda: recurrent(delays=(RANGE, None, RANGE), per_timestep=True),
}


def _with_longer_delays(case: Case) -> Case:
    """Delays of up to 60 steps in a trial of 30."""
    connections = tuple(replace(c, max_delay_steps=60) for c in case.connections)
    parameters = [{"g": v["g"], "d": 4.0 * v["d"]} for v in case.parameters]
    return replace(case, connections=connections, parameters=parameters)


def _without_range(case: Case) -> Case:
    connections = tuple(replace(c, max_delay_steps=0) for c in case.connections)
    parameters = [{"g": v["g"], "d": 0.0 * v["d"]} for v in case.parameters]
    return replace(case, connections=connections, parameters=parameters)


def _assert_as_simulated(case: Case, trials: list, recording) -> None:
    for example, trial in enumerate(trials):
        for p in (p for p in case.program.populations if not p.is_input):
            # float32 must not be able to move a neuron across threshold
            assert not p.is_spiking or trial.margins[p.index] > 1e-5
            times, neurons = recording.spikes[p.index][example]
            found = list(zip(np.round(times / case.program.dt).astype(int) - 1, neurons))
            assert found == trial.spikes[p.index]
            expected = trial.voltages[p.index]
            np.testing.assert_allclose(
                recording.variables[p.index, "V"][example],
                expected,
                atol=1e-5 * max(np.abs(expected).max(), 1e-3),
            )


@pytest.mark.parametrize("name", CASES)
def test_spikes_voltages_and_gradients_of_the_literal_loops(name):
    case = CASES[name]()
    program, examples = case.program, range(case.program.batch_size)
    engine = case.engine(CpuEngine, 3)  # more than examples
    record = RecordRequest(
        np.ones(len(examples), bool),
        spikes=frozenset(p.index for p in program.populations),
        variables=frozenset((p.index, "V") for p in program.populations if not p.is_input),
    )
    result = engine.forward(case.batch, record)
    trials = [simulate(program, case.parameters, case.inputs, b) for b in examples]
    _assert_as_simulated(case, trials, result.recording)

    outputs = case.evaluate(result)[1]
    engine.backward(outputs)
    parts = [
        grid_adjoint.gradients(program, case.parameters, trial, outputs, b)
        for b, trial in enumerate(trials)
    ]
    for c, found in zip(program.connections, case.gradients_of(engine), strict=True):
        for kind, gradient in found.items():
            expected = sum(part[c.index][kind] for part in parts)
            assert gradient.shape == expected.shape == c.synapse_shape
            scale = np.abs(expected).max(initial=0.0)
            if "trial" not in name and "no recurrent" not in name:
                assert scale > 0.0, f"{c.name}.{kind}: nothing would be tested"
            np.testing.assert_allclose(gradient, expected, atol=1e-4 * scale, rtol=0.0)


def test_numbers_of_steps_and_channels_that_need_more_than_16_bits(monkeypatch):
    case = recurrent(delays=(RANGE, RANGE, None))
    narrow = case.engine(CpuEngine, 1)
    expected = case.gradients(narrow)
    # not the source that has been kept
    monkeypatch.setattr(cpu.codegen, "_generate", cpu.codegen._generate.__wrapped__)
    for module in (cpu.codegen, cpu.call):
        monkeypatch.setattr(module, "step_dtype", lambda last: np.dtype(np.int32))
        monkeypatch.setattr(module, "channel_dtype", lambda size: np.dtype(np.uint32))
    wide = case.engine(CpuEngine, 1)
    assert "InputCursor<uint16_t, uint16_t>" in narrow.source
    assert "InputCursor<int32_t, uint32_t>" in wide.source
    for one, other in zip(expected, case.gradients(wide), strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("timesteps", [1, 2])
@pytest.mark.parametrize("readout", ["avg_var", "avg_var_exp_weight", "max_var", "var"])
def test_shortest_trials(timesteps, readout):
    """A spike at 0 ms arrives in the second step: after the trial, or just in it."""
    builder = ProgramBuilder(timesteps=timesteps, batch=1)
    first, last = builder.input(1, spikes=1), builder.output(2, SCE, readout)
    builder.connect(first, last, 1.0, 0.3, delay=(0.0, 0.0))
    case = builder.build()
    case.set_times(0.0)
    engine = case.engine(CpuEngine, 1)
    gradients = case.gradients(engine)[0]
    assert np.any(engine.forward(case.batch).readouts[last]) == (timesteps == 2)
    assert np.any(gradients["g"]) == np.any(gradients["d"]) == (timesteps == 2)


def test_no_input_spikes_leave_the_network_at_rest():
    builder = ProgramBuilder(timesteps=20, batch=3)
    first, hidden = builder.input(4, spikes=0), builder.hidden(3)
    last = builder.output(2, SCE)
    builder.connect(first, hidden, 1.0, 0.3, delay=RANGE)
    builder.connect(hidden, last, 1.0, 0.3, delay=RANGE)
    case = builder.build()
    engine = case.engine(CpuEngine, 2)
    for values in case.gradients(engine):
        assert not any(np.any(v) for v in values.values())
    result = engine.forward(case.batch)
    assert not np.any(result.readouts[last]) and not np.any(result.spike_counts[hidden])
    before = case.parameters_of(engine)
    case.apply(engine, [{"g": Adam(0.1), "d": Adam(0.1)}] * 2, 0)
    for a, b in zip(before, case.parameters_of(engine)):
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])


def test_batches_that_grow_and_shrink():
    case = recurrent(delays=(RANGE, RANGE, None), batch=6)
    engine = case.engine(CpuEngine, 2)
    whole = engine.forward(case.batch).readouts[2]
    for rows in ([0], [5, 4, 3, 2, 1, 0], [2, 3], [1] * 6):
        part = engine.forward(Batch(case.inputs, np.array(rows)))
        np.testing.assert_array_equal(part.readouts[2], whole[rows])


@pytest.mark.parametrize(
    "names",
    [
        ("in", "hidden", "hidden_adjoint"),
        ("hidden_spike", "hidden", "out"),
        ("hidden_release", "hidden", "hidden_first"),
        ("x", "x_2", "x!"),
        ("größe", "Größe", "大きさ"),
        ("*/ #error", "a\n#error", "b\\"),
        ("int", "std", ""),
    ],
)
def test_any_names_make_a_source_that_compiles(names):
    builder = ProgramBuilder(timesteps=5)
    first, hidden = builder.input(2, name=names[0]), builder.hidden(2, names[1], tau_refrac=1.0)
    last = builder.output(2, SCE, "first_spike_time", name=names[2])
    builder.connect(first, hidden, 2.0, 0.3)
    builder.connect(hidden, last, 2.0, 0.3)
    case = builder.build()
    assert case.engine(CpuEngine, 1).forward(case.batch).readouts[2].shape


MANY_THREADS = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from programs import recurrent_case
from mlgenn_delays.engines import cpu
from mlgenn_delays.engines.cpu import CpuEngine
from mlgenn_delays.losses import SparseCategoricalCrossentropy

case = recurrent_case(SparseCategoricalCrossentropy())
case.engine(CpuEngine, 1)  # compiled before memory gets scarce
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
try:
    case.engine(CpuEngine, 5000)
except MemoryError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits address space as Linux does")
def test_more_threads_than_the_system_has():
    result = subprocess.run(
        [sys.executable, "-c", MANY_THREADS, str(Path(programs.__file__).parent)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "memory or threads for the state of the network with num_threads = 5000" in (
        result.stdout
    ), result.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_is_told_to_compile_again():
    """The threads of the engine are not there any more: without a check it would hang."""
    case = recurrent()
    engine = case.engine(CpuEngine, 2)
    before = case.loss(engine)
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        try:
            engine.forward(case.batch)
        except RuntimeError as error:
            engine.close()
            os._exit(42 if "compile it in each process" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
    assert case.loss(engine) == before


def test_delays_that_are_nan_arrive_without_delay():
    """As after a divergence; what NaN is as a whole number is up to compilers."""
    case = recurrent(delays=((0.5, 6.0), (0.5, 6.0), 2))
    engine = case.engine(CpuEngine, 1)
    for connection in case.program.connections[:2]:
        values = engine.get_parameter(connection.delay)
        values[0] = np.nan
        engine._set(connection.delay, values)
        steps = engine._connections[connection.index]._arrays["delay_steps"]
        assert np.any(steps) and not np.any(steps[: values.shape[1]])
    assert np.isfinite(case.loss(engine))
    assert "round_half_up(c.delay[k] >= 0.0f ? c.delay[k] : 0.0f)" in engine.source
