"""Small programs, built by hand, for the tests of engines.

A :class:`ProgramBuilder` is told about populations and connections and draws parameters,
input spikes and targets from its seed; the :class:`Case` it builds holds all that a
forward and a backward pass of any engine needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlgenn_delays.engines.base import Batch, Engine, ForwardResult, OutputGradient
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.losses import Loss, SparseCategoricalCrossentropy, evaluate
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, Neuron, SpikeInput
from mlgenn_delays.program.program import (
    ConnectionProgram,
    DelayKind,
    Parameters,
    PopulationProgram,
    Program,
)

#: No delay; a number of steps for all synapses; or the range of a delay per synapse.
Delay = None | int | tuple[float, float]


@dataclass
class Case:
    """A program with parameters, one batch of input and targets."""

    program: Program
    parameters: Parameters  #: float64
    inputs: dict[int, EventDataset]
    targets: dict[int, np.ndarray]  #: by output population

    @property
    def batch(self) -> Batch:
        """All examples."""
        return Batch(self.inputs, np.arange(self.program.batch_size))

    def evaluate(self, result: ForwardResult) -> tuple[float, dict[int, OutputGradient]]:
        """Mean loss of the batch, summed over outputs, and its gradients."""
        total, gradients = 0.0, {}
        for p in self.program.outputs:
            assert p.loss is not None
            losses, gradients[p.index] = evaluate(
                p.loss, p, result, self.targets[p.index], self.program
            )
            total += float(np.mean(losses))
        return total, gradients

    def loss(self, engine: Engine) -> float:
        """Mean loss of the batch with the parameters that ``engine`` holds."""
        return self.evaluate(engine.forward(self.batch))[0]

    def gradients(self, engine: Engine) -> list[dict[str, np.ndarray]]:
        """Gradients of :meth:`loss`, a dictionary per connection."""
        engine.backward(self.evaluate(engine.forward(self.batch))[1])
        return engine.gradients()

    def with_program(self, **changes: Any) -> Case:
        """The same case with fields of the program changed."""
        return replace(self, program=replace(self.program, **changes))

    def at_timestep(self, dt: float) -> Case:
        """The same continuous problem on another grid (delays are in timesteps).

        Constant delays must be whole numbers of new timesteps. Targets that have a row
        per timestep do not go along.
        """
        factor = self.program.dt / dt
        connections = tuple(
            replace(
                c,
                constant_delay=round(c.constant_delay * factor),
                max_delay_steps=int(np.ceil(c.max_delay_steps * factor - 1e-9)),
            )
            for c in self.program.connections
        )
        parameters = [
            {n: v * factor if n == "d" else v for n, v in values.items()}
            for values in self.parameters
        ]
        timesteps = round(self.program.timesteps * factor)
        program = replace(self.program, dt=dt, timesteps=timesteps, connections=connections)
        return replace(self, program=program, parameters=parameters)


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
        self.populations: list[PopulationProgram] = []
        self.connections: list[ConnectionProgram] = []
        self.parameters: Parameters = []
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
        readout: str = "avg_var",
        name: str = "output",
        per_timestep: bool = False,
        **neuron: Any,
    ) -> int:
        """Output: spiking with readout first_spike_time, else a leaky integrator."""
        kind = LeakyIntegrateFire if readout == "first_spike_time" else LeakyIntegrate
        model = kind(**{"tau_mem": 10.0, **neuron, "readout": readout})
        trace = loss.needs_trace(per_timestep)
        return self._add(name, size, model, loss=loss, per_timestep_loss=trace)

    def _add(self, name: str, size: int, neuron: Neuron, **settings: Any) -> int:
        index = len(self.populations)
        readout = neuron.readout
        self.populations.append(
            PopulationProgram(index, name, (size,), neuron, readout=readout, **settings)
        )
        return index

    def regularise(self, population: int, upper: float, lower: float, nu: float) -> None:
        """Regularise the spike counts of a population."""
        self.populations[population] = replace(
            self.populations[population],
            reg_lambda_upper=upper,
            reg_lambda_lower=lower,
            reg_nu_upper=nu,
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
        """Weights from Normal(mean, sd); a delay per synapse is drawn uniformly and learned."""
        pre, post = self.populations[source], self.populations[target]
        taus = post.taus_syn if tau_syn in post.taus_syn else (*post.taus_syn, tau_syn)
        self.populations[target] = replace(post, taus_syn=taus)
        chosen = self.rng.uniform(size=(pre.size, post.size)) < density
        pre_ind, post_ind = np.nonzero(chosen) if density < 1.0 else (None, None)
        per_synapse = isinstance(delay, tuple)
        connection = ConnectionProgram(
            index=len(self.connections),
            name=f"{pre.name}_{post.name}",
            source=source,
            target=target,
            source_size=pre.size,
            target_size=post.size,
            receptor=taus.index(tau_syn),
            tau_syn=tau_syn,
            pre_ind=pre_ind,
            post_ind=post_ind,
            delay_kind=DelayKind.PER_SYNAPSE if per_synapse else DelayKind.CONSTANT,
            constant_delay=delay if isinstance(delay, int) else 0,
            max_delay_steps=max_delay_steps if per_synapse else int(delay or 0),  # type: ignore[arg-type]
            learn_delays=per_synapse,
        )
        values = {"g": self.rng.normal(mean, sd, connection.param_shape)}
        if isinstance(delay, tuple):
            values["d"] = self.rng.uniform(*delay, connection.param_shape)
        self.connections.append(connection)
        self.parameters.append(values)
        return connection.index

    def build(self, targets: Sequence[np.ndarray] | None = None, **program: Any) -> Case:
        """The case; ``targets`` per output in order, by default labels 0, 1, 2, ..."""
        populations = tuple(self.populations)
        made = Program(
            populations,
            tuple(self.connections),
            self.dt,
            self.timesteps,
            self.batch,
            training=True,
            **program,
        )
        if targets is None:
            targets = [np.arange(self.batch) % p.size for p in made.outputs]
        by_output = {p.index: np.asarray(y) for p, y in zip(made.outputs, targets, strict=True)}
        return Case(made, self.parameters, self.inputs, by_output)


def recurrent_case(
    loss: Loss,
    readout: str = "avg_var",
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
    **program: Any,
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
    return builder.build(targets, **program)


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
