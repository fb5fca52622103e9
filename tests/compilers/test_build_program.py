"""Network -> program: structure, initial values, and errors before anything long starts."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays import Connection, InputLayer, Layer, Network, Population, SequentialNetwork
from mlgenn_delays.compilers.build_program import BuildSettings, build_program
from mlgenn_delays.compilers.program import DelayKind
from mlgenn_delays.connectivity import Dense, FixedProbability
from mlgenn_delays.initializers import Initializer, Normal, Uniform
from mlgenn_delays.losses import RelativeMeanSquareError, SparseCategoricalCrossentropy
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, Neuron, SpikeInput
from mlgenn_delays.synapses import Exponential, Synapse


def settings(**kwargs):
    arguments = {
        "timesteps": 50,
        "timesteps_name": "example_timesteps",
        "training": True,
        "losses": "sparse_categorical_crossentropy",
        **kwargs,
    }
    return BuildSettings(**arguments)


def make_network(
    connectivity=None, hidden=None, output=None, max_delay_steps=None, weight=0.5, synapse=None
):
    network = Network()
    with network:
        x = Population(SpikeInput(), 3, name="x")
        h = Population(hidden or LeakyIntegrateFire(), 4, name="h")
        y = Population(output or LeakyIntegrate(readout="avg_var"), 2, name="y")
        Connection(
            x,
            h,
            connectivity or Dense(weight),
            synapse or Exponential(5.0),
            name="xh",
            max_delay_steps=max_delay_steps,
        )
        Connection(h, y, Dense(1.0), Exponential(5.0), name="hy")
    return network


def learn_delays(network, **kwargs):
    return settings(delay_learn_conns=frozenset(network.connections[:1]), **kwargs)


# -- structure


def test_structure_sizes_and_receptors():
    network = make_network(synapse=Exponential(3.0))
    with network:
        h, y = network.populations[1:]
        Connection(h, h, Dense(0.0), Exponential(7.0))
        Connection(h, h, Dense(0.0), Exponential(3.0))
    program = build_program(network, settings()).program
    assert [p.name for p in program.populations] == ["x", "h", "y"]
    assert [(c.source, c.target) for c in program.connections] == [(0, 1), (1, 2), (1, 1), (1, 1)]
    assert program.populations[1].taus_syn == (3.0, 7.0)
    assert [c.receptor for c in program.connections] == [0, 0, 1, 0]
    assert [c.tau_syn for c in program.connections] == [3.0, 5.0, 7.0, 3.0]
    assert program.connections[0].param_shape == (3, 4)
    assert [p.name for p in program.outputs] == ["y"]
    assert program.outputs[0].loss.name == "sparse_categorical_crossentropy"


def test_sequential_network():
    network = SequentialNetwork()
    with network:
        InputLayer(SpikeInput(), 5)
        Layer(Dense(0.5), LeakyIntegrateFire(), 4, Exponential(5.0))
        Layer(Dense(0.5), LeakyIntegrate(readout="max_var"), 3, Exponential(5.0))
    program = build_program(network, settings()).program
    assert [p.size for p in program.populations] == [5, 4, 3]
    assert [(c.source, c.target) for c in program.connections] == [(0, 1), (1, 2)]


def test_sparse_connection_has_a_value_per_synapse():
    built = build_program(make_network(FixedProbability(0.5, Normal(), delay=Uniform(0, 3))), settings())
    connection, values = built.program.connections[0], built.parameters[0]
    assert connection.is_sparse and 0 < connection.num_synapses < 12
    assert values["g"].shape == values["d"].shape == (connection.num_synapses,)
    assert connection.max_delay_steps == 3


def test_inference_has_no_losses():
    program = build_program(make_network(), settings(training=False, losses=None)).program
    assert program.outputs[0].loss is None and not program.training


def test_regularisation_applies_to_hidden_populations_only():
    network = make_network()
    program = build_program(network, settings(reg_lambda_upper=2.0, reg_nu_upper=14)).program
    assert [p.reg_lambda_upper for p in program.populations] == [0.0, 2.0, 0.0]
    assert program.populations[1].reg_nu_upper == 14
    per_population = settings(reg_lambda_lower={network.populations[1]: 3.0})
    assert build_program(network, per_population).program.populations[1].reg_lambda_lower == 3.0


def test_frozen_weights_and_learned_delays():
    network = make_network(max_delay_steps=9)
    built = build_program(
        network, learn_delays(network, weight_learn_conns=frozenset(network.connections[1:]))
    )
    first, second = built.program.connections
    assert (first.learn_weights, first.learn_delays) == (False, True)
    assert (second.learn_weights, second.learn_delays) == (True, False)


def test_per_timestep_loss_and_mean_square_error_need_the_trace():
    def output(loss, per_timestep, readout):
        network = make_network(output=LeakyIntegrate(readout=readout))
        given = settings(losses=loss, per_timestep_loss=per_timestep)
        return build_program(network, given).program.outputs[0].per_timestep_loss

    assert not output("sparse_categorical_crossentropy", False, "avg_var")
    assert output("sparse_categorical_crossentropy", True, "avg_var")
    assert output("mean_square_error", False, "var")


# -- delays


@pytest.mark.parametrize(
    ("delay", "max_delay_steps", "learned", "kind", "constant", "largest"),
    [
        (0, None, False, DelayKind.CONSTANT, 0, 0),
        (2.4, None, False, DelayKind.CONSTANT, 2, 2),
        (2.5, None, False, DelayKind.CONSTANT, 3, 3),
        (3, 20, False, DelayKind.CONSTANT, 3, 3),
        (3, 20, True, DelayKind.PER_SYNAPSE, 0, 20),
        (np.full((3, 4), 2.3), None, False, DelayKind.PER_SYNAPSE, 0, 3),
        (Uniform(0, 4.5), None, False, DelayKind.PER_SYNAPSE, 0, 5),
        (Normal(5, 0.1), 7, False, DelayKind.PER_SYNAPSE, 0, 7),
    ],
)
def test_delay_kinds(delay, max_delay_steps, learned, kind, constant, largest):
    network = make_network(Dense(0.5, delay), max_delay_steps=max_delay_steps)
    built = build_program(network, learn_delays(network) if learned else settings())
    connection = built.program.connections[0]
    assert connection.delay_kind is kind
    assert connection.constant_delay == constant
    assert connection.max_delay_steps == largest
    assert ("d" in built.parameters[0]) == (kind is DelayKind.PER_SYNAPSE)


def test_learned_delay_given_as_number_is_repeated():
    network = make_network(Dense(0.5, 2.5), max_delay_steps=4)
    values = build_program(network, learn_delays(network)).parameters[0]["d"]
    assert values.dtype == np.float32 and np.all(values == 2.5) and values.shape == (3, 4)


# -- initial values


def test_initial_values_depend_on_seed_and_own_connection_only():
    def weights(seed, sd):
        network = make_network(Dense(Normal(0.0, sd), Uniform(0, 3)))
        network.connections[1].connectivity = Dense(Normal(0.0, 1.0))
        values = build_program(network, settings(rng_seed=seed)).parameters
        return values[0]["g"], values[0]["d"], values[1]["g"]

    first, again, other, wider = weights(1, 1.0), weights(1, 1.0), weights(2, 1.0), weights(1, 2.0)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    np.testing.assert_allclose(wider[0], 2.0 * first[0], rtol=1e-6)
    assert np.array_equal(first[2], wider[2])


def test_arrays_are_used_as_they_are():
    weight = np.arange(12.0).reshape(3, 4)
    values = build_program(make_network(Dense(weight)), settings()).parameters[0]["g"]
    assert np.array_equal(values, weight) and values.dtype == np.float32


# -- errors: the network as a whole


def test_no_output():
    with pytest.raises(ValueError, match="the network has no output"):
        build_program(make_network(output=LeakyIntegrate()), settings())


def test_empty_network():
    with pytest.raises(ValueError, match="the network has no output"):
        build_program(Network(), settings())


def test_unconnected_population():
    network = make_network()
    with network:
        Population(LeakyIntegrateFire(), 3, name="lonely")
    with pytest.raises(ValueError, match="population 'lonely' has no incoming connection"):
        build_program(network, settings())


def test_unconnected_input():
    network = make_network()
    with network:
        Population(SpikeInput(), 3, name="unused")
    with pytest.raises(ValueError, match="input population 'unused' has no outgoing connection"):
        build_program(network, settings())


def test_two_populations_of_one_name():
    network = make_network()
    network.populations[2].name = "h"
    with pytest.raises(ValueError, match="population name 'h' occurs more than once"):
        build_program(network, settings())


def test_two_connections_of_one_name():
    network = make_network()
    with network:
        h = network.populations[1]
        Connection(h, h, Dense(0.0), Exponential(5.0), name="xh")
    with pytest.raises(ValueError, match="connection name 'xh' occurs more than once"):
        build_program(network, settings())


def test_generated_connection_names_are_unique():
    network = make_network()
    with network:
        h = network.populations[1]
        for _ in range(3):
            Connection(h, h, Dense(0.0), Exponential(5.0))
    names = [c.name for c in build_program(network, settings()).program.connections]
    assert len(set(names)) == 5


def test_connection_into_an_input():
    network = make_network()
    with network:
        Connection(network.populations[1], network.populations[0], Dense(0.5), name="back")
    with pytest.raises(ValueError, match="'back' ends at 'x', which is an input population"):
        build_program(network, settings())


def test_connection_out_of_a_leaky_integrator():
    network = make_network()
    with network:
        Connection(network.populations[2], network.populations[1], Dense(0.5), name="out")
    with pytest.raises(ValueError, match=r"'out' starts at 'y', whose neurons .* never spike"):
        build_program(network, settings())


def test_connection_to_another_network():
    network, other = make_network(), make_network()
    with network:
        Connection(other.populations[1], network.populations[1], Dense(0.5), name="stray")
    with pytest.raises(ValueError, match="'stray': its source is no population of this network"):
        build_program(network, settings())


def test_population_without_shape():
    network = make_network()
    network.populations[1].shape = None
    with pytest.raises(ValueError, match="population 'h' has no shape"):
        build_program(network, settings())


@pytest.mark.parametrize("name", ["delay_learn_conns", "weight_learn_conns"])
def test_learned_connection_of_another_network(name):
    other = make_network()
    given = settings(**{name: frozenset(other.connections[:1])})
    with pytest.raises(ValueError, match=f"{name} has the connection 'xh', which is not in"):
        build_program(make_network(), given)


# -- errors: models


class Quadratic(Neuron):
    is_spiking = True

    def check(self):
        pass


class Alpha(Synapse):
    def check(self):
        pass


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        (LeakyIntegrateFire(scale_i=False), "population 'h': scale_i is False"),
        (LeakyIntegrateFire(relative_reset=True), "population 'h': relative_reset is True"),
        (
            LeakyIntegrateFire(tau_refrac=2.0, integrate_during_refrac=True),
            "population 'h': integrate_during_refrac is True with tau_refrac = 2 ms",
        ),
        (Quadratic(), "population 'h': neurons of type Quadratic are not supported"),
    ],
)
def test_unsupported_hidden_neurons(hidden, message):
    with pytest.raises(ValueError, match=message):
        build_program(make_network(hidden=hidden), settings())


def test_integration_in_a_refractory_period_that_does_not_exist_is_fine():
    hidden = LeakyIntegrateFire(tau_refrac=None, integrate_during_refrac=True)
    build_program(make_network(hidden=hidden), settings())


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (LeakyIntegrate(readout="avg_var", scale_i=False), "population 'y': scale_i is False"),
        (LeakyIntegrate(readout="avg_var", bias=0.5), "population 'y': bias is 0.5"),
    ],
)
def test_unsupported_output_neurons(output, message):
    with pytest.raises(ValueError, match=message):
        build_program(make_network(output=output), settings())


def test_parameters_changed_after_construction_are_checked():
    network = make_network()
    network.populations[1].neuron.tau_mem = -1.0
    with pytest.raises(ValueError, match="tau_mem"):
        build_program(network, settings())


@pytest.mark.parametrize(
    ("synapse", "message"),
    [
        (Alpha(), "connection 'xh': synapses of type Alpha are not supported"),
        (Exponential(5.0, scale_i=False), "connection 'xh': scale_i of its synapse is False"),
    ],
)
def test_unsupported_synapses(synapse, message):
    with pytest.raises(ValueError, match=message):
        build_program(make_network(synapse=synapse), settings())


# -- errors: losses and regularisation


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ("hinge", "loss of output 'y', 'hinge' is unknown"),
        ("mean_square_error", "output population 'y': readout is 'avg_var'"),
        (RelativeMeanSquareError(1.0), "output population 'y': readout is 'avg_var'"),
    ],
)
def test_unknown_or_unfit_losses(losses, message):
    with pytest.raises(ValueError, match=message):
        build_program(make_network(), settings(losses=losses))


def test_unknown_readout():
    with pytest.raises(ValueError, match="Readout 'best_var' is unknown"):
        LeakyIntegrate(readout="best_var")


def test_loss_dictionary_with_a_population_that_is_no_output():
    network = make_network()
    losses = {network.populations[1]: SparseCategoricalCrossentropy()}
    with pytest.raises(ValueError, match="losses has the key 'h', which is no output"):
        build_program(network, settings(losses=losses))


def test_loss_dictionary_without_an_output():
    with pytest.raises(ValueError, match="losses has no loss for the output 'y'"):
        build_program(make_network(), settings(losses={}))


def test_no_loss():
    with pytest.raises(TypeError, match="losses: output 'y' has no loss"):
        build_program(make_network(), settings(losses=None))


def test_regularisation_of_an_output():
    network = make_network()
    given = settings(reg_lambda_upper={network.populations[2]: 1.0})
    with pytest.raises(ValueError, match="reg_lambda_upper has the key 'y', which is no spiking"):
        build_program(network, given)


def test_negative_regularisation():
    with pytest.raises(ValueError, match="reg_lambda_lower is -1"):
        build_program(make_network(), settings(reg_lambda_lower=-1.0))


# -- errors: weights and delays


class Constant(Initializer):
    def __init__(self, value):
        self.value = value

    def sample(self, rng, shape):
        return np.full(shape, self.value, dtype=np.float32)


def test_max_delay_steps_missing_for_learned_delays():
    network = make_network(Dense(0.5, 2))
    with pytest.raises(ValueError, match="'xh': max_delay_steps is missing, .* are learned"):
        build_program(network, learn_delays(network))


def test_max_delay_steps_missing_for_an_unbounded_initializer():
    with pytest.raises(ValueError, match="'xh': max_delay_steps is missing, it cannot be told"):
        build_program(make_network(Dense(0.5, Normal(5, 1))), settings())


@pytest.mark.parametrize(
    "delay", [6, np.full((3, 4), 6.0), Constant(6.0), Uniform(6, 7)], ids=str
)
def test_max_delay_steps_smaller_than_a_delay(delay):
    network = make_network(Dense(0.5, delay), max_delay_steps=5)
    with pytest.raises(ValueError, match=r"'xh': delay is 6.*max_delay_steps = 5"):
        build_program(network, settings())


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_drawn_delays_that_are_negative_or_not_finite(value):
    network = make_network(Dense(0.5, Constant(value)), max_delay_steps=5)
    with pytest.raises(ValueError, match="connection 'xh': delay"):
        build_program(network, settings())


def test_drawn_weights_that_are_not_finite():
    network = make_network(Dense(Constant(np.nan)))
    with pytest.raises(ValueError, match="connection 'xh': weights"):
        build_program(network, settings())


@pytest.mark.parametrize("delay", [70000, np.full((3, 4), 70000.0)], ids=["number", "array"])
def test_delay_beyond_sixteen_bits(delay):
    with pytest.raises(ValueError, match="largest delay is 70000 timesteps, .* at most 65535"):
        build_program(make_network(Dense(0.5, delay)), settings())


def test_max_delay_steps_beyond_sixteen_bits():
    network = make_network(max_delay_steps=65536)
    with pytest.raises(ValueError, match="largest delay is 65536"):
        build_program(network, learn_delays(network))


# -- errors: settings


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("timesteps", 0),
        ("timesteps", 10.5),
        ("dt", 0.0),
        ("dt", np.nan),
        ("batch_size", 0),
        ("num_threads", 0),
        ("rng_seed", -1),
        ("i_minus_thresh_min", 0.0),
        ("softmax_temperature", 0.0),
        ("ttfs_alpha", -0.1),
    ],
)
def test_settings_out_of_range(argument, value):
    name = "example_timesteps" if argument == "timesteps" else argument
    with pytest.raises(ValueError, match=f"{name} is {value:g}"):
        build_program(make_network(), settings(**{argument: value}))
