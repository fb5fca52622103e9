"""Classifiers of spike trains: hidden layers with delays, and a leaky integrator to read them out.

    input -> hidden (or hidden1 -> hidden2 -> ...) -> output

Every hidden layer may be connected to itself. Delays belong to the connections that end at hidden
layers and, if wanted, to the one that ends at the output.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import default_params
from mlgenn_delays.connectivity import Axonal, Dendritic, Dense, SharedDelay
from mlgenn_delays.initializers import Initializer, LogUniform, Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, Neuron, SpikeInput
from mlgenn_delays.synapses import Delta, Exponential, Synapse

from .settings import ClassifierSettings, NetworkSettings, NeuronSettings


@dataclass(frozen=True)
class ClassifierNetwork:
    """A network with its parts, as the compiler and callbacks need them."""

    network: Network
    input: Population
    hidden: list[Population]
    output: Population
    connections: dict[str, Connection]  #: by name, e.g. ``"input_hidden"``
    delay_learn_conns: list[Connection]  #: for compilers


def build_classifier(
    settings: ClassifierSettings, num_input: int, num_output: int
) -> ClassifierNetwork:
    """Describe a network; weights and delays are drawn when it is compiled.

    Args:
        settings: of which the groups ``network`` and ``neuron`` count, and of ``surrogate`` the
            synapse and the reset. Initial delays beyond ``max_delay`` are drawn up to there only.
        num_input: input channels.
        num_output: classes.

    Raises:
        ValueError: no hidden layer, or sizes and settings that the parts of the network refuse.
    """
    if len(settings.network.hidden) == 0:
        raise ValueError("hidden is empty, at least one hidden layer is needed")
    builder = _Builder(settings)
    network = Network(default_params)
    with network:
        source = Population(SpikeInput(), num_input, record_spikes=True, name="input")
        hidden = make_hidden_layers(settings)
        output = Population(_output_neuron(settings.neuron), num_output, name="output")
        builder.connect_all(source, hidden, output)
    return ClassifierNetwork(
        network, source, hidden, output, builder.connections, builder.delay_learn_conns
    )


def make_hidden_layers(settings: ClassifierSettings) -> list[Population]:
    """Hidden layers of the network that is being described."""
    sizes, neuron = settings.network.hidden, settings.neuron
    return [
        Population(
            LeakyIntegrateFire(
                v_thresh=neuron.v_thresh,
                tau_mem=one_or_drawn(neuron.tau_mem, neuron.tau_mem_range),
                relative_reset=settings.surrogate.soft_reset,
            ),
            size,
            record_spikes=True,
            name=f"hidden{i + 1}" if len(sizes) > 1 else "hidden",
        )
        for i, size in enumerate(sizes)
    ]


def longest_delay_steps(network: NetworkSettings) -> int:
    """``max_delay`` in timesteps."""
    # the tolerance keeps e.g. 0.3 ms at dt = 0.1 ms at 3 steps
    return math.floor(network.max_delay / network.dt + 1e-6)


def initial_delays(network: NetworkSettings, delay: tuple[float, float]) -> Uniform:
    """Delays [timesteps] from the shortest to the longest [ms], but not beyond ``max_delay``."""
    cap = longest_delay_steps(network)
    shortest, longest = (min(d / network.dt, cap) for d in delay)
    return Uniform(shortest, longest)


def share_delays(
    network: NetworkSettings, delays: Initializer, is_recurrent: bool
) -> Initializer | SharedDelay:
    """Delays of a connection, of which its synapses share what ``network`` says. The terms of a sum
    are drawn from half the range where it is known, so that delays have the same mean."""
    sharing = network.recurrent_delay_sharing if is_recurrent else None
    match sharing or network.delay_sharing:
        case "axonal":
            return Axonal(delays)
        case "dendritic":
            return Dendritic(delays)
        case "axonal+dendritic":
            if isinstance(delays, Uniform):
                delays = Uniform(delays.min / 2.0, delays.max / 2.0)
            return Axonal(delays) + Dendritic(delays)
    return delays


def one_or_drawn(tau: float, limits: tuple[float, float] | None) -> float | LogUniform:
    """A time constant [ms] of all neurons, or between which that of each is drawn."""
    return tau if limits is None else LogUniform(*limits)


def make_synapse(settings: ClassifierSettings, tau_syn: float | LogUniform) -> Synapse:
    """Synapses of the kind that is wanted.

    Args:
        settings: of which ``surrogate.synapse`` counts
        tau_syn: time constant [ms] of those that have one
    """
    if settings.surrogate.synapse == "delta":
        return Delta()
    return Exponential(tau_syn)


def _output_neuron(neuron: NeuronSettings) -> Neuron:
    """A leaky integrator, which spikes only where its first spike is read out."""
    if neuron.readout == "first_spike_time":
        return LeakyIntegrateFire(
            v_thresh=neuron.v_thresh, tau_mem=neuron.tau_mem_output, readout=neuron.readout
        )
    return LeakyIntegrate(tau_mem=neuron.tau_mem_output, readout=neuron.readout)


class _Builder:
    """Creates connections and keeps track of them."""

    def __init__(self, settings: ClassifierSettings) -> None:
        self._settings = settings
        self._network = settings.network
        self._neuron = settings.neuron
        self.connections: dict[str, Connection] = {}
        self.delay_learn_conns: list[Connection] = []

    def connect_all(self, source: Population, hidden: list[Population], output: Population) -> None:
        """All connections, in the order in which their parameters are drawn."""
        network = self._network
        self._connect(source, hidden[0], network.input_weight, network.input_delay)
        for layer, following in pairwise(hidden):
            self._connect(layer, following, network.hidden_weight, network.hidden_delay)
        for layer in hidden if network.recurrent else []:
            delay = network.recurrent_delay if network.recurrent_delays else None
            self._connect(layer, layer, network.recurrent_weight, delay)
        self._connect(hidden[-1], output, network.output_weight, network.output_delay)

    def _connect(
        self,
        source: Population,
        target: Population,
        weight: tuple[float, float],
        delay: tuple[float, float] | None,
    ) -> None:
        """All-to-all connection, with delays if the connection is to have any."""
        network, neuron = self._network, self._neuron
        tau_syn: float | LogUniform = neuron.tau_syn_output
        if target.neuron.is_spiking:
            tau_syn = one_or_drawn(neuron.tau_syn, neuron.tau_syn_range)
        if network.delays == "none":
            delay = None
        delays: Initializer | SharedDelay | float = 0.0
        if delay is not None:
            delays = share_delays(network, initial_delays(network, delay), source is target)
        connection = Connection(
            source,
            target,
            Dense(Normal(*weight), delays),
            make_synapse(self._settings, tau_syn),
            name=f"{source.name}_{target.name}",
            max_delay_steps=None if delay is None else longest_delay_steps(network),
        )
        self.connections[connection.name] = connection
        if delay is not None and network.delays == "learned":
            self.delay_learn_conns.append(connection)
