"""Arguments of the compiler for training."""

from __future__ import annotations

import warnings

import pytest
from small_networks import make_network

from mlgenn_delays import InputLayer, Layer, SequentialNetwork
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler, default_params
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.synapses import Exponential

LOSS = "sparse_categorical_crossentropy"


def test_default_params_are_what_event_prop_needs():
    assert default_params[LeakyIntegrate] == {"scale_i": True}
    assert default_params[Exponential] == {"scale_i": True}
    assert default_params[LeakyIntegrateFire] == {
        "relative_reset": False,
        "integrate_during_refrac": False,
        "scale_i": True,
    }
    from mlgenn_delays.compilers.event_prop_compiler import default_params as by_module

    assert by_module is default_params


def test_optimisers_are_copies(fake_engine, linear):
    shared = Adam(0.01)
    compiler = EventPropCompiler(10, LOSS, optimiser=shared, delay_learn_conns=[linear.c])
    first, second = compiler.compile(linear.network), compiler.compile(linear.network)
    (weights, weight_conns), (delays, delay_conns) = first.optimisers
    assert weight_conns == delay_conns == [linear.c]
    assert weights.alpha == delays.alpha == 0.01 and weights is not delays
    weights.alpha = 1.0
    assert delays.alpha == shared.alpha == second.optimisers[0][0].alpha == 0.01


def test_delay_optimiser(fake_engine, linear):
    compiler = EventPropCompiler(
        10, LOSS, delay_optimiser=Adam(0.5), delay_learn_conns=[linear.c], optimiser="adam"
    )
    (weights, _), (delays, _) = compiler.compile(linear.network).optimisers
    assert (weights.alpha, delays.alpha) == (0.001, 0.5)


def test_without_learned_delays_there_is_one_optimiser(fake_engine, linear):
    assert len(EventPropCompiler(10, LOSS).compile(linear.network).optimisers) == 1


def test_positional_arguments_are_those_of_mlgenn(linear):
    compiler = EventPropCompiler(
        10, LOSS, Adam(), 1.0, 2.0, 14, 1500, False, True, 0.5, 0.1, 0.7, 32, 3, True, None,
        Adam(0.1), [linear.c],
    )  # fmt: skip
    settings = compiler.settings
    assert settings.timesteps == 10
    assert (settings.reg_lambda_upper, settings.reg_lambda_lower) == (1.0, 2.0)
    assert settings.reg_nu_upper == 14
    assert settings.per_timestep_loss and settings.dt == 0.5
    assert (settings.ttfs_alpha, settings.softmax_temperature) == (0.1, 0.7)
    assert (settings.batch_size, settings.rng_seed) == (32, 3)
    assert compiler.delay_optimiser.alpha == 0.1
    assert settings.delay_learn_conns == {linear.c}


def test_layers_are_taken_for_connections(fake_engine):
    network = SequentialNetwork(default_params)
    with network:
        InputLayer(SpikeInput(), 5)
        output = Layer(
            Dense(Normal()),
            LeakyIntegrate(readout="avg_var"),
            2,
            Exponential(5.0),
            max_delay_steps=9,
        )
    compiler = EventPropCompiler(
        10, {output: LOSS}, delay_learn_conns=[output], weight_learn_conns=[output]
    )
    program = compiler.compile(network).program
    connection = program.connections[0]
    assert program.learns(connection.weight) and program.learns(connection.delay)


@pytest.mark.parametrize(
    ("delay", "arguments", "named"),
    [
        (0, {"delay_optimiser": "adam"}, r"delay_optimiser and max_delay_steps of connection 'xh'"),
        (3.0, {}, "max_delay_steps of connection 'xh'"),
        (Uniform(0, 5), {"delay_optimiser": Adam()}, "delay_optimiser"),
    ],
)
def test_delays_that_nothing_learns_warn(fake_engine, delay, arguments, named):
    network = make_network(Dense(0.5, delay), max_delay_steps=9)
    with pytest.warns(UserWarning) as warned:
        EventPropCompiler(10, LOSS, **arguments).compile(network)
    assert [str(w.message) for w in warned] == [
        f"without effect: {named}, as no connection learns delays (delay_learn_conns is empty); "
        "name the connections that should in delay_learn_conns, or leave this out"
    ]
    assert warned[0].filename == __file__


@pytest.mark.parametrize("given", ["adam", Adam()])
def test_an_optimiser_of_constants_that_nothing_learns_warns(fake_engine, given):
    network = make_network(Dense(0.5))
    with pytest.warns(UserWarning) as warned:
        EventPropCompiler(10, LOSS, constant_optimiser=given).compile(network)
    assert [str(w.message) for w in warned] == [
        "without effect: constant_optimiser, as no constants are learned (neuron_learn_params and "
        "synapse_learn_params are empty); name those that should be in neuron_learn_params or "
        "synapse_learn_params, or leave this out"
    ]
    assert warned[0].filename == __file__


def test_an_optimiser_of_constants_with_an_effect_does_not_warn(fake_engine, monkeypatch):
    monkeypatch.setattr(fake_engine, "learns_constants", True)
    network = make_network(Dense(0.5))
    learned = (
        {"neuron_learn_params": {network.populations[-1]: ["tau_mem"]}},
        {"synapse_learn_params": {network.connections[0]: ["tau"]}},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for arguments in learned:
            EventPropCompiler(10, LOSS, constant_optimiser="adam", **arguments).compile(network)


@pytest.mark.parametrize(
    ("delay", "max_delay_steps", "learned", "arguments"),
    [
        (0, None, False, {}),
        # the buffer is made for it, and drawn delays beyond it are refused
        (Uniform(0, 5), 9, False, {}),
        ([[2.0] * 4] * 3, 9, False, {}),
        (2, 9, True, {"delay_optimiser": "adam"}),
    ],
)
def test_delays_with_an_effect_do_not_warn(fake_engine, delay, max_delay_steps, learned, arguments):
    network = make_network(Dense(0.5, delay), max_delay_steps=max_delay_steps)
    connections = network.connections[:1] if learned else ()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        EventPropCompiler(10, LOSS, delay_learn_conns=connections, **arguments).compile(network)
        InferenceCompiler(10).compile(network)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"communicator": object()}, TypeError, "communicator should be None or a Communicator"),
        ({"deep_r_conns": ["c"]}, NotImplementedError, "deep_r_conns: rewiring"),
        ({"backend": "gpu"}, ValueError, "backend is 'gpu', allowed are"),
        ({"optimiser": "sgd"}, ValueError, "optimiser 'sgd' is unknown"),
        ({"optimiser": None}, TypeError, "optimiser should be given as"),
        ({"delay_optimiser": 3}, TypeError, "delay_optimiser should be given as"),
        ({"delay_learn_conns": ["c"]}, TypeError, "delay_learn_conns: 'c' is not a Connection"),
        ({"keep_sign_conns": ["c"]}, TypeError, "keep_sign_conns: 'c' is not a Connection"),
        ({"clamp_weight_conns": {"c": (0, 1)}}, TypeError, "clamp_weight_conns: 'c' is not"),
        ({"neuron_learn_params": {"h": ["tau_mem"]}}, TypeError, "neuron_learn_params: 'h' is not"),
        ({"synapse_learn_params": {"c": ["tau"]}}, TypeError, "synapse_learn_params: 'c' is not"),
        ({"weight_optimisers": "adam"}, TypeError, "weight_optimisers should be a dictionary"),
        ({"weight_optimisers": [3]}, TypeError, r"from connection or layer .*, not \[3\]"),
        ({"dt": -1.0}, ValueError, "dt is -1"),
        ({"batch_size": 0}, ValueError, "batch_size is 0"),
        ({"num_threads": 0}, ValueError, "num_threads is 0"),
        ({"example_timesteps": 0}, ValueError, "example_timesteps is 0"),
        ({"example_timesteps": 10**10}, ValueError, "example_timesteps is .* from 1 to 16777216"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        EventPropCompiler(**{"example_timesteps": 10, "losses": LOSS, **arguments})


@pytest.mark.parametrize("compiler", [EventPropCompiler, InferenceCompiler])
def test_arguments_for_genn_are_ignored_with_a_warning(compiler):
    arguments = [10, LOSS] if compiler is EventPropCompiler else [10]
    with pytest.warns(UserWarning, match="ignored: optimise_code, selectGPUByDeviceID"):
        compiler(*arguments, selectGPUByDeviceID=True, optimise_code=3)


def test_backend_and_threads_reach_the_engine(fake_engine, linear):
    EventPropCompiler(10, LOSS, backend="cpu", num_threads=3).compile(linear.network)
    assert (fake_engine.created[0].backend, fake_engine.created[0].num_threads) == ("cpu", 3)


def test_the_description_is_not_changed(fake_engine, linear):
    weight, delay = linear.c.connectivity.weight, linear.c.connectivity.delay
    network = EventPropCompiler(10, LOSS, delay_learn_conns=[linear.c]).compile(linear.network)
    network.connection_populations[linear.c].vars["g"].view[:] = 1.0
    assert linear.c.connectivity.weight is weight and linear.c.connectivity.delay is delay
