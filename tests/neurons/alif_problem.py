"""A small recurrent network of adaptive neurons, described once for all that solves it.

Times and delays in ms. The threshold is theta + A; a spike raises A by beta.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import EventPropCompiler
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.neurons import AdaptiveLeakyIntegrateFire, LeakyIntegrate, Neuron, SpikeInput
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes

#: Connections: input to hidden, hidden to hidden, hidden to output.
NAMES = ("in", "rec", "out")


@dataclass(frozen=True)
class Cell:
    """Parameters of a hidden neuron."""

    tau_mem: float = 10.0
    v_thresh: float = 1.0
    v_reset: float = -0.1
    beta: float = 0.3
    tau_adapt: float = 25.0
    a: float = 0.0  #: A at the start
    tau_refrac: float = 0.0


@dataclass(frozen=True)
class Problem:
    """Weights (pre, post), delays (pre, post) [ms], input spikes and labels."""

    cell: Cell
    weights: dict[str, np.ndarray]
    delays: dict[str, np.ndarray]
    inputs: list[tuple[np.ndarray, np.ndarray]]  #: per example times [ms] and channels
    labels: list[int]
    duration: float = 30.0
    tau_syn: float = 5.0
    tau_out: float = 12.0
    others: dict[int, Cell] = field(default_factory=dict)  #: neurons that are not like ``cell``

    def cell_of(self, neuron: int) -> Cell:
        """Parameters of one hidden neuron."""
        return self.others.get(neuron, self.cell)

    def moved_cell(self, name: str, neuron: int, step: float) -> Problem:
        """The same problem with one parameter of one hidden neuron changed."""
        cell = self.cell_of(neuron)
        moved = replace(cell, **{name: getattr(cell, name) + step})
        return replace(self, others={**self.others, neuron: moved})

    @property
    def num_hidden(self) -> int:
        return self.weights["rec"].shape[0]

    @property
    def num_outputs(self) -> int:
        return self.weights["out"].shape[1]

    def with_cell(self, **changes: Any) -> Problem:
        """The same problem with other parameters of the neurons."""
        return replace(self, cell=replace(self.cell, **changes))

    def moved(self, kind: str, name: str, index: tuple, step: float) -> Problem:
        """The same problem with one weight or delay changed; ``kind`` is a field."""
        values = {n: v.copy() for n, v in getattr(self, kind).items()}
        values[name][index] += step
        return replace(self, **{kind: values})


def make_problem(seed: int = 0, examples: int = 2, hidden: int = 3, **cell: Any) -> Problem:
    """3 input channels, recurrent hidden neurons, 2 outputs, a delay on every synapse."""
    rng = np.random.default_rng(seed)
    shapes = {"in": (3, hidden), "rec": (hidden, hidden), "out": (hidden, 2)}
    means = {"in": (2.6, 0.6), "rec": (0.0, 1.8 / hidden), "out": (0.5, 1.0)}
    return Problem(
        Cell(**cell),
        weights={n: rng.normal(*means[n], shape) for n, shape in shapes.items()},
        delays={n: rng.uniform(0.5, 5.0, shape) for n, shape in shapes.items()},
        inputs=[
            (np.sort(rng.uniform(0.0, 20.0, 9)), rng.integers(0, 3, 9)) for _ in range(examples)
        ],
        labels=[i % 2 for i in range(examples)],
    )


@lru_cache(maxsize=1)
def example_class() -> type[Neuron]:
    """The class that docs/models.md writes."""
    page = Path(__file__).parents[2] / "docs" / "models.md"
    code = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)[0]
    names: dict[str, Any] = {}
    exec(code, names)
    return names["AdaptiveNeuron"]


def example(cell: Cell) -> Neuron:
    """The class of docs/models.md, which has no refractory period and starts with A = 0."""
    assert cell.tau_refrac == 0.0 and cell.a == 0.0
    names = ("v_thresh", "v_reset", "beta", "tau_mem", "tau_adapt")
    return example_class()(**{name: getattr(cell, name) for name in names})


def shipped(cell: Cell) -> Neuron:
    """The package's class, whose A counts in units of beta."""
    return AdaptiveLeakyIntegrateFire(
        v_thresh=cell.v_thresh,
        v_reset=cell.v_reset,
        a=cell.a / cell.beta if cell.beta else 0.0,
        beta=cell.beta,
        tau_mem=cell.tau_mem,
        tau_refrac=cell.tau_refrac or None,
        tau_adapt=cell.tau_adapt,
    )


class Compiled:
    """A problem compiled for an engine on the grid.

    Args:
        problem: what to compile
        make:    hidden neuron model from the problem's cell
        dt:      timestep [ms]
        backend: engine
        learned: parameters of hidden neurons that are learned
    """

    def __init__(
        self,
        problem: Problem,
        make: Callable[[Cell], Neuron],
        dt: float,
        backend: str = "cpu",
        learned: Sequence[str] = (),
    ):
        self.problem, self.dt, self._learned = problem, dt, learned
        network = Network()
        with network:
            x = Population(SpikeInput(), problem.weights["in"].shape[0])
            h = Population(make(problem.cell), problem.num_hidden, record_spikes=True)
            output = LeakyIntegrate(tau_mem=problem.tau_out, readout="avg_var")
            y = Population(output, problem.num_outputs)
            ends = {"in": (x, h), "rec": (h, h), "out": (h, y)}
            conns = {
                name: Connection(
                    *ends[name],
                    Dense(problem.weights[name], problem.delays[name] / dt),
                    Exponential(problem.tau_syn),
                    max_delay_steps=int(np.ceil(problem.delays[name].max() / dt)) + 1,
                )
                for name in NAMES
            }
        compiler = EventPropCompiler(
            round(problem.duration / dt),
            "sparse_categorical_crossentropy",
            dt=dt,
            batch_size=len(problem.labels),
            delay_learn_conns=list(conns.values()),
            backend=backend,
            num_threads=1,
            neuron_learn_params={h: learned} if learned else None,
        )
        self.network = compiler.compile(network)
        self.hidden, self._connections = h, conns
        channels = problem.weights["in"].shape[0]
        self.data = {x: [preprocess_spikes(t, ids, channels) for t, ids in problem.inputs]}
        self.targets = {y: problem.labels}

    def gradients(self) -> tuple[float, dict[str, dict[str, np.ndarray]]]:
        """Loss, and gradients of "weights" and "delays" [1/ms] by connection."""
        loss, found = self.network.gradients(self.data, self.targets)
        by_name = {name: found[c] for name, c in self._connections.items()}
        return loss, {
            "weights": {n: g["g"] for n, g in by_name.items()},
            "delays": {n: g["d"] / self.dt for n, g in by_name.items()},
        }

    def constant_gradients(self) -> dict[str, np.ndarray]:
        """Gradients by the learned parameters of hidden neurons, (hidden,)."""
        found = self.network.gradients(self.data, self.targets)[1][self.hidden]
        return {name: found[name] for name in self._learned}

    def spike_counts(self) -> np.ndarray:
        """(examples, hidden) of the last batch."""
        return np.array(self.network.spike_counts[self.hidden])
