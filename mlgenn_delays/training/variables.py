"""Access to parameters in the manner of GeNN: pull, look, change, push."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..engines.base import Engine
from ..engines.turns import InTurn, Turn
from ..program.parameters import OwnerKind, ParameterSpec
from ..program.program import Program


class Variable(InTurn):
    """One parameter of a connection or population, e.g. "g" (weights) or "d" (delays).

    ``view`` is a host copy. It is filled when first read and by ``pull_from_device``;
    changes to it take effect with ``push_to_device``.
    """

    def __init__(
        self, engine: Callable[[], Engine], turn: Turn, parameter: int, spec: ParameterSpec
    ) -> None:
        self.turn = turn
        self._engine = engine
        self._parameter = parameter
        self._spec = spec
        self.name = spec.name
        self._view: np.ndarray | None = None

    @property
    def view(self) -> np.ndarray:
        """Contiguous float32 entries, flat (those of synapses ordered by pre, then post); may be
        written to."""
        if self._view is None:
            self.pull_from_device()
        assert self._view is not None
        return self._view

    @property
    def values(self) -> np.ndarray:
        """Copy of ``view``; of synapses (pre, post) where dense, (synapses,) where sparse."""
        return np.array(self.view.reshape(self._spec.shape))

    def pull_from_device(self) -> None:
        """Copy the engine's current values into ``view``."""
        current = self._engine().get_parameter(self._parameter)
        if self._view is None:
            self._view = np.empty(self._spec.size, dtype=np.float32)
        self._view[:] = current.reshape(-1)

    def push_to_device(self) -> None:
        """Copy ``view`` into the engine.

        Raises:
            ValueError: values that are not finite, or out of bounds; nothing is copied then.
        """
        values = self.values
        if not np.all(np.isfinite(values)):
            raise ValueError(f"{self._spec.label} has values that are not finite")
        self._engine().set_parameter(self._parameter, values)


def _variables(
    engine: Callable[[], Engine], turn: Turn, program: Program, kind: OwnerKind, index: int
) -> dict[str, Variable]:
    return {
        name: Variable(engine, turn, parameter, program.parameters[parameter])
        for name, parameter in program.parameters_of(kind, index).items()
    }


class SynapseGroup:
    """A compiled connection: ``vars["g"]``, with delays that are not one number ``vars["d"]``, and
    with a time constant per neuron ``vars["tau"]``."""

    def __init__(
        self, engine: Callable[[], Engine], turn: Turn, program: Program, index: int
    ) -> None:
        self._connection = program.connections[index]
        self._engine, self._parameters = engine, program.parameters
        self.name = self._connection.name
        self.vars = _variables(engine, turn, program, OwnerKind.CONNECTION, index)

    @property
    def is_sparse(self) -> bool:
        """Whether synapses are listed one by one."""
        return self._connection.is_sparse

    def synapse_delays(self) -> np.ndarray:
        """Delay of each synapse as it is now [timesteps], whatever synapses share.

        (pre, post) where dense, else (synapses,) sorted by pre, then post.
        """
        connection = self._connection
        if connection.delay is None:
            return np.full(connection.synapse_shape, connection.constant_delay, np.float32)
        entries = self._engine().get_parameter(connection.delay)
        delays = self._parameters[connection.delay].expand(entries)
        return np.array(delays.reshape(connection.synapse_shape))

    def pull_connectivity_from_device(self) -> None:
        """Does nothing: connectivity is fixed and known on the host."""

    def get_sparse_pre_inds(self) -> np.ndarray:
        """(synapses,) presynaptic index of each synapse; sparse connections only."""
        return self._indices(self._connection.pre_ind)

    def get_sparse_post_inds(self) -> np.ndarray:
        """(synapses,) postsynaptic index of each synapse; sparse connections only."""
        return self._indices(self._connection.post_ind)

    def _indices(self, indices: np.ndarray | None) -> np.ndarray:
        if indices is None:
            raise ValueError(f"connection {self.name!r} is dense and has no synapse indices")
        return np.array(indices)


class NeuronGroup:
    """A compiled population: ``vars`` are parameters of single neurons, if there are any."""

    def __init__(
        self, engine: Callable[[], Engine], turn: Turn, program: Program, index: int
    ) -> None:
        population = program.populations[index]
        self.name = population.name
        self.num_neurons = population.size
        self.vars = _variables(engine, turn, program, OwnerKind.POPULATION, index)
