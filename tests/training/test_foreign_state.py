"""States that do not belong to a network."""

from __future__ import annotations

import json

import numpy as np
import pytest
from stopped_runs import compile_regularised, data, run, state
from trained_networks import TIMESTEPS

from mlgenn_delays.compilers import EventPropCompiler

__all__ = ["data", "state"]  # fixtures


def test_other_dt(recurrent, state):
    network = compile_regularised(recurrent, "cpu", dt=0.5)
    with pytest.raises(ValueError, match=r"another network: dt is 1 ms in the state, 0.5 ms"):
        network.load_training_state(state)


def test_other_size(linear, compile_linear):
    state = compile_linear().training_state()
    linear.x.shape = 7
    with pytest.raises(ValueError, match=r"shape of population 'x' is \[6\] in the state, \[7\]"):
        compile_linear().load_training_state(state)


def test_other_max_delay(linear, compile_linear):
    state = compile_linear().training_state()
    linear.c.max_delay_steps = 9
    with pytest.raises(ValueError, match=r"max_delay_steps of connection .* is 5 in the state, 9"):
        compile_linear().load_training_state(state)


def test_other_populations(recurrent, linear):
    other = EventPropCompiler(TIMESTEPS, "sparse_categorical_crossentropy", backend="reference")
    state = other.compile(linear.network).training_state()
    network = compile_regularised(recurrent, "reference")
    before = network.engine.get_parameters()
    with pytest.raises(ValueError, match=r"populations are \['x', 'y'\] in the state"):
        network.load_training_state(state)
    for now, then in zip(network.engine.get_parameters(), before, strict=True):
        assert np.array_equal(now, then)


def test_other_synapses(recurrent, state):
    indices = state["connectivity/Conn_h_h/pre_ind"]
    changed = {**state, "connectivity/Conn_h_h/pre_ind": (indices + 1) % 10}
    network = compile_regularised(recurrent, "cpu")
    with pytest.raises(ValueError, match="synapses of sparse connection 'Conn_h_h' are others"):
        network.load_training_state(changed)


def test_missing_parameters(recurrent, state):
    del state["parameters/connections/Conn_h_y/g"]
    network = compile_regularised(recurrent, "cpu")
    with pytest.raises(ValueError, match="connection 'Conn_h_y': 'g' is missing"):
        network.load_training_state(state)


@pytest.mark.parametrize(("name", "value"), [("batch_size", 5), ("rng_seed", 6)])
def test_mid_epoch_with_another_order(recurrent, state, name, value):
    arguments = {name: value}
    meta = json.loads(str(state["meta"]))
    network = compile_regularised(recurrent, "cpu", **arguments)
    if name == "rng_seed":  # sparse connectivity is drawn, too: give the same
        recurrent.hh.connectivity.pre_ind = state["connectivity/Conn_h_h/pre_ind"]
        recurrent.hh.connectivity.post_ind = state["connectivity/Conn_h_h/post_ind"]
        network = compile_regularised(recurrent, "cpu", **arguments)
    with pytest.raises(ValueError, match=f"mid-epoch with {name} = {meta[name]}.* has {value}"):
        network.load_training_state(state)


def test_mid_epoch_with_other_data(recurrent, state, data):
    network = compile_regularised(recurrent, "cpu")
    start = network.load_training_state(state)
    with pytest.raises(ValueError, match=r"mid-epoch with num_batches = 3, .* with 2"):
        run(network, recurrent, (data[0][:10], data[1][:10]), start)


def test_other_callbacks(recurrent, state, data):
    network = compile_regularised(recurrent, "cpu")
    start = network.load_training_state(state)
    with pytest.raises(ValueError, match="callbacks with a state"):
        network.train(
            {recurrent.x: data[0]},
            {recurrent.y: data[1]},
            num_epochs=1,
            start_epoch=start[0],
            start_batch=start[1],
            callbacks=[],
            validation_split=0.4,
        )


@pytest.mark.parametrize("meta", ["{", "[]", '{"format": 99}'])
def test_bad_meta(compile_linear, meta):
    network = compile_linear()
    with pytest.raises(ValueError, match="training state"):
        network.load_training_state({**network.training_state(), "meta": np.array(meta)})


# -- into a description
