"""A program as the event loop sees it: membranes, and one row of synapses per neuron.

Parameters are plain Python floats here: a NumPy scalar in the event loop costs several
times as much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...program.equations import has_closed_form, has_relative_reset
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
        g:       weights of the synapses, flat
        d:       their delays in timesteps, flat; None where they are constant
        dt:      length of a timestep [ms]
    """

    def __init__(self, program: ConnectionProgram, g: np.ndarray, d: np.ndarray | None, dt: float):
        self.program = program
        self.index = program.index
        self.target = program.target
        self.receptor = program.receptor
        self._g = g
        self._delays = None if d is None else d * dt
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
        program: the program
        values:  value of each synapse or neuron, flat, per parameter in its order, float64
    """

    def __init__(self, program: Program, values: Sequence[np.ndarray]):
        self.program = program
        #: per population one membrane per neuron; none of inputs
        self.membranes = [_membranes(program, p, values) for p in program.populations]
        self.links = [
            Link(c, values[c.weight], None if c.delay is None else values[c.delay], program.dt)
            for c in program.connections
        ]
        self.outgoing = [
            [link for link in self.links if link.program.source == p.index]
            for p in program.populations
        ]


def check_models(program: Program) -> None:
    """Whether all models have closed forms here.

    Raises:
        TypeError: a neuron model other than the two that have, a reset relative to the threshold,
            or delta synapses
    """
    for connection in program.connections:
        if program.receptor(connection).is_delta:
            raise TypeError(
                f"connection '{connection.name}': its synapse is Delta, which the reference engine "
                "(and check_gradients, which compares with it) does not have: without timesteps, "
                "what arrives at one instant is not added up; use backend='cpu'"
            )
    for population in program.neurons:
        if has_relative_reset(population.dynamics):
            raise TypeError(
                f"population '{population.name}': relative_reset is True, which the reference "
                "engine (and check_gradients, which compares with it) does not have; use "
                "backend='cpu'"
            )
        if not has_closed_form(population.dynamics, program.dt):
            raise TypeError(
                f"population '{population.name}': neuron model is {population.neuron}, the "
                "reference engine (and check_gradients, which compares with it) has closed forms "
                "of LeakyIntegrate and LeakyIntegrateFire only"
            )


def _membranes(
    program: Program, population: PopulationProgram, values: Sequence[np.ndarray]
) -> list[Membrane]:
    """One membrane per neuron; the same object where nothing sets neurons apart."""
    if population.is_input:
        return []
    own = program.own_parameters(population)
    if not own:
        return [_membrane(program, population, {})] * population.size
    return [
        _membrane(program, population, {name: float(values[i][k]) for name, i in own.items()})
        for k in range(population.size)
    ]


def _membrane(
    program: Program, population: PopulationProgram, own: Mapping[str, float]
) -> Membrane:
    model = population.dynamics
    params = {**model.params, **own}
    taus = [own.get(f"TauSyn{r}", of.tau) for r, of in enumerate(population.receptors)]
    if not population.is_spiking:
        return Membrane(params["TauM"], taus, model.vars["V"])
    refractory = model.tau_refrac
    if refractory is None:
        refractory = model.refractory_steps * program.dt
    return Membrane(
        params["TauM"], taus, model.vars["V"], params["Vthresh"], params["Vreset"], refractory
    )
