"""Connections: description -> :class:`.ConnectionProgram` and its parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np

from ..checks import ArgumentError
from ..connection import Connection
from ..connectivity import Axonal, SharedDelay, Synaptic
from ..connectivity.shared_delays import Sizes
from ..initializers import Initializer, LogUniform, Uniform
from ..initializers.value import Value, is_value_array, is_value_constant, sample_value
from ..network import Network
from ..program.parameters import Owner, OwnerKind, ParameterSpec
from ..program.program import ConnectionProgram, Timing
from ..program.timing import MAX_DELAY_STEPS, round_delay
from .build_receptors import ConnectionReceptor
from .settings import BuildSettings
from .weight_bounds import weight_bounds


class Delays(NamedTuple):
    """How the delays of a connection are stored."""

    per_synapse: bool  #: one real number per synapse, else ``constant`` for all
    constant: int  #: timesteps
    max_steps: int  #: timesteps


def build_connections(
    network: Network,
    settings: BuildSettings,
    receptors: Mapping[Connection, ConnectionReceptor],
) -> tuple[tuple[ConnectionProgram, ...], tuple[ParameterSpec, ...]]:
    """Programs of all connections and their parameters, weights "g", delays "d" and time constants
    of synapses "tau", where these are those of single neurons.

    Random numbers of a connection come from a stream of their own, made of ``rng_seed`` and its
    index: what one connection draws does not depend on the others.

    Raises:
        ValueError: weights or delays that are not finite, delays that are negative or beyond
            ``max_delay_steps``, ``max_delay_steps`` missing or too large.
    """
    indices = {population: i for i, population in enumerate(network.populations)}
    connections: list[ConnectionProgram] = []
    parameters: list[ParameterSpec] = []
    for index, connection in enumerate(network.connections):
        source, target = connection.source(), connection.target()
        assert source is not None and target is not None  # check_network
        rng = np.random.default_rng([settings.rng_seed, index])
        learned = connection in settings.delay_learn_conns
        delays = describe_delays(connection, learned, settings.timing)
        pre_ind, post_ind = connection.connectivity.get_indices(
            source.size, target.size, source is target, rng
        ) or (None, None)
        receptor = receptors[connection]
        program = ConnectionProgram(
            index=index,
            name=connection.name,
            source=indices[source],
            target=indices[target],
            source_size=source.size,
            target_size=target.size,
            receptor=receptor.place,
            tau_syn=receptor.tau,
            weight=len(parameters),
            delay=len(parameters) + 1 if delays.per_synapse else None,
            constant_delay=delays.constant,
            axonal_delays=isinstance(connection.connectivity.delay, Axonal),
            max_delay_steps=delays.max_steps,
            pre_ind=pre_ind,
            post_ind=post_ind,
            kernel=connection.connectivity.kernel,
        )
        connections.append(program)
        parameters += _parameters(connection, program, settings, rng)
        parameters += receptor.own
    return tuple(connections), tuple(parameters)


def _parameters(
    connection: Connection,
    program: ConnectionProgram,
    settings: BuildSettings,
    rng: np.random.Generator,
) -> list[ParameterSpec]:
    owner = Owner(OwnerKind.CONNECTION, program.index, program.name)
    connectivity, label = connection.connectivity, f"connection {connection.name!r}"
    shape = connectivity.value_shape(program.synapse_shape)
    of_kernel = None if program.kernel is None else program.kernel.synapses().entry
    weights = _sample(connectivity.weight, shape, rng, f"{label}: weights")
    learned = settings.training and learns_weights(connection, settings)
    bounds = weight_bounds(connection, weights, settings)
    fixed = not connectivity.trainable
    parameters = [ParameterSpec(owner, "g", weights, learned, bounds, map=of_kernel, fixed=fixed)]
    if program.has_synapse_delays:
        delay, entries, terms = connectivity.delay, of_kernel, 1
        if isinstance(delay, SharedDelay):
            sizes = Sizes(program.source_size, program.target_size, program.num_synapses)
            terms = len(delay.terms)
            entries = None
            if not isinstance(delay, Synaptic):  # one to one
                entries = delay.entries(*program.synapses(), sizes, label)
            delays = _read_only(delay.sample(sizes, rng, label))
        else:
            delays = _sample(delay, shape, rng, f"{label}: delays")
        _check_delays(delays, connection.name, program.max_delay_steps, terms)
        learned = settings.training and connection in settings.delay_learn_conns
        longest = program.max_delay_steps / terms
        parameters.append(
            ParameterSpec(owner, "d", delays, learned, (0.0, longest), "timesteps", entries)
        )
    return parameters


def learns_weights(connection: Connection, settings: BuildSettings) -> bool:
    """Whether weights are asked to be learned; by default all that can be."""
    chosen, can = settings.weight_learn_conns, connection.connectivity.trainable
    if chosen is None:
        return can
    if connection in chosen and not can:
        raise ArgumentError(
            f"connection {connection.name!r}: its weights are asked to be learned, those of "
            f"{type(connection.connectivity).__name__} are fixed; leave it out of "
            "weight_learn_conns"
        )
    return connection in chosen


def describe_delays(connection: Connection, learned: bool, timing: Timing = "grid") -> Delays:
    """How the delays of a connection are stored, from their description alone.

    One number for all synapses that is not learned is a whole number of steps, on the grid by
    rounding; anything else is one real number per synapse.

    Raises:
        ValueError: ``max_delay_steps`` is missing or beyond what engines can keep, or a given
            delay is beyond it.
    """
    delay = connection.connectivity.delay
    is_constant = is_value_constant(delay)
    if is_constant and timing == "substep":
        is_constant = float(np.asarray(delay)).is_integer()
    per_synapse = learned or not is_constant
    if learned and connection.max_delay_steps is None:
        raise ArgumentError(
            f"connection {connection.name!r}: max_delay_steps is missing, it is needed where "
            "delays are learned; pass Connection(..., max_delay_steps=...)"
        )
    rounded = 0 if per_synapse else round_delay(float(np.asarray(delay)))
    max_steps = connection.max_delay_steps
    if max_steps is None:
        max_steps = _largest_delay(connection) if per_synapse else rounded
    if max_steps > MAX_DELAY_STEPS:
        raise ValueError(
            f"connection {connection.name!r}: the largest delay is {max_steps} timesteps, "
            f"allowed are at most {MAX_DELAY_STEPS}"
        )
    if per_synapse:
        return Delays(True, 0, max_steps)
    if connection.max_delay_steps is not None:
        _check_delays(np.asarray(delay), connection.name, max_steps)
    return Delays(False, rounded, rounded)


def _largest_delay(connection: Connection) -> int:
    """Steps that the delays of a connection need where ``max_delay_steps`` is not given."""
    delay = connection.connectivity.delay
    values = delay.values if isinstance(delay, SharedDelay) else (delay,)
    # of sums with terms that are not equally long: each may be as long as the longest
    terms = len(delay.terms) if isinstance(delay, SharedDelay) else 1
    return math.ceil(terms * max(_largest_value(value, connection) for value in values))


def _largest_value(delay: Value, connection: Connection) -> float:
    if is_value_array(delay) or is_value_constant(delay):
        values = np.asarray(delay, dtype=np.float64)
        if not np.all(np.isfinite(values)):
            raise ValueError(f"connection {connection.name!r}: delays are not all finite")
        return float(values.max(initial=0.0))
    assert isinstance(delay, Initializer)
    largest = largest_sample(delay)
    if largest is None:
        raise ArgumentError(
            f"connection {connection.name!r}: max_delay_steps is missing, it cannot be told from "
            f"delays given by {delay!r}; pass Connection(..., max_delay_steps=...)"
        )
    return largest


@singledispatch
def largest_sample(initializer: Initializer) -> float | None:
    """Largest value an initializer can draw, None where there is no bound."""
    return None


@largest_sample.register(Uniform)
@largest_sample.register(LogUniform)
def _(initializer: Uniform | LogUniform) -> float | None:
    return initializer.max


def _sample(value: Any, shape: tuple[int, ...], rng: np.random.Generator, label: str) -> np.ndarray:
    return _read_only(sample_value(value, shape, rng, label))


def _read_only(values: np.ndarray) -> np.ndarray:
    sample = np.ascontiguousarray(values)
    sample.flags.writeable = False  # so that the specification need not copy it
    return sample


def _check_delays(delays: np.ndarray, name: str, max_steps: int, terms: int = 1) -> None:
    bad = delays[~((delays >= 0.0) & (delays <= max_steps / terms))]
    if bad.size:
        share = "" if terms == 1 else f"{max_steps / terms:g}, for each of {terms} terms of "
        raise ValueError(
            f"connection {name!r}: delay is {bad.flat[0]:g} timesteps, allowed are 0 to "
            f"{share}max_delay_steps = {max_steps} ({bad.size} such delays)"
        )
