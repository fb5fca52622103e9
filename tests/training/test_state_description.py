"""What a state was trained with, and what becomes of it in a network that is another."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from stopped_runs import assert_equal_states, compile_regularised, run
from trained_networks import TIMESTEPS

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import EventPropCompiler, default_params, load_network, save_checkpoint
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.losses import (
    MeanSquareError,
    RelativeMeanSquareError,
    SparseCategoricalCrossentropy,
)
from mlgenn_delays.neurons import (
    AdaptiveLeakyIntegrateFire,
    LeakyIntegrate,
    LeakyIntegrateFire,
    SpikeInput,
)
from mlgenn_delays.program.description import digest
from mlgenn_delays.readouts import AvgVar
from mlgenn_delays.synapses import Exponential


def describe(hidden=None, output=None, tau_syn=5.0, delay=1, **_):
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), 4, name="x")
        h = Population(hidden or LeakyIntegrateFire(tau_mem=20.0), 3, name="h")
        y = Population(output or LeakyIntegrate(readout="avg_var"), 2, name="y")
        Connection(x, h, Dense(1.0, delay), Exponential(tau_syn), name="xh")
        Connection(h, y, Dense(1.0), Exponential(5.0), name="hy")
    return network


def compile_network(loss="sparse_categorical_crossentropy", timesteps=TIMESTEPS, **arguments):
    backend = arguments.pop("backend", "reference")
    network = describe(**arguments)
    for name in ("hidden", "output", "tau_syn", "delay"):
        arguments.pop(name, None)
    compiler = EventPropCompiler(timesteps, loss, backend=backend, num_threads=1, **arguments)
    return compiler.compile(network)


FIRST = {"output": LeakyIntegrateFire(readout="first_spike_time")}


@pytest.mark.parametrize(
    ("of_state", "of_network", "message"),
    [
        (
            {"hidden": LeakyIntegrateFire(tau_mem=20.0)},
            {"hidden": LeakyIntegrateFire(tau_mem=5.0)},
            "tau_mem of population 'h' is 20 in the state, 5 in the network",
        ),
        (
            {},
            {"hidden": LeakyIntegrateFire(v_thresh=0.5)},
            "v_thresh of population 'h' is 1 in the state, 0.5 in the network",
        ),
        ({}, {"tau_syn": 2.5}, "tau_syn of connection 'xh' is 5 in the state, 2.5 in the network"),
        (
            {},
            {"output": LeakyIntegrate(readout="max_var")},
            "readout of population 'y' is 'avg_var' in the state, 'max_var' in the network",
        ),
        (
            {},
            {"loss": SparseCategoricalCrossentropy(temperature=0.5)},
            "temperature of the loss of output 'y' is 1 in the state, 0.5 in the network",
        ),
        (
            {"output": LeakyIntegrate(readout="var"), "loss": MeanSquareError()},
            {
                "output": LeakyIntegrate(readout="var"),
                "per_timestep_loss": True,
            },
            "loss of output 'y' is 'MeanSquareError' in the state, 'SparseCategoricalCrossentropy'",
        ),
        (
            {},
            {"per_timestep_loss": True},
            "per_timestep of the loss of output 'y' is False in the state, True in the network",
        ),
        (
            {**FIRST, "loss": RelativeMeanSquareError(3.0)},
            {**FIRST, "loss": RelativeMeanSquareError(4.0)},
            "delta of the loss of output 'y' is 3 in the state, 4 in the network",
        ),
        (
            FIRST,
            {**FIRST, "ttfs_alpha": 0.5},
            "ttfs_alpha of the loss of output 'y' is 0.01 in the state, 0.5 in the network",
        ),
    ],
)
def test_another_network_is_refused(of_state, of_network, message):
    """The message names what differs; the network is as before."""
    state = compile_network(**of_state).training_state()
    network = compile_network(**of_network)
    before = network.training_state()
    with pytest.raises(ValueError, match=rf"belongs to another network: {message}"):
        network.load_training_state(state)
    assert_equal_states(network.training_state(), before)


class Halved(AvgVar):
    """A readout of the user, with the name of another one."""

    @property
    def name(self):
        return "avg_var"

    def weights(self, timesteps):
        return 0.5 * super().weights(timesteps)


def test_weights_of_a_readout_are_compared():
    state = compile_network().training_state()
    network = compile_network(output=LeakyIntegrate(readout=Halved()))
    with pytest.raises(ValueError, match="weights of the readout of output 'y' is not the same"):
        network.load_training_state(state)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"timesteps": 60}, "timesteps are 40 in the state, 60 in the network$"),
        ({"i_minus_thresh_min": 0.5}, "i_minus_thresh_min of population 'h' is 0.01 in the state"),
        ({"reg_lambda_upper": 0.5}, "regulariser of population 'h' is None in the state"),
    ],
)
def test_settings_that_may_change_during_training_give_a_warning(arguments, message):
    state = compile_network().training_state()
    network = compile_network(**arguments)
    with pytest.warns(UserWarning, match=f"goes on with other settings: {message}") as found:
        assert network.load_training_state(state) == (0, 0)
    assert len(found) == 1 and found[0].filename == __file__


@pytest.mark.parametrize(
    "arguments", [{"batch_size": 3}, {"backend": "cpu"}, {"rng_seed": 3}, {"ttfs_alpha": 0.5}]
)
def test_what_makes_no_difference(arguments):
    """``ttfs_alpha`` has no meaning for a loss of voltages."""
    state = compile_network().training_state()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile_network(**arguments).load_training_state(state)


def test_the_description_is_the_same_on_all_engines():
    states = [compile_network(backend=b).training_state() for b in ("cpu", "reference")]
    metas = [json.loads(str(state["meta"])) for state in states]
    assert metas[0]["network"] == metas[1]["network"]
    assert metas[0]["network_hash"] == metas[1]["network_hash"] == digest(metas[0]["network"])


def test_a_loss_that_is_changed_counts(recurrent):
    network = compile_regularised(recurrent, "reference")
    state = network.training_state()
    network.losses[recurrent.y].temperature = 2.0
    with pytest.raises(ValueError, match="temperature of the loss of output 'y' is 1 in the state"):
        network.load_training_state(state)


def test_the_description_belongs_to_its_hash(recurrent):
    network = compile_regularised(recurrent, "reference")
    state = network.training_state()
    meta = json.loads(str(state["meta"]))
    meta["network"]["populations"]["h"]["model"]["params"]["Vthresh"] = 2.0
    changed = {**state, "meta": np.array(json.dumps(meta))}
    with pytest.raises(ValueError, match="entry 'meta' does not have the network that its"):
        network.load_training_state(changed)


# -- into a description


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden": LeakyIntegrateFire(tau_mem=5.0)}, "tau_mem of population 'h' is 20 in the"),
        ({"hidden": LeakyIntegrateFire(v_thresh=2.0)}, "v_thresh of population 'h' is 1 in the"),
        ({"tau_syn": 2.5}, "tau_syn of connection 'xh' is 5 in the state, 2.5 in the network$"),
        ({"output": LeakyIntegrate(readout="max_var")}, "readout of population 'y' is 'avg_var'"),
    ],
)
def test_load_network_warns(arguments, message):
    state = compile_network(dt=0.5, rng_seed=3).training_state()
    state["parameters/connections/xh/g"] = np.full((4, 3), 3.0, np.float32)
    network = describe(**arguments)
    with pytest.warns(UserWarning, match=f"not the one that was trained: {message}") as found:
        load_network(network, state)
    assert len(found) == 1
    assert np.all(network.connections[0].connectivity.weight == 3.0)


def test_load_network_says_nothing_of_the_same_network():
    """The state's own dt, bound of gradients, duration and losses are those of its compiler."""
    arguments = {"dt": 0.5, "i_minus_thresh_min": 0.3, "timesteps": 77, "reg_lambda_upper": 0.1}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_network(describe(), compile_network(**arguments).training_state())


def test_load_network_into_a_part_of_the_network():
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), 4, name="x")
        h = Population(LeakyIntegrateFire(tau_mem=20.0), 3, name="h")
        Connection(x, h, Dense(1.0, 1), Exponential(5.0), name="xh")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_network(network, compile_network().training_state())


def test_load_network_with_neurons_that_only_other_packages_run():
    network = describe(hidden=AdaptiveLeakyIntegrateFire(relative_reset=True))
    load_network(network, compile_network().training_state())
    assert network.connections[0].connectivity.weight.shape == (4, 3)


def test_load_network_from_a_file(tmp_path):
    path = tmp_path / "state.npz"
    state = compile_network().training_state()
    save_checkpoint(path, state)
    for given in (path, str(path)):
        network = describe()
        load_network(network, given)
        assert network.connections[0].connectivity.weight.shape == (4, 3)
    save_checkpoint(path, {**state, "meta": np.array("{}")})
    with pytest.raises(ValueError, match=r"checkpoint '.*state\.npz': not a training state"):
        load_network(describe(), path)
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"^checkpoint '.*state\.npz' is damaged"):
        load_network(describe(), path)
    with pytest.raises(OSError, match=r"missing\.npz"):
        load_network(describe(), tmp_path / "missing.npz")


def test_moments_are_part_of_the_state(recurrent, spikes):
    network = compile_regularised(recurrent, "cpu")
    none = json.loads(str(network.training_state()["meta"]))["moments"]
    run(network, recurrent, spikes(16, 8), epochs=1)
    some = json.loads(str(network.training_state()["meta"]))["moments"]
    keys = [spec.key for spec in network.program.parameters if spec.learned]
    assert list(none) == list(some) == keys
    assert all(names == [] for names in none.values())
    assert all(names == ["m", "v"] for names in some.values())
