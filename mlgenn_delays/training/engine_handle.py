"""Ownership of an engine: opened on demand, closed without losing its state."""

from __future__ import annotations

import numpy as np

from ..engines.base import Engine
from ..engines.create import create_engine
from ..program.program import Parameters, Program


class EngineHandle:
    """An engine that can be closed (threads and memory released) and opened again.

    Parameters and optimiser state survive closing.
    """

    def __init__(
        self, program: Program, parameters: Parameters, backend: str, num_threads: int | None
    ) -> None:
        self._program = program
        self._parameters = parameters
        self._moments: dict[str, np.ndarray] = {}
        self._backend = backend
        self._num_threads = num_threads
        self._engine: Engine | None = None

    def get(self) -> Engine:
        """The engine, opened if it is not."""
        if self._engine is None:
            self._engine = create_engine(
                self._program, self._parameters, self._backend, self._num_threads
            )
            if self._moments:
                self._engine.set_optimiser_state(self._moments)
        return self._engine

    def close(self) -> None:
        """Release the engine, keeping a copy of its state."""
        if self._engine is not None:
            self._parameters = self._engine.get_parameters()
            if self._program.training:
                self._moments = self._engine.optimiser_state()
            self._engine.close()
            self._engine = None
