"""What compiled networks have in common: sizes, measured times, memory, closing."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from trained_networks import compile_recurrent

from mlgenn_delays.optimisers import Optimiser


def test_genn_model(compile_linear, linear, spikes):
    network = compile_linear(batch_size=3, dt=0.5)
    x, y = spikes(5, 6)
    x = [type(s)(s.end_spikes, s.spike_times * 0.5) for s in x]
    model = network.genn_model
    assert (model.batch_size, model.dt, model.timestep) == (3, 0.5, 0)
    network.train({linear.x: x}, {linear.y: y}, num_epochs=1, callbacks=[])
    assert (model.timestep, model.t) == (40, 20.0)
    assert model.neuron_update_time > 0.0
    assert model.get_custom_update_time("GradientLearn") > 0.0
    assert np.isnan(model.get_custom_update_time("Reset"))
    assert np.isnan(model.presynaptic_update_time)


def test_memory_estimate(compile_linear):
    assert compile_linear().memory_estimate() == {"parameters": 2 * 6 * 2 * 4}


def test_peak_memory_is_in_bytes(compile_linear):
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("needs Linux to compare with")
    kilobytes = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    assert compile_linear().peak_memory() == pytest.approx(int(kilobytes[1]) * 1024, rel=0.05)


def test_a_compiled_network_can_be_closed_and_used_again(compile_linear, linear, spikes):
    x, y = spikes(4, 6)
    network = compile_linear()
    with network:
        first = network.engine
        loss, _ = network.gradients({linear.x: x}, {linear.y: y})
        network.train({linear.x: x}, {linear.y: y}, num_epochs=3, callbacks=[])
        weights = first.get_parameter(0)
    assert first.closed
    assert np.array_equal(network.engine.get_parameter(0), weights)
    assert network.gradients({linear.x: x}, {linear.y: y})[0] != loss


def test_a_network_that_diverged_can_be_opened_again(compile_linear):
    """What it holds is kept as it is, although delays that are no numbers are not allowed."""
    network = compile_linear()
    with network:
        network.engine.values[1][:] = np.nan
    assert np.all(np.isnan(network.engine.get_parameter(1)))


def test_what_an_optimiser_remembers_survives_closing(recurrent, batch):
    networks = [compile_recurrent(recurrent, optimiser=Counting()) for _ in range(2)]
    for i in range(2):
        networks[0].train(*batch, num_epochs=1, start_epoch=i, callbacks=[])
        with networks[1]:
            networks[1].train(*batch, num_epochs=1, start_epoch=i, callbacks=[])
    states = [network.training_state() for network in networks]
    for name in states[0]:
        if not name.startswith("statistics"):
            assert np.array_equal(states[0][name], states[1][name]), name


class Counting(Optimiser):
    """Refuses moments that are not its own."""

    def check(self):
        pass

    def update(self, value, gradient, state, step):
        assert set(state) <= {"count"}
        state["count"] = np.array(state.get("count", 0) + 1)
        return (value - 0.01 / state["count"] * gradient).astype(value.dtype)


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_a_new_network_gives_optimisers_no_moments(recurrent, batch, backend):
    """Also not the zeros with which an engine starts, after it was closed."""
    network = compile_recurrent(recurrent, backend, optimiser=Counting())
    with network:
        pass
    network.load_training_state(network.training_state())
    network.train(*batch, num_epochs=1, callbacks=[])


def test_populations_of_other_networks(compile_linear, recurrent):
    message = r"population 'h' is not one of the compiled network, which has 'x', 'y'"
    with pytest.raises(ValueError, match=message):
        compile_linear().population_index(recurrent.h)
