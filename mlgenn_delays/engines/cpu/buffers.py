"""Memory of one connection: padded parameters, gradients per thread, optimiser moments."""

from __future__ import annotations

import numpy as np

from ...program.program import ConnectionProgram
from .abi import ConnectionBuffers, address, aligned_zeros
from .codegen import storage


class ConnectionMemory:
    """Arrays that generated code reads and writes, owned by Python.

    Rows of dense connections are padded to whole vectors; the padding is zero and stays
    zero. Gradients are allocated for training only; untouched pages cost no memory.
    """

    def __init__(self, connection: ConnectionProgram, num_threads: int, training: bool):
        self.connection = connection
        size = max(storage(connection), 1)
        learn = {
            "g": training and connection.learn_weights,
            "d": training and connection.learn_delays,
        }
        names = connection.parameter_names
        self.values = {name: aligned_zeros(size, np.float32) for name in names}
        self.delay_steps = aligned_zeros(size, np.uint16) if "d" in names else None
        self.gradients = {
            name: aligned_zeros(num_threads * size, np.float32) for name in names if learn[name]
        }
        self.moments = {
            (name, moment): aligned_zeros(size, np.float32)
            for name in self.gradients
            for moment in ("m", "v")
        }
        self.touched = np.zeros(num_threads * connection.source_size, dtype=np.uint8)
        self.row_start: np.ndarray | None = None
        self.post: np.ndarray | None = None
        if connection.pre_ind is not None and connection.post_ind is not None:
            counts = np.bincount(connection.pre_ind, minlength=connection.source_size)
            self.row_start = np.concatenate(([0], np.cumsum(counts))).astype(np.uint32)
            self.post = np.ascontiguousarray(connection.post_ind, dtype=np.uint32)

    def fill(self, buffers: ConnectionBuffers) -> None:
        """Write the addresses into the generated code's table."""
        buffers.g = address(self.values["g"])
        buffers.d = address(self.values.get("d"))
        buffers.delay_steps = address(self.delay_steps)
        buffers.row_start = address(self.row_start)
        buffers.post = address(self.post)
        buffers.touched = address(self.touched)
        for name in ("g", "d"):
            setattr(buffers, f"grad_{name}", address(self.gradients.get(name)))
            for moment in ("m", "v"):
                array = self.moments.get((name, moment))
                setattr(buffers, f"adam_{moment}_{name}", address(array))

    def unpad(self, array: np.ndarray) -> np.ndarray:
        """Copy of a padded array in the shape that the user sees."""
        connection = self.connection
        if connection.is_sparse:
            return array[: connection.num_synapses].copy()
        rows = array[: storage(connection)].reshape(connection.source_size, -1)
        return rows[:, : connection.target_size].copy()

    def assign(self, array: np.ndarray, value: np.ndarray) -> None:
        """Write an array of the user's shape into a padded one."""
        connection = self.connection
        value = np.asarray(value)
        if value.shape != connection.param_shape:
            raise ValueError(
                f"connection '{connection.name}': got an array of shape {value.shape}, "
                f"its parameters have shape {connection.param_shape}"
            )
        if connection.is_sparse:
            array[: connection.num_synapses] = value
        else:
            rows = array[: storage(connection)].reshape(connection.source_size, -1)
            rows[:, : connection.target_size] = value

    def gradient(self, name: str) -> np.ndarray:
        """The reduced gradient, in the user's shape."""
        return self.unpad(self.gradients[name][: max(storage(self.connection), 1)])

    def memory(self) -> dict[str, int]:
        """Bytes by purpose."""
        indices = [a for a in (self.delay_steps, self.row_start, self.post) if a is not None]
        return {
            "parameters": sum(a.nbytes for a in (*self.values.values(), *indices)),
            "gradients": sum(a.nbytes for a in self.gradients.values()) + self.touched.nbytes,
            "optimiser": sum(a.nbytes for a in self.moments.values()),
        }
