"""Forward pass of the reference engine: against brute force, and against its own claims."""

from __future__ import annotations

import numpy as np
import pytest
from programs import Case, ProgramBuilder, layered_case, recurrent_case

from mlgenn_delays.engines.reference import ReferenceEngine
from mlgenn_delays.engines.reference.forward import ForwardPass
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.losses import SparseCategoricalCrossentropy
from mlgenn_delays.program.exchange import RecordRequest

LEARNED = (0.5, 6.0)
SCE = SparseCategoricalCrossentropy()


def _run(case: Case, *populations: int) -> ForwardPass:
    """First example, with trajectories of ``populations``."""
    engine = case.engine(ReferenceEngine)
    wanted = np.zeros(case.program.batch_size, dtype=bool)
    engine.forward(
        case.batch, RecordRequest(wanted, variables=frozenset((p, "V") for p in populations))
    )
    return engine.trials[0]


def _brute_force(case: Case, step: float) -> dict[int, list[tuple[float, int]]]:
    """Spikes (time, neuron) of the first example by Euler steps and a list of arrivals."""
    program = case.program
    v = {p.index: np.full(p.size, p.dynamics.vars["V"]) for p in program.neurons}
    currents = {p.index: np.zeros((len(p.receptors), p.size)) for p in program.populations}
    free = {p.index: np.zeros(p.size) for p in program.populations}
    spikes: dict[int, list[tuple[float, int]]] = {p.index: [] for p in program.populations}
    steps = round(program.duration / step)
    arrivals: list[list[tuple[int, int, int, float]]] = [[] for _ in range(steps + 1)]

    def send(source: int, neuron: int, time: float) -> None:
        for c in program.connections:
            if c.source == source:
                values = case.parameters[c.index]
                delays = (
                    values["d"][neuron] if "d" in values else [c.constant_delay] * c.target_size
                )
                for post in range(c.target_size):
                    slot = round((time + delays[post] * program.dt) / step)
                    if slot <= steps:
                        arrivals[slot].append(
                            (c.target, c.receptor, post, values["g"][neuron, post])
                        )

    for index, data in case.inputs.items():
        for time, neuron in zip(*data.example(0), strict=True):
            send(index, int(neuron), float(time))
    for n in range(steps):
        for target, receptor, post, weight in arrivals[n]:
            currents[target][receptor, post] += weight
        for p in program.populations:
            if p.is_input:
                continue
            i, params = currents[p.index], p.dynamics.params
            taus = np.array([receptor.tau for receptor in p.receptors])
            slope = (np.sum(i, axis=0) - v[p.index]) / params["TauM"]
            v[p.index] += step * slope * (n * step >= free[p.index] - 1e-9)
            i -= step * i / taus[:, np.newaxis]
            if p.is_spiking:
                for neuron in np.flatnonzero(v[p.index] >= params["Vthresh"]):
                    time = (n + 1) * step
                    spikes[p.index].append((time, int(neuron)))
                    v[p.index][neuron] = params["Vreset"]
                    free[p.index][neuron] = time + (p.dynamics.tau_refrac or 0.0)
                    send(p.index, int(neuron), time)
    return spikes


@pytest.mark.parametrize(
    "case",
    [
        recurrent_case(SCE, delays=(LEARNED, LEARNED, None)),
        recurrent_case(
            SCE,
            delays=(None, 2, LEARNED),
            input_weight=3.0,
            hidden={"tau_refrac": 2.0, "v_reset": -0.2, "v_thresh": 0.9, "v": 0.3, "tau_mem": 5.0},
        ),
        layered_case(SCE, delay=LEARNED, tau_mem=(8.0, 15.0, 20.0), tau_syn=(5.0, 2.0)),
    ],
    ids=["recurrent", "refractory", "layers"],
)
def test_spikes_are_those_of_brute_force_integration(case):
    trial = _run(case)
    for index, spikes in _brute_force(case, 5e-4).items():
        population = case.program.populations[index]
        if population.is_spiking and not population.is_input:
            times, neurons = trial.spikes(index)
            order = np.lexsort((times, neurons))
            expected = sorted((neuron, time) for time, neuron in spikes)
            np.testing.assert_array_equal(neurons[order], [n for n, _ in expected])
            np.testing.assert_allclose(times[order], [t for _, t in expected], atol=0.01)
            assert len(times) >= 3 * population.size


@pytest.mark.parametrize("tau_refrac", [None, 2.5])
def test_spikes_are_all_crossings_and_only_crossings(tau_refrac):
    hidden = {"v_reset": -0.2, "tau_refrac": tau_refrac}
    case = recurrent_case(SCE, delays=(LEARNED, LEARNED, None), input_weight=3.0, hidden=hidden)
    trial = _run(case, 1)
    for cell, trajectory in zip(trial.cells[1], trial.trajectories(1), strict=True):
        spikes = np.array([s.time for s in cell.spikes])
        assert len(spikes) >= 3
        held = tau_refrac or 0.0
        assert np.all(np.diff(spikes) > held)
        # just before a spike the membrane is at threshold and rising
        just_before = trajectory.voltage(spikes - 1e-7)
        assert np.all(just_before < 1.0) and np.all(just_before > 1.0 - 1e-6)
        np.testing.assert_array_equal(trajectory.voltage(spikes), -0.2)
        # ... and nowhere else
        times = np.linspace(0.0, trial.duration, 20001)
        assert np.max(trajectory.voltage(times)) < 1.0
        for s in spikes:
            during = times[(times > s) & (times < s + held)]
            np.testing.assert_array_equal(trajectory.voltage(during), -0.2)


def _single_neuron(times: list[float], delay: float | None, weight: float = 5.0, **neuron) -> Case:
    builder = ProgramBuilder(timesteps=60, dt=0.5, batch=1)
    first, hidden = builder.input(1), builder.hidden(1, **neuron)
    last = builder.output(2, SCE)
    steps = None if delay is None else (delay, delay)
    builder.connect(first, hidden, weight, delay=steps)
    builder.connect(hidden, last, 1.0)
    count = np.array([0, len(times)])
    neurons = np.zeros(len(times), np.uint16)
    builder.inputs[first] = EventDataset(count, np.array(times), neurons, 1)
    return builder.build()


# tau_mem = 2 tau_syn: V = 5 (x - x^2) reaches 1 at x = exp(-t / tau_mem) of
CROSSING = -10.0 * np.log(0.5 * (1.0 + np.sqrt(0.2)))


@pytest.mark.parametrize("delay", [None, 0.0, 3.3])
def test_a_single_spike_comes_when_the_closed_form_says(delay):
    case = _single_neuron([2.0], delay)
    times, neurons = _run(case).spikes(1)
    # delays are real numbers, in timesteps of 0.5 ms
    assert times[0] == pytest.approx(2.0 + 0.5 * (delay or 0.0) + CROSSING, abs=1e-13)
    np.testing.assert_array_equal(neurons, 0)


def test_a_crossing_after_the_trial_is_no_spike():
    assert len(_run(_single_neuron([30.0 - CROSSING - 1e-6], None)).spikes(1)[0]) == 1
    assert len(_run(_single_neuron([30.0 - CROSSING + 1e-6], None)).spikes(1)[0]) == 0


def test_two_spikes_of_one_channel_at_one_time_both_count():
    together = _run(_single_neuron([2.0, 2.0], None, weight=2.5)).spikes(1)[0]
    assert together[0] == pytest.approx(2.0 + CROSSING, abs=1e-13)


def test_a_neuron_with_threshold_below_rest_fires_without_input():
    case = _single_neuron([], None, v_thresh=-1.0, v_reset=-2.0, v=-2.0)
    times, _ = _run(case).spikes(1)
    # V = -2 exp(-t / 10) reaches -1 after 10 ln 2
    np.testing.assert_allclose(times, 10.0 * np.log(2.0) * np.arange(1, 5), rtol=1e-13)


def test_runs_repeat_bit_for_bit():
    case = recurrent_case(SCE, delays=(2, 3, None), sizes=(3, 6, 2))
    first, second = _run(case).spikes(1), _run(case).spikes(1)
    assert len(first[0]) > 10
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_trajectories_that_were_not_kept_are_refused():
    with pytest.raises(ValueError, match="population 1: its trajectories were not kept"):
        _run(recurrent_case(SCE)).trajectories(1)


@pytest.mark.parametrize("weight", [1e5, 1e30])
def test_spikes_without_end_are_refused(weight):
    """They come ever closer together, in the end at one time."""
    builder = ProgramBuilder(timesteps=10, batch=1)
    first, hidden = builder.input(1), builder.hidden(1, "excited")
    builder.connect(first, hidden, weight)
    builder.connect(hidden, builder.output(2, SCE), 1.0)
    case = builder.build()
    engine = case.engine(ReferenceEngine)
    with pytest.raises(ValueError, match="'excited': neuron 0 spikes more than 11000 times"):
        engine.forward(case.batch)
