"""What a network compiles to: frozen values that every engine understands.

A :class:`Program` holds sizes, structure, models as text and numbers, and the specification of
every parameter with its initial values; no object of the description is in it. Programs that are
equal give the same code and the same results.

Units: times in ms, delays in timesteps (real numbers, see :mod:`.timing`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Literal

import numpy as np

from .frozen import Frozen
from .model import NeuronModel, SynapseModel
from .parameters import OwnerKind, ParameterSpec
from .surrogate import SurrogateProgram
from .window import Kernel


class ReadoutKind(Enum):
    """How a population is read out."""

    WEIGHTED = "weighted"  #: Y = sum_n c_n V_n over timesteps
    MAX = "max"  #: Y = max V
    FIRST_SPIKE = "first_spike"  #: Y = -(time of the first spike)
    SUM_SOFTMAX = "sum_softmax"  #: Y = sum_n softmax(V_n) over neurons
    SPIKE_COUNT = "spike_count"  #: Y = number of spikes

    @property
    def uses_spikes(self) -> bool:
        """Whether spikes are read out, not voltages."""
        return self in (ReadoutKind.FIRST_SPIKE, ReadoutKind.SPIKE_COUNT)


@dataclass(frozen=True)
class Density:
    """c(t) = exp(-t / tau) / scale of Y = integral c(t) V(t) dt; both in ms."""

    scale: float
    tau: float = math.inf


@dataclass(frozen=True, eq=False, repr=False)
class ReadoutProgram(Frozen):
    """One readout.

    Attributes:
        name:    by which it is chosen, e.g. "avg_var"
        kind:    how it is computed
        weights: (timesteps,) float64 c_n, where ``kind`` is WEIGHTED; else None
        density: counterpart of ``weights`` in continuous time, within the window; None where there
            is none, as for the voltage at the end of the trial
        window:  first timestep that is read, and the first one after it that is not; None: all are
    """

    name: str
    kind: ReadoutKind
    weights: np.ndarray | None = None
    density: Density | None = None
    window: tuple[int, int] | None = None

    @property
    def uses_spikes(self) -> bool:
        """Whether spikes are read out, not voltages."""
        return self.kind.uses_spikes

    @property
    def uses_spike_times(self) -> bool:
        """Whether it is the time of a spike that is read out."""
        return self.kind is ReadoutKind.FIRST_SPIKE

    def steps(self, timesteps: int) -> slice:
        """Which ones of ``timesteps`` are read."""
        return slice(*(self.window or (0, timesteps)))


@dataclass(frozen=True)
class Receptor:
    """Synaptic current of all synapses with one time constant, or all delta synapses."""

    tau: float  #: [ms]; 0: delta synapses, which have no current
    model: SynapseModel
    own_tau: bool = (
        False  #: whether time constants are those of single neurons; ``tau`` is one of them
    )

    @property
    def is_delta(self) -> bool:
        """Whether V jumps by what arrives."""
        return self.tau == 0.0


@dataclass(frozen=True)
class Regulariser:
    """Regularisation of spike counts: strength above and below a mean count of ``nu``.

    ``scale`` makes up for the unit of adjoints: mlGeNN's adjoints of losses on voltages are
    1/tau_mem of the output smaller than the exact ones used here, so that its strengths mean the
    same after multiplication with that tau_mem (a typical one, where outputs have their own).
    """

    upper: float
    lower: float
    nu: float
    scale: float

    def jump(self, spike_counts: np.ndarray, num_examples: int) -> np.ndarray:
        """What each spike of a neuron adds to its lambda_V, to steer its spike count.

        As in mlGeNN: -lambda (mean count - nu) / examples with lambda the upper or the lower
        strength.

        Args:
            spike_counts: (neurons,) in all examples of the batch
            num_examples: of the batch

        Returns:
            (neurons,) float64
        """
        excess = spike_counts / num_examples - self.nu
        strength = np.where(excess > 0.0, self.upper, self.lower)
        return np.asarray(-self.scale * strength * excess / num_examples)


@dataclass(frozen=True)
class PopulationProgram:
    """One population.

    Attributes:
        neuron:      name of the neuron's class, for messages
        model:       dynamics and adjoint; None of inputs, which emit given spikes
        receptors:   one per synaptic time constant of its incoming connections
        trace:       whether a loss needs the voltage of every timestep
        regulariser: of its spike counts; None: they are not regularised
        record_spikes: whether spikes may be recorded
        own:         constants of the model that are parameters of single neurons; the model has one
                     of their values
    """

    index: int
    name: str
    shape: tuple[int, ...]
    neuron: str
    model: NeuronModel | None = None
    receptors: tuple[Receptor, ...] = ()
    readout: ReadoutProgram | None = None
    trace: bool = False
    regulariser: Regulariser | None = None
    record_spikes: bool = False
    own: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of neurons."""
        return math.prod(self.shape)

    @property
    def is_input(self) -> bool:
        """Whether the population emits given spikes and has no dynamics."""
        return self.model is None

    @property
    def is_spiking(self) -> bool:
        """Whether the population can emit spikes (inputs included)."""
        return self.model is None or bool(self.model.threshold_condition_code.strip())

    @property
    def dynamics(self) -> NeuronModel:
        """The model of a population that is no input.

        Raises:
            TypeError: it is one
        """
        if self.model is None:
            raise TypeError(f"population {self.name!r} is an input and has no dynamics")
        return self.model

    @property
    def state_variables(self) -> tuple[str, ...]:
        """Variables of the forward pass that can be recorded."""
        return () if self.model is None else tuple(self.model.vars)

    @property
    def current_adjoints(self) -> tuple[str, ...]:
        """Names of the adjoints of the synaptic currents, one per receptor: "LambdaI", or
        "LambdaI0", "LambdaI1", ... where there are several."""
        if len(self.receptors) == 1:
            return ("LambdaI",)
        return tuple(f"LambdaI{r}" for r in range(len(self.receptors)))

    @property
    def adjoint_variables(self) -> tuple[str, ...]:
        """Variables of the backward pass that can be recorded."""
        if self.model is None:
            return ()
        return (*self.current_adjoints, *self.model.adjoint.vars)


@dataclass(frozen=True, eq=False, repr=False)
class ConnectionProgram(Frozen):
    """One connection: who is connected to whom, and where its parameters are.

    Attributes:
        source, target:  indices into ``Program.populations``
        receptor:        index into ``receptors`` of the target
        weight:          index of the weights in ``Program.parameters``
        delay:           index of the delays; None: ``constant_delay`` is that of all synapses
        constant_delay:  whole timesteps
        max_delay_steps: largest delay that any synapse may have, in timesteps
        pre_ind, post_ind: (synapses,) uint32, sorted by pre, then post; None: dense
        axonal_delays:   whether delays are one per presynaptic neuron, in their order
        kernel:          of a convolution, whose entries are those of the weights
    """

    index: int
    name: str
    source: int
    target: int
    source_size: int
    target_size: int
    receptor: int
    tau_syn: float  #: [ms]; 0: delta synapses, see :class:`Receptor`
    weight: int
    delay: int | None = None
    constant_delay: int = 0
    max_delay_steps: int = 0
    pre_ind: np.ndarray | None = None
    post_ind: np.ndarray | None = None
    axonal_delays: bool = False
    kernel: Kernel | None = None

    @property
    def is_sparse(self) -> bool:
        """Whether synapses are listed one by one."""
        return self.pre_ind is not None

    @property
    def has_listed_synapses(self) -> bool:
        """Whether which synapses there are has to be said: a kernel says it."""
        return self.is_sparse and self.kernel is None

    @property
    def num_synapses(self) -> int:
        """Number of synapses."""
        if self.pre_ind is not None:
            return len(self.pre_ind)
        return self.source_size * self.target_size

    @property
    def synapse_shape(self) -> tuple[int, ...]:
        """Shape of one value per synapse: (pre, post) where dense, (synapses,) where sparse."""
        if self.is_sparse:
            return (self.num_synapses,)
        return (self.source_size, self.target_size)

    def synapses(self) -> tuple[np.ndarray, np.ndarray]:
        """Neurons that each synapse connects, (synapses,) each."""
        if self.pre_ind is not None and self.post_ind is not None:
            return self.pre_ind, self.post_ind
        pre, post = np.indices(self.synapse_shape)
        return pre.ravel(), post.ravel()

    @property
    def has_synapse_delays(self) -> bool:
        """Whether every synapse has a delay of its own."""
        return self.delay is not None


#: Where spikes and arrivals fall: at ends of timesteps, or anywhere (docs/substep.md).
Timing = Literal["grid", "substep"]


@dataclass(frozen=True)
class Program:
    """A compiled network. ``training`` programs can run backwards: with the exact gradients of
    EventProp, or with surrogate gradients, where ``surrogate`` says so."""

    populations: tuple[PopulationProgram, ...]
    connections: tuple[ConnectionProgram, ...]
    parameters: tuple[ParameterSpec, ...]
    dt: float  #: [ms]
    timesteps: int
    batch_size: int  #: largest number of examples in one call
    training: bool
    timing: Timing = "grid"
    surrogate: SurrogateProgram | None = None

    @property
    def is_substep(self) -> bool:
        """Whether spikes and arrivals fall anywhere within timesteps."""
        return self.timing == "substep"

    @property
    def duration(self) -> float:
        """Length of a trial [ms]."""
        return self.dt * self.timesteps

    @property
    def inputs(self) -> tuple[PopulationProgram, ...]:
        """Populations that emit given spikes."""
        return tuple(p for p in self.populations if p.is_input)

    @property
    def neurons(self) -> tuple[PopulationProgram, ...]:
        """Populations with dynamics."""
        return tuple(p for p in self.populations if not p.is_input)

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

    def receptor(self, connection: ConnectionProgram) -> Receptor:
        """The receptor that a connection ends at."""
        return self.populations[connection.target].receptors[connection.receptor]

    def ring_slots(self, population: PopulationProgram) -> int:
        """Slots of a population's delay rings: its largest incoming delay + 1, and in sub-step
        timing one more, for what arrives later in its step than the spike was in its own."""
        longest = max((c.max_delay_steps for c in self.incoming(population)), default=0)
        return longest + (2 if self.is_substep else 1)

    @property
    def of_synapses(self) -> frozenset[int]:
        """Indices of the parameters that are weights or delays."""
        both = (i for c in self.connections for i in (c.weight, c.delay))
        return frozenset(i for i in both if i is not None)

    def learns(self, parameter: int | None) -> bool:
        """Whether there is such a parameter, and it is learned."""
        return parameter is not None and self.parameters[parameter].learned

    def parameters_of(self, kind: OwnerKind, index: int) -> dict[str, int]:
        """Name -> index of the parameters of a connection or population."""
        return {
            spec.name: i
            for i, spec in enumerate(self.parameters)
            if (spec.owner.kind, spec.owner.index) == (kind, index)
        }

    def own_parameters(self, population: PopulationProgram) -> dict[str, int]:
        """Constant -> index of the constants of a population's model and receptors that are
        parameters of its single neurons, see :mod:`.constants`. Parameters with other names have no
        effect on the model."""
        if population.is_input:
            return {}
        found = {}
        for index, spec in enumerate(self.parameters):
            constant = spec.constant or spec.name
            if spec.owner.kind is OwnerKind.POPULATION:
                mine = spec.owner.index == population.index
                if mine and constant in population.dynamics.params:
                    found[constant] = index
            elif constant == "TauSyn":
                connection = self.connections[spec.owner.index]
                if connection.target == population.index:
                    found[f"TauSyn{connection.receptor}"] = index
        return found

    def __str__(self) -> str:
        names = [p.name for p in self.populations]
        kind = "training" if self.training else "inference"
        lines = [f"{self.timesteps} timesteps of {self.dt:g} ms, {kind}", "populations:"]
        for p in self.populations:
            readout = f", read out by {p.readout.name}" if p.readout else ""
            lines.append(f"  {p.name}: {p.size} {p.neuron}{readout}")
        lines.append("connections:")
        for c in self.connections:
            delay = f"up to {c.max_delay_steps}" if c.has_synapse_delays else f"{c.constant_delay}"
            synapses = f"tau_syn {c.tau_syn:g} ms" if c.tau_syn else "delta"
            if self.receptor(c).own_tau:
                synapses = "tau_syn of each neuron"
            lines.append(
                f"  {c.name}: {names[c.source]} -> {names[c.target]}, {c.num_synapses} synapses, "
                f"{synapses}, delay {delay} timesteps"
            )
        if self.surrogate is not None:
            lines += self._describe_surrogate(self.surrogate)
        lines.append("parameters:")
        for spec in self.parameters:
            learned = ", learned" if spec.learned else ""
            lines.append(f"  {spec.key}: {list(spec.shape)}{learned}")
        return "\n".join(lines)

    def _describe_surrogate(self, surrogate: SurrogateProgram) -> list[str]:
        lines = [f"surrogate gradients: {surrogate.function}, slope {surrogate.slope:g}"]
        for c, spread in zip(self.connections, surrogate.spreads):
            if spread is not None:
                lines.append(f"  {c.name}: delays spread by a {spread.kind}")
        for p, layer in zip(self.populations, surrogate.layers):
            norm = ["batch normalisation"] if layer.norm is not None else []
            shares = ("dropout", "current_dropout", "recurrent_dropout")
            drops = [f"{s} {getattr(layer, s):g}" for s in shares if getattr(layer, s)]
            if norm or drops:
                lines.append(f"  {p.name}: {', '.join(norm + drops)}")
        return lines
