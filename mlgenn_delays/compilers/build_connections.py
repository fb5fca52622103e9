"""Connections: description -> :class:`ConnectionProgram` and initial parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np

from ..connection import Connection
from ..initializers import Initializer, Uniform
from ..initializers.value import is_value_array, is_value_constant, sample_value
from ..population import Population
from ..program.program import ConnectionProgram, DelayKind
from ..synapses import Exponential, Synapse
from .build_settings import BuildSettings

#: Delays are kept in 16 bits.
MAX_DELAY_STEPS = 65535


@dataclass(frozen=True)
class Delays:
    """How the delays of a connection are stored."""

    kind: DelayKind
    constant: int
    max_steps: int


def synaptic_time_constants(
    connections: Sequence[Connection],
) -> dict[Population, tuple[float, ...]]:
    """Distinct time constants [ms] of the connections into each population, as they come.

    Raises:
        ValueError: a synapse model that is not supported.
    """
    taus: dict[Population, dict[float, None]] = {}
    for connection in connections:
        connection.synapse.check()
        tau = time_constant(connection.synapse, connection.name)
        taus.setdefault(_target(connection), {})[tau] = None
    return {population: tuple(values) for population, values in taus.items()}


def build_connection(
    index: int,
    connection: Connection,
    populations: Mapping[Population, int],
    taus_syn: Mapping[Population, tuple[float, ...]],
    settings: BuildSettings,
) -> tuple[ConnectionProgram, dict[str, np.ndarray]]:
    """Program of one connection and its initial parameters.

    Random numbers come from a stream of their own, made of ``rng_seed`` and ``index``:
    what one connection draws does not depend on the others.

    Raises:
        ValueError: weights or delays that are not finite, delays that are negative or beyond
            ``max_delay_steps``, ``max_delay_steps`` missing or too large.
    """
    source, target = connection.source(), _target(connection)
    assert source is not None  # check_network
    rng = np.random.default_rng([settings.rng_seed, index])
    learn_delays = connection in settings.delay_learn_conns
    delays = describe_delays(connection, learn_delays)
    indices = connection.connectivity.get_indices(source.size, target.size, source is target, rng)
    pre_ind, post_ind = (None, None) if indices is None else indices
    tau = time_constant(connection.synapse, connection.name)
    program = ConnectionProgram(
        index=index,
        name=connection.name,
        source=populations[source],
        target=populations[target],
        source_size=source.size,
        target_size=target.size,
        receptor=taus_syn[target].index(tau),
        tau_syn=tau,
        pre_ind=pre_ind,
        post_ind=post_ind,
        delay_kind=delays.kind,
        constant_delay=delays.constant,
        max_delay_steps=delays.max_steps,
        learn_weights=settings.weight_learn_conns is None
        or connection in settings.weight_learn_conns,
        learn_delays=learn_delays,
    )
    return program, _parameters(connection, program, rng)


def describe_delays(connection: Connection, learned: bool) -> Delays:
    """How the delays of a connection are stored, from their description alone.

    One number for all synapses that is not learned is a whole number of steps; anything
    else is one real number per synapse.

    Raises:
        ValueError: ``max_delay_steps`` is missing or beyond what engines can keep, or a given
            delay is beyond it.
    """
    delay = connection.connectivity.delay
    per_synapse = learned or not is_value_constant(delay)
    if learned and connection.max_delay_steps is None:
        raise ValueError(
            f"connection {connection.name!r}: max_delay_steps is missing, it is needed where "
            "delays are learned; pass Connection(..., max_delay_steps=...)"
        )
    # half a step is rounded up, as engines round delays
    rounded = 0 if per_synapse else math.floor(float(np.asarray(delay)) + 0.5)
    max_steps = connection.max_delay_steps
    if max_steps is None:
        max_steps = _largest_delay(connection) if per_synapse else rounded
    if max_steps > MAX_DELAY_STEPS:
        raise ValueError(
            f"connection {connection.name!r}: the largest delay is {max_steps} timesteps, "
            f"allowed are at most {MAX_DELAY_STEPS}"
        )
    if per_synapse:
        return Delays(DelayKind.PER_SYNAPSE, 0, max_steps)
    if connection.max_delay_steps is not None:
        _check_delays(np.asarray(delay), connection.name, max_steps)
    return Delays(DelayKind.CONSTANT, rounded, rounded)


def _largest_delay(connection: Connection) -> int:
    """Steps that the delays of a connection need where ``max_delay_steps`` is not given."""
    delay = connection.connectivity.delay
    if is_value_array(delay):
        values = np.asarray(delay, dtype=np.float64)
        if not np.all(np.isfinite(values)):
            raise ValueError(f"connection {connection.name!r}: delays are not all finite")
        return math.ceil(values.max(initial=0.0))
    assert isinstance(delay, Initializer)
    largest = largest_sample(delay)
    if largest is None:
        raise ValueError(
            f"connection {connection.name!r}: max_delay_steps is missing, it cannot be told from "
            f"delays given by {delay!r}; pass Connection(..., max_delay_steps=...)"
        )
    return math.ceil(largest)


@singledispatch
def largest_sample(initializer: Initializer) -> float | None:
    """Largest value an initializer can draw, None where there is no bound."""
    return None


@largest_sample.register
def _(initializer: Uniform) -> float | None:
    return initializer.max


@singledispatch
def time_constant(synapse: Synapse, name: str) -> float:
    """Time constant [ms] of a synapse model; one function per class.

    Raises:
        ValueError: engines cannot simulate the model; the message names the connection.
    """
    raise ValueError(
        f"connection {name!r}: synapses of type {type(synapse).__name__} are not supported, "
        "allowed is Exponential"
    )


@time_constant.register
def _(synapse: Exponential, name: str) -> float:
    if not synapse.scale_i:
        raise ValueError(
            f"connection {name!r}: scale_i of its synapse is False, which is not supported "
            "(propagation is exact); pass scale_i=True or create the network with "
            "Network(default_params)"
        )
    return float(synapse.tau)


def _target(connection: Connection) -> Population:
    target = connection.target()
    assert target is not None  # check_network
    return target


def _parameters(
    connection: Connection, program: ConnectionProgram, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    label = f"connection {connection.name!r}"
    shape = program.param_shape
    parameters = {"g": _sample(connection.connectivity.weight, shape, rng, f"{label}: weights")}
    if program.has_synapse_delays:
        delays = _sample(connection.connectivity.delay, shape, rng, f"{label}: delays")
        _check_delays(delays, connection.name, program.max_delay_steps)
        parameters["d"] = delays
    return parameters


def _sample(value: Any, shape: tuple[int, ...], rng: np.random.Generator, label: str) -> np.ndarray:
    return np.ascontiguousarray(sample_value(value, shape, rng, label))


def _check_delays(delays: np.ndarray, name: str, max_steps: int) -> None:
    bad = delays[~((delays >= 0.0) & (delays <= max_steps))]
    if bad.size:
        raise ValueError(
            f"connection {name!r}: delay is {bad.flat[0]:g} timesteps, allowed are 0 to "
            f"max_delay_steps = {max_steps} ({bad.size} such delays)"
        )
