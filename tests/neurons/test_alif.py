"""AdaptiveLeakyIntegrateFire: arguments, relation to its kin, losses, regularisation."""

from __future__ import annotations

import numpy as np
import pytest
from alif_events import relative_error
from alif_problem import Cell, Compiled, example, make_problem, shipped

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.neurons import AdaptiveLeakyIntegrateFire, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes


def test_arguments_are_mlgenns():
    neuron = AdaptiveLeakyIntegrateFire(2.0, 0.1, 0.2, 0.3, 0.4, 10.0, 3.0, 50.0)
    names = ("v_thresh", "v_reset", "v", "a", "beta", "tau_mem", "tau_refrac", "tau_adapt")
    values = [getattr(neuron, name) for name in names]
    assert values == [2.0, 0.1, 0.2, 0.3, 0.4, 10.0, 3.0, 50.0]
    plain = AdaptiveLeakyIntegrateFire()
    assert (plain.beta, plain.tau_adapt) == (0.0174, 2000.0)
    assert (plain.relative_reset, plain.integrate_during_refrac) == (False, False)
    assert isinstance(_network("adaptive_leaky_integrate_fire").populations[1].neuron, type(plain))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tau_adapt": 0.0}, "AdaptiveLeakyIntegrateFire: tau_adapt is 0, .*from 1e-06"),
        ({"tau_mem": -1.0}, "tau_mem is -1, .*from 1e-06"),
        ({"tau_refrac": -1.0}, "tau_refrac is -1, .*from 0"),
        ({"beta": -0.1}, "beta is -0.1, .*from 0 to"),
        ({"a": -0.1}, "a is -0.1, .*from 0 to"),
        ({"v_reset": 1.0}, "v_reset is 1.0, allowed are numbers below v_thresh = 1"),
        ({"v": 1.5}, "v is 1.5, allowed are numbers below v_thresh = 1"),
        ({"v_thresh": np.nan}, "v_thresh is nan"),
    ],
)
def test_bad_values(arguments, message):
    with pytest.raises(ValueError, match=message):
        AdaptiveLeakyIntegrateFire(**arguments)


def _network(neuron, output=None):
    network = Network()
    with network:
        x = Population(SpikeInput(), 3, name="x")
        h = Population(neuron, 4, name="h")
        Connection(x, h, Dense(1.0), Exponential(5.0))
        if output is not None:
            y = Population(output, 2, name="y")
            Connection(h, y, Dense(1.0), Exponential(5.0))
    return network


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"relative_reset": True}, "population 'h': relative_reset is True"),
        ({"scale_i": False}, "population 'h': scale_i is False"),
        (
            {"tau_refrac": 2.0, "integrate_during_refrac": True},
            "population 'h': integrate_during_refrac is True with tau_refrac = 2 ms",
        ),
    ],
)
def test_settings_that_no_engine_has(arguments, message):
    neuron = AdaptiveLeakyIntegrateFire(**arguments, readout="first_spike_time")
    with pytest.raises(ValueError, match=message):
        InferenceCompiler(20).compile(_network(neuron))


@pytest.mark.parametrize("tau_refrac", [0.0, 2.0])
def test_without_adaptation_it_is_the_leaky_neuron(tau_refrac):
    problem = make_problem(2, beta=0.0, tau_refrac=tau_refrac)

    def leaky(cell: Cell) -> LeakyIntegrateFire:
        return LeakyIntegrateFire(
            cell.v_thresh, cell.v_reset, tau_mem=cell.tau_mem, tau_refrac=cell.tau_refrac
        )

    ours, theirs = (Compiled(problem, make, 0.5).gradients() for make in (shipped, leaky))
    assert ours[0] == theirs[0]
    assert all(np.any(v) for values in theirs[1].values() for v in values.values())
    assert relative_error(ours[1], theirs[1]) < 1e-6


def test_it_is_the_neuron_of_the_page_in_other_units():
    problem = make_problem(2)
    ours, theirs = (Compiled(problem, make, 0.5).gradients() for make in (shipped, example))
    assert ours[0] == pytest.approx(theirs[0], rel=1e-6)
    assert relative_error(ours[1], theirs[1]) < 1e-4


def _output_gradient(**compiler):
    """Gradient of the input weights of two adaptive outputs that are read by spike times."""
    neuron = AdaptiveLeakyIntegrateFire(beta=0.5, tau_mem=10.0, tau_adapt=30.0)
    output = AdaptiveLeakyIntegrateFire(beta=0.5, tau_mem=10.0, readout="first_spike_time")
    network = _network(neuron, output)
    network.connections[0].connectivity.weight = np.linspace(2.0, 5.0, 12).reshape(3, 4)
    network.connections[1].connectivity.weight = np.linspace(0.6, 1.2, 8).reshape(4, 2)
    compiled = EventPropCompiler(
        60, "sparse_categorical_crossentropy", dt=0.5, num_threads=1, **compiler
    ).compile(network)
    x, h, y = network.populations
    spikes = [preprocess_spikes(np.array([1.0, 3.0, 4.0, 9.0]), np.array([0, 1, 2, 0]), 3)]
    loss, gradients = compiled.gradients({x: spikes}, {y: [1]})
    assert compiled.spike_counts[h].min() >= 2 and compiled.spike_counts[y].min() >= 1
    return loss, gradients[network.connections[0]]["g"]


def test_outputs_read_by_spike_times_and_regularisation():
    loss, gradient = _output_gradient()
    assert np.isfinite(loss) and np.all(np.isfinite(gradient)) and np.all(gradient != 0.0)
    same_loss, pushed = _output_gradient(reg_lambda_upper=0.1, reg_nu_upper=1.0)
    assert same_loss == loss
    # too many spikes: smaller weights are wanted
    assert np.all(pushed > gradient)
