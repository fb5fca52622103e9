"""What a network is made of, as tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import singledispatch
from typing import Any, Protocol

import numpy as np

from .connectivity import Connectivity, Dense, FixedProbability, OneToOne, SparseBase
from .connectivity.windows import Windowed
from .initializers.value import is_value_constant
from .neurons import Neuron
from .per_neuron import PerNeuronModel
from .readouts import Readout
from .reprs import call_text, value_text
from .summary import Summary, Table, bytes_text, parameters_text
from .synapses import Synapse

#: Bytes of a parameter in engines, which are in single precision.
_BYTES = 4

_UNKNOWN = "?"


class DescribedPopulation(Protocol):
    """What is said of a population."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> Any: ...
    @property
    def neuron(self) -> Neuron: ...


class DescribedConnection(Protocol):
    """What is said of a connection; ``source`` and ``target`` are weak references."""

    @property
    def name(self) -> str: ...
    @property
    def source(self) -> Any: ...
    @property
    def target(self) -> Any: ...
    @property
    def connectivity(self) -> Connectivity: ...
    @property
    def synapse(self) -> Synapse: ...
    @property
    def max_delay_steps(self) -> int | None: ...


def summarise_network(
    kind: str,
    populations: Sequence[DescribedPopulation],
    connections: Sequence[DescribedConnection],
) -> Summary:
    """See :meth:`.Network.summary`.

    Args:
        kind: name of the network's class
        populations, connections: of the network
    """
    counts = [count_synapses(connection) for connection in connections]
    parameters, facts = {}, {}
    if None not in counts:
        parameters = {
            "weights": sum(
                math.prod(c.connectivity.value_shape((round(n or 0.0),)))
                for n, c in zip(counts, connections, strict=True)
                if c.connectivity.trainable
            ),
            "delays": sum(
                _count_delays(c, round(n or 0.0)) for n, c in zip(counts, connections, strict=True)
            ),
            **_count_of_neurons(populations, connections),
        }
        is_drawn = any(_is_drawn(c.connectivity) for c in connections)
        total = sum(parameters.values())
        facts["parameters"] = (
            f"{'about ' if is_drawn else ''}{parameters_text(parameters)} "
            f"({bytes_text(_BYTES * total)} in single precision)"
        )
    else:
        facts["parameters"] = "not known before all shapes are"
    facts["learned"] = "is up to the compiler; the summary of a compiled network says it"
    tables = (_populations(populations), _connections(connections, counts))
    return Summary(describe_sizes(kind, populations, connections), tables, facts, parameters)


def describe_sizes(
    kind: str,
    populations: Sequence[DescribedPopulation],
    connections: Sequence[DescribedConnection],
) -> str:
    """How large a network is, in a line."""
    neurons = None
    if all(population.shape is not None for population in populations):
        neurons = sum(math.prod(p.shape) for p in populations if not p.neuron.is_input)
    return sizes_text(kind, len(populations), len(connections), neurons)


def sizes_text(kind: str, populations: int, connections: int, neurons: int | None) -> str:
    """Numbers of populations, connections and neurons (inputs excepted; None: not known)."""
    parts = [_count(populations, "population"), _count(connections, "connection")]
    if neurons is not None:
        parts.append(_count(neurons, "neuron"))
    return f"{kind} of {', '.join(parts)}"


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'s' * (number != 1)}"


def _populations(populations: Sequence[DescribedPopulation]) -> Table:
    rows = []
    for population in populations:
        neuron, readout = population.neuron, population.neuron.readout
        rows.append(
            (
                population.name,
                shape_text(population.shape),
                call_text(neuron, ("readout", "max_spikes")).removesuffix("()"),
                "" if readout is None else _readout(readout),
            )
        )
    columns = "name", "neurons", "model", "readout"
    return Table("Populations", columns, tuple(rows), frozenset(["neurons"]))


def _readout(readout: Readout) -> str:
    return readout_text(readout.name, readout.window_start, readout.window_end)


def readout_text(name: str, start: float | None, end: float | None) -> str:
    """A readout and the window [ms] that it reads; None: from the trial's start, to its end."""
    if start is None and end is None:
        return name
    return (
        f"{name}, from {start:g} ms" if end is None else f"{name}, {start or 0.0:g} to {end:g} ms"
    )


def shape_text(shape: tuple[int, ...] | None) -> str:
    """Number of neurons, with the sizes along the axes where there are several."""
    if shape is None:
        return _UNKNOWN
    size = f"{math.prod(shape):,}"
    return size if len(shape) == 1 else f"{' x '.join(map(str, shape))} = {size}"


def _connections(
    connections: Sequence[DescribedConnection], counts: Sequence[float | None]
) -> Table:
    rows = []
    for c, number in zip(connections, counts, strict=True):
        about = "about " if _is_drawn(c.connectivity) else ""
        longest = "" if c.max_delay_steps is None else f", at most {c.max_delay_steps}"
        for_all = "" if _differs_by_synapse(c) else " for all"
        rows.append(
            (
                c.name,
                f"{end_name(c.source())} -> {end_name(c.target())}",
                call_text(c.connectivity, ("weight", "delay", "pre_ind", "post_ind")).removesuffix(
                    "()"
                ),
                _UNKNOWN if number is None else f"{about}{round(number):,}",
                values_text(c.connectivity.weight),
                repr(c.synapse),
                f"{values_text(c.connectivity.delay)}{for_all}{longest}",
            )
        )
    columns = (
        "name",
        "from -> to",
        "connectivity",
        "synapses",
        "weights",
        "synapse",
        "delays [timesteps]",
    )
    return Table("Connections", columns, tuple(rows), frozenset(["synapses"]))


def end_name(population: DescribedPopulation | None) -> str:
    """Name of a population that a connection knows weakly."""
    return _UNKNOWN if population is None else population.name


def values_text(value: Any) -> str:
    """Weights or delays: a number, the range of an array, or what draws them."""
    if isinstance(value, np.ndarray):
        if not value.size:
            return "none"
        low, high = float(np.min(value)), float(np.max(value))
        return f"{low:.3g} to {high:.3g}" if low != high else f"{low:.3g} each"
    return value_text(value)


def _count_delays(connection: DescribedConnection, synapses: int) -> int:
    """Delays of a connection, those that synapses share once."""
    if not _differs_by_synapse(connection):
        return 0
    source, target = (math.prod(end().shape) for end in (connection.source, connection.target))
    return math.prod(connection.connectivity.delay_shape(source, target, (synapses,)))


def _count_of_neurons(
    populations: Sequence[DescribedPopulation], connections: Sequence[DescribedConnection]
) -> dict[str, int]:
    """Constants that differ between neurons, those of synapses among them, by their names."""
    owners: list[tuple[PerNeuronModel, Any]] = [(p.neuron, p.shape) for p in populations]
    owners += [(c.synapse, c.target().shape) for c in connections]
    counts: dict[str, int] = {}
    for model, shape in owners:
        for name in model.per_neuron:
            if shape is not None and not is_value_constant(getattr(model, name)):
                counts[name] = counts.get(name, 0) + math.prod(shape)
    return counts


def _differs_by_synapse(connection: DescribedConnection) -> bool:
    """Whether each synapse has a delay of its own, even if none is learned."""
    return not isinstance(connection.connectivity.delay, float)


def _is_drawn(connectivity: Connectivity) -> bool:
    """Whether which neurons are connected is not known before compiling."""
    return isinstance(connectivity, FixedProbability) and connectivity.pre_ind is None


def count_synapses(connection: DescribedConnection) -> float | None:
    """Number of synapses, of those that are drawn the expected one; None: not known yet."""
    source, target = connection.source(), connection.target()
    if source is None or target is None or None in (source.shape, target.shape):
        return None
    connectivity = connection.connectivity
    if isinstance(connectivity, SparseBase) and connectivity.pre_ind is not None:
        return len(connectivity.pre_ind)
    sizes = math.prod(source.shape), math.prod(target.shape)
    return _expected_synapses(connectivity, *sizes, source is target)


@singledispatch
def _expected_synapses(
    connectivity: Connectivity, source_size: int, target_size: int, same_population: bool
) -> float | None:
    return None  # a class of the user's


@_expected_synapses.register
def _(connectivity: Dense, source_size: int, target_size: int, same_population: bool) -> float:
    return source_size * target_size


@_expected_synapses.register
def _(connectivity: Windowed, source_size: int, target_size: int, same_population: bool) -> float:
    return connectivity.num_synapses


@_expected_synapses.register
def _(connectivity: OneToOne, source_size: int, target_size: int, same_population: bool) -> float:
    return source_size


@_expected_synapses.register
def _(
    connectivity: FixedProbability, source_size: int, target_size: int, same_population: bool
) -> float:
    without = source_size if same_population and not connectivity.allow_self_connections else 0
    return connectivity.p * (source_size * target_size - without)
