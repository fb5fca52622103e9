"""``timing=`` of the compilers: what cannot be done is refused by name, states say which it was."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import (
    EventPropCompiler,
    InferenceCompiler,
    TrainingDiverged,
    load_network,
)
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import (
    AdaptiveLeakyIntegrateFire,
    LeakyIntegrate,
    LeakyIntegrateFire,
    SpikeInput,
)
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes


class Net:
    """input -> hidden -> output"""

    def __init__(self, hidden=None, output=None, tau=5.0, weight=1.0, delay=None) -> None:
        self.network = Network()
        with self.network:
            self.x = Population(SpikeInput(), 3, name="in")
            self.h = Population(hidden or LeakyIntegrateFire(tau_mem=10.0), 4, name="hid")
            self.y = Population(output or LeakyIntegrate(readout="avg_var"), 2, name="out")
            delay = Uniform(0, 6) if delay is None else delay
            self.into = Connection(self.x, self.h, Dense(Normal(weight, 0.1), delay),
                                   Exponential(tau), name="into", max_delay_steps=6)  # fmt: skip
            Connection(self.h, self.y, Dense(Normal(0.1, 0.3)), Exponential(5.0), name="out of")

    def compile(self, **settings):
        settings = {"timing": "substep", "num_threads": 1, **settings}
        return EventPropCompiler(
            30, "sparse_categorical_crossentropy", delay_learn_conns=[self.into], **settings
        ).compile(self.network)

    @property
    def data(self):
        rng = np.random.default_rng(0)
        x = [preprocess_spikes(rng.uniform(0, 28, 20), rng.integers(0, 3, 20), 3) for _ in range(8)]
        return {self.x: x}, {self.y: np.arange(8) % 2}


def test_unknown_timing():
    for compiler in (
        lambda: EventPropCompiler(30, "mean_square_error", timing="sub"),
        lambda: InferenceCompiler(30, timing="sub"),
    ):
        with pytest.raises(ValueError, match=r"timing is 'sub', allowed are .*grid.*substep"):
            compiler()


@pytest.mark.parametrize("backend", ["genn", "genn:cpu", "genn:cuda"])
def test_genn_has_none(backend, monkeypatch):
    monkeypatch.setattr("mlgenn_delays.engines.create.choose_backend", lambda backend: backend)
    for compiler in (
        lambda: EventPropCompiler(30, "mean_square_error", timing="substep", backend=backend),
        lambda: InferenceCompiler(30, timing="substep", backend=backend),
    ):
        with pytest.raises(ValueError, match=f"timing is 'substep', .* backend is '{backend}'"):
            compiler()


REFUSED = {
    "adaptive": (
        {"hidden": AdaptiveLeakyIntegrateFire()},
        "population 'hid': neurons of type AdaptiveLeakyIntegrateFire cannot .* timing='substep'",
    ),
    "refractory": (
        {"hidden": LeakyIntegrateFire(tau_refrac=3.0)},
        "population 'hid': tau_refrac is not supported with timing='substep'",
    ),
    "fast synapse": (
        {"tau": 0.04},
        "population 'hid': tau of its synapses is 0.04 ms, .* allowed are at least 0.05 ms",
    ),
    "fast membrane": (
        {"hidden": LeakyIntegrateFire(tau_mem=0.04)},
        "population 'hid': tau_mem is 0.04 ms",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_it_cannot_do_is_refused(case):
    arguments, message = REFUSED[case]
    net = Net(**arguments)
    with pytest.raises(ValueError, match=message):
        net.compile()
    with net.compile(timing="grid"):
        pass


def test_voltages_of_outputs_that_spike_are_refused():
    net = Net(output=LeakyIntegrateFire(readout="avg_var"))
    with InferenceCompiler(30, num_threads=1).compile(net.network):
        pass
    message = "population 'out': readout 'avg_var' of neurons that spike is not supported"
    with pytest.raises(ValueError, match=message):
        InferenceCompiler(30, timing="substep").compile(net.network)


def test_delays_are_not_rounded_neither_in_training_nor_in_inference():
    results = []
    for delay in (2.0, 2.4):
        net = Net(delay=delay)
        with net.compile() as trained:
            predictions, _ = trained.predict(net.data[0], net.y, callbacks=[])
        compiler = InferenceCompiler(30, timing="substep", num_threads=1)
        with compiler.compile(net.network) as inference:
            same, _ = inference.predict(net.data[0], net.y, callbacks=[])
        np.testing.assert_allclose(predictions[net.y], same[net.y], rtol=1e-5)
        results.append(predictions[net.y])
    assert np.abs(results[0] - results[1]).max() > 1e-3


@pytest.mark.parametrize(("saved", "loaded"), [("grid", "substep"), ("substep", "grid")])
def test_states_of_the_other_timing(saved, loaded):
    net = Net()
    with net.compile(timing=saved) as trained:
        trained.train(*net.data, num_epochs=1, callbacks=[])
        state = trained.training_state()
    with net.compile(timing=loaded) as other:
        message = f"timing is '{saved}' in the state, '{loaded}' in the network; load_network"
        with pytest.raises(ValueError, match=message):
            other.load_training_state(state)
    with pytest.warns(UserWarning, match=f"timing is '{saved}' in the state, '{loaded}' in the"):
        load_network(net.network, state, timing=loaded)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_network(net.network, state, timing=saved)


def test_resuming_gives_the_same_bits():
    net = Net()
    settings = {"batch_size": 4, "rng_seed": 3}
    with net.compile(**settings) as whole:
        whole.train(*net.data, num_epochs=4, callbacks=[])
        expected = whole.engine.get_parameter(0)
    with net.compile(**settings) as first, net.compile(**settings) as second:
        first.train(*net.data, num_epochs=2, callbacks=[])
        epoch, batch = second.load_training_state(first.training_state())
        second.train(*net.data, 2, epoch, start_batch=batch, callbacks=[])
        assert np.array_equal(second.engine.get_parameter(0), expected)


def test_weights_that_have_diverged_end_training():
    net = Net(weight=1e8)
    with net.compile() as compiled, pytest.raises(TrainingDiverged, match="more than 1000 times"):
        compiled.train(*net.data, num_epochs=1, callbacks=[])


def test_timesteps_longer_than_synapses_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Net(tau=5.0).compile(dt=5.0):
            pass
        with Net(tau=5.0).compile(dt=6.0, timing="grid"):
            pass
    message = "dt = 6 ms are longer than tau = 5 ms of synapses onto population 'hid'"
    with pytest.warns(UserWarning, match=message), Net(tau=5.0).compile(dt=6.0):
        pass
