"""Small networks for the tests of sub-step timing: every way in which spikes can travel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.random import default_rng
from programs import Case, Delay, ProgramBuilder

from mlgenn_delays.losses import Loss, MeanSquareError, SparseCategoricalCrossentropy

SCE = SparseCategoricalCrossentropy()


def recurrent(
    seed: int,
    readout: str = "avg_var_exp_weight",
    loss: Loss = SCE,
    *,
    delays: tuple[Delay, Delay, Delay] = ((0.0, 8.0), (0.0, 5.0), (0.0, 8.0)),
    tau_syn: float = 5.0,
    weight: float = 1.4,
    spread: float = 0.4,
    density: float = 1.0,
    dt: float = 1.0,
    sizes: tuple[int, int, int] = (2, 3, 2),
    output: dict[str, Any] | None = None,
    targets: list | None = None,
    **hidden: Any,
) -> Case:
    """Input -> recurrent hidden -> output, 60 ms."""
    b = ProgramBuilder(seed, round(60 / dt), dt, batch=1)
    layers = [b.input(sizes[0], spikes=30), b.hidden(sizes[1], **{"v": 0.2, **hidden})]
    layers.append(b.output(sizes[2], loss, readout, **(output or {})))
    ends = [(0, 1, weight, spread), (1, 1, 0.0, spread), (1, 2, 0.6, 0.6)]
    for (source, target, mean, sd), delay in zip(ends, delays):
        b.connect(layers[source], layers[target], mean, sd, tau_syn, delay, density)
    return b.build(targets)


def layered(seed: int, delay: Delay = (0.0, 2.5), taus: tuple[float, float] = (5.0, 5.0)) -> Case:
    """Input -> two hidden layers -> output, and connections that skip a layer."""
    b = ProgramBuilder(seed, 60, batch=1)
    first, one, two = b.input(2, spikes=30), b.hidden(2, "one"), b.hidden(2, "two", tau_mem=8.0)
    last = b.output(2, SCE, "avg_var")
    for source, target, mean, tau in (
        (first, one, 1.4, taus[0]),
        (one, two, 0.9, taus[0]),
        (two, last, 0.6, taus[0]),
        (first, two, 0.3, taus[1]),
        (one, last, 0.0, taus[1]),
    ):
        b.connect(source, target, mean, 0.4, tau, delay)
    return b.build()


def two_receptors(seed: int) -> Case:
    """Fast input and slow recurrent synapses in one population, a fixed delay among them."""
    b = ProgramBuilder(seed, 60, batch=1)
    first, hidden, last = b.input(2, spikes=30), b.hidden(3, v=-0.3), b.output(2, SCE, v=0.4)
    b.connect(first, hidden, 1.6, 0.3, 3.0, delay=(0.0, 6.0))
    b.connect(hidden, hidden, -0.1, 0.2, 14.0, delay=(0.0, 3.0))
    b.connect(first, hidden, 0.3, 0.2, 14.0, delay=2)
    b.connect(hidden, last, 0.5, 0.6, 3.0, delay=(0.0, 6.0))
    b.connect(first, last, 0.0, 0.6, 10.0, delay=(0.0, 6.0))
    return b.build()


def cycle(seed: int) -> Case:
    """Two hidden populations that hear each other, two outputs."""
    b = ProgramBuilder(seed, 60, batch=1)
    first, one, two = b.input(2, spikes=30), b.hidden(2, "one"), b.hidden(2, "two", v_reset=-0.2)
    last, largest = b.output(2, SCE, "sum_var"), b.output(2, SCE, "max_var", "largest")
    b.connect(first, one, 1.7, 0.5, delay=(0.0, 4.0))
    b.connect(one, two, 1.6, 0.5, delay=(0.0, 4.0))
    b.connect(two, one, 0.0, 0.4, delay=(0.0, 1.5))
    b.connect(two, last, 0.02, 0.04, delay=(0.0, 4.0))
    b.connect(one, largest, 0.5, 0.6, delay=(0.0, 4.0))
    return b.build()


def spiking_output(seed: int) -> Case:
    """First spikes of an output that excites the population before it."""
    b = ProgramBuilder(seed, 60, batch=1)
    first, hidden = b.input(2, spikes=30), b.hidden(3)
    last = b.output(3, SCE, "first_spike_time")
    b.connect(first, hidden, 1.7, 0.5, delay=(0.0, 4.0))
    b.connect(hidden, last, 0.35, 0.4, delay=(0.0, 4.0))
    b.connect(last, hidden, 0.3, 0.5, delay=(0.0, 4.0))
    return b.build(ttfs_alpha=0.01)


def over_time(seed: int) -> Case:
    """A loss on the voltage at the ends of all steps."""
    targets = [default_rng(seed).normal(size=(1, 60, 2))]
    return recurrent(seed, "var", MeanSquareError(), targets=targets)


SHORT: tuple[Delay, Delay, Delay] = ((0.0, 1.0), (0.0, 1.0), (0.0, 1.0))
COARSE: tuple[Delay, Delay, Delay] = ((0.0, 2.0), (0.0, 2.0), (0.0, 2.0))

#: How a network of a seed is made, by what is special about it.
NETWORKS: dict[str, Callable[[int], Case]] = {
    "recurrent": recurrent,
    "short delays": lambda s: recurrent(s, delays=SHORT),
    "no recurrent delay": lambda s: recurrent(s, delays=((0.0, 8.0), None, (0.0, 8.0))),
    "fixed delays": lambda s: recurrent(s, delays=(3, 1, 2)),
    "sparse": lambda s: recurrent(s, weight=2.0, density=0.6, sizes=(3, 4, 2)),
    "layers": layered,
    "layers, time constants": lambda s: layered(s, taus=(4.0, 9.0)),
    "two receptors": two_receptors,
    "equal time constants": lambda s: recurrent(s, tau_syn=10.0, weight=0.75, spread=0.2),
    "nearly equal": lambda s: recurrent(s, tau_syn=10.0 * (1.0 + 1e-9), weight=0.75, spread=0.2),
    "close": lambda s: recurrent(s, tau_syn=10.01, weight=0.75, spread=0.2),
    "many spikes": lambda s: recurrent(s, v_reset=0.9, weight=0.5, spread=0.1),
    "half steps": lambda s: recurrent(s, dt=0.5),
    "coarse steps": lambda s: recurrent(s, dt=4.0, delays=COARSE),
    "cycle": cycle,
    "spiking output": spiking_output,
    "over time": over_time,
    "voltage at the end": lambda s: recurrent(s, "var"),
}


def sparse(seed: int, delay: Delay = (0.0, 8.0), hidden: int = 12) -> Case:
    """Sparse recurrent network with time constants of 20 and 5 ms, 80 ms."""
    b = ProgramBuilder(seed, 80, batch=1)
    first, middle = b.input(8, spikes=40), b.hidden(hidden, tau_mem=20.0)
    last = b.output(3, SCE, "avg_var_exp_weight", tau_mem=20.0)
    b.connect(first, middle, 2.5, 1.0, delay=(0.0, 8.0), density=0.4)
    b.connect(middle, middle, 0.0, 0.8, delay=delay, density=0.25)
    b.connect(middle, last, 0.5, 1.0, delay=(0.0, 8.0), density=0.5)
    return b.build()
