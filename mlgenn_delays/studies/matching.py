"""Numbers of parameters of networks that are not compiled, and sizes that have as many."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlgenn_delays import Connection
from mlgenn_delays.models import ClassifierNetwork

from .compiling import surrogate_arguments
from .config import RunConfig
from .methods import is_surrogate
from .task import Task, TaskData

#: Neurons of the largest layer that are tried, at most.
_LARGEST = 2**16


@dataclass(frozen=True)
class Match:
    """How close the number of parameters of a network comes to the one that is wanted."""

    parameters: int
    wanted: int

    @property
    def deviation(self) -> float:
        """How many more there are, as a share of those that are wanted."""
        return self.parameters / self.wanted - 1.0


def count_described(task: Task, config: RunConfig, data: TaskData) -> int:
    """All that a network learns: weights and delays, those that synapses share once, and
    what it has besides (widths of delays, biases, scales and shifts of batch normalisation). Its
    connections are all-to-all. Nothing is compiled.

    Raises:
        ValueError: settings that the parts of the network refuse.
    """
    network = task.build(config, data)
    told = surrogate_arguments(network, config) if is_surrogate(config) else {}

    def synapses(connection: Connection) -> int:
        return connection.source_size * connection.target_size

    def delays(connection: Connection) -> int:
        sizes = connection.source_size, connection.target_size
        return math.prod(connection.connectivity.delay_shape(*sizes, sizes))

    weights = task.compiler_arguments(config).get("weight_learn_conns")
    return (
        sum(map(synapses, network.connections.values() if weights is None else weights))
        + sum(map(delays, network.delay_learn_conns))
        + (_count_constants(network) if config.neuron.learn_time_constants else 0)
        + sum(map(delays, told.get("learned_width_conns", ())))
        + sum(layer.size for layer in told.get("bias", ()))
        + sum(2 * layer.size for layer in told.get("batch_norm", ()))
    )


def _count_constants(network: ClassifierNetwork) -> int:
    """Learned time constants: of each hidden neuron, and of the synapses of each connection onto
    it."""
    onto_hidden = [c for c in network.connections.values() if c.target() in network.hidden]
    return sum(p.size for p in network.hidden) + sum(c.target_size for c in onto_hidden)


def closest_sizes(
    sizes: Sequence[int], count: Callable[[tuple[int, ...]], int], wanted: int
) -> tuple[int, ...]:
    """Sizes of layers in the proportions of others whose number of parameters comes closest.

    Args:
        sizes: neurons of each layer, whose proportions are kept as far as whole numbers can
        count: parameters of a network with layers of such sizes; more neurons have more
        wanted: number of parameters
    """
    largest = max(sizes)

    def scaled(number: int) -> tuple[int, ...]:
        return tuple(max(1, (2 * size * number + largest) // (2 * largest)) for size in sizes)

    low, high = 1, 2
    while count(scaled(high)) < wanted and high < _LARGEST:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if count(scaled(middle)) < wanted:
            low = middle
        else:
            high = middle
    return min((scaled(low), scaled(high)), key=lambda s: abs(count(s) - wanted))
