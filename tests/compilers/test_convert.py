"""From a training with surrogate gradients to networks for other compilers, and back."""

from __future__ import annotations

import numpy as np
import pytest
from test_surrogate_compiler import STEPS, compiler, describe, order_task

from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler, convert, load_network
from mlgenn_delays.connectivity import Axonal
from mlgenn_delays.initializers import LogUniform, Uniform
from mlgenn_delays.optimisers import Adam

LOSS = "sparse_categorical_crossentropy"

pytestmark = pytest.mark.torch


def trained(recurrent_delay=None, **arguments):
    net = describe(recurrent_delay=recurrent_delay)
    x, y = order_task(32)
    compiled = compiler(net, **{n: v(net) for n, v in arguments.items()}).compile(net.network)
    compiled.train({net.x: x}, {net.y: y}, 3, callbacks=[])
    return net, compiled, x


def predictions(net, x):
    compiled = InferenceCompiler(STEPS, batch_size=32).compile(net.network)
    return compiled.predict({net.x: x}, net.y, callbacks=[])[0][net.y]


@pytest.mark.parametrize("axonal", [False, True])
def test_same_predictions(axonal):
    net, compiled, x = trained(Axonal(Uniform(0, 5)) if axonal else None)
    if axonal:
        net.hh.connectivity.delay = 0  # no more said of what synapses share
    expected = compiled.predict({net.x: x}, net.y, callbacks=[])[0][net.y]
    assert convert(net.network, compiled.training_state()) == ()
    np.testing.assert_allclose(predictions(net, x), expected, rtol=1e-5, atol=1e-6)
    assert net.hh.connectivity.delay.shape == (16, 16)


def test_scale_of_normalisation_goes_into_the_weights():
    net, compiled, x = trained(batch_norm=lambda n: [n.h])
    state = compiled.training_state()
    prefix = "parameters/populations/h/norm_"
    # without shift and mean, nothing is lost
    state = {n: np.zeros_like(v) if n in (f"{prefix}shift", f"{prefix}mean") else v
             for n, v in state.items()}  # fmt: skip
    compiled.load_training_state(state)
    expected = compiled.predict({net.x: x}, net.y, callbacks=[])[0][net.y]
    assert convert(net.network, state) == ()
    np.testing.assert_allclose(predictions(net, x), expected, rtol=1e-3, atol=1e-5)
    assert np.any(expected)


def test_constant_input_is_lost_and_said():
    net, compiled, _ = trained(batch_norm=lambda n: [n.h], bias=lambda n: [n.y])
    lost = convert(net.network, compiled.training_state())
    assert len(lost) == 2
    for name, text in zip("hy", lost):
        assert text.startswith(f"population {name!r}: its bias, and the shift of its batch norm")


def test_axonal_delays_are_trained_further():
    net, compiled, x = trained(Axonal(Uniform(0, 5)))
    expected = compiled.predict({net.x: x}, net.y, callbacks=[])[0][net.y]
    convert(net.network, compiled.training_state())
    again = compiler(net).compile(net.network)
    delays = [c.connection_populations[net.hh].vars["d"].values for c in (compiled, again)]
    np.testing.assert_array_equal(*delays)
    assert delays[0].shape == (16,)
    np.testing.assert_allclose(predictions(net, x), expected, rtol=1e-5, atol=1e-6)


def test_load_network_points_to_it():
    net, compiled, _ = trained(bias=lambda n: [n.h])
    with pytest.raises(ValueError, match=r"parameters of populations, .*compilers\.convert"):
        load_network(net.network, compiled.training_state())


def test_another_network():
    net, compiled, _ = trained()
    state = compiled.training_state()
    state["parameters/connections/xh/g"] = state["parameters/connections/xh/g"][:4]
    before = net.xh.connectivity.weight
    with pytest.raises(ValueError, match="connection 'xh': 'g'"):
        convert(net.network, state)
    assert net.xh.connectivity.weight is before


def test_trained_further_with_the_other_method_and_back():
    net, compiled, x = trained()
    _, y = order_task(32)
    convert(net.network, compiled.training_state())
    other = EventPropCompiler(
        STEPS, LOSS, Adam(0.01), batch_size=16, delay_learn_conns=[net.xh, net.hh]
    ).compile(net.network)
    start = other.evaluate({net.x: x}, {net.y: y}, callbacks=[])
    expected = compiled.evaluate({net.x: x}, {net.y: y}, callbacks=[])
    assert start[0][net.y].result == expected[0][net.y].result
    other.train({net.x: x}, {net.y: y}, 5, callbacks=[])
    load_network(net.network, other.training_state())
    again = compiler(net).compile(net.network)
    results = [c.predict({net.x: x}, net.y, callbacks=[])[0][net.y] for c in (other, again)]
    np.testing.assert_allclose(*results, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("drawn", [False, True])
def test_constants_of_single_neurons_go_over(drawn):
    """Those that EventProp has learned, whatever the description has: the network does the same."""
    net = describe()
    net.h.neuron.tau_mem = LogUniform(10, 40)
    x, y = order_task(32)
    trained = EventPropCompiler(
        STEPS,
        LOSS,
        Adam(0.01),
        batch_size=16,
        neuron_learn_params={net.h: ["tau_mem"]},
        synapse_learn_params={net.xh: ["tau"]},
    ).compile(net.network)
    trained.train({net.x: x}, {net.y: y}, 2, callbacks=[])
    expected = trained.predict({net.x: x}, net.y, callbacks=[])[0][net.y]
    if not drawn:
        net.h.neuron.tau_mem = 20.0
    assert convert(net.network, trained.training_state()) == ()
    np.testing.assert_allclose(predictions(net, x), expected, rtol=1e-6)
    assert net.h.neuron.tau_mem.shape == net.xh.synapse.tau.shape == (16,)


def test_numbers_take_the_place_of_what_is_drawn():
    net, compiled, x = trained()
    expected = compiled.predict({net.x: x}, net.y, callbacks=[])[0][net.y]
    net.h.neuron.tau_mem = LogUniform(10, 40)
    assert convert(net.network, compiled.training_state()) == ()
    np.testing.assert_allclose(predictions(net, x), expected, rtol=1e-5, atol=1e-6)
