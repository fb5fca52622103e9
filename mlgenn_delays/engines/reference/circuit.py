"""A program as the event loop sees it: membranes, and one row of synapses per neuron.

Parameters are plain Python floats here: a NumPy scalar in the event loop costs several
times as much.
"""

from __future__ import annotations

import numpy as np

from ...neurons import LeakyIntegrate, LeakyIntegrateFire
from ...program.program import ConnectionProgram, PopulationProgram, Program
from .membrane import Membrane


class Row:
    """Synapses of one presynaptic neuron, in order of their delays.

    Attributes:
        link:     the connection
        posts:    postsynaptic neurons
        synapses: flat indices into the parameters of the connection
        weights:  synaptic weights
        delays:   delays [ms], not decreasing
    """

    __slots__ = ("delays", "link", "posts", "synapses", "weights")

    def __init__(
        self, link: Link, posts: np.ndarray, synapses: np.ndarray, g: np.ndarray, delays: np.ndarray
    ):
        order = np.argsort(delays, kind="stable")
        self.link = link
        self.posts: list[int] = posts[order].tolist()
        self.synapses: list[int] = synapses[order].tolist()
        self.weights: list[float] = g[synapses[order]].tolist()
        self.delays: list[float] = delays[order].tolist()


class Link:
    """One connection with its parameters; its rows are made when they are first used.

    Args:
        program: the connection
        g:       weights, of ``param_shape``
        d:       delays in timesteps, of ``param_shape``; None where they are constant
        dt:      length of a timestep [ms]
    """

    def __init__(self, program: ConnectionProgram, g: np.ndarray, d: np.ndarray | None, dt: float):
        self.program = program
        self.index = program.index
        self.target = program.target
        self.receptor = program.receptor
        self.tau_syn = float(program.tau_syn)
        self._g = np.ravel(g)
        self._delays = None if d is None else np.ravel(d) * dt
        self._constant_delay = program.constant_delay * dt
        self._rows: dict[int, Row] = {}

    def row(self, pre: int) -> Row:
        """Synapses of presynaptic neuron ``pre``."""
        if pre not in self._rows:
            self._rows[pre] = self._make_row(pre)
        return self._rows[pre]

    def _make_row(self, pre: int) -> Row:
        program = self.program
        if program.pre_ind is not None and program.post_ind is not None:
            start, stop = np.searchsorted(program.pre_ind, [pre, pre + 1])
            synapses = np.arange(start, stop)
            posts = program.post_ind[start:stop]
        else:
            posts = np.arange(program.target_size)
            synapses = pre * program.target_size + posts
        if self._delays is None:
            delays = np.full(len(posts), self._constant_delay)
        else:
            delays = self._delays[synapses]
        return Row(self, posts, synapses, self._g, delays)


class Circuit:
    """Membranes per population and links per connection of a program.

    Args:
        program:    the program
        parameters: per connection "g" and, where delays are per synapse, "d", float64
    """

    def __init__(self, program: Program, parameters: list[dict[str, np.ndarray]]):
        self.program = program
        self.membranes = [None if p.is_input else membrane_of(p) for p in program.populations]
        self.links = [
            Link(c, values["g"], values.get("d"), program.dt)
            for c, values in zip(program.connections, parameters, strict=True)
        ]
        self.outgoing = [
            [link for link in self.links if link.program.source == p.index]
            for p in program.populations
        ]


def membrane_of(population: PopulationProgram) -> Membrane:
    """Parameters of the neurons of a population that is not an input.

    Raises:
        TypeError: a neuron model other than the two that have closed forms here
    """
    neuron = population.neuron
    # classes derived from these two may bring other dynamics
    model = type(neuron).get_model
    if isinstance(neuron, LeakyIntegrate) and model is LeakyIntegrate.get_model:
        return Membrane(neuron.tau_mem, population.taus_syn, neuron.v)
    if isinstance(neuron, LeakyIntegrateFire) and model is LeakyIntegrateFire.get_model:
        return Membrane(
            neuron.tau_mem,
            population.taus_syn,
            neuron.v,
            neuron.v_thresh,
            neuron.v_reset,
            neuron.tau_refrac or 0.0,
        )
    raise TypeError(
        f"population '{population.name}': neuron model is {type(neuron).__name__}, the reference "
        "engine (and check_gradients, which compares with it) has closed forms of LeakyIntegrate "
        "and LeakyIntegrateFire only"
    )
