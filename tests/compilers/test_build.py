"""Network -> program: structure, initial values, settings."""

from __future__ import annotations

import numpy as np
import pytest
from small_networks import initial_values, learn_delays, make_network, settings

from mlgenn_delays import Connection, InputLayer, Layer, SequentialNetwork
from mlgenn_delays.compilers.build import build_program
from mlgenn_delays.connectivity import Dense, FixedProbability
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.program.program import Regulariser
from mlgenn_delays.synapses import Exponential


def test_structure_sizes_and_receptors():
    network = make_network(synapse=Exponential(3.0))
    with network:
        h = network.populations[1]
        Connection(h, h, Dense(0.0), Exponential(7.0))
        Connection(h, h, Dense(0.0), Exponential(3.0))
    built = build_program(network, settings())
    program = built.program
    assert [p.name for p in program.populations] == ["x", "h", "y"]
    assert [(c.source, c.target) for c in program.connections] == [(0, 1), (1, 2), (1, 1), (1, 1)]
    assert [r.tau for r in program.populations[1].receptors] == [3.0, 7.0]
    assert [c.receptor for c in program.connections] == [0, 0, 1, 0]
    assert [c.tau_syn for c in program.connections] == [3.0, 5.0, 7.0, 3.0]
    assert program.connections[0].synapse_shape == (3, 4)
    assert [p.name for p in program.outputs] == ["y"]
    assert built.losses[2].name == "sparse_categorical_crossentropy"


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
    network = make_network(FixedProbability(0.5, Normal(), delay=Uniform(0, 3)))
    built = build_program(network, settings())
    connection, values = built.program.connections[0], initial_values(built)[0]
    assert connection.is_sparse and 0 < connection.num_synapses < 12
    assert values["g"].shape == values["d"].shape == (connection.num_synapses,)
    assert connection.max_delay_steps == 3


def test_inference_has_no_losses():
    built = build_program(make_network(), settings(training=False, losses=None))
    assert built.losses == {} and not built.program.training
    assert not any(spec.learned for spec in built.program.parameters)


def test_regularisation_applies_to_hidden_populations_only():
    network = make_network()
    program = build_program(network, settings(reg_lambda_upper=2.0, reg_nu_upper=14)).program
    tau_of_the_output = 20.0
    assert [p.regulariser for p in program.populations] == [
        None,
        Regulariser(upper=2.0, lower=0.0, nu=14, scale=tau_of_the_output),
        None,
    ]
    per_population = settings(reg_lambda_lower={network.populations[1]: 3.0})
    assert build_program(network, per_population).program.populations[1].regulariser.lower == 3.0


def test_frozen_weights_and_learned_delays():
    network = make_network(max_delay_steps=9)
    program = build_program(
        network, learn_delays(network, weight_learn_conns=frozenset(network.connections[1:]))
    ).program
    first, second = program.connections
    assert (program.learns(first.weight), program.learns(first.delay)) == (False, True)
    assert (program.learns(second.weight), program.learns(second.delay)) == (True, False)


def test_per_timestep_loss_and_mean_square_error_need_the_trace():
    def output(loss, per_timestep, readout):
        network = make_network(output=LeakyIntegrate(readout=readout))
        given = settings(losses=loss, per_timestep_loss=per_timestep)
        return build_program(network, given).program.outputs[0].trace

    assert not output("sparse_categorical_crossentropy", False, "avg_var")
    assert output("sparse_categorical_crossentropy", True, "avg_var")
    assert output("mean_square_error", False, "var")


def test_initial_values_depend_on_seed_and_own_connection_only():
    def weights(seed, sd):
        network = make_network(Dense(Normal(0.0, sd), Uniform(0, 3)))
        network.connections[1].connectivity = Dense(Normal(0.0, 1.0))
        values = initial_values(build_program(network, settings(rng_seed=seed)))
        return values[0]["g"], values[0]["d"], values[1]["g"]

    first, again, other, wider = weights(1, 1.0), weights(1, 1.0), weights(2, 1.0), weights(1, 2.0)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    np.testing.assert_allclose(wider[0], 2.0 * first[0], rtol=1e-6)
    assert np.array_equal(first[2], wider[2])


def test_connections_with_one_description_differ():
    network = make_network(Dense(Normal()))
    with network:
        x, h = network.populations[:2]
        Connection(x, h, Dense(Normal()), Exponential(5.0), name="again")
    values = initial_values(build_program(network, settings()))
    assert not np.any(values[0]["g"] == values[2]["g"])


def test_arrays_are_used_as_they_are():
    weight = np.arange(12.0).reshape(3, 4)
    values = initial_values(build_program(make_network(Dense(weight)), settings()))[0]["g"]
    assert np.array_equal(values, weight) and values.dtype == np.float32


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
