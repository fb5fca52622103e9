"""Weights and delays: how they are stored, and which are refused."""

from __future__ import annotations

import numpy as np
import pytest
from small_networks import initial_values, learn_delays, make_network, settings

from mlgenn_delays.compilers.build import build_program
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.initializers import Initializer, Normal, Uniform


@pytest.mark.parametrize(
    ("delay", "max_delay_steps", "learned", "per_synapse", "constant", "largest"),
    [
        (0, None, False, False, 0, 0),
        (2.4, None, False, False, 2, 2),
        (2.5, None, False, False, 3, 3),
        (3, 20, False, False, 3, 3),
        (3, 20, True, True, 0, 20),
        (np.full((3, 4), 2.3), None, False, True, 0, 3),
        (Uniform(0, 4.5), None, False, True, 0, 5),
        (Normal(5, 0.1), 7, False, True, 0, 7),
    ],
)
def test_delay_kinds(delay, max_delay_steps, learned, per_synapse, constant, largest):
    network = make_network(Dense(0.5, delay), max_delay_steps=max_delay_steps)
    built = build_program(network, learn_delays(network) if learned else settings())
    connection = built.program.connections[0]
    assert connection.has_synapse_delays is per_synapse
    assert connection.constant_delay == constant
    assert connection.max_delay_steps == largest
    assert ("d" in initial_values(built)[0]) is per_synapse
    if per_synapse:
        spec = built.program.parameters[connection.delay]
        assert spec.name == "d" and spec.bounds == (0.0, largest) and spec.learned is learned


def test_learned_delay_given_as_number_is_repeated():
    network = make_network(Dense(0.5, 2.5), max_delay_steps=4)
    values = initial_values(build_program(network, learn_delays(network)))[0]["d"]
    assert values.dtype == np.float32 and np.all(values == 2.5) and values.shape == (3, 4)


class Constant(Initializer):
    def __init__(self, value):
        self.value = value

    def sample(self, rng, shape):
        return np.full(shape, self.value, dtype=np.float32)

    def __repr__(self) -> str:
        return f"Constant({vars(self)})"


def test_max_delay_steps_missing_for_learned_delays():
    network = make_network(Dense(0.5, 2))
    with pytest.raises(ValueError, match=r"'xh': max_delay_steps is missing, .* are learned"):
        build_program(network, learn_delays(network))


def test_max_delay_steps_missing_for_an_unbounded_initializer():
    with pytest.raises(ValueError, match="'xh': max_delay_steps is missing, it cannot be told"):
        build_program(make_network(Dense(0.5, Normal(5, 1))), settings())


@pytest.mark.parametrize("delay", [6, np.full((3, 4), 6.0), Constant(6.0), Uniform(6, 7)], ids=str)
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
    with pytest.raises(ValueError, match=r"largest delay is 70000 timesteps, .* at most 65535"):
        build_program(make_network(Dense(0.5, delay)), settings())


def test_max_delay_steps_beyond_sixteen_bits():
    network = make_network(max_delay_steps=65536)
    with pytest.raises(ValueError, match="largest delay is 65536"):
        build_program(network, learn_delays(network))
