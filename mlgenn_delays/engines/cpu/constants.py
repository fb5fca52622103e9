"""Constants of single neurons: arrays that generated code reads, and adds their gradients to."""

from __future__ import annotations

import numpy as np

from ...program.constants import Constants
from ...program.program import PopulationProgram, Program
from . import abi
from .buffers import padded
from .door import bind

#: (population, name of the constant) -> index into the generated code's table.
ConstantTable = dict[tuple[int, str], int]


def constant_table(program: Program) -> ConstantTable:
    """Where generated code has the constants of single neurons."""
    known = [(p.index, name) for p in program.neurons for name in Constants(program, p).names]
    return {key: index for index, key in enumerate(known)}


class ConstantMemory:
    """The constants of single neurons of one population.

    Padding has the numbers of the model, so that it stays at rest.
    """

    def __init__(self, program: Program, population: PopulationProgram, num_threads: int):
        self._constants = Constants(program, population)
        self._size, self._threads = population.size, num_threads
        columns = padded(self._size)
        self._values = {
            name: abi.aligned_zeros(columns, np.float32) for name in self._constants.names
        }
        for name, number in self._constants.numbers().items():
            self._values[name][self._size :] = number
        self._gradients = {
            name: abi.aligned_zeros(num_threads * columns, np.float32)
            for name in self._constants.gradients
        }
        self._entries: dict[int, np.ndarray] = {}

    @property
    def parameters(self) -> frozenset[int]:
        """Parameters that these constants are or follow from."""
        return frozenset(self._constants.parameters.values())

    @property
    def history(self) -> int:
        """Numbers that gradients need of every step, padding included."""
        return len(self._constants.history) * padded(self._size)

    def fill(self, name: str, buffers: abi.Constant) -> None:
        """Write the addresses of one constant into the generated code's table."""
        sizes = {"elements": len(self._values[name]), "threads": self._threads}
        bind(buffers, "value", self._values[name], **sizes)
        bind(buffers, "gradient", self._gradients.get(name), **sizes)

    def write(self, parameter: int, elements: np.ndarray) -> None:
        """Set a parameter, (neurons,), and all that follows from it."""
        self._entries[parameter] = np.array(elements, np.float64)
        if self._entries.keys() < self.parameters:
            return  # they are set one after another at first
        for name, value in self._constants.values(self._entries).items():
            self._values[name][: self._size] = value

    def gradient(self, parameter: int) -> np.ndarray:
        """Gradient of the last backward pass, (neurons,) float32."""
        sums = {
            name: array.reshape(self._threads, -1)[:, : self._size].sum(axis=0, dtype=np.float64)
            for name, array in self._gradients.items()
        }
        return self._constants.gradient(parameter, self._entries, sums).astype(np.float32)

    def memory(self) -> dict[str, int]:
        """Bytes by purpose."""
        return {
            "parameters": sum(array.nbytes for array in self._values.values()),
            "gradients": sum(array.nbytes for array in self._gradients.values()),
        }
