"""What every engine offers: the boundary between a program and running code.

One batch of training is ``forward`` -> ``Loss`` (in NumPy, the same for all
engines) -> ``backward`` -> ``apply_gradients``. Arrays are indexed by example
first. Population and connection arguments are indices into the program.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..events.dataset import EventDataset
    from ..optimisers import Optimiser
    from ..program.program import Parameters, Program


@dataclass(frozen=True)
class Batch:
    """Examples to run: rows ``indices`` of an event data set per input population."""

    inputs: Mapping[int, EventDataset]  #: by population index
    indices: np.ndarray  #: (examples,) int64, at most ``program.batch_size`` of them

    @property
    def size(self) -> int:
        """Number of examples."""
        return len(self.indices)


@dataclass(frozen=True)
class RecordRequest:
    """What to record besides readouts: spikes and state variables of some examples."""

    examples: np.ndarray  #: (batch size,) bool: which examples of the batch
    spikes: frozenset[int] = frozenset()  #: population indices
    #: (population, variable): "V" and other state variables of the population's model,
    #: "LambdaV", other adjoint variables and "LambdaI"
    variables: frozenset[tuple[int, str]] = frozenset()


@dataclass
class Recording:
    """What was recorded, one entry per requested example in order of the batch."""

    #: population -> per example (times [ms] (spikes,) float, neurons (spikes,) int), by time
    spikes: dict[int, list[tuple[np.ndarray, np.ndarray]]] = field(default_factory=dict)
    #: (population, variable) -> (examples, timesteps, neurons) float32
    variables: dict[tuple[int, str], np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Trace:
    """Output voltage of one example at nodes in time, with integration weights.

    Engines on the grid have one node per timestep, at (n + 1) dt with weight dt; the
    event-driven reference has quadrature nodes.
    """

    times: np.ndarray  #: (nodes,) [ms]
    weights: np.ndarray  #: (nodes,) [ms]; they sum to the duration of the trial
    values: np.ndarray  #: (nodes, outputs)


@dataclass
class ForwardResult:
    """Outcome of the forward pass of a batch."""

    #: output population -> (examples, outputs), as ``Readout`` defines it
    readouts: dict[int, np.ndarray]
    #: spiking, non-input population -> (examples, neurons) int32 spike counts
    spike_counts: dict[int, np.ndarray]
    #: populations with ``per_timestep_loss`` -> one trace per example
    traces: dict[int, list[Trace]] = field(default_factory=dict)
    recording: Recording = field(default_factory=Recording)


@dataclass(frozen=True)
class OutputGradient:
    """Gradient of the batch's mean loss with respect to what an output read out.

    Exactly one of ``readout``, ``trace`` is given. For spike-time readouts ``readout``
    is the gradient with respect to the first spike times [ms] (zero where there was no
    spike), and ``silent`` what to add to lambda_V at the end of the trial, which wakes
    outputs that should have spiked.
    """

    readout: np.ndarray | None = None  #: (examples, outputs)
    trace: list[np.ndarray] | None = None  #: per example (nodes, outputs): dL/dV at each node
    silent: np.ndarray | None = None  #: (examples, outputs)


class Engine(ABC):
    """A program turned into running code, holding its parameters and gradients."""

    #: "cpu", "reference", ...
    name: str

    def __init__(self, program: Program, num_threads: int):
        self.program = program
        self.num_threads = num_threads

    @abstractmethod
    def set_parameter(self, connection: int, name: str, value: np.ndarray) -> None:
        """Set "g" or "d" of a connection from an array of ``param_shape``."""

    @abstractmethod
    def get_parameter(self, connection: int, name: str) -> np.ndarray:
        """Copy of "g" or "d" of a connection, of ``param_shape``."""

    @abstractmethod
    def forward(self, batch: Batch, record: RecordRequest | None = None) -> ForwardResult:
        """Run a batch forwards from the initial state, keeping what ``backward`` needs."""

    @abstractmethod
    def backward(
        self,
        gradients: Mapping[int, OutputGradient],
        record: RecordRequest | None = None,
    ) -> Recording:
        """Run the last forward batch backwards, replacing the stored gradients.

        ``gradients`` has one entry per output population. Recording covers the adjoint
        variables LambdaV and LambdaI; row n holds their value at the start of step n.
        """

    @abstractmethod
    def gradients(self) -> list[dict[str, np.ndarray]]:
        """Gradients of the last backward pass, per connection: "g" where weights are
        learned, "d" (per timestep of delay) where delays are, of ``param_shape``."""

    def gradient_norms(self) -> list[dict[str, float]]:
        """Euclidean norms of :meth:`gradients`, per connection."""
        return [{n: float(np.linalg.norm(g)) for n, g in c.items()} for c in self.gradients()]

    @abstractmethod
    def apply_gradients(self, optimisers: Sequence[Mapping[str, Optimiser]], step: int) -> None:
        """One optimiser step, ``optimisers[connection]["g" | "d"]``; delays are clamped
        to [0, max_delay_steps]. ``step`` counts from 0."""

    @abstractmethod
    def optimiser_state(self) -> dict[str, np.ndarray]:
        """Copy of the optimisers' moments, flat names -> arrays, for checkpoints."""

    @abstractmethod
    def set_optimiser_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Restore what :meth:`optimiser_state` gave."""

    @abstractmethod
    def memory_estimate(self) -> dict[str, int]:
        """Bytes the engine needs, by purpose (spike tapes, which grow, excluded)."""

    def close(self) -> None:  # noqa: B027
        """Release threads and memory. The engine cannot be used afterwards."""

    def set_parameters(self, parameters: Parameters) -> None:
        """Set all parameters."""
        for index, values in enumerate(parameters):
            for name, value in values.items():
                self.set_parameter(index, name, value)

    def get_parameters(self) -> Parameters:
        """Copy of all parameters."""
        return [
            {n: self.get_parameter(c.index, n) for n in c.parameter_names}
            for c in self.program.connections
        ]
