"""What watches a pass step by step: recorders of this package, callbacks of mlGeNN."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ...program.exchange import RecordRequest
from . import arrays
from .program_compiler import GeNNNetwork


class Watcher(Protocol):
    """Is told of passes of one kind, forward or backward, and of their steps."""

    def begin_pass(self, slot: int) -> None:
        """Before the first step of the pass that takes ``slot`` of the batch."""

    def before_step(self, n: int) -> None:
        """Before the ``n``-th timestep of the pass."""

    def after_step(self, n: int) -> None:
        """After the ``n``-th timestep of the pass."""

    def end_pass(self) -> None:
        """After the last step."""


class VariableRecorder:
    """Keeps variables of the requested examples after each step of a pass.

    Args:
        size:     examples in the batch
        adjoints: whether the pass is a backward pass
    """

    def __init__(
        self,
        network: GeNNNetwork,
        size: int,
        record: RecordRequest | None,
        adjoints: bool,
    ):
        self._network = network
        self._examples = np.zeros(size, bool) if record is None else record.examples[:size]
        self._rows = np.cumsum(self._examples) - 1
        program = network.program
        found = {
            (p.index, name)
            for p in program.neurons
            for name in (p.adjoint_variables if adjoints else p.state_variables)
        }
        self._wanted = [] if record is None else sorted(found & record.variables)
        shape = (int(np.sum(self._examples)), program.timesteps)
        #: (population, variable) -> (requested examples, timesteps, neurons)
        self.variables = {
            (index, name): np.empty((*shape, program.populations[index].size), np.float32)
            for index, name in self._wanted
        }
        self._slot = slice(0, 0)

    def active(self, examples: slice) -> bool:
        """Whether anything is to be recorded of the examples that run next."""
        self._slot = examples
        return bool(self._wanted) and bool(np.any(self._examples[examples]))

    def after_step(self, n: int) -> None:
        """Keep row ``n`` of the examples that :meth:`active` was told of."""
        chosen = self._examples[self._slot]
        rows = self._rows[self._slot][chosen]
        for index, name in self._wanted:
            group = self._network.populations[index]
            values = arrays.pull(group, name, self._network.lanes)[: len(chosen)]
            self.variables[index, name][rows, n] = values[chosen]
