"""Delta synapses and reset relative to the threshold, from the description to the prediction."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import SpikeRecorder, VarRecorder
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler, load_network
from mlgenn_delays.compilers.build import build_program
from mlgenn_delays.connectivity import Dense, Sparse
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.program.description import describe_program
from mlgenn_delays.synapses import Delta, Exponential
from mlgenn_delays.utils.data import preprocess_spikes

STEPS, CHANNELS, HIDDEN, OUTPUTS = 60, 5, 7, 3
ALPHA = np.exp(-1.0 / 10.0)


class Net:
    """Input -> recurrent hidden -> output, and the numbers it was made of."""

    def __init__(self, synapse="delta", relative=False, sparse=False, current=None, **neuron):
        rng = np.random.default_rng(3)
        self.relative, self.current = relative, current
        self.weights = {
            "xh": rng.normal(0.6, 0.3, (CHANNELS, HIDDEN)),
            "hh": rng.normal(0.0, 0.3, (HIDDEN, HIDDEN)),
            "hy": rng.normal(0.1, 0.5, (HIDDEN, OUTPUTS)),
        }
        self.delays = {n: rng.uniform(0.0, 6.0, w.shape) for n, w in self.weights.items()}
        self.network = Network()
        with self.network:
            self.x = Population(SpikeInput(), CHANNELS, name="x")
            neuron = LeakyIntegrateFire(tau_mem=10.0, relative_reset=relative, **neuron)
            self.h = Population(neuron, HIDDEN, name="h")
            output = LeakyIntegrate(tau_mem=10.0, readout="avg_var")
            self.y = Population(output, OUTPUTS, name="y")
            ends = {"xh": (self.x, self.h), "hh": (self.h, self.h), "hy": (self.h, self.y)}
            for name, (source, target) in ends.items():
                Connection(source, target, self._connectivity(name, sparse), synapse, name=name)
            if current is not None:
                Connection(self.x, self.h, Dense(current), Exponential(4.0), name="current")

    def _connectivity(self, name, sparse):
        weights, delays = self.weights[name], self.delays[name]
        if not sparse:
            return Dense(weights, delays)
        weights[weights < 0.1] = 0.0  # as good as no synapse
        pre, post = np.nonzero(weights)
        return Sparse(pre, post, weights[pre, post], delays[pre, post])

    def simulate(self, times, channels):
        """Spikes of hidden neurons as (step, neuron) and voltages of outputs (steps, outputs)."""
        rounded = {
            n: np.floor(d.astype(np.float32) + 0.5).astype(int) for n, d in self.delays.items()
        }
        hidden, output = np.zeros((STEPS + 9, HIDDEN)), np.zeros((STEPS + 9, OUTPUTS))  # arrivals
        currents = np.zeros((STEPS + 9, HIDDEN))
        beta = np.exp(-1.0 / 4.0)
        kappa = 4.0 / (4.0 - 10.0) * (beta - ALPHA)
        v, current, y = np.zeros(HIDDEN), np.zeros(HIDDEN), np.zeros(OUTPUTS)
        spikes, voltages = [], []

        def deliver(name, pre, step, buffer):
            for post, weight in enumerate(self.weights[name][pre]):
                buffer[step + 1 + rounded[name][pre, post], post] += weight

        for n in range(STEPS):
            current = current + currents[n]
            v = ALPHA * v + hidden[n] + kappa * current
            current = beta * current
            y = ALPHA * y + output[n]
            for j in np.flatnonzero(v >= 1.0):
                spikes.append((n, int(j)))
                v[j] = v[j] - 1.0 if self.relative else 0.0
                deliver("hh", j, n, hidden)
                deliver("hy", j, n, output)
            for channel in channels[np.ceil(times) == n]:
                deliver("xh", channel, n, hidden)
                currents[n + 1] += 0.0 if self.current is None else self.current
            voltages.append(y)
        return spikes, np.array(voltages)


def input_spikes():
    rng = np.random.default_rng(8)
    return np.sort(rng.uniform(0.0, 45.0, 40)), rng.integers(0, CHANNELS, 40)


def run(net, backend="cpu"):
    """The same from a compiled network, and its predictions."""
    times, channels = input_spikes()
    data = [preprocess_spikes(times, channels, CHANNELS)]
    callbacks = [SpikeRecorder(net.h, key="spikes"), VarRecorder(net.y, "v", key="v")]
    net.h.record_spikes = True
    with InferenceCompiler(STEPS, backend=backend).compile(net.network) as compiled:
        predicted, recorded = compiled.predict({net.x: data}, net.y, callbacks)
    found, neurons = (np.asarray(a[0]) for a in recorded["spikes"])
    steps = np.round(found).astype(int) - 1
    return list(zip(steps, neurons, strict=True)), recorded["v"][0], predicted[net.y][0]


CASES = {
    "dense": {},
    "sparse": {"sparse": True},
    "relative reset": {"relative": True},
    "with a current": {"current": 0.8},
    "with a current and relative reset": {"current": 0.8, "relative": True},
}


@pytest.mark.parametrize("name", CASES)
def test_predictions_are_those_of_a_literal_simulation(name):
    net = Net(**CASES[name])
    expected, voltages = net.simulate(*input_spikes())
    spikes, v, predicted = run(net)
    assert 20 < len(expected) < 0.5 * STEPS * HIDDEN
    assert sorted(spikes) == sorted(expected)
    np.testing.assert_allclose(v, voltages, atol=1e-5)
    np.testing.assert_allclose(predicted, voltages.mean(axis=0), atol=1e-5)


def test_relative_reset_and_current_matter():
    ends = [Net(**arguments).simulate(*input_spikes())[0] for arguments in CASES.values()]
    assert len({tuple(spikes) for spikes in ends}) == len(CASES)


def test_synapse_by_name_or_object():
    assert run(Net("delta"))[0] == run(Net(Delta()))[0]


def test_weights_have_the_unit_of_the_voltage():
    """What arrives stands in V at the end of the step, whatever the time constant."""
    network = Network()
    with network:
        x = Population(SpikeInput(), 1, name="x")
        y = Population(LeakyIntegrate(tau_mem=3.0, readout="max_var"), 1, name="y")
        Connection(x, y, Dense(0.25), Delta())
    data = [preprocess_spikes(np.array([4.0, 4.0]), np.array([0, 0]), 1)]
    with InferenceCompiler(20, dt=0.5).compile(network) as compiled:
        assert compiled.predict({x: data}, y, [])[0][y][0, 0] == 0.5


# -- what they are compiled to


def test_program():
    program = build_program(Net(current=0.8).network, InferenceCompiler(STEPS).settings).program
    assert [r.tau for r in program.populations[1].receptors] == [0.0, 4.0]
    assert [r.is_delta for r in program.populations[1].receptors] == [True, False]
    assert [c.tau_syn for c in program.connections] == [0.0, 0.0, 0.0, 4.0]
    assert [program.receptor(c).is_delta for c in program.connections] == [True] * 3 + [False]
    assert "xh: x -> h, 35 synapses, delta, delay" in str(program)
    described = describe_program(program)
    assert described["populations"]["y"]["receptors"] == [
        {
            "tau": 0.0,
            "params": {},
            "sim_code": "injectCurrent(inSyn); inSyn = 0.0;",
            "adjoint_sim_code": "",
        }
    ]
    assert described["connections"]["xh"]["tau_syn"] == 0.0


def test_state_of_another_synapse_or_reset_is_taken_over_with_a_warning():
    compiler = EventPropCompiler(STEPS, "sparse_categorical_crossentropy")
    trained = Net(Exponential(5.0))
    with compiler.compile(trained.network) as compiled:
        state = compiled.training_state()
    other = Net(relative=True)
    other.network.connections[0].connectivity.weight = 0.0
    with pytest.warns(UserWarning) as noted:
        load_network(other.network, state)
    text = str(noted[0].message)
    assert "tau_syn of connection 'xh' is 5 in the state, 0 (Delta) in the network" in text
    assert "reset_code of population 'h' is 'V = Vreset;' in the state, 'V -= Vthr" in text
    spikes, _, _ = run(other)
    assert sorted(spikes) == sorted(other.simulate(*input_spikes())[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_network(Net(Exponential(5.0)).network, state)


# -- what is refused

RESET = "population 'h': relative_reset is True"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {},
            "connection 'xh': its synapse is Delta, which EventProp cannot train: .* no derivative "
            "by weights; take Exponential, or train it with SurrogateCompiler",
        ),
        (
            {"synapse": Exponential(5.0), "relative": True},
            f"{RESET}, which EventProp .* pass relative_reset=False .* SurrogateCompiler",
        ),
    ],
)
@pytest.mark.parametrize("timing", ["grid", "substep"])
def test_event_prop(arguments, message, timing):
    compiler = EventPropCompiler(STEPS, "sparse_categorical_crossentropy", timing=timing)
    with pytest.raises(ValueError, match=message):
        compiler.compile(Net(**arguments).network)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "connection 'xh': Delta synapses are not supported .* use timing='grid'"),
        (
            {"synapse": Exponential(5.0), "relative": True},
            f"{RESET}, which is not supported with timing='substep'; use timing='grid'",
        ),
    ],
)
def test_substep_timing(arguments, message):
    with pytest.raises(ValueError, match=message):
        InferenceCompiler(STEPS, timing="substep").compile(Net(**arguments).network)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "connection 'xh': its synapse is Delta, which the reference engine .*'cpu'"),
        (
            {"synapse": Exponential(5.0), "relative": True},
            f"{RESET}, which the reference engine .* use backend='cpu'",
        ),
    ],
)
def test_reference_engine(arguments, message):
    with pytest.raises(TypeError, match=message):
        InferenceCompiler(STEPS, backend="reference").compile(Net(**arguments).network)


def test_relative_reset_with_refractory_period():
    network = Net(relative=True, tau_refrac=2.0).network
    message = f"{RESET} with tau_refrac = 2 ms, which is not supported; pass relative_reset=False"
    with pytest.raises(ValueError, match=message):
        InferenceCompiler(STEPS).compile(network)
    network.populations[1].neuron.tau_refrac = 0.0
    with InferenceCompiler(STEPS).compile(network):
        pass
