"""Recipes: networks that were published with their training by surrogate gradients, as they were.

The methods of ``--method dcls`` and ``delrec`` train the networks of EventProp with the rates and
schedules of these publications. A recipe has the published network itself, too: initial values,
layers with delays, normalisation, and how its data are binned. The recipes are in :mod:`.dcls` and
:mod:`.delrec`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import default_params
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.initializers import Initializer, Orthogonal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, SpikeInput
from mlgenn_delays.synapses import Delta

from .classifier import ClassifierNetwork, make_hidden_layers, share_delays
from .settings import ClassifierSettings, Method

#: Gains of initial weights, which are uniform in +- gain / sqrt(number of inputs): Kaiming's for
#: rectified units (He et al. 2015, arXiv 1502.01852) and that of PyTorch's ``Linear``.
KAIMING_GAIN, LINEAR_GAIN = math.sqrt(6.0), 1.0

#: Longest delay that recurrent connections can learn [timesteps]; published ones have no bound, and
#: begin below 40.
LONGEST_RECURRENT_DELAY = 80


@dataclass(frozen=True)
class Published:
    """What was published of a recipe, to compare with."""

    accuracy: float | None  #: on the test part, mean over seeds [%]; None: not known
    deviation: float | None  #: standard deviation over seeds [%]
    parameters: float  #: learned ones, as published, rounded to two digits or fewer
    source: str
    #: what the published training has that this one has not
    differences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """A published network, the data that it is trained with, and how.

    Feed-forward connections are called ``"input"`` (to the first hidden layer), ``"hidden"`` (from
    one hidden layer to the next) and ``"output"``.
    """

    name: str
    task: str  #: whose data it is trained with: ``"shd"``, ``"ssc"`` or ``"psmnist"``
    method: Method
    settings: ClassifierSettings
    published: Published
    gain: float  #: of the initial weights of feed-forward connections
    #: feed-forward connections with delays -> longest delay [timesteps]; at first they are uniform
    delays: Mapping[str, int]
    #: hidden layers, counted from 1, that are connected to themselves
    recurrent_layers: tuple[int, ...] = ()
    #: initial recurrent delays [timesteps]
    recurrent_delays: Initializer | None = None
    #: neighbouring input channels that are added up to one
    grouped_channels: int = 1
    #: what an input event stands for, in units of the published input
    event_size: float = 1.0
    #: length of a trial that the data fill [ms]; None: that of the data
    duration: float | None = None
    #: timesteps that follow it, in which spikes take effect: published layers follow each other
    #: within a timestep, here, each connection takes one, and an event waits for the end of its own
    tail_steps: int = 0
    #: ``"adamw"``: weight decay apart from the gradient
    optimiser: Literal["adam", "adamw"] = "adam"

    def build(self, num_input: int, num_output: int) -> ClassifierNetwork:
        """Describe the network; weights and delays are drawn when it is compiled.

        Args:
            num_input: input channels, after neighbours are added up.
            num_output: classes.

        Raises:
            ValueError: a hidden layer too few, or sizes that the parts of the network refuse.
        """
        sizes, needed = self.settings.network.hidden, max(self.recurrent_layers, default=1)
        if len(sizes) < needed:
            raise ValueError(f"hidden is {sizes}, {self.name} needs at least {needed} layers")
        return _Builder(self).build(num_input, num_output)


def membrane_time_constant(tau: float, dt: float) -> float:
    """tau_mem [ms] of neurons that keep as much of their voltage in a timestep as those of a
    publication, ``1 - 1 / tau``.

    Args:
        tau: published time constant [timesteps], above 1
        dt: timestep [ms]
    """
    return -dt / math.log(1.0 - 1.0 / tau)


def without_membrane(dt: float) -> float:
    """tau_mem [ms] of outputs that keep nothing of their voltage from one timestep to the next."""
    return 0.02 * dt  # exp(-50) is lost in rounding


class _Builder:
    """Creates the connections of a recipe and keeps track of them."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._delays = recipe.settings.network.delays
        self._connections: dict[str, Connection] = {}
        self._delay_learn_conns: list[Connection] = []

    def build(self, num_input: int, num_output: int) -> ClassifierNetwork:
        settings = self._recipe.settings
        neuron = settings.neuron
        network = Network(default_params)
        with network:
            source = Population(SpikeInput(), num_input, record_spikes=True, name="input")
            hidden = make_hidden_layers(settings)
            output = Population(
                LeakyIntegrate(tau_mem=neuron.tau_mem_output, readout=neuron.readout),
                num_output,
                name="output",
            )
            self._connect_all(source, hidden, output)
        return ClassifierNetwork(
            network, source, hidden, output, self._connections, self._delay_learn_conns
        )

    def _connect_all(
        self, source: Population, hidden: list[Population], output: Population
    ) -> None:
        """All connections, in the order in which their parameters are drawn."""
        self._feed_forward("input", source, hidden[0], self._recipe.event_size)
        for layer, following in pairwise(hidden):
            self._feed_forward("hidden", layer, following)
        for number in self._recipe.recurrent_layers:
            self._recurrent(hidden[number - 1])
        self._feed_forward("output", hidden[-1], output)

    def _feed_forward(
        self, kind: str, source: Population, target: Population, scale: float = 1.0
    ) -> None:
        bound = scale * self._recipe.gain / math.sqrt(source.size)
        longest = self._recipe.delays.get(kind)
        delays = None if longest is None else Uniform(0.0, longest)
        self._connect(source, target, Uniform(-bound, bound), delays, longest)

    def _recurrent(self, layer: Population) -> None:
        delays = self._recipe.recurrent_delays
        self._connect(layer, layer, Orthogonal(), delays, LONGEST_RECURRENT_DELAY)

    def _connect(
        self,
        source: Population,
        target: Population,
        weights: Initializer,
        delays: Initializer | None,
        longest: int | None,
    ) -> None:
        has_delays = delays is not None and self._delays != "none"
        settings, initial = self._recipe.settings.network, None
        if delays is not None and has_delays:
            initial = share_delays(settings, delays, source is target)
        connection = Connection(
            source,
            target,
            Dense(weights, 0 if initial is None else initial),
            Delta(),
            name=f"{source.name}_{target.name}",
            max_delay_steps=longest if has_delays else None,
        )
        self._connections[connection.name] = connection
        if has_delays and self._delays == "learned":
            self._delay_learn_conns.append(connection)
