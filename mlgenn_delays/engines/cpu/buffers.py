"""Memory of parameters and connections: arrays that generated code reads and writes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...program.parameters import ParameterSpec
from ...program.program import ConnectionProgram, Program
from . import abi
from .door import bind
from .substep import share_numbers

#: Neurons per vector of the widest instruction set; rows are padded to it.
VECTOR = 16

#: Neurons after which addresses have the same place in the nearest cache again: 4 KB.
CACHE_PERIOD = 1024


def padded(size: int) -> int:
    """``size`` rounded up to whole vectors, and by one more where slots of delay rings, which are
    that far apart, would share their places in the nearest cache."""
    whole = -(-size // VECTOR) * VECTOR
    return whole + VECTOR if whole and whole % CACHE_PERIOD == 0 else whole


def walks_kernel(program: Program, connection: ConnectionProgram) -> bool:
    """Whether generated code walks the kernel of a convolution in place of a list of synapses: on
    the grid, where delays are one for all or shared as weights are."""
    if program.is_substep or connection.kernel is None or connection.axonal_delays:
        return False
    if program.receptor(connection).own_tau:  # gradients are scaled target by target
        return False
    if connection.delay is None:
        return True
    of_weights, of_delays = (
        program.parameters[i].map for i in (connection.weight, connection.delay)
    )
    if of_weights is None or of_delays is None:
        return False
    return np.array_equal(of_weights, of_delays)


def storage(program: Program, connection: ConnectionProgram) -> int:
    """Elements of one parameter array of a connection, padding included, at least 1."""
    if connection.kernel is not None and walks_kernel(program, connection):
        return connection.kernel.num_entries
    if connection.is_sparse:
        return max(connection.num_synapses, 1)
    return max(connection.source_size * padded(connection.target_size), 1)


def axonal_delays(program: Program) -> frozenset[int | None]:
    """Parameters of delays of which generated code has one per presynaptic neuron. In sub-step
    timing, weights and delays make factors of every synapse, and it has none."""
    of = (c.delay for c in program.connections if c.axonal_delays)
    return frozenset() if program.is_substep else frozenset(of)


def holds_entries(program: Program) -> frozenset[int]:
    """Parameters of which generated code has the entries, not a value per synapse."""
    walked = (c for c in program.connections if walks_kernel(program, c))
    own = axonal_delays(program).union(*((c.weight, c.delay) for c in walked))
    parameters = program.parameters
    return frozenset(i for i in program.of_synapses if parameters[i].map is None or i in own)


class ParameterMemory:
    """One parameter: values and, where it is learned, gradients per thread and moments.

    Rows of dense connections are padded to whole vectors; the padding is zero and stays zero,
    unless training diverges.
    Untouched pages of gradients cost no memory.
    """

    def __init__(self, program: Program, spec: ParameterSpec, num_threads: int):
        self._rows, self._columns, size = _layout(program, spec)
        self._size = size
        self._num_threads = num_threads
        self.values = abi.aligned_zeros(size, np.float32)
        learned = spec.learned
        self.gradients = abi.aligned_zeros(num_threads * size, np.float32) if learned else None
        self.moments = {n: abi.aligned_zeros(size, np.float32) for n in ("m", "v") if learned}
        self.bounds = self._entry_bounds(spec)

    def fill(self, buffers: abi.Parameter) -> None:
        """Write the addresses into the generated code's table."""
        bind(buffers, "value", self.values, elements=self._size)
        bind(buffers, "gradient", self.gradients, threads=self._num_threads, elements=self._size)
        for name in ("m", "v"):
            bind(buffers, name, self.moments.get(name), elements=self._size)
        for name in ("low", "high"):
            bind(buffers, name, self.bounds.get(name), elements=self._size)

    def _entry_bounds(self, spec: ParameterSpec) -> dict[str, np.ndarray]:
        """Bounds of each element, where it is an entry that has its own."""
        of_elements = spec.has_entry_bounds and spec.size == self._rows * self._columns
        if not of_elements or not spec.learned:
            return {}
        bounds = {name: abi.aligned_zeros(self._size, np.float32) for name in ("low", "high")}
        for array, values in zip(bounds.values(), spec.bounds, strict=True):
            self.assign(array, np.ravel(values))
        return bounds

    def unpad(self, array: np.ndarray) -> np.ndarray:
        """Copy of a padded array, flat without the padding."""
        rows = array[: self._size].reshape(self._rows, -1)
        return rows[:, : self._columns].flatten()

    def assign(self, array: np.ndarray, elements: np.ndarray) -> None:
        """Write flat values into a padded array, and zero into the padding."""
        rows = array[: self._size].reshape(self._rows, -1)
        rows[:, : self._columns] = elements.reshape(self._rows, self._columns)
        rows[:, self._columns :] = 0.0

    def memory(self) -> dict[str, int]:
        """Bytes by purpose."""
        return {
            "parameters": self.values.nbytes + sum(a.nbytes for a in self.bounds.values()),
            "gradients": 0 if self.gradients is None else self.gradients.nbytes,
            "optimiser": sum(a.nbytes for a in self.moments.values()),
        }


def _layout(program: Program, spec: ParameterSpec) -> tuple[int, int, int]:
    """Rows, columns without padding, and elements with padding."""
    connection = program.connections[spec.owner.index]
    if any(i is not None and program.parameters[i] is spec for i in axonal_delays(program)):
        return 1, connection.source_size, max(connection.source_size, 1)
    size = storage(program, connection)
    if connection.is_sparse:
        return 1, spec.size if walks_kernel(program, connection) else connection.num_synapses, size
    return connection.source_size, connection.target_size, size


class ConnectionMemory:
    """What a connection has besides its parameters: what the simulation makes of delays, synapses,
    touched rows."""

    def __init__(
        self,
        program: Program,
        connection: ConnectionProgram,
        num_threads: int,
        parameters: Mapping[int, ParameterMemory],
    ):
        self._weight = parameters[connection.weight]
        self._delay = None if connection.delay is None else parameters[connection.delay]
        size = storage(program, connection)
        self._sizes = {
            "threads": num_threads,
            "pre": connection.source_size,
            "synapses": connection.num_synapses,
            "elements": size,
            "delays": size if self._delay is None else len(self._delay.values),
            "numbers": share_numbers(program.populations[connection.target]),
        }
        self._arrays = _delay_arrays(connection, self._sizes, program.is_substep)
        self.touched = np.zeros(num_threads * connection.source_size, dtype=np.uint8)
        self.row_start: np.ndarray | None = None
        self.post: np.ndarray | None = None
        pre, post = connection.pre_ind, connection.post_ind
        if pre is not None and post is not None and not walks_kernel(program, connection):
            counts = np.bincount(pre, minlength=connection.source_size)
            self.row_start = np.concatenate(([0], np.cumsum(counts))).astype(np.uint32)
            self.post = np.ascontiguousarray(post, dtype=np.uint32)

    def fill(self, buffers: abi.ConnectionBuffers) -> None:
        """Write the addresses into the generated code's table."""
        for name in ("row_start", "post", "touched"):
            bind(buffers, name, getattr(self, name), **self._sizes)
        for name, array in self._arrays.items():
            bind(buffers, name, array, **self._sizes)
        for name, memory in (("weight", self._weight), ("delay", self._delay)):
            if memory is not None:
                bind(buffers, name, memory.values, **self._sizes)
                bind(buffers, f"{name}_gradient", memory.gradients, **self._sizes)

    def memory(self) -> dict[str, int]:
        """Bytes by purpose."""
        indices = [a for a in (self.row_start, self.post) if a is not None]
        arrays = {name: a.nbytes for name, a in self._arrays.items()}
        gradients = arrays.pop("sums", 0) + self.touched.nbytes
        parameters = sum(a.nbytes for a in indices) + sum(arrays.values())
        return {"parameters": parameters, "gradients": gradients}


def _delay_arrays(
    connection: ConnectionProgram, sizes: Mapping[str, int], is_substep: bool
) -> dict[str, np.ndarray]:
    """What the simulation makes of delays per synapse, by its name in the generated code."""
    size = sizes["elements"]
    if not connection.has_synapse_delays:
        return {}
    if not is_substep:
        return {"delay_steps": abi.aligned_zeros(sizes["delays"], np.uint16)}
    factors = ("factor_s", "factor_k", "factor_z")[: sizes["numbers"]]
    return {
        "fixed_delay": abi.aligned_zeros(size, np.uint32),
        **{name: abi.aligned_zeros(size, np.float32) for name in factors},
        "sums": abi.aligned_zeros(sizes["threads"] * size * sizes["numbers"], np.float32),
    }
