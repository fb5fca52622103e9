"""Access to parameters in the manner of GeNN: pull, look, change, push."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..engines.base import Engine
from ..program.program import ConnectionProgram, PopulationProgram


class Variable:
    """One parameter of a connection: "g" (weights) or "d" (delays, in timesteps).

    ``view`` is a host copy. It is filled when first read and by ``pull_from_device``;
    changes to it take effect with ``push_to_device``.
    """

    def __init__(
        self, engine: Callable[[], Engine], connection: ConnectionProgram, name: str
    ) -> None:
        self._engine = engine
        self._connection = connection
        self.name = name
        self._view: np.ndarray | None = None

    @property
    def view(self) -> np.ndarray:
        """(synapses,) contiguous float32, ordered (pre, post); may be written to."""
        if self._view is None:
            self.pull_from_device()
        assert self._view is not None
        return self._view

    @property
    def values(self) -> np.ndarray:
        """Copy of ``view``: (pre, post) where dense, (synapses,) where sparse."""
        return self.view.reshape(self._connection.param_shape).copy()

    def pull_from_device(self) -> None:
        """Copy the engine's current values into ``view``."""
        current = self._engine().get_parameter(self._connection.index, self.name)
        if self._view is None:
            self._view = np.empty(self._connection.num_synapses, dtype=np.float32)
        self._view[:] = current.reshape(-1)

    def push_to_device(self) -> None:
        """Copy ``view`` into the engine.

        Raises:
            ValueError: values that are not finite, or delays outside
                [0, max_delay_steps]; nothing is copied then.
        """
        values = self.view
        if not np.all(np.isfinite(values)):
            raise ValueError(
                f"connection {self._connection.name!r}: {self.name!r} has values that are not "
                "finite"
            )
        limit = self._connection.max_delay_steps
        if self.name == "d" and not np.all((values >= 0) & (values <= limit)):
            raise ValueError(
                f"connection {self._connection.name!r}: delays from {values.min()} to "
                f"{values.max()} timesteps, allowed are 0 to max_delay_steps = {limit}"
            )
        self._engine().set_parameter(self._connection.index, self.name, self.values)


class SynapseGroup:
    """A compiled connection: ``vars["g"]`` and, with a delay per synapse, ``vars["d"]``."""

    def __init__(self, engine: Callable[[], Engine], connection: ConnectionProgram) -> None:
        names = ("g", "d") if connection.has_synapse_delays else ("g",)
        self.name = connection.name
        self.vars = {name: Variable(engine, connection, name) for name in names}
        self._connection = connection

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
        return indices.copy()


class NeuronGroup:
    """A compiled population. Populations have no trainable variables: ``vars`` is empty."""

    def __init__(self, population: PopulationProgram) -> None:
        self.name = population.name
        self.num_neurons = population.size
        self.vars: dict[str, Variable] = {}
