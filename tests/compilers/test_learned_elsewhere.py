"""A network that is compiled again after it has learned: learned values are not carried over."""

import warnings

import numpy as np
import pytest
from trained_networks import TIMESTEPS, compile_recurrent, describe_recurrent, make_spikes

from mlgenn_delays.cautions import Caution
from mlgenn_delays.compilers import InferenceCompiler, load_network
from mlgenn_delays.serialisers import Numpy


@pytest.fixture
def net():
    net = describe_recurrent()
    spikes, labels = make_spikes(8, 8)
    net.data = {net.x: spikes}, {net.y: labels}
    return net


def train(net, **arguments):
    compiled = compile_recurrent(net, "cpu", num_threads=1, **arguments)
    compiled.train(*net.data, num_epochs=1, callbacks=[])
    return compiled


def infer(net):
    return InferenceCompiler(TIMESTEPS, batch_size=4, num_threads=1).compile(net.network)


def cautions(function):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    return [str(w.message) for w in caught if issubclass(w.category, Caution)]


def test_what_is_left_behind_is_said_once(net):
    train(net)
    with pytest.warns(Caution) as warned:
        infer(net)
    assert warned[0].filename == __file__
    text = str(warned[0].message)
    assert "has learned weights of all 3 connections and delays of 'Conn_x_h' since" in text
    assert "load_network(network, trained.training_state())" in text
    assert cautions(lambda: infer(net)) == []
    train(net)
    assert len(cautions(lambda: infer(net))) == 1


def test_single_connections_are_named(net):
    train(net, weight_learn_conns=[net.hy], delay_learn_conns=[])
    (text,) = cautions(lambda: infer(net))
    assert "has learned weights of 'Conn_h_y' since" in text


def test_the_advice_carries_it_over(net):
    trained = train(net)
    load_network(net.network, trained.training_state())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled = infer(net)
    wanted, _ = trained.predict(net.data[0], net.y, callbacks=[])
    found, _ = compiled.predict(net.data[0], net.y, callbacks=[])
    np.testing.assert_array_equal(found[net.y], wanted[net.y])


def test_checkpoints_carry_it_over(net, tmp_path):
    trained, serialiser = train(net), Numpy(tmp_path)
    trained.save((0,), serialiser)
    net.network.load((0,), serialiser)
    assert cautions(lambda: infer(net)) == []


def test_values_that_are_set_are_wanted(net):
    train(net, delay_learn_conns=[])
    for connection in net.network.connections:
        connection.connectivity.weight = 0.5
    assert cautions(lambda: infer(net)) == []


def test_training_again(net):
    train(net)
    (text,) = cautions(lambda: compile_recurrent(net, "cpu", num_threads=1))
    assert "before compile (or its load_training_state after it), where" in text
    train(net)  # another seed wants to begin anew
    assert cautions(lambda: compile_recurrent(net, "cpu", num_threads=1, rng_seed=1)) == []


def test_a_state_that_was_loaded_is_learned_too(net):
    state = train(net).training_state()
    load_network(net.network, state)
    compiled = compile_recurrent(net, "cpu", num_threads=1)
    assert cautions(lambda: infer(net)) == []
    compiled.load_training_state(state)
    assert len(cautions(lambda: infer(net))) == 1


def test_nothing_was_learned(net):
    compiled = compile_recurrent(net, "cpu", num_threads=1)
    compiled.train(*net.data, num_epochs=0, callbacks=[])
    compiled.evaluate(*net.data, callbacks=[])
    with pytest.raises(ValueError, match="num_epochs"):
        compiled.train(*net.data, num_epochs=-1)
    assert cautions(lambda: infer(net)) == []


def test_constants_of_neurons_are_named(net):
    hidden, connection = net.network.populations[1], net.network.connections[0]
    trained = train(
        net,
        weight_learn_conns=[],
        delay_learn_conns=[],
        neuron_learn_params={hidden: ["tau_mem"]},
        synapse_learn_params={connection: ["tau"]},
    )
    (text,) = cautions(lambda: infer(net))
    what = f"tau_mem of population '{hidden.name}' and tau of connection '{connection.name}'"
    assert f"has learned {what} since" in text
    assert cautions(lambda: infer(net)) == []
    load_network(net.network, trained.training_state())
    assert cautions(lambda: infer(net)) == []
