"""Small programs, built by hand, for the tests of engines.

A :class:`ProgramBuilder` is told about populations and connections and draws parameters,
input spikes and targets from its seed; the :class:`Case` it builds holds all that a
forward and a backward pass of any engine needs. Parameters, gradients and optimisers are
dictionaries here, one per connection: "g" of weights, "d" of delays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from mlgenn_delays.engines.base import Engine
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.losses import Loss, SparseCategoricalCrossentropy, Trial, evaluate
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, Neuron, SpikeInput
from mlgenn_delays.program.equations import delta, exponential
from mlgenn_delays.program.exchange import Batch, ForwardResult, OutputGradient
from mlgenn_delays.program.parameters import Owner, OwnerKind, ParameterSpec
from mlgenn_delays.program.program import (
    ConnectionProgram,
    PopulationProgram,
    Program,
    Receptor,
    Regulariser,
)
from mlgenn_delays.readouts import Readout, default_readouts

#: No delay; a number of steps for all synapses; or the range of a delay per synapse.
Delay = None | int | tuple[float, float]

#: What there is of each parameter of a connection, by its name.
T = TypeVar("T")
ByName = dict[str, T]


@dataclass(frozen=True)
class Neurons:
    """A population."""

    name: str
    size: int
    neuron: Neuron
    loss: Loss | None = None
    trace: bool = False
    regularised: tuple[float, float, float] | None = None  #: upper, lower, nu
    taus_syn: tuple[float, ...] = ()

    @property
    def tau_mem(self) -> float:
        """[ms]"""
        return self.neuron.get_model(1.0, 1.0).params["TauM"]


@dataclass(frozen=True)
class Synapses:
    """A connection; ``max_delay_steps`` None: the delay is constant."""

    source: int
    target: int
    receptor: int
    tau_syn: float
    pre_ind: np.ndarray | None = None
    post_ind: np.ndarray | None = None
    constant_delay: int = 0
    max_delay_steps: int | None = None
    learn_weights: bool = True
    learn_delays: bool = True
    name: str | None = None  #: None: those of its ends


@dataclass(frozen=True)
class Settings:
    """What programs have besides populations and connections."""

    dt: float
    timesteps: int
    batch_size: int
    training: bool = True
    i_minus_thresh_min: float = 1e-2
    ttfs_alpha: float = 0.01
    softmax_temperature: float = 1.0


@dataclass(frozen=True)
class Case:
    """A program with parameters, one batch of input and targets."""

    populations: tuple[Neurons, ...]
    connections: tuple[Synapses, ...]
    settings: Settings
    parameters: list[ByName[np.ndarray]]  #: float64
    inputs: dict[int, EventDataset]
    targets: dict[int, np.ndarray]  #: by output population

    @property
    def program(self) -> Program:
        """What engines take; its initial values are ``parameters`` in float32."""
        connections, parameters = [], []
        for index, c in enumerate(self.connections):
            connections.append(self._connection(index, c, len(parameters)))
            parameters += self._parameters(connections[-1], c)
        populations = tuple(self._population(i, p) for i, p in enumerate(self.populations))
        s = self.settings
        return Program(
            populations,
            tuple(connections),
            tuple(parameters),
            s.dt,
            s.timesteps,
            s.batch_size,
            s.training,
        )

    def _population(self, index: int, p: Neurons) -> PopulationProgram:
        s, neuron = self.settings, p.neuron
        model, receptors = None, ()
        if not neuron.is_input:
            model = neuron.get_model(s.dt, s.i_minus_thresh_min)
            receptors = tuple(
                Receptor(t, exponential(t, p.tau_mem, s.dt) if t else delta()) for t in p.taus_syn
            )
        readout = neuron.readout and neuron.readout.get_program(s.timesteps, s.dt)
        regulariser = None
        if p.regularised is not None:
            output = next(o for o in self.populations if o.neuron.readout is not None)
            spikes = output.neuron.readout.uses_spikes
            regulariser = Regulariser(*p.regularised, 1.0 if spikes else output.tau_mem)
        return PopulationProgram(
            index,
            p.name,
            (p.size,),
            type(neuron).__name__,
            model,
            receptors,
            readout,
            p.trace,
            regulariser,
        )

    def _connection(self, index: int, c: Synapses, weight: int) -> ConnectionProgram:
        pre, post = self.populations[c.source], self.populations[c.target]
        constant = c.max_delay_steps is None
        return ConnectionProgram(
            index=index,
            name=f"{pre.name}_{post.name}" if c.name is None else c.name,
            source=c.source,
            target=c.target,
            source_size=pre.size,
            target_size=post.size,
            receptor=c.receptor,
            tau_syn=c.tau_syn,
            weight=weight,
            delay=None if constant else weight + 1,
            constant_delay=c.constant_delay,
            max_delay_steps=c.constant_delay if constant else c.max_delay_steps,
            pre_ind=None if c.pre_ind is None else c.pre_ind.astype(np.uint32),
            post_ind=None if c.post_ind is None else c.post_ind.astype(np.uint32),
        )

    def _parameters(self, made: ConnectionProgram, c: Synapses) -> list[ParameterSpec]:
        owner = Owner(OwnerKind.CONNECTION, made.index, made.name)
        values = {n: v.astype(np.float32) for n, v in self.parameters[made.index].items()}
        training = self.settings.training
        specs = [ParameterSpec(owner, "g", values["g"], training and c.learn_weights)]
        if "d" in values:
            bounds = (0.0, float(made.max_delay_steps))
            learned = training and c.learn_delays
            specs.append(ParameterSpec(owner, "d", values["d"], learned, bounds, "timesteps"))
        return specs

    # -- what there is of each parameter, by connection or in the program's order

    def index(self, connection: int, name: str) -> int:
        """Place of a parameter in the program."""
        return self.program.parameters_of(OwnerKind.CONNECTION, connection)[name]

    def by_connection(self, values: Mapping[int, T] | Sequence[T]) -> list[ByName[T]]:
        """From the program's order, all parameters or some."""
        if not isinstance(values, Mapping):
            values = dict(enumerate(values))
        specs = self.program.parameters
        found: list[ByName[T]] = [{} for _ in self.connections]
        for index, value in values.items():
            spec = specs[index]
            found[spec.owner.index][spec.name] = value
        return found

    def by_index(self, values: Sequence[ByName[T]]) -> dict[int, T]:
        """To the program's order; what no parameter has is left out."""
        specs = enumerate(self.program.parameters)
        return {
            i: values[s.owner.index][s.name] for i, s in specs if s.name in values[s.owner.index]
        }

    # -- engines

    def engine(self, kind: Any, *arguments: Any) -> Any:
        """An engine that holds ``parameters`` as exactly as it can."""
        engine = kind(self.program, *arguments)
        engine.set_parameters(list(self.by_index(self.parameters).values()))
        return engine

    @property
    def batch(self) -> Batch:
        """All examples."""
        return Batch(self.inputs, np.arange(self.settings.batch_size))

    def set_times(self, times):
        """Give the events of the first input other times [ms], one for all or one each."""
        old = self.inputs[0]
        self.inputs[0] = replace(old, times=np.broadcast_to(times, old.times.shape))

    @property
    def trial(self) -> Trial:
        """What losses know of a trial."""
        s = self.settings
        return Trial(s.dt * s.timesteps, s.dt, s.ttfs_alpha, s.softmax_temperature)

    def evaluate(self, result: ForwardResult) -> tuple[float, dict[int, OutputGradient]]:
        """Mean loss of the batch, summed over outputs, and its gradients."""
        total, gradients = 0.0, {}
        for p in self.program.outputs:
            loss = self.populations[p.index].loss
            assert loss is not None
            losses, gradients[p.index] = evaluate(
                loss, p, result, self.targets[p.index], self.trial
            )
            total += float(np.mean(losses))
        return total, gradients

    def loss(self, engine: Engine) -> float:
        """Mean loss of the batch with the parameters that ``engine`` holds."""
        return self.evaluate(engine.forward(self.batch))[0]

    def gradients(self, engine: Engine) -> list[ByName[np.ndarray]]:
        """Gradients of :meth:`loss`."""
        engine.backward(self.evaluate(engine.forward(self.batch))[1])
        return self.gradients_of(engine)

    def gradients_of(self, engine: Engine) -> list[ByName[np.ndarray]]:
        """Gradients of an engine's last backward pass."""
        return self.by_connection(engine.gradients())

    def parameters_of(self, engine: Engine) -> list[ByName[np.ndarray]]:
        """Parameters that an engine holds."""
        return self.by_connection(engine.get_parameters())

    def apply(self, engine: Engine, optimisers: Sequence[ByName[Any]], step: int) -> None:
        """One optimiser step."""
        engine.apply_gradients(self.by_index(optimisers), step)

    # -- other cases

    def with_settings(self, **changes: Any) -> Case:
        """The same case with some of ``settings`` changed."""
        return replace(self, settings=replace(self.settings, **changes))

    def with_population(self, index: int, **changes: Any) -> Case:
        """The same case with a population changed."""
        populations = list(self.populations)
        populations[index] = replace(populations[index], **changes)
        return replace(self, populations=tuple(populations))

    def with_connection(self, index: int, **changes: Any) -> Case:
        """The same case with a connection changed."""
        connections = list(self.connections)
        connections[index] = replace(connections[index], **changes)
        return replace(self, connections=tuple(connections))

    def with_parameters(self, index: int, **values: np.ndarray) -> Case:
        """The same case with other values of some parameters of a connection."""
        parameters = list(self.parameters)
        parameters[index] = {**parameters[index], **values}
        return replace(self, parameters=parameters)

    def at_timestep(self, dt: float) -> Case:
        """The same continuous problem on another grid (delays are in timesteps).

        Constant delays must be whole numbers of new timesteps. Targets that have a row
        per timestep do not go along.
        """
        factor = self.settings.dt / dt
        connections = tuple(
            replace(
                c,
                constant_delay=round(c.constant_delay * factor),
                max_delay_steps=(
                    None
                    if c.max_delay_steps is None
                    else int(np.ceil(c.max_delay_steps * factor - 1e-9))
                ),
            )
            for c in self.connections
        )
        parameters = [
            {n: v * factor if n == "d" else v for n, v in values.items()}
            for values in self.parameters
        ]
        case = replace(self, connections=connections, parameters=parameters)
        return case.with_settings(dt=dt, timesteps=round(self.settings.timesteps * factor))


class ProgramBuilder:
    """Collects populations and connections; see :meth:`build`.

    Args:
        seed:      of all that is drawn
        timesteps: of a trial
        dt:        [ms]
        batch:     number of examples
    """

    def __init__(self, seed: int = 0, timesteps: int = 40, dt: float = 1.0, batch: int = 2):
        self.rng = np.random.default_rng(seed)
        self.timesteps, self.dt, self.batch = timesteps, dt, batch
        self.populations: list[Neurons] = []
        self.connections: list[Synapses] = []
        self.parameters: list[ByName[np.ndarray]] = []
        self.inputs: dict[int, EventDataset] = {}

    @property
    def duration(self) -> float:
        """Length of a trial [ms]."""
        return self.dt * self.timesteps

    def input(self, size: int, spikes: int = 8, name: str = "input") -> int:
        """Input with ``spikes`` spikes per example in the first 70 % of the trial."""
        index = self._add(name, size, SpikeInput())
        events = [self._draw_spikes(size, spikes) for _ in range(self.batch)]
        offsets = np.cumsum([0] + [len(t) for t, _ in events])
        times = np.concatenate([t for t, _ in events])
        neurons = np.concatenate([n for _, n in events]).astype(np.uint16)
        self.inputs[index] = EventDataset(offsets, times, neurons, size)
        return index

    def _draw_spikes(self, size: int, spikes: int) -> tuple[np.ndarray, np.ndarray]:
        times = np.sort(self.rng.uniform(0.0, 0.7 * self.duration, spikes))
        return times, self.rng.integers(0, size, spikes)

    def hidden(self, size: int, name: str = "hidden", tau_mem: float = 10.0, **neuron: Any) -> int:
        """Leaky integrate-and-fire neurons; ``neuron`` are arguments of the class."""
        return self._add(name, size, LeakyIntegrateFire(tau_mem=tau_mem, **neuron))

    def output(
        self,
        size: int,
        loss: Loss,
        readout: str | Readout = "avg_var",
        name: str = "output",
        per_timestep: bool = False,
        **neuron: Any,
    ) -> int:
        """Output: spiking where the readout uses spikes, else a leaky integrator."""
        made = default_readouts[readout]() if isinstance(readout, str) else readout
        kind = LeakyIntegrateFire if made.uses_spikes else LeakyIntegrate
        model = kind(**{"tau_mem": 10.0, **neuron, "readout": made})
        return self._add(name, size, model, loss=loss, trace=loss.needs_trace(per_timestep))

    def _add(self, name: str, size: int, neuron: Neuron, **settings: Any) -> int:
        self.populations.append(Neurons(name, size, neuron, **settings))
        return len(self.populations) - 1

    def regularise(self, population: int, upper: float, lower: float, nu: float) -> None:
        """Regularise the spike counts of a population."""
        self.populations[population] = replace(
            self.populations[population], regularised=(upper, lower, nu)
        )

    def connect(
        self,
        source: int,
        target: int,
        mean: float,
        sd: float = 0.0,
        tau_syn: float = 5.0,
        delay: Delay = None,
        density: float = 1.0,
        max_delay_steps: int = 20,
    ) -> int:
        """Weights from Normal(mean, sd); a delay per synapse is drawn uniformly and learned; a
        ``tau_syn`` of 0 is that of delta synapses."""
        pre, post = self.populations[source], self.populations[target]
        taus = post.taus_syn if tau_syn in post.taus_syn else (*post.taus_syn, tau_syn)
        self.populations[target] = replace(post, taus_syn=taus)
        chosen = self.rng.uniform(size=(pre.size, post.size)) < density
        pre_ind, post_ind = np.nonzero(chosen) if density < 1.0 else (None, None)
        per_synapse = isinstance(delay, tuple)
        connection = Synapses(
            source,
            target,
            taus.index(tau_syn),
            tau_syn,
            pre_ind,
            post_ind,
            constant_delay=delay if isinstance(delay, int) else 0,
            max_delay_steps=max_delay_steps if per_synapse else None,
        )
        shape = (pre.size, post.size) if pre_ind is None else (len(pre_ind),)
        values = {"g": self.rng.normal(mean, sd, shape)}
        if isinstance(delay, tuple):
            values["d"] = self.rng.uniform(*delay, shape)
        self.connections.append(connection)
        self.parameters.append(values)
        return len(self.connections) - 1

    def build(self, targets: Sequence[np.ndarray] | None = None, **settings: Any) -> Case:
        """The case; ``targets`` per output in order, by default labels 0, 1, 2, ..."""
        outputs = [i for i, p in enumerate(self.populations) if p.neuron.readout is not None]
        if targets is None:
            targets = [np.arange(self.batch) % self.populations[i].size for i in outputs]
        by_output = {i: np.asarray(y) for i, y in zip(outputs, targets, strict=True)}
        return Case(
            tuple(self.populations),
            tuple(self.connections),
            Settings(self.dt, self.timesteps, self.batch, **settings),
            self.parameters,
            self.inputs,
            by_output,
        )


def recurrent_case(
    loss: Loss,
    readout: str | Readout = "avg_var",
    *,
    seed: int = 4,
    timesteps: int = 30,
    batch: int = 2,
    delays: tuple[Delay, Delay, Delay] = (None, None, None),
    sizes: tuple[int, int, int] = (3, 3, 2),
    density: float = 1.0,
    input_weight: float = 2.0,
    output_weight: float = 0.5,
    per_timestep: bool = False,
    hidden: Mapping[str, Any] | None = None,
    output: Mapping[str, Any] | None = None,
    targets: Sequence[np.ndarray] | None = None,
    **settings: Any,
) -> Case:
    """Input -> recurrent hidden -> output; ``delays`` of those three connections.

    Small enough for finite differences of every parameter; hidden neurons spike 4 to 10
    times per example.
    """
    builder = ProgramBuilder(seed, timesteps, batch=batch)
    first = builder.input(sizes[0])
    middle = builder.hidden(sizes[1], **(hidden or {}))
    last = builder.output(sizes[2], loss, readout, per_timestep=per_timestep, **(output or {}))
    builder.connect(first, middle, input_weight, 0.7, delay=delays[0], density=density)
    builder.connect(middle, middle, 0.0, 0.6, delay=delays[1], density=density)
    builder.connect(middle, last, output_weight, 1.0, delay=delays[2], density=density)
    return builder.build(targets, **settings)


def layered_case(
    loss: Loss,
    *,
    seed: int = 4,
    delay: Delay = None,
    tau_mem: tuple[float, float, float] = (10.0, 10.0, 10.0),
    tau_syn: tuple[float, float] = (5.0, 5.0),
    skip: bool = True,
) -> Case:
    """Input -> two hidden layers -> output, with or without connections that skip a layer.

    Args:
        delay:   of all connections
        tau_mem: of the two hidden layers and the output [ms]
        tau_syn: of connections between neighbours and of those that skip a layer [ms]
        skip:    connect the input to the second layer and the first layer to the output
    """
    builder = ProgramBuilder(seed, timesteps=30)
    layers = [builder.input(3)]
    layers += [builder.hidden(2, f"hidden{i}", tau_mem[i]) for i in range(2)]
    layers.append(builder.output(2, loss, tau_mem=tau_mem[2]))
    for source, target, mean in zip(layers[:-1], layers[1:], (2.5, 1.5, 0.5), strict=True):
        builder.connect(source, target, mean, 0.5, tau_syn[0], delay)
    if skip:
        builder.connect(layers[0], layers[2], 1.0, 0.5, tau_syn[1], delay)
        builder.connect(layers[1], layers[3], 0.0, 0.5, tau_syn[1], delay)
    return builder.build()


def delta_case(
    *,
    seed: int = 4,
    delay: Delay = None,
    density: float = 1.0,
    mixed: bool = False,
    batch: int = 2,
    **hidden: Any,
) -> Case:
    """Input -> recurrent hidden -> output with delta synapses, for inference.

    Args:
        delay:  of all connections
        mixed:  further connections between the same populations have currents
        hidden: arguments of the hidden neurons
    """
    builder = ProgramBuilder(seed, timesteps=40, batch=batch)
    first = builder.input(4, spikes=25)
    middle = builder.hidden(5, **hidden)
    last = builder.output(3, SparseCategoricalCrossentropy(), "sum_var")
    ends = [(first, middle, 0.7, 0.3), (middle, middle, 0.0, 0.2), (middle, last, 0.2, 0.5)]
    for source, target, mean, sd in ends:
        builder.connect(source, target, mean, sd, 0.0, delay, density)
        if mixed:
            builder.connect(source, target, mean, sd, 4.0, delay, density)
    return builder.build(training=False)


def two_inputs_and_two_outputs(batch: int = 2) -> Case:
    loss = SparseCategoricalCrossentropy()
    builder = ProgramBuilder(seed=11, timesteps=30, batch=batch)
    a, b = builder.input(3, name="a"), builder.input(17, name="b", spikes=15)
    hidden = builder.hidden(5)
    c = builder.output(2, loss, name="c")
    d = builder.output(3, loss, "max_var", name="d", tau_mem=4.0)
    builder.connect(a, hidden, 2.5, 0.5, delay=(0.0, 15.0))
    builder.connect(b, hidden, 2.0, 0.5, delay=3)
    builder.connect(hidden, c, 0.5, 1.0, delay=(0.0, 15.0))
    builder.connect(hidden, d, 0.5, 1.0)
    builder.connect(a, d, 0.5, 1.0, delay=(0.0, 15.0))
    return builder.build()


def spiking_output_with_outgoing_connections(batch: int = 2) -> Case:
    """An output that excites itself and the population before it."""
    loss = SparseCategoricalCrossentropy()
    builder = ProgramBuilder(seed=3, timesteps=30, batch=batch)
    first, hidden = builder.input(3), builder.hidden(3)
    last = builder.output(3, loss, "first_spike_time", tau_refrac=2.0, v_thresh=0.8)
    builder.connect(first, hidden, 3.0, 0.5, delay=(0.0, 15.0))
    builder.connect(hidden, last, 0.8, 0.5)
    builder.connect(last, last, 0.8, 0.2, delay=(0.0, 3.0))
    builder.connect(last, hidden, 0.5, 0.2, delay=1)
    return builder.build()
