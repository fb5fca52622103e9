"""Classifiers of spike trains: hidden layers with delays, and a leaky integrator to read them out.

    input -> hidden (or hidden1 -> hidden2 -> ...) -> output

Every hidden layer may be connected to itself. Delays belong to the connections that end at hidden
layers and, if wanted, to the one that ends at the output.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import default_params
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.events.augmentation import (
    Augmentation,
    AugmentEvents,
    Compose,
    DropEvents,
    JitterTimes,
    ShiftChannels,
    check_rate,
)
from mlgenn_delays.events.blending import BlendExamples
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, Neuron, SpikeInput
from mlgenn_delays.synapses import Exponential

#: What ``delays`` may be: trained, drawn once and kept, or none (all zero).
DELAY_MODES = ("learned", "fixed", "none")


@dataclass(frozen=True)
class ClassifierSettings:
    """All that a training needs besides data, sizes of layers and seed.

    Times are in ms. Weights are (mean, standard deviation) of a normal distribution, initial
    delays (shortest, longest) of a uniform one. The defaults are those of Mészáros et al. 2025
    (10.1038/s41467-025-65394-8) as far as tasks have them in common.
    """

    dt: float = 1.0

    # neurons
    tau_mem: float = 20.0  #: of hidden neurons
    tau_mem_output: float = 20.0
    tau_syn: float = 5.0  #: of synapses onto hidden neurons
    tau_syn_output: float = 5.0
    v_thresh: float = 1.0
    readout: str = "avg_var_exp_weight"
    temperature: float = 1.0  #: of the softmax over what is read out

    # weights
    input_weight: tuple[float, float] = (0.03, 0.01)
    hidden_weight: tuple[float, float] = (0.02, 0.03)  #: from one hidden layer to the next
    recurrent_weight: tuple[float, float] = (0.0, 0.02)
    output_weight: tuple[float, float] = (0.0, 0.03)

    # delays
    max_delay: float = 1000.0
    input_delay: tuple[float, float] | None = (0.0, 100.0)  #: None: no delays from the input
    hidden_delay: tuple[float, float] = (0.0, 100.0)
    #: from a hidden layer to itself; None: these connections have no delays
    recurrent_delay: tuple[float, float] | None = (0.0, 0.0)
    output_delay: tuple[float, float] | None = None  #: None: this connection has no delays

    # learning
    epochs: int = 100
    batch_size: int = 32
    lr: float = 1e-3  #: learning rate (Adam) of weights
    recurrent_lr: float = 1.0  #: recurrent weights: factor to ``lr``
    output_lr: float = 1.0  #: output weights: factor to ``lr``
    delay_lr: float = 0.1  #: learning rate (Adam) of delays [ms]
    lr_ease_in: float = 1.0  #: share of the rates in the first batch
    lr_growth: float = 1.05  #: factor per batch until the rates are reached
    delay_ease_in: bool = True  #: whether the rate of delays is reached in this way, too
    lr_final: float = 1.0  #: share of the rates left at the end, reached along half a cosine
    i_minus_thresh_min: float = 1e-2  #: lower bound on I - threshold at a spike
    reg_lambda: float = 0.0  #: strength with which numbers of hidden spikes are regularised
    reg_nu: float = 14.0  #: wanted hidden spikes per neuron and trial
    wake_silent: float = 0.0  #: added to input weights of neurons silent in a whole epoch
    patience: int | None = None  #: epochs without better validation accuracy that end training

    # augmentation of training samples, drawn anew in each epoch
    drop: float = 0.0  #: probability that an event is left out
    drop_rate: float = 1.0  #: share of the samples that lose events
    jitter: float = 0.0  #: standard deviation of the time of each event
    jitter_rate: float = 1.0  #: share of the samples that are jittered
    shift: float = 0.0  #: standard deviation by which a whole sample is moved
    stretch: float = 0.0  #: relative standard deviation by which it is stretched
    channel_shift: int = 0  #: largest number of channels by which a whole sample is moved
    channel_shift_rate: float = 1.0  #: share of the samples that are moved
    blend: float = 0.0  #: share of the samples that are blended with another one of their class

    def augmentation(self, duration: float) -> Augmentation | None:
        """How training samples are varied; None where they are not.

        Args:
            duration: length of a trial [ms]

        Raises:
            ValueError, TypeError: amounts or shares that are not allowed.
        """
        for name in ("drop", "jitter", "channel_shift"):
            check_rate(getattr(self, f"{name}_rate"), name)
        amounts = {"drop": self.drop, "jitter": self.jitter}
        with_rate = {n: v for n, v in amounts.items() if getattr(self, f"{n}_rate") != 1.0}
        for_all = {n: v for n, v in amounts.items() if n not in with_rate}
        steps: list[Augmentation] = []
        if self.blend:
            steps.append(BlendExamples(duration, self.blend))
        if self.channel_shift:
            steps.append(ShiftChannels(self.channel_shift, self.channel_shift_rate))
        if self.shift or self.stretch or any(for_all.values()):
            steps.append(AugmentEvents(duration, self.stretch, self.shift, **for_all))
        if with_rate.get("jitter"):
            steps.append(JitterTimes(duration, self.jitter, self.jitter_rate))
        if with_rate.get("drop"):
            steps.append(DropEvents(self.drop, self.drop_rate))
        return steps[0] if len(steps) == 1 else Compose(steps) if steps else None


@dataclass(frozen=True)
class ClassifierNetwork:
    """A network with its parts, as the compiler and callbacks need them."""

    network: Network
    input: Population
    hidden: list[Population]
    output: Population
    connections: dict[str, Connection]  #: by name, e.g. ``"input_hidden"``
    delay_learn_conns: list[Connection]  #: for ``EventPropCompiler``


def build_classifier(
    settings: ClassifierSettings,
    num_input: int,
    num_output: int,
    num_hidden: Sequence[int] = (128,),
    recurrent: bool = True,
    delays: str = "learned",
) -> ClassifierNetwork:
    """Describe a network; weights and delays are drawn when it is compiled.

    Args:
        settings: time constants, initial weights and delays. Initial delays beyond
            ``max_delay`` are drawn up to there only.
        num_input: input channels.
        num_output: classes.
        num_hidden: neurons of each hidden layer, at least one layer.
        recurrent: whether each hidden layer is connected to itself.
        delays: ``"learned"``, ``"fixed"`` (drawn like those that are learned) or ``"none"``.

    Raises:
        ValueError: no hidden layer, another value of ``delays``, a negative ``max_delay``, or
            sizes and settings that the parts of the network refuse.
    """
    if len(num_hidden) == 0:
        raise ValueError("num_hidden is empty, at least one hidden layer is needed")
    check_delays(settings, delays)
    builder = _Builder(settings, delays)
    network = Network(default_params)
    with network:
        source = Population(SpikeInput(), num_input, record_spikes=True, name="input")
        hidden = [
            Population(
                LeakyIntegrateFire(v_thresh=settings.v_thresh, tau_mem=settings.tau_mem),
                size,
                record_spikes=True,
                name=f"hidden{i + 1}" if len(num_hidden) > 1 else "hidden",
            )
            for i, size in enumerate(num_hidden)
        ]
        output = Population(
            _output_neuron(settings),
            num_output,
            name="output",
        )
        builder.connect(source, hidden[0], settings.input_weight, settings.input_delay)
        for layer, following in pairwise(hidden):
            builder.connect(layer, following, settings.hidden_weight, settings.hidden_delay)
        for layer in hidden if recurrent else []:
            builder.connect(layer, layer, settings.recurrent_weight, settings.recurrent_delay)
        builder.connect(hidden[-1], output, settings.output_weight, settings.output_delay)
    return ClassifierNetwork(
        network, source, hidden, output, builder.connections, builder.delay_learn_conns
    )


def check_delays(settings: ClassifierSettings, delays: str) -> None:
    """See that a network can have such delays.

    Raises:
        ValueError: another value of ``delays``, or a negative ``max_delay``.
    """
    if delays not in DELAY_MODES:
        raise ValueError(f"delays is {delays!r}, allowed are {', '.join(map(repr, DELAY_MODES))}")
    if not 0.0 <= settings.max_delay < math.inf:
        raise ValueError(f"max_delay is {settings.max_delay}, allowed are times from 0 ms")


def longest_delay_steps(settings: ClassifierSettings) -> int:
    """``max_delay`` in timesteps."""
    # the tolerance keeps e.g. 0.3 ms at dt = 0.1 ms at 3 steps
    return math.floor(settings.max_delay / settings.dt + 1e-6)


def initial_delays(settings: ClassifierSettings, delay: tuple[float, float]) -> Uniform:
    """Delays [timesteps] from the shortest to the longest [ms], but not beyond ``max_delay``."""
    cap = longest_delay_steps(settings)
    shortest, longest = (min(d / settings.dt, cap) for d in delay)
    return Uniform(shortest, longest)


def _output_neuron(settings: ClassifierSettings) -> Neuron:
    """A leaky integrator, which spikes only where its first spike is read out."""
    if settings.readout == "first_spike_time":
        return LeakyIntegrateFire(
            v_thresh=settings.v_thresh, tau_mem=settings.tau_mem_output, readout=settings.readout
        )
    return LeakyIntegrate(tau_mem=settings.tau_mem_output, readout=settings.readout)


class _Builder:
    """Creates connections and keeps track of them."""

    def __init__(self, settings: ClassifierSettings, delays: str) -> None:
        self._settings = settings
        self._delays = delays
        self.connections: dict[str, Connection] = {}
        self.delay_learn_conns: list[Connection] = []

    def connect(
        self,
        source: Population,
        target: Population,
        weight: tuple[float, float],
        delay: tuple[float, float] | None,
    ) -> None:
        """All-to-all connection, with delays if the connection is to have any."""
        settings = self._settings
        tau_syn = settings.tau_syn if target.neuron.is_spiking else settings.tau_syn_output
        if self._delays == "none":
            delay = None
        connection = Connection(
            source,
            target,
            Dense(Normal(*weight), 0 if delay is None else initial_delays(settings, delay)),
            Exponential(tau_syn),
            name=f"{source.name}_{target.name}",
            max_delay_steps=None if delay is None else longest_delay_steps(settings),
        )
        self.connections[connection.name] = connection
        if delay is not None and self._delays == "learned":
            self.delay_learn_conns.append(connection)
