"""The literal simulation of sub-step timing: its gradients, its continuity, its convergence.

Gradients are those of its own loss, by finite differences; spikes and losses converge to those of
the event-driven reference. What holds of it holds of engines that agree with it.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from programs import Case, ProgramBuilder
from substep_cases import NETWORKS, SCE, cycle, recurrent, sparse
from substep_differences import STEP, adjoint, derivative, differences, run, shifted
from substep_readouts import integrated, integrated_slope
from substep_simulation import Trial, components, kappa, kappa_slope

from mlgenn_delays.engines.reference import ReferenceEngine
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.program.program import Density

#: Largest error relative to the largest entry of a gradient, and what rounding of the loss adds.
TOLERANCE, ROUNDING = 1e-6, 3e-10

TWICE = ("recurrent", "short delays", "two receptors", "many spikes")
QUICK = [(name, 1) for name in NETWORKS] + [(name, 2) for name in TWICE]
SLOW = [(name, seed) for name in NETWORKS for seed in (2, 3) if (name, seed) not in QUICK]


def assert_gradients(case: Case) -> None:
    found, gradients, loss = differences(case), adjoint(case), run(case)[0]
    assert found.one_sided == 0  # of some 40 entries; one in 500 or so would have a kink
    for connection, values in zip(case.connections, zip(found.values, gradients)):
        assert values[0].keys() == values[1].keys()
        for name, expected in values[0].items():
            scale = np.max(np.abs(expected))
            label = f"{connection.source} -> {connection.target}, {name}"
            assert scale > 1e-6, f"{label}: the gradient vanishes, so that nothing would be tested"
            error = np.max(np.abs(values[1][name] - expected))
            assert error <= TOLERANCE * scale + ROUNDING * max(1.0, loss), (
                f"{label}: error {error / scale:.1e} of the scale\n{values[1][name]}\n{expected}"
            )


@pytest.mark.parametrize(("name", "seed"), QUICK)
def test_gradients_are_finite_differences_of_the_loss(name, seed):
    assert_gradients(NETWORKS[name](seed))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seed"), SLOW)
def test_gradients_of_more_networks(name, seed):
    assert_gradients(NETWORKS[name](seed))


def test_networks_have_what_they_are_to_test():
    def trials(name):
        return [run(NETWORKS[name](seed))[1] for n, seed in QUICK if n == name]

    def late(name, dt):
        return sum(a.age > dt for t in trials(name) for a in t.arrivals[1])

    for name in NETWORKS:
        for trial in trials(name):
            counts = Counter((p, s.neuron) for p, spikes in trial.spikes.items() for s in spikes)
            neurons = [n for (p, _), n in counts.items() if p > 0]
            assert 10 <= np.mean(neurons) <= 60, (name, counts)
    assert late("recurrent", 1.0) > 10 and late("no recurrent delay", 1.0) > 100
    together = Counter((s.step, s.neuron) for t in trials("many spikes") for s in t.spikes[1])
    assert max(together.values()) >= 3


# -- borders of steps


def _at_border(case: Case, connection: int, only_first: bool) -> list[tuple[tuple, float]]:
    """Synapses with the delay [timesteps] that puts one of its arrivals on a border within a step
    of a spike of the target."""
    program, trial, found = case.program, run(case)[1], []
    c = program.connections[connection]
    seen = set()
    for spike in trial.spikes[c.source]:
        if only_first and spike.neuron in seen:
            continue
        seen.add(spike.neuron)
        for post in range(c.target_size):
            delay = (spike.step + 1) * program.dt - spike.time
            spikes = [s.step for s in trial.spikes[c.target] if s.neuron == post]
            for more in range(3):
                if {spike.step + more, spike.step + more + 1} & set(spikes):
                    found.append(((spike.neuron, post), delay / program.dt + more))
    return found


BORDERS = {
    "recurrent": (0, 1),
    "two receptors": (0, 1),
    "layers": (0, 3),
    "cycle": (0, 2),
    "equal time constants": (1,),
}


@pytest.mark.parametrize(
    ("name", "connection"), [(name, c) for name, chosen in BORDERS.items() for c in chosen]
)
def test_the_loss_has_no_jump_where_an_arrival_changes_its_step(name, connection):
    case = NETWORKS[name](1)
    # the first spike of a neuron does not depend on the delay of what it sends
    borders, crossed = _at_border(case, connection, only_first=connection not in (0, 3)), 0
    for index, delay in borders[:30]:
        values = case.parameters[connection]["d"]
        change = delay - values[index]
        below, above = (
            run(case, shifted(case, connection, "d", index, change + by)) for by in (-1e-9, 1e-9)
        )
        crossed += below[1].pattern(case.program) != above[1].pattern(case.program)
        assert abs(above[0] - below[0]) < 1e-8
    assert crossed >= 5  # recurrent arrivals before the end of the step change theirs silently


def test_at_a_kink_the_gradient_is_that_of_its_own_side():
    case, kinks = recurrent(1), 0
    for index, delay in _at_border(case, 0, only_first=False)[:24]:
        sides: list[float] = []
        for by in (-0.3 * STEP, 0.3 * STEP):
            change = delay - case.parameters[0]["d"][index] + by
            parameters = shifted(case, 0, "d", index, change)
            moved = case.with_parameters(0, **parameters[0])
            expected, central = derivative(moved, 0, "d", index)
            gradient = adjoint(moved)[0]["d"][index]
            assert not central
            assert abs(gradient - expected) < 1e-8
            sides.append(gradient)
        kinks += abs(sides[1] - sides[0]) > 1e-5
    assert kinks >= 3


def _sides_of_border(weight: float, connected: float) -> tuple[Case, Trial, Trial]:
    """Of two neurons, trials in which the first one's first spike lies on either side of a border;
    it excites the second one."""
    b = ProgramBuilder(0, 10, batch=1)
    first, hidden, last = b.input(1), b.hidden(2), b.output(1, SCE)
    b.connect(first, hidden, 0.0)
    b.connect(hidden, hidden, 0.0, delay=(0.2, 0.6))
    b.connect(hidden, last, 1.0)
    case = b.build()
    case.parameters[0]["g"][0, 0], case.parameters[1]["g"][0, 1] = weight, connected

    def trial(time: float) -> Trial:
        case.inputs[0] = EventDataset(np.array([0, 1]), np.array([time]), np.array([0]), 1)
        return run(case)[1]

    low, high = 1.0, 2.0
    step = trial(low).spikes[1][0].step
    while low < (middle := 0.5 * (low + high)) < high:
        low, high = (middle, high) if trial(middle).spikes[1][0].step == step else (low, middle)
    before, after = trial(low), trial(high)
    assert (before.spikes[1][0].step, after.spikes[1][0].step) == (step, step + 1)
    assert abs(after.spikes[1][0].time - before.spikes[1][0].time) < 1e-12
    return case, before, after


def test_a_spike_that_crosses_a_border_jumps_for_recurrent_targets_closer_than_a_step():
    """What is not continuous: before the border the spike counts in the next step, after it in
    the one after that. The end of the target's chord lacks w kappa(dt - d) for one step."""
    case, before, after = _sides_of_border(5.0, 0.7)
    step, d = after.spikes[1][0].step, case.parameters[1]["d"][0, 1]
    ends = [trial.ends[1][:, 1] for trial in (before, after)]
    assert abs(ends[0][step] - ends[1][step] - 0.7 * kappa(10.0, 5.0, 1.0 - d)) < 1e-12
    np.testing.assert_allclose(ends[0][step + 1 :], ends[1][step + 1 :], atol=1e-12)


def test_a_spike_that_crosses_a_border_jumps_a_little_for_a_later_one_in_the_same_step():
    """What else is not: before the border its drop belongs to the chord, after it it is curved.
    U of the next spike, x later, moves by A (1 - x/dt + x/dt exp(-dt/tau_m) - exp(-x/tau_m)), at
    most A (dt/tau_m)^2 / 8."""
    _, before, after = _sides_of_border(60.0, 0.0)
    step = after.spikes[1][0].step
    early, late = before.spikes[1][1], after.spikes[1][1]
    assert early.step == late.step == step
    x, alpha = early.x, math.exp(-1.0 / 10.0)
    moved = 1.0 - x + x * alpha - math.exp(-x / 10.0)
    slope = after.ends[1][step, 0] - after.voltages[1][step - 1, 0] + math.exp(-x / 10.0) / 10.0
    assert 2e-4 < moved < 0.01 / 8.0
    assert abs((early.x - late.x) * slope - moved) < 0.02 * moved


# -- what is exact


def test_a_leaky_output_is_exact_at_the_ends_of_steps():
    b = ProgramBuilder(3, 30, batch=1)
    first, last = b.input(4, spikes=20), b.output(3, SCE, v=0.7)
    b.connect(first, last, 0.0, 1.0, delay=(0.0, 7.0))
    case = b.build()
    for dt in (1.0, 0.5, 3.0):
        scaled = case.at_timestep(dt)
        ends = (np.arange(scaled.program.timesteps) + 1.0) * dt
        expected = np.outer(0.7 * np.exp(-ends / 10.0), np.ones(3))
        for time, neuron in zip(*case.inputs[0].example(0)):
            for j in range(3):
                elapsed = ends - time - case.parameters[0]["d"][neuron, j]
                response = [kappa(10.0, 5.0, y) if y > 0.0 else 0.0 for y in elapsed]
                expected[:, j] += case.parameters[0]["g"][neuron, j] * np.array(response)
        np.testing.assert_allclose(run(scaled)[1].voltages[1], expected, atol=1e-13)


@pytest.mark.parametrize("name", ["many spikes", "coarse steps", "cycle"])
def test_spikes_lie_on_the_chord_and_none_is_left_out(name):
    case = NETWORKS[name](2)
    trial, program = run(case)[1], case.program
    for p in program.neurons:
        if not p.is_spiking:
            continue
        params, dt = p.dynamics.params, program.dt
        drop = params["Vthresh"] - params["Vreset"]
        for n, j in np.ndindex(program.timesteps, p.size):
            v_n = trial.voltages[p.index][n - 1, j] if n else p.dynamics.vars["V"]
            v_f = trial.ends[p.index][n, j]
            x = np.array([s.x for s in trial.spikes[p.index] if (s.step, s.neuron) == (n, j)])
            assert np.all(np.diff([0.0, *x, dt]) >= 0.0)
            for k, at in enumerate([*x, dt]):
                v = v_n + (v_f - v_n) * at / dt
                v -= np.sum(drop * np.exp(-(at - x[:k]) / params["TauM"]))
                assert abs(v - params["Vthresh"]) < 1e-12 if k < len(x) else v < params["Vthresh"]
            assert abs(v - trial.voltages[p.index][n, j]) < 1e-12


@pytest.mark.parametrize("tau_syn", [5.0, 30.0, 20.0, 20.0 * (1.0 + 1e-10), 20.02])
def test_responses_and_readouts_in_closed_form(tau_syn):
    # V against its equation, tau_m V' = -V + I, solved by midpoints; Y by Simpson's rule
    s = np.linspace(0.0, 60.0, 60001)
    gain = np.exp(s[1:] / 20.0) - np.exp(s[:-1] / 20.0)
    middle = 0.5 * (s[1:] + s[:-1])
    v = np.exp(-s / 20.0) * np.cumsum([0.0, *(gain * np.exp(-middle / tau_syn))])
    closed = np.array([kappa(20.0, tau_syn, y) for y in s[::1000]])
    np.testing.assert_allclose(v[::1000], closed, atol=1e-8)
    slope = (kappa(20.0, tau_syn, 7.0 + 1e-5) - kappa(20.0, tau_syn, 7.0 - 1e-5)) / 2e-5
    assert abs(kappa_slope(20.0, tau_syn, 7.0) - slope) < 1e-9
    end, nodes = 80.0, np.linspace(0.0, 1.0, 2001)
    simpson = np.array([1.0, *[4.0, 2.0] * 999, 4.0, 1.0]) / 6000.0
    for density in (Density(80.0), Density(80.0, 80.0), Density(1.0, 7.0)):
        for a in (0.0, 13.7, 79.9):
            t = a + (end - a) * nodes
            response = np.array([kappa(20.0, tau_syn, y) for y in t - a])
            values = np.exp(-t / density.tau) / density.scale * response
            expected = (end - a) * np.sum(simpson * values)
            place = (density, 20.0, tau_syn)
            assert abs(integrated(*place, a, end) - expected) < 1e-9
            sides = [integrated(*place, a + by, end) for by in (1e-5, -1e-5)]
            slope = (sides[0] - sides[1]) / 2e-5
            assert abs(integrated_slope(*place, a, end) - slope) < 1e-9


def test_populations_are_ordered_by_who_hears_whom():
    assert components(cycle(1).program) == [[0], [1, 2], [3], [4]]
    b = ProgramBuilder()
    last, first, middle = b.output(1, SCE), b.input(1), b.hidden(1)
    for source, target in ((middle, last), (first, middle), (middle, middle), (first, last)):
        b.connect(source, target, 1.0)
    assert components(b.build().program) == [[first], [middle], [last]]


# -- convergence to the event-driven solution

STEPS = (1.0, 0.5, 0.25, 0.125)


def _errors(case: Case) -> tuple[float, bool, float]:
    """Relative error of the loss, whether all neurons spike as often, and the mean error of
    spike times [ms] (nan unless they do)."""
    engine = case.engine(ReferenceEngine)
    expected, (loss, trial) = case.loss(engine), run(case)
    times, neurons = engine.trials[0].spikes(1)
    order = np.lexsort((times, neurons))
    found = np.array(sorted((s.neuron, s.time) for s in trial.spikes[1]))
    equal = len(found) == len(times) and np.array_equal(found[:, 0], neurons[order])
    error = np.mean(np.abs(found[:, 1] - times[order])) if equal else math.nan
    return abs(loss - expected) / abs(expected), equal, float(error)


@pytest.mark.parametrize("delay", [(0.0, 8.0), (0.0, 1.0)], ids=["long", "short"])
def test_losses_and_spike_counts_are_those_of_the_reference_at_1_ms(delay):
    losses, equal, times = zip(*[_errors(sparse(seed, delay, 8)) for seed in range(30)])
    assert np.median(losses) < 0.002
    assert np.mean(equal) >= 0.9
    assert np.nanmedian(times) < 0.1


@pytest.mark.parametrize("delay", [(0.0, 8.0), (0.0, 1.0)], ids=["long", "short"])
def test_losses_and_spike_times_converge_to_those_of_the_reference(delay):
    errors = np.array(
        [[_errors(sparse(s, delay, 8).at_timestep(dt)) for dt in STEPS] for s in range(24)]
    )
    for column in (0, 2):
        first, *_, last = np.nanmedian(errors[..., column], axis=0)
        assert math.log2(first / last) / 3.0 > 1.5
    times = np.nanmedian(errors[..., 2], axis=0)
    assert all(fine < coarse for coarse, fine in pairwise(times))
