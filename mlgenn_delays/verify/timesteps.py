"""How far a network of one's own is from exact, timing by timing and timestep by timestep."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from ..checks import check_choice, check_number, check_sequence
from ..compilers.build_connections import describe_delays
from ..compilers.event_prop_compiler import EventPropCompiler
from ..connection import Connection
from ..connectivity import SharedDelay
from ..initializers import Uniform
from ..initializers.value import is_value_constant
from ..layer import get_underlying_conn, get_underlying_pop
from ..network import Network
from ..population import Population
from ..program.program import Timing
from ..program.timing import TIMESTEP, steps_up
from ..training.compiled_training_network import CompiledTrainingNetwork
from .probe import GradientProbe

TIMINGS: tuple[Timing, ...] = get_args(Timing)

#: Parameters of connections, and what a table calls them.
_ROLES = {"g": "weights", "d": "delays"}


@dataclass(frozen=True)
class TimestepRow:
    """A network with one timing and timestep, beside the event-driven reference.

    Attributes:
        timing, dt: of the engine; dt in ms
        loss:       mean of the examples
        loss_error: its difference from the reference's, by the reference's
        spikes:     of all neurons and examples
        unseen:     peaks above threshold within a timestep, which no spike was seen of; None: not
                    counted, on the grid
        cosines:    "weights" and, where they are learned, "delays" -> cosine of the gradient and
                    the reference's
    """

    timing: Timing
    dt: float
    loss: float
    loss_error: float
    spikes: int
    unseen: int | None
    cosines: Mapping[str, float]


@dataclass(frozen=True)
class TimestepTable:
    """The reference's loss and spikes, and a row for each timing and timestep; ``str()`` shows
    it."""

    loss: float
    spikes: int
    rows: tuple[TimestepRow, ...]

    def __str__(self) -> str:
        roles = list(self.rows[0].cosines)
        titles = "".join(f"{'cosine, ' + role:>17}" for role in roles)
        lines = [
            f"{'timing':<9}{'dt [ms]':>9}{'loss':>11}{'error':>10}{'spikes':>9}{'unseen':>8}"
            + titles,
            f"{'reference':<9}{'':>9}{self.loss:>11.6f}{'':>10}{self.spikes:>9}",
        ]
        for row in self.rows:
            cosines = "".join(f"{row.cosines[role]:>17.4f}" for role in roles)
            unseen = "" if row.unseen is None else row.unseen
            lines.append(
                f"{row.timing:<9}{row.dt:>9g}{row.loss:>11.6f}{row.loss_error:>+10.2%}"
                f"{row.spikes:>9}{unseen:>8}{cosines}"
            )
        return "\n".join(lines)


def compare_timesteps(
    network: Network,
    x: Mapping[Any, Any],
    y: Mapping[Any, Any],
    *,
    duration: float,
    losses: Any,
    dt: float = 1.0,
    dts: Sequence[float] = (0.1, 0.5, 1.0, 2.0),
    timings: Sequence[Timing] = TIMINGS,
    delay_learn_conns: Iterable[Any] = (),
    print_table: bool = True,
    **settings: Any,
) -> TimestepTable:
    """Loss and gradients of a network on the CPU engine beside those of the event-driven reference,
    which has no timesteps: which timestep is short enough, and with which timing.

    The reference is slow: a few samples of a network with up to some hundred neurons.

    Args:
        network:   the description; it is not changed
        x:         input -> a few ``PreprocessedSpikes``
        y:         output -> labels or targets
        duration:  of a trial [ms]
        losses, delay_learn_conns: see :class:`.EventPropCompiler`
        dt:        timestep [ms] that delays of the description are counted in
        dts:       timesteps [ms] to compare
        timings:   "grid", "substep"
        print_table: print the table
        settings:  further arguments of :class:`.EventPropCompiler`

    Returns:
        the table

    Raises:
        ValueError, TypeError: as the compiler and ``train`` do.
    """
    dt, duration = check_number(dt, "dt", **TIMESTEP), check_number(duration, "duration", above=0.0)
    steps = [check_number(d, "dts", **TIMESTEP) for d in check_sequence(dts, "dts", "timesteps")]
    for timing in check_sequence(timings, "timings", "timings"):
        check_choice(timing, "timings", TIMINGS)
    learned = {get_underlying_conn(c) for c in delay_learn_conns}
    settings = {"losses": losses, "batch_size": max([1, *map(len, x.values())]), **settings}

    def probe(timing: Timing, step: float, backend: str) -> GradientProbe:
        scaled = _Scaled(network, dt / step)
        compiled = EventPropCompiler(
            steps_up(duration, step),
            dt=step,
            timing=timing,
            backend=backend,
            delay_learn_conns=[scaled.connection(c) for c in learned],
            **settings,
        ).compile(scaled.network)
        if values:
            _take_over(compiled, values, dt / step)
        keys = scaled.populations
        return GradientProbe(
            compiled,
            {keys[get_underlying_pop(p)]: v for p, v in x.items()},
            {keys[get_underlying_pop(p)]: v for p, v in y.items()},
        )

    values: dict[str, np.ndarray] = {}
    reference = probe("substep", dt, "reference")
    values = {
        spec.key: np.array(reference.network.engine.get_parameter(i))
        for i, spec in enumerate(reference.program.parameters)
    }
    exact = _gradients(reference, dt)
    rows = []
    for timing in timings:
        for step in steps:
            found = probe(timing, step, "cpu")
            with found.network:
                cosines = {n: _cosine(g, exact[n]) for n, g in _gradients(found, step).items()}
                unseen = found.count_unseen_peaks() if timing == "substep" else None
            error = found.loss / reference.loss - 1.0 if reference.loss else math.nan
            rows.append(
                TimestepRow(timing, step, found.loss, error, _spikes(found), unseen, cosines)
            )
    table = TimestepTable(reference.loss, _spikes(reference), tuple(rows))
    if print_table:
        print(table)
    return table


class _Scaled:
    """A copy of a network whose delays are counted in other timesteps: so many for one."""

    def __init__(self, network: Network, ratio: float) -> None:
        self.populations: dict[Population, Population] = {}
        self._connections: dict[Connection, Connection] = {}
        self.network = Network()
        with self.network:
            for p in network.populations:
                self.populations[p] = Population(deepcopy(p.neuron), p.shape, name=p.name)
            for c in network.connections:
                self._connections[c] = self._copy(c, ratio)

    def _copy(self, c: Connection, ratio: float) -> Connection:
        connectivity, largest = deepcopy(c.connectivity), c.max_delay_steps
        delay = connectivity.delay
        if largest is not None:
            largest = math.ceil(largest * ratio)
        if isinstance(delay, SharedDelay):
            if largest is None:
                largest = math.ceil(describe_delays(c, learned=False).max_steps * ratio)
            connectivity.delay = delay.with_values(0.0)  # those of entries come afterwards
        elif is_value_constant(delay):
            connectivity.delay = float(np.asarray(delay)) * ratio
        elif ratio != 1.0:  # those of single synapses come afterwards
            if largest is None:
                largest = math.ceil(describe_delays(c, learned=False).max_steps * ratio)
            connectivity.delay = Uniform(0.0, float(largest))
        source, target = c.source(), c.target()
        assert source is not None and target is not None
        return Connection(
            self.populations[source],
            self.populations[target],
            connectivity,
            deepcopy(c.synapse),
            name=c.name,
            max_delay_steps=largest,
        )

    def connection(self, original: Connection) -> Connection:
        """That of the copy."""
        return self._connections[original]


def _take_over(
    compiled: CompiledTrainingNetwork, values: Mapping[str, np.ndarray], ratio: float
) -> None:
    """One delay for all synapses is a parameter with some timesteps and not with others: then it
    is right as it is."""
    for index, spec in enumerate(compiled.program.parameters):
        if (value := values.get(spec.key)) is not None:
            compiled.engine.set_parameter(index, value * (ratio if spec.name == "d" else 1.0))


def _gradients(probe: GradientProbe, dt: float) -> dict[str, np.ndarray]:
    """All gradients of one role in one array, by delays [ms]."""
    found: dict[str, list[np.ndarray]] = {}
    for index, gradient in probe.gradients.items():
        name = probe.program.parameters[index].name
        found.setdefault(_ROLES[name], []).append(gradient.ravel() / (dt if name == "d" else 1.0))
    return {role: np.concatenate(parts).astype(np.float64) for role, parts in found.items()}


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norms if norms else math.nan


def _spikes(probe: GradientProbe) -> int:
    return int(sum(np.sum(counts) for counts in probe.counts.values()))
