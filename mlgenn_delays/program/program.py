"""What a network compiles to: plain data that every engine understands.

A :class:`Program` holds sizes, time constants and structure; it holds no
parameter values. Those travel separately, as one ``{"g": ..., "d": ...}``
dictionary per connection (see :data:`Parameters`), so that one program can
serve several parameter sets.

Units: times in ms, delays in timesteps (real numbers; rounded to the nearest
integer for the simulation, never truncated).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..losses import Loss
    from ..neurons import Neuron
    from ..readouts import Readout

#: One dictionary per connection, in the order of ``Program.connections``:
#: ``"g"`` weights and, where ``delay_kind`` is ``PER_SYNAPSE``, ``"d"`` delays,
#: float32 arrays of shape :attr:`ConnectionProgram.param_shape`.
Parameters = list[dict[str, np.ndarray]]


class DelayKind(Enum):
    """How the delays of a connection are stored."""

    CONSTANT = "constant"  #: one whole number of steps for all synapses (0: none)
    PER_SYNAPSE = "per_synapse"  #: a real number of steps per synapse, fixed or learned


@dataclass(frozen=True)
class PopulationProgram:
    """One population: its model, what is read out of it and how it is trained.

    ``taus_syn`` lists the distinct synaptic time constants [ms] of its incoming
    connections; each is a receptor with its own synaptic current.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    neuron: Neuron
    taus_syn: tuple[float, ...] = ()
    readout: Readout | None = None
    loss: Loss | None = None  #: None in inference and for populations without readout
    per_timestep_loss: bool = False  #: the loss needs the voltage of every timestep
    reg_lambda_upper: float = 0.0
    reg_lambda_lower: float = 0.0
    reg_nu_upper: float = 0.0

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(np.prod(self.shape))

    @property
    def is_input(self) -> bool:
        """Whether the population emits given spikes and has no dynamics."""
        return self.neuron.is_input

    @property
    def is_spiking(self) -> bool:
        """Whether the population can emit spikes (inputs included)."""
        return self.neuron.is_spiking

    @property
    def has_regulariser(self) -> bool:
        """Whether the spike counts of the population are regularised."""
        return self.reg_lambda_upper != 0.0 or self.reg_lambda_lower != 0.0


@dataclass(frozen=True)
class ConnectionProgram:
    """One connection: who is connected to whom, with what sort of delay."""

    index: int
    name: str
    source: int  #: index into ``Program.populations``
    target: int  #: index into ``Program.populations``
    source_size: int
    target_size: int
    receptor: int  #: index into ``taus_syn`` of the target
    tau_syn: float  #: synaptic time constant [ms]
    #: Sparse connectivity: (number of synapses,) indices sorted by (pre, post); None: dense
    pre_ind: np.ndarray | None = None
    post_ind: np.ndarray | None = None
    delay_kind: DelayKind = DelayKind.CONSTANT
    constant_delay: int = 0  #: steps, where ``delay_kind`` is CONSTANT
    max_delay_steps: int = 0  #: largest delay any synapse may have, in steps
    learn_weights: bool = True
    learn_delays: bool = False

    @property
    def is_sparse(self) -> bool:
        """Whether synapses are listed one by one."""
        return self.pre_ind is not None

    @property
    def num_synapses(self) -> int:
        """Number of synapses."""
        if self.pre_ind is not None:
            return len(self.pre_ind)
        return self.source_size * self.target_size

    @property
    def param_shape(self) -> tuple[int, ...]:
        """Shape of "g" and "d": (pre, post) where dense, (synapses,) where sparse."""
        if self.is_sparse:
            return (self.num_synapses,)
        return (self.source_size, self.target_size)

    @property
    def has_synapse_delays(self) -> bool:
        """Whether every synapse has a delay of its own (parameter "d")."""
        return self.delay_kind is DelayKind.PER_SYNAPSE

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the arrays the connection has: "g" and, with synapse delays, "d"."""
        return ("g", "d") if self.has_synapse_delays else ("g",)


@dataclass(frozen=True)
class Program:
    """A compiled network.

    ``training`` programs can run backwards. ``i_minus_thresh_min`` is the lower
    bound on I - theta at a spike, which keeps the EventProp jump finite.
    """

    populations: tuple[PopulationProgram, ...]
    connections: tuple[ConnectionProgram, ...]
    dt: float  #: [ms]
    timesteps: int
    batch_size: int  #: largest number of examples in one call
    training: bool
    i_minus_thresh_min: float = 1e-2
    ttfs_alpha: float = 0.01
    softmax_temperature: float = 1.0

    @property
    def duration(self) -> float:
        """Length of a trial [ms]."""
        return self.dt * self.timesteps

    @property
    def inputs(self) -> tuple[PopulationProgram, ...]:
        """Populations that emit given spikes."""
        return tuple(p for p in self.populations if p.is_input)

    @property
    def outputs(self) -> tuple[PopulationProgram, ...]:
        """Populations with a readout."""
        return tuple(p for p in self.populations if p.readout is not None)

    def incoming(self, population: PopulationProgram) -> tuple[ConnectionProgram, ...]:
        """Connections that end at ``population``."""
        return tuple(c for c in self.connections if c.target == population.index)

    def outgoing(self, population: PopulationProgram) -> tuple[ConnectionProgram, ...]:
        """Connections that start at ``population``."""
        return tuple(c for c in self.connections if c.source == population.index)

    def ring_slots(self, population: PopulationProgram) -> int:
        """Slots of a population's delay rings: its largest incoming delay + 1."""
        return 1 + max((c.max_delay_steps for c in self.incoming(population)), default=0)
